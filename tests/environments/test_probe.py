"""A built environment is tried before it is used: every locked package, in its locked version."""

from __future__ import annotations

from pathlib import Path

import pytest
from wheelhouse import House, record

from repro.environments import environment_folder
from repro.errors import EnvironmentFailed
from repro.workflows import build_environment


@pytest.fixture
def house(index: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("REPRO_CACHE_DIR", str(tmp_path / "own cache"))
    index.add("tiny", "1.0")
    index.add("other", "2.0")
    return index


def test_what_is_installed_is_what_was_locked(house: House) -> None:
    """An environment with every locked package passes, and is in the cache from then on."""
    lock = house.lock("tiny==1.0", "other==2.0")
    assert not build_environment(record(lock), lock).from_cache
    assert build_environment(record(lock), lock).from_cache


@pytest.mark.parametrize(
    ("locked", "said"),
    [
        ({"tiny": "1.5"}, "has tiny 1.0, the lock 1.5"),
        ({"tiny": "1.0", "missing": "3.0"}, "has missing not at all, the lock 3.0"),
    ],
)
def test_another_or_a_missing_version_is_refused(house: House, locked: dict[str, str], said: str) -> None:
    """A package that is missing or of another version is told, and nothing that looks finished is left."""
    lock = house.lock("tiny==1.0")
    environment = record(lock, locked=locked)
    with pytest.raises(EnvironmentFailed, match=said):
        build_environment(environment, lock)
    assert not environment_folder(environment).exists()

"""What all tests share: no test touches the user's own caches, but for the large environments."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from wheelhouse import House

# Before any test module imports huggingface_hub, which reads it then.
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_UPDATE_CHECK"] = "1"

# A test never depends on the speed of the machine.
settings.register_profile("repro", deadline=None)
settings.load_profile("repro")

# A shell that runs the tests in the background has them ignore Ctrl-C, and every child would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what needs the Hub, or PyTorch's own index, unless it is asked for by its mark."""
    if "network" not in config.option.markexpr:
        skipped = pytest.mark.skip(reason="needs the network: pytest -m network")
        for item in items:
            if item.get_closest_marker("network"):
                item.add_marker(skipped)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the program's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("REPRO_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """An empty index of packages on loopback, and no other one."""
    from wheelhouse import only, serve  # beside the tests of environments, which alone use it

    with serve() as house:
        only(house.address, monkeypatch, tmp_path)
        yield house


@pytest.fixture
def house(index: House) -> House:
    """An index with two packages that need nothing."""
    index.add("tiny", "1.0")
    index.add("other", "2.0")
    return index

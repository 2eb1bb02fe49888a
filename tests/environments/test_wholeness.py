"""What uv's cache has damaged never gets into an environment: real uv, a real cache, real damage."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from wheelhouse import House, record

from repro.environments import Built, build, environment_folder
from repro.environments.wholeness import damaged, site_packages
from repro.errors import EnvironmentFailed

MODULE = "__version__ = '1.0'\n"


@pytest.fixture
def lock(house: House) -> str:
    """A lock whose two packages lie in uv's cache."""
    lock = house.lock("tiny==1.0", "other==2.0")
    built = build(record(lock), lock)
    assert damaged(built.folder, ["tiny", "other"]) == {}
    return lock


def in_uvs_cache(folder: Path, name: str) -> Path:
    """Return an unpacked file in uv's cache."""
    (path,) = (folder / "uv-cache" / "archive-v0").rglob(name)
    return path


def module(built: Built) -> str:
    return (site_packages(built.folder) / "tiny.py").read_text(encoding="utf-8")


def anew(lock: str, *, offline: bool = False) -> tuple[Built, list[str]]:
    """Build into an empty cache of ours; return what was said, too."""
    shutil.rmtree(environment_folder(record(lock)), ignore_errors=True)
    said: list[str] = []
    return build(record(lock), lock, report=said.append, offline=offline), said


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_text(MODULE.replace("1.0", "9.9"), encoding="utf-8"),
        lambda path: path.write_bytes(b""),
        lambda path: path.unlink(),
    ],
    ids=["another byte", "emptied", "gone"],
)
def test_a_damaged_file_is_fetched_again(
    lock: str, house: House, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """A file that is damaged, empty or gone in uv's cache is installed anew, and it is said."""
    damage(in_uvs_cache(tmp_path, "tiny.py"))
    house.requests.clear()
    built, said = anew(lock)
    assert module(built) == MODULE
    assert any("tiny: damaged in uv's package cache" in line for line in said)
    assert [path for path in house.requests if path.startswith("/files/")] == [
        "/files/tiny-1.0-py3-none-any.whl"
    ]


def test_offline_a_damaged_file_is_an_error(lock: str, tmp_path: Path) -> None:
    """Where nothing can be fetched, a damaged file ends the build, and the package and the cure are named."""
    in_uvs_cache(tmp_path, "tiny.py").write_text("x\n", encoding="utf-8")
    with pytest.raises(EnvironmentFailed, match="tiny: damaged") as caught:
        anew(lock, offline=True)
    assert "uv cache clean tiny" in caught.value.hint
    assert not environment_folder(record(lock)).exists()


def test_what_uv_cannot_read_is_named(lock: str, tmp_path: Path) -> None:
    """A cache in which uv itself fails is an error with the package and the cure."""
    (tiny,) = (tmp_path / "uv-cache" / "archive-v0").rglob("tiny-1.0.dist-info")
    (tiny / "RECORD").unlink()
    with pytest.raises(EnvironmentFailed) as caught:
        anew(lock)
    assert "uv cache clean tiny" in caught.value.hint
    assert not environment_folder(record(lock)).exists()


def test_a_cache_whose_index_is_damaged_is_fetched_again(lock: str, tmp_path: Path) -> None:
    """Unreadable notes of uv's about a wheel do no harm: it is fetched again."""
    for path in (tmp_path / "uv-cache" / "wheels-v8").rglob("*.http"):
        path.write_bytes(b"x")
    built, _ = anew(lock)
    assert module(built) == MODULE


def test_what_was_compared_is_not_read_again(lock: str, tmp_path: Path) -> None:
    """Hard links to files that were compared are known by inode, size and time; a changed one is not."""
    built, _ = anew(lock)
    known = tmp_path / "known"
    linked = site_packages(built.folder) / "tiny.py"
    if linked.stat().st_nlink < 2:
        pytest.skip("this file system has no hard links")
    assert damaged(built.folder, ["tiny", "other"], known=known) == {}
    assert len(known.read_text().split()) == 2
    again, _ = anew(lock)
    assert damaged(again.folder, ["tiny", "other"], known=known) == {}
    assert len(known.read_text().split()) == 2
    linked.write_text("x\n", encoding="utf-8")
    assert damaged(again.folder, ["tiny", "other"], known=known) == {"tiny": "tiny.py"}
    assert len(known.read_text().split()) == 2


def test_a_wheel_that_lies_about_itself_is_taken_as_it_is(house: House) -> None:
    """A wheel whose own list states a wrong digest is the locked file all the same."""
    house.add("odd", "1.0", files={"INFO/RECORD": "odd.py,sha256=AAAA,1\nINFO/METADATA,,\nINFO/RECORD,,\n"})
    lock = house.lock("odd==1.0")
    built, said = anew(lock)
    assert any("odd: damaged" in line for line in said)
    assert (site_packages(built.folder) / "odd.py").read_text() == "__version__ = '1.0'\n"


def test_a_file_of_two_wheels_is_either(house: House) -> None:
    """Where two wheels bring the same file, the digest of either is right."""
    for name in ("left", "right"):
        house.add(name, "1.0", files={"both/__init__.py": f"# {name}\n"})
    lock = house.lock("left==1.0", "right==1.0")
    _, said = anew(lock)
    assert not any("damaged" in line for line in said)


def test_a_package_that_is_not_there_is_damaged(lock: str) -> None:
    """A locked package of which nothing is installed is no whole one."""
    built, _ = anew(lock)
    assert damaged(built.folder, ["tiny", "absent"]) == {"absent": "RECORD"}

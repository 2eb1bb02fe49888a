"""The same lock gives the same files, and files of other bytes are refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from wheelhouse import House, record

from repro.environments import build, environment_folder, lookup
from repro.environments.disk import gigabytes, usage
from repro.errors import EnvironmentFailed

#: What may differ between two builds, because it holds paths, times or where a file came from.
MAY_DIFFER = (
    "complete.json",  # the marker: how long it took
    "pyvenv.cfg",  # the interpreter's folder
    "bin/activate*",
    "bin/*",  # scripts begin with the interpreter's path, and links lead to it
    "*.dist-info/RECORD",  # holds the digests of those scripts
    "*/__pycache__/*",  # byte code
)


@pytest.fixture
def house(index: House) -> House:
    index.add("tiny", "1.0", files={"INFO/entry_points.txt": "[console_scripts]\ntiny = tiny:main\n"})
    index.add("other", "2.0", files={"other_data/a.txt": "a\n", "other_data/b.txt": "b\n"})
    return index


def contents(folder: Path) -> dict[str, str]:
    """Return the files of an environment by name, with their digests; empty for what may differ."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and "__pycache__" not in name.parts:
            fixed = not any(name.match(pattern) for pattern in MAY_DIFFER)
            found[str(name)] = sha256(path.read_bytes()).hexdigest() if fixed else ""
    return found


def test_the_same_lock_gives_the_same_files(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two builds of a lock, each with caches of its own, have the same names and contents."""
    lock = house.lock("tiny==1.0", "other==2.0")
    listed = []
    for name in ("first", "second"):
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / name / "uv"))
        listed.append(contents(build(record(lock), lock, cache=tmp_path / name / "cache").folder))
    assert listed[0] == listed[1]
    fixed = [name for name, digest in listed[0].items() if digest]
    assert {Path(name).name for name in fixed} >= {"tiny.py", "other.py", "a.txt", "METADATA", "WHEEL"}
    assert "bin/tiny" in listed[0] or os.name == "nt"


@pytest.mark.parametrize("how", ["another wheel", "another byte"])
def test_a_wheel_of_other_bytes_is_refused(house: House, how: str) -> None:
    """A registry that serves other bytes under the locked name is refused, and nothing is left."""
    lock = house.lock("tiny==1.0", "other==2.0")
    name = "tiny-1.0-py3-none-any.whl"
    locked = house.wheels[name]
    if how == "another wheel":
        house.add("tiny", "1.0", code="__version__ = '1.0'  # and more\n")
        house.pages["tiny"].pop()
    else:
        house.wheels[name] = locked.replace(b"'1.0'", b"'6.6'")
    assert house.wheels[name] != locked
    with pytest.raises(EnvironmentFailed, match=r"tiny.*([Hh]ash mismatch|Bad CRC)") as caught:
        build(record(lock), lock)
    assert caught.value.exit_code == 3
    assert "\n" not in caught.value.message
    assert not environment_folder(record(lock)).exists()


def test_hard_links_are_told_apart(house: House, tmp_path: Path) -> None:
    """Files come as hard links out of uv's cache where that is possible, and count as shared."""
    house.add("large", "1.0", code=f"x = {'1' * 200_000!r}\n")
    lock = house.lock("large==1.0")
    built = build(record(lock), lock)
    (module,) = built.folder.rglob("large.py")
    (origin,) = (tmp_path / "uv-cache" / "archive-v0").rglob("large.py")
    if module.stat().st_ino != origin.stat().st_ino:
        pytest.skip("this file system has no hard links, or none from uv's cache to here")
    assert 200_000 < built.shared_bytes < built.disk_bytes
    again = lookup(record(lock))
    assert again is not None
    assert again.shared_bytes == built.shared_bytes
    shutil.rmtree(tmp_path / "uv-cache")
    assert usage([built.folder]).shared == 0


def test_copies_are_no_links(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment of copies shares nothing."""
    monkeypatch.setenv("UV_LINK_MODE", "copy")
    lock = house.lock("tiny==1.0")
    assert build(record(lock), lock).shared_bytes == 0


def test_a_file_with_two_names_counts_once(tmp_path: Path) -> None:
    """Sizes are those of files, not of names; a name outside makes a file a shared one."""
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "a").write_bytes(b"x" * 100)
    (inside / "b").hardlink_to(inside / "a")
    (inside / "c").write_bytes(b"x" * 10)
    (outside / "c").hardlink_to(inside / "c")
    (inside / "link").symlink_to("/")
    found = usage([inside])
    assert (found.total - 1, found.shared, found.own - 1) == (110, 10, 100)  # 1: the link's own text
    assert usage([inside, outside]).shared == 0
    assert usage([tmp_path / "nothing"]).total == 0
    assert [gigabytes(one) for one in (3_900_000_000, 27_400_000, 1_234)] == ["3.9 GB", "27 MB", "1 kB"]


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """Return a folder, and make its disk read-only when told to: as root, permissions stop nobody."""
    folder = tmp_path / "read only"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a disk can be mounted by root on Linux only")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def freeze(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)


def test_what_lies_in_a_read_only_cache_is_used(house: House, read_only: Path) -> None:
    """An environment in a cache that cannot be written is taken as it is."""
    lock = house.lock("tiny==1.0")
    built = build(record(lock), lock, cache=read_only)
    freeze(read_only)
    again = build(record(lock), lock, cache=read_only, offline=True)
    assert again.from_cache
    assert again.python == built.python


def test_a_read_only_cache_is_said(house: House, read_only: Path) -> None:
    """Building in a cache that cannot be written is one line with a hint."""
    freeze(read_only)
    lock = house.lock("tiny==1.0")
    with pytest.raises(EnvironmentFailed, match="cannot be written") as caught:
        build(record(lock), lock, cache=read_only)
    assert "REPRO_CACHE_DIR" in caught.value.hint
    assert "\n" not in caught.value.message


def test_a_read_only_cache_of_uv_is_said(
    house: House, read_only: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package cache that uv cannot write is one line, and the variable that moves it is named."""
    monkeypatch.setenv("UV_CACHE_DIR", str(read_only / "uv"))
    freeze(read_only)
    lock = house.lock("tiny==1.0")
    with pytest.raises(EnvironmentFailed) as caught:
        build(record(lock), lock)
    assert "UV_CACHE_DIR" in caught.value.hint
    assert "\n" not in caught.value.message
    assert not environment_folder(record(lock)).exists()

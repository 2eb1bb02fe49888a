"""Where built environments lie, and which of them can be trusted."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import platformdirs

from repro.environments.lock import lock_digest
from repro.errors import BadInput
from repro.records.codec import Record, load, to_json, write_atomic
from repro.records.environment import Environment, Probe

MARKER = "complete.json"


class Marker(Record, frozen=True, kw_only=True, tag_field="schema", tag="repro.built/1"):
    """Written last into an environment's folder: without it the folder is never trusted.

    Attributes:
        lock_sha256: Digest of the lock that was installed.
        python: The interpreter's full version.
        seconds: What the build took, without the trial.
        disk_bytes: Installed size, measured.
        probe: What it did when it was tried; None where it was only imported.
        shared_bytes: What of it are hard links to files that lie in uv's cache, too.

    When the file was last written is when the environment was last used.
    """

    lock_sha256: str
    python: str
    seconds: float
    disk_bytes: int
    probe: Probe | None = None
    shared_bytes: int = 0


@dataclass(frozen=True)
class Built:
    """An environment that can be used.

    Attributes:
        python: Its interpreter.
        folder: Its folder in the cache.
        seconds: What the build took, now or then.
        from_cache: Whether it was there already.
        disk_bytes: Installed size, measured.
        probe: What it did when it was tried; None where it was only imported.
        shared_bytes: What of it were hard links to files in uv's cache when it was built.
    """

    python: Path
    folder: Path
    seconds: float
    from_cache: bool
    disk_bytes: int
    probe: Probe | None = None
    shared_bytes: int = 0


def cache_folder() -> Path:
    """Return the cache's folder: `REPRO_CACHE_DIR`, else the user's cache folder of this system."""
    named = os.environ.get("REPRO_CACHE_DIR")
    return Path(named).absolute() if named else Path(platformdirs.user_cache_dir("repro", appauthor=False))


def environment_folder(environment: Environment, cache: Path | None = None) -> Path:
    """Return where an environment lies once it is built: named by lock, Python and platform."""
    name = f"{environment.lock_sha256[:16]}-py{environment.python}-{environment.platform}"
    return (cache.absolute() if cache else cache_folder()) / "environments" / name


def python_of(folder: Path) -> Path:
    """Return the interpreter in an environment's folder."""
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def with_measured_size(environment: Environment, built: Built) -> Environment:
    """Return the record with what a build of its lock measured: the installed size, and what it did."""
    sizes = msgspec.structs.replace(environment.sizes, disk_bytes=built.disk_bytes, measured=True)
    return msgspec.structs.replace(environment, sizes=sizes, probe=built.probe)


def remember(built: Built, probe: Probe) -> Built:
    """Return a built environment with what it did when it was tried, and keep that where the cache allows."""
    with suppress(BadInput):
        marker = load(built.folder / MARKER, Marker)
        write_atomic(built.folder / MARKER, to_json(msgspec.structs.replace(marker, probe=probe)) + "\n")
    return replace(built, probe=probe)


def lookup(environment: Environment, cache: Path | None = None) -> Built | None:
    """Return a built environment from the cache; starts no process and asks no network.

    Args:
        environment: The record; lock, Python and platform count.
        cache: The cache's folder, by default `cache_folder()`.

    Returns:
        The environment, or None where it was never finished, or its interpreter is gone.
    """
    folder = environment_folder(environment, cache)
    python = python_of(folder)
    try:
        marker = load(folder / MARKER, Marker)
        whole = lock_digest((folder / "environment.lock").read_bytes().decode()) == environment.lock_sha256
    except (BadInput, OSError, ValueError):
        return None
    if not whole or marker.lock_sha256 != environment.lock_sha256 or not python.exists():
        return None
    return Built(python, folder, marker.seconds, True, marker.disk_bytes, marker.probe, marker.shared_bytes)


def used(path: Path) -> None:
    """Note that something in the cache is used now; in a cache that cannot be written, nowhere."""
    with suppress(OSError):
        os.utime(path)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold an environment's folder for as long as it is built or used, so that nobody prunes it meanwhile.

    Any number of processes hold it at once. The system lets go when a process ends, however it ended. Where
    nothing can be written (a shared cache), nothing can be pruned from here either; on Windows the system
    itself refuses to remove what is in use.
    """
    handle = _open_hold(folder, alone=False)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


@contextmanager
def held_alone(folder: Path) -> Iterator[bool]:
    """Hold an environment's folder if nobody else does; yields whether nobody does."""
    try:
        handle = _open_hold(folder, alone=True)
    except BlockingIOError:
        yield False
        return
    try:
        yield True
    finally:
        if handle is not None:
            os.close(handle)


def is_locked(file: Path) -> bool:
    """Tell whether a process holds a lock file of the library filelock; nothing is made where it is not."""
    if not file.exists():
        return False
    from filelock import FileLock, Timeout  # heavy

    try:
        with FileLock(file, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def hold_file(folder: Path) -> Path:
    """Return the file that is locked while an environment is held."""
    return folder.with_name(f"{folder.name}.used")


def _open_hold(folder: Path, *, alone: bool) -> int | None:
    """Lock the file of an environment, shared or alone; None where that cannot be.

    Raises:
        BlockingIOError: Somebody else holds it, and it is wanted alone.
    """
    if sys.platform == "win32":
        return None
    import fcntl  # not on Windows

    path = hold_file(folder)
    kind = fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH
    while True:
        handle = None
        try:
            handle = _open_or_make(path)
            fcntl.flock(handle, kind)
            if os.path.samestat(os.fstat(handle), path.stat()):
                return handle
            os.close(handle)  # it was pruned while we waited: ours is a file that nobody else will open
        except OSError as error:
            if handle is not None:
                os.close(handle)
            if isinstance(error, BlockingIOError):
                raise
            if handle is None or not isinstance(error, FileNotFoundError):
                return None


def _open_or_make(path: Path) -> int:
    """Open the file of a hold; in a cache that others write, for reading, which is enough to share it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        return os.open(path, os.O_RDONLY)

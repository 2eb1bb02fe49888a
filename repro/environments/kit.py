"""Offline kits: write one, complete one, and trust none that has changed.

kit.json            what is in it, with digests, and what could not be had; written last
environment.lock    the lock
environment.json    its record
wheels/             every file of the lock for one platform
model/, data/       what the case trains on, as far as it could be had
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path, PurePosixPath

import repro
from repro.environments.disk import gigabytes
from repro.environments.lock import lock_digest, read_hashes
from repro.environments.platforms import this_platform
from repro.environments.registry import Registry
from repro.environments.wheels import PART, Wanted, fetch, files_of_lock, is_file
from repro.errors import BadInput, EnvironmentFailed, ReproError
from repro.records.codec import from_json, load, read_text, save, to_json, write_atomic
from repro.records.environment import Environment
from repro.records.kit import Kit, KitFile, Missing

MANIFEST = "kit.json"
LOCK = "environment.lock"
RECORD = "environment.json"
WHEELS = "wheels"
AGAIN = "write it again: `repro env CASE --kit FOLDER` completes a kit"


@dataclass(frozen=True)
class OpenKit:
    """A kit whose every file was compared with its digest.

    Attributes:
        folder: Where it lies, absolute.
        kit: What `kit.json` says.
        environment: The record of the lock.
        lock: The lock's text.
    """

    folder: Path
    kit: Kit
    environment: Environment
    lock: str

    @property
    def wheels(self) -> Path:
        """The folder of the lock's files."""
        return self.folder / WHEELS


def ways_to_get(minor: str) -> tuple[str, ...]:
    """Return how an interpreter can be had; one of the ways suits a machine."""
    return (
        f"uv python install {minor}",
        f"pyenv install {minor}",
        f"conda create -n py{minor} python={minor}",
        f"your system's package python{minor}",
    )


def write_kit(
    folder: Path,
    environment: Environment,
    lock: str,
    *,
    case: str,
    inputs: Mapping[str, Path] | None = None,
    missing: Sequence[Missing] = (),
    registry: Registry | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> Kit:
    """Write a kit, or complete one; what is there already and whole is not fetched again.

    Args:
        folder: The kit's folder; made where it is not there.
        environment: The record of the lock.
        lock: The lock's text.
        case: The case, as it was named.
        inputs: Files of model and data, by their path in the kit.
        missing: What of model and data could not be had.
        registry: Where the lock's files are; the configured one by default.
        report: Told what is going on.

    Raises:
        BadInput: The folder is a kit of another environment, cannot be written, or is being written.
        EnvironmentFailed: A locked file cannot be had, or is another one than the locked one.
        NetworkFailed: The registry cannot be reached.
    """
    registry = registry or Registry()
    with _writing(folder):
        _check_same(folder, environment)
        wanted = files_of_lock(lock, environment.python, registry)
        _check_space(wanted, folder)
        (folder / WHEELS).mkdir(exist_ok=True)
        fetch(wanted, folder / WHEELS, registry, report)
        write_atomic(folder / LOCK, lock)
        write_atomic(folder / RECORD, to_json(environment) + "\n")
        for name, source in (inputs or {}).items():
            _copy(source, folder / name)
        names = [LOCK, RECORD, *(f"{WHEELS}/{one.file.name}" for one in wanted), *(inputs or {})]
        kit = Kit(
            repro=repro.__version__,
            case=case,
            platform=environment.platform,
            python=environment.python,
            get_python=ways_to_get(environment.python),
            lock_sha256=environment.lock_sha256,
            files=tuple(_described(folder, name) for name in names),
            missing=(*missing, *map(_lacking_tools, (one for one in wanted if one.is_source))),
        )
        save(folder / MANIFEST, kit)
    return kit


def open_kit(folder: Path, report: Callable[[str], None] = lambda _: None) -> OpenKit:
    """Read a kit and compare every file with its digest; nothing is taken from one that has changed.

    Args:
        folder: The kit's folder.
        report: Told what is going on.

    Raises:
        BadInput: No such folder, or a kit of a later format.
        EnvironmentFailed: It was not written to its end, has changed, or is for another platform.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder", "`repro env CASE --kit FOLDER` writes a kit")
    if not (folder / MANIFEST).is_file():
        raise EnvironmentFailed(f"{folder}: no kit, or one that was not written to its end", AGAIN)
    folder = folder.absolute()
    with _changed(folder):
        kit = load(folder / MANIFEST, Kit)
        if kit.platform != this_platform():
            raise EnvironmentFailed(
                f"{folder}: the kit is for {kit.platform}, this machine is {this_platform()}",
                "write one on a machine like this",
            )
        report(f"checking the kit: {len(kit.files)} files, {gigabytes(sum(one.size for one in kit.files))}")
        for one in kit.files:
            _check(folder, one)
        lock = read_text(folder / LOCK)
        environment = from_json(read_text(folder / RECORD), Environment, source=RECORD)
        _check_lock(folder, kit, environment, lock)
    return OpenKit(folder, kit, environment, lock)


def _check(folder: Path, one: KitFile) -> None:
    path = folder / _inside(one.path)
    if not path.is_file():
        raise EnvironmentFailed(f"{folder}: {one.path} is missing from the kit", AGAIN)
    if path.stat().st_size != one.size or not is_file(path, one.sha256):
        raise EnvironmentFailed(f"{folder}: {one.path} is not the file that the kit was written with", AGAIN)


def _check_lock(folder: Path, kit: Kit, environment: Environment, lock: str) -> None:
    """A list that was changed along with a file does not help: the lock's own hashes count."""
    if not lock_digest(lock) == environment.lock_sha256 == kit.lock_sha256:
        raise EnvironmentFailed(f"{folder}: {LOCK} is not the one that the kit was written with", AGAIN)
    there = {one.sha256 for one in kit.files if one.path.startswith(f"{WHEELS}/")}
    for name, hashes in read_hashes(lock).items():
        if not hashes & there:
            raise EnvironmentFailed(f"{folder}: the kit has no file of {name} that its lock names", AGAIN)


def _inside(name: str) -> PurePosixPath:
    """Return a path of the list; one that leads out of the kit is none."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or not name:
        raise EnvironmentFailed(f"{MANIFEST}: {name[:40]!r} leads out of the kit", AGAIN)
    return path


@contextmanager
def _changed(folder: Path) -> Iterator[None]:
    """A kit that cannot be read is a kit that was changed: an environment that cannot be built."""
    try:
        yield
    except BadInput as error:
        raise EnvironmentFailed(f"{folder}: the kit cannot be read: {error.message}", AGAIN) from error
    except OSError as error:
        raise EnvironmentFailed(f"{folder}: the kit cannot be read: {error.strerror}", AGAIN) from error


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Hold the folder while a kit is written; what the system refuses becomes one line."""
    from filelock import FileLock, Timeout  # heavy

    held = folder / ".writing"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(held, timeout=0)
        lock.acquire()
    except Timeout as error:
        raise BadInput(f"{folder}: another process is writing this kit", "wait for it") from error
    except OSError as error:
        raise _refused(folder, error) from error
    try:
        yield
    except ReproError:
        raise
    except OSError as error:
        raise _refused(folder, error) from error
    finally:
        lock.release()
        with suppress(OSError):
            held.unlink(missing_ok=True)


def _refused(folder: Path, error: OSError) -> BadInput:
    return BadInput(f"{folder}: cannot be written: {error.strerror or error}", "choose another folder")


def _check_same(folder: Path, environment: Environment) -> None:
    """A folder holds one kit; a second one in it would make a mixture of both."""
    try:
        earlier = load(folder / MANIFEST, Kit)
    except BadInput:
        return  # none yet, or one that is no good: it is written anew
    if earlier.lock_sha256 != environment.lock_sha256:
        raise BadInput(
            f"{folder}: is the kit of another environment ({earlier.case})", "choose another folder"
        )


def _check_space(wanted: Sequence[Wanted], folder: Path) -> None:
    """Refuse before the download what cannot fit on the disk."""
    lacking = sum(one.file.size or 0 for one in wanted if not (folder / WHEELS / one.file.name).exists())
    free = shutil.disk_usage(folder).free
    if lacking > free:
        raise BadInput(
            f"{folder}: the kit needs {gigabytes(lacking)} more, the disk has {gigabytes(free)} free",
            "choose a folder on another disk",
        )


def _copy(source: Path, target: Path) -> None:
    """Copy a file, whole or not at all; the same one is left as it is."""
    with source.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    if is_file(target, digest):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}{PART}")
    shutil.copyfile(source, part)
    part.replace(target)


def _described(folder: Path, name: str) -> KitFile:
    path = folder / name
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    return KitFile(path=name, size=path.stat().st_size, sha256=digest)


def _lacking_tools(one: Wanted) -> Missing:
    return Missing(
        what=f"what {one.package} is built with",
        reason=f"{one.package} {one.file.version} has no wheel for this platform, only its source",
        hint="have setuptools and wheel in uv's cache of the other machine, or build its environment there",
    )

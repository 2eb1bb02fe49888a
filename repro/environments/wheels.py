"""The files of a lock: which of them this platform installs, and getting them, verified."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from threading import Event
from typing import Self
from urllib.parse import urlsplit

from repro.environments.lock import read_hashes
from repro.environments.platforms import rank
from repro.environments.registry import OFFLINE_HINT, TIMEOUT, File, Registry, certificates
from repro.errors import EnvironmentFailed, Interrupted, NetworkFailed

DOWNLOADS_AT_ONCE = 3
ATTEMPTS = 3
PART = ".part"


@dataclass(frozen=True)
class Wanted:
    """One file to have: its package, and what the registry says about it."""

    package: str
    file: File

    @property
    def is_source(self) -> bool:
        """Whether it has to be built before it can be installed."""
        return not self.file.name.endswith(".whl")


def files_of_lock(lock: str, minor: str, registry: Registry) -> list[Wanted]:
    """Return the file that an installer would choose for each package of a lock, in its order.

    Args:
        lock: The lock's text.
        minor: The Python version, `3.10`.
        registry: Where the files are.

    Raises:
        EnvironmentFailed: The registry has none of a package's locked files for this platform.
        NetworkFailed: The registry cannot be reached.
    """
    hashes = read_hashes(lock)
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(lambda name: _choose(registry, name, hashes[name], minor), hashes))


def _choose(registry: Registry, name: str, hashes: frozenset[str], minor: str) -> Wanted:
    locked = [file for file in registry.files(name) if file.sha256 in hashes]
    ranked = [(place, file) for file in locked if (place := rank(file.tags, minor)) is not None]
    if ranked:
        return Wanted(name, min(ranked, key=lambda pair: pair[0])[1])
    for file in locked:
        if not file.name.endswith(".whl"):
            return Wanted(name, file)
    raise EnvironmentFailed(
        f"{name}: the registry has none of the locked files for this platform",
        "they may be gone, or the lock is of another index: lock it again",
    )


def fetch(
    wanted: list[Wanted], folder: Path, registry: Registry, report: Callable[[str], None] = lambda _: None
) -> None:
    """Have all files in a folder, each whole and with its digest; what is there already is not fetched.

    Args:
        wanted: The files.
        folder: Where they go, under their names.
        registry: Where they are.
        report: Told about each file that was fetched.

    Raises:
        EnvironmentFailed: A file is not the locked one, or the folder cannot be written.
        NetworkFailed: The registry cannot be reached.
    """
    for left in folder.glob(f"*{PART}"):
        left.unlink()  # of a writing that was killed
    lacking = [one for one in wanted if not is_file(folder / one.file.name, str(one.file.sha256))]
    stop = Event()
    with ThreadPoolExecutor(max_workers=DOWNLOADS_AT_ONCE) as pool:
        running = [pool.submit(_download, one, folder, registry, stop) for one in lacking]
        try:
            for number, (one, done) in enumerate(zip(lacking, running, strict=True), 1):
                done.result()
                report(f"{one.file.name}, {number} of {len(lacking)}")
        except BaseException:  # Ctrl-C, or a file that cannot be had: the others have nothing to go on for
            stop.set()
            raise


def is_file(path: Path, sha256: str) -> bool:
    """Tell whether a file is there and has a digest."""
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest() == sha256
    except OSError:
        return False


class _Stoppable:
    """Looks, at every piece of a download, whether it is still wanted."""

    def __init__(self, stop: Event) -> None:
        self._stop = stop

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, increment: int) -> None:  # noqa: ARG002 - the library's signature
        """Go on or stop."""
        if self._stop.is_set():
            raise Interrupted("the download was stopped")


def _download(one: Wanted, folder: Path, registry: Registry, stop: Event) -> None:
    """Download one file, under another name until it is whole and verified."""
    import requests  # heavy
    from pypi_simple import DigestMismatchError, DistributionPackage, PyPISimple  # heavy

    file = one.file
    part = folder / f"{file.name}{PART}"
    package = DistributionPackage(
        filename=file.name, url=file.address, project=one.package, version=file.version, package_type=None,
        digests={"sha256": str(file.sha256)}, requires_python=None, has_sig=None,
    )  # fmt: skip
    for attempt in range(1, ATTEMPTS + 1):
        if stop.is_set():
            return
        try:
            with PyPISimple(registry.index.address, auth=_credentials(registry, file)) as client:
                client.s.verify = certificates()
                client.download_package(package, part, timeout=TIMEOUT, progress=lambda _: _Stoppable(stop))
            part.replace(folder / file.name)
        except DigestMismatchError as error:
            raise EnvironmentFailed(
                f"{file.name}: the registry serves another file than the locked one (hash mismatch)",
                "try again, or another index",
            ) from error
        except requests.RequestException as error:
            if attempt < ATTEMPTS and not isinstance(error, requests.HTTPError):
                continue
            reason = getattr(error.response, "status_code", None) or type(error).__name__
            raise NetworkFailed(f"{file.name} cannot be downloaded ({reason})", OFFLINE_HINT) from error
        except OSError as error:
            raise EnvironmentFailed(
                f"{folder}: cannot be written: {error.strerror or error}", "is there room on the disk?"
            ) from error
        return


def _credentials(registry: Registry, file: File) -> tuple[str, str] | None:
    """Return the index's user name and password for a file that lies on the same host."""
    index, place = urlsplit(registry.index.address), urlsplit(file.address)
    same = (index.scheme, index.hostname, index.port) == (place.scheme, place.hostname, place.port)
    return (index.username, index.password or "") if same and index.username else None

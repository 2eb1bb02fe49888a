"""What a matrix of environments is made of: which are wanted, and room on the disk for the next one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from repro.environments.cache import MARKER, cache_folder, environment_folder
from repro.environments.interpreters import check_minor
from repro.environments.registry import Registry
from repro.environments.resolve import resolve
from repro.environments.uvtool import run_uv
from repro.environments.versions import parse_version
from repro.errors import BadInput, ReproError
from repro.records.environment import Environment

NEWEST = "newest"
UNSTATED = {"torch": "*", "datasets": "*"}  # what a card would state; tokenizers comes with transformers
# Nineteen of twenty bytes of an environment with torch; the rest of uv's cache is not worth another download.
LARGE = ("torch", "triton", "nvidia-", "cuda-")
UNKNOWN_SIZE = 8_000_000_000  # installed, where the registry states no sizes: the largest seen had 7.6 GB


@dataclass(frozen=True)
class Wanted:
    """One environment that is asked for.

    Attributes:
        asked: The words for it.
        documented: Package to version as a card prints them.
        packages: Further packages; `*` for the newest of the moment.
        python: The minor version of Python, or None for the newest that fits.
    """

    asked: str
    documented: dict[str, str]
    packages: dict[str, str] = field(default_factory=dict)
    python: str | None = None

    @property
    def key(self) -> tuple[frozenset[tuple[str, str]], str]:
        """What makes two of them the same."""
        return frozenset(self.documented.items()), self.python or ""


def wanted_releases(text: str, registry: Registry | None = None) -> list[Wanted]:
    """Read a list of releases of transformers: `4.6@3.7,4.21.2,newest`.

    Args:
        text: Separated by commas: a minor (its last patch release), a release, or `newest`; each with the
            Python to use behind an `@`, if another than the newest that fits.
        registry: Where releases are looked up.

    Returns:
        What is wanted, each once, in the order of the list. What does not exist is found out in its row.

    Raises:
        BadInput: A text that is no version or Python; nothing was asked of anybody.
        NetworkFailed: The registry cannot be reached.
    """
    words = [word for part in text.split(",") if (word := part.strip())]
    if not words:
        raise BadInput("no release was named", "e.g. --transformers 4.6,4.21.2,newest")
    asked = []
    for word in words:
        release, at, python = word.partition("@")
        if release != NEWEST:
            parse_version("transformers", release)
        asked.append((word, release, check_minor(python) if at else None))
    versions = sorted(_releases(registry or Registry()))
    found = [
        Wanted(word, {"transformers": _newest_of(release, versions)}, UNSTATED, python)
        for word, release, python in asked
    ]
    return once(found)


def once(wanted: Iterable[Wanted]) -> list[Wanted]:
    """Return each of them once."""
    return list({each.key: each for each in reversed(list(wanted))}.values())[::-1]


def _releases(registry: Registry) -> Iterator[Version]:
    """Yield the releases of transformers: no pre-releases, nothing withdrawn."""
    for file in registry.files("transformers"):
        try:
            version = Version(file.version)
        except InvalidVersion:
            continue
        if not version.is_prerelease and not file.yanked:
            yield version


def _newest_of(release: str, versions: list[Version]) -> str:
    """Return the last patch release of a minor; a release as it is written."""
    if release == NEWEST:
        return str(versions[-1]) if versions else release
    wanted = parse_version("transformers", release)
    if len(wanted.release) != 2 or wanted.is_prerelease:
        return release
    return str(next((one for one in reversed(versions) if one.release[:2] == wanted.release), release))


def lock(wanted: Wanted, report: Callable[[str], None]) -> tuple[Environment, str]:
    """Lock what is wanted, anew. The one place that says how what a card leaves out is chosen.

    For a bare release of transformers that is: torch and datasets as of two weeks after it appeared.

    Raises:
        ReproError: As in `resolve`.
    """
    return resolve(wanted.documented, packages=wanted.packages, python=wanted.python, report=report)


class Room:
    """Sees to it that the next environment finds room; drops none but those that were built meanwhile.

    Args:
        keep_free: Bytes that stay free on the cache's disk.
        report: Told what is dropped.
    """

    def __init__(self, keep_free: int, report: Callable[[str], None]) -> None:
        self._keep_free = keep_free
        self._report = report
        self._built: list[Environment] = []
        self._packages: set[str] = set()

    def built(self, environment: Environment) -> None:
        """Remember one that was built just now."""
        self._built.append(environment)
        self._packages |= {
            name for name in map(canonicalize_name, environment.locked) if name.startswith(LARGE)
        }

    def make(self, environment: Environment) -> None:
        """Drop earlier environments, then uv's copies of their large packages, where the disk is short."""
        needed = (environment.sizes.disk_bytes or UNKNOWN_SIZE) + self._keep_free
        if _free() >= needed:
            return
        if self._built:
            self._report(
                f"the disk has {_free() / 1e9:.0f} GB free: removing what was built for earlier rows"
            )
            self.clear()
        if _free() < needed and self._packages:  # hard links: the files are still in uv's cache
            self._report("removing their large packages from uv's cache")
            self._forget()

    def clear(self) -> None:
        """Remove every environment that was built meanwhile."""
        while self._built:
            remove(environment_folder(self._built.pop()))

    def _forget(self) -> None:
        names = sorted(self._packages)
        try:
            run_uv(
                ["cache", "clean", *names], doing="cleaning uv's cache", folder=cache_folder(), timeout=600
            )
        except ReproError as error:
            self._report(error.message)
        else:
            self._packages.clear()


def remove(folder: Path) -> None:
    """Remove a built environment; it is no environment any more from the first moment on."""
    from filelock import FileLock  # heavy

    with FileLock(f"{folder}.lock"):
        (folder / MARKER).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _free() -> int:
    place = cache_folder()
    return shutil.disk_usage(next(path for path in (place, *place.parents) if path.exists())).free

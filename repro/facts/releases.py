"""Releases of the packages that cards name: when each appeared, what it needs, which Pythons it is for.

The table `releases.json` is shipped with the program and used offline; `tools/refresh_releases.py` writes
it from a package index. It is read when first asked, and versions are parsed when first asked for.

What a version can be (`Standing`): a release of the table; a development version (`4.26.0.dev0`,
`1.11.0a0+git…`), which no registry has and which stands for some commit between two releases; a vendor's
build (`2.9.0a0+….nv25.09`, `2.1.0.post100`); newer or older than the table; or never released.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache, wraps
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from repro.facts.defaults import torch_needed

Standing: TypeAlias = Literal[
    "release", "development", "vendor", "newer", "older", "never", "unreadable", "unknown"
]

T = TypeVar("T")

LONGEST = 64  # characters of a version: real ones have under 40
NAMES = {"pytorch": "torch", "sentence_transformers": "sentence-transformers"}  # as cards spell packages
ELSEWHERE = {
    "torch": frozenset({"1.8.2"})
}  # releases that only the project's own index had (long-term support)

_CUT = LONGEST + 1
_FIRST_MINOR, _LAST_MINOR = 5, 40  # of Python 3
_NIGHTLY = re.compile(r"(20[0-9]{2})([01][0-9])([0-3][0-9])")
_CONTAINER = re.compile(
    r"(?:^|\.)nv\.?([0-9]{2})\.([0-9]{1,2})"
)  # NVIDIA's: year and month, as `Version` has it
_ONWARD = timedelta(days=365)  # a series whose last release is younger may go on after the table was written


class Release(msgspec.Struct, frozen=True, gc=False):
    """One version of one package.

    Attributes:
        date: When its first file appeared, UTC.
        yanked: Whether it was withdrawn.
        python: `Requires-Python` as stated.
        wheels: CPythons with wheels for Linux x86-64: `3.7-3.10`, or `3.9+` where the stable ABI leaves it
        open. requires: What it requires of other packages of the table, as specifiers. with_torch: What its
        extra `torch` states; pip does not hold anybody to it.
    """

    date: datetime
    yanked: bool = False
    python: str | None = None
    wheels: str | None = None
    requires: dict[str, str] = {}
    with_torch: dict[str, str] = {}


class _Table(msgspec.Struct, frozen=True):
    schema: str
    until: datetime
    packages: dict[str, dict[str, Release]]


@dataclass(frozen=True, slots=True)
class Earliest:
    """The earliest instant at which all versions of a set existed.

    Attributes:
        date: UTC.
        package: Which package decides.
        version: Its version as printed.
        exact: False where a development version decides: its span is known, its day is not.
    """

    date: datetime
    package: str
    version: str
    exact: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why versions cannot have been installed together.

    Attributes:
        package: The package that requires something.
        version: Its version.
        of: The package that it requires.
        found: That package's version, or the Pythons that are left for it.
        required: The specifier, or the Pythons that it has.
        how: `import` where it refuses to be imported, `metadata` where only an installer refuses, `python`
            where no Python has wheels for both.
    """

    package: str
    version: str
    of: str
    found: str
    required: str
    how: Literal["import", "metadata", "python"]


@dataclass(frozen=True, slots=True)
class Pythons:
    """The CPythons on which a set of versions installs from wheels on Linux x86-64.

    Attributes:
        minors: The minor versions of Python 3, ascending; empty where there is none.
        lowest_by: The package that decides the lower end, None where none does.
        highest_by: The package that decides the upper end, None where it is open.
    """

    minors: tuple[int, ...]
    lowest_by: str | None
    highest_by: str | None

    def __str__(self) -> str:
        if not self.minors:
            return "no Python"
        low, high = self.minors[0], self.minors[-1]
        if self.highest_by is None:
            return f"3.{low} or later"
        return f"3.{low}" if low == high else f"3.{low} to 3.{high}"


@cache
def _table() -> _Table:
    text = Path(__file__).with_name("releases.json").read_bytes()
    return msgspec.json.decode(text, type=_Table)


def known_until() -> datetime:
    """Return when the table was written."""
    return _table().until


def packages() -> tuple[str, ...]:
    """Return the packages of the table."""
    return tuple(_table().packages)


def _remembered(function: Callable[[str, str], T]) -> Callable[[str, str], T]:
    """Remember answers on (package, version); the overlong is cut, so that it is neither read nor kept."""
    remembered = lru_cache(maxsize=8192)(function)

    @wraps(function)
    def answer(package: str, version: str) -> T:
        return remembered(package[:_CUT], version[:_CUT])

    return answer


def parse(text: str) -> Version | None:
    """Return a version as printed (`4.21.2`, `v4.21.2`, `1.13.0+cu117`), None where it is none or overlong.

    >>> str(parse("v4.21.2")), parse("latest")
    ('4.21.2', None)
    """
    return _parsed(text) if len(text) <= LONGEST else None


@lru_cache(maxsize=8192)
def _parsed(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


@_remembered
def release(package: str, version: str) -> Release | None:
    """Return a release of the table; local tags do not count.

    Args:
        package: Its name; `pytorch` is torch.
        version: As printed.

    Returns:
        None for an unknown package, and for a version that the table does not have.
    """
    rows = _rows(package)
    parsed = parse(version)
    if parsed is None:
        return None
    key = parsed.public
    if key in rows or parsed.is_prerelease:
        return rows.get(key)
    while key.endswith(".0"):
        key = key[:-2]
    spelt = (key, f"{key}.0", f"{key}.0.0")  # 4.21 is 4.21.0
    return next((rows[one] for one in spelt if one in rows), None)


@_remembered
def standing(package: str, version: str) -> Standing:
    """Return what a version is; `unknown` where the table does not have the package.

    A final version behind the newest release that its series or the next one could still have is `newer`: the
    table cannot know it.
    """
    parsed = parse(version)
    if parsed is None:
        return "unreadable"
    rows = _rows(package)
    if not rows:
        return "unknown"
    if release(package, version):
        return "release"
    if parsed.public in ELSEWHERE.get(_name(package), ()) or parsed.is_postrelease:
        return "vendor"
    if parsed.local and _CONTAINER.search(parsed.local):
        return "vendor"
    known = _versions(package)
    if parsed < known[0]:
        return "older"
    if parsed.is_prerelease:
        return "development" if _continues(parsed, known) else "never"
    return "newer" if _may_follow(package, parsed, known) else "never"


@_remembered
def appeared(package: str, version: str) -> datetime | None:
    """Return the earliest instant at which anybody can have had a version, UTC.

    For a release its first file; for a nightly (`2.8.0.dev20250319`) the day in its name; for a container's
    build (`….nv25.09`) the first of its month; for another development version about the day from which the
    main branch was called so, when the series before it was first released.
    """
    if found := release(package, version):
        return found.date
    parsed = parse(version)
    if parsed is None:
        return None
    if day := nightly(version):
        return day
    if parsed.local and (found_in := _CONTAINER.search(parsed.local)):
        return _instant(2000 + int(found_in[1]), int(found_in[2]), 1)
    if standing(package, version) != "development":
        return None
    span = development_span(package, version)
    return span[0] if span else None


def nightly(version: str) -> datetime | None:
    """Return the day in a nightly's version (`2.8.0.dev20250319`), None where it has none."""
    parsed = parse(version)
    if parsed is None or not parsed.dev:
        return None
    return _day(_NIGHTLY.fullmatch(str(parsed.dev)))


@_remembered
def development_span(package: str, version: str) -> tuple[datetime, datetime | None] | None:
    """Return from about when to when the main branch had a development version's name, UTC.

    The end is the day of the release that it became, None where the table does not have it.
    """
    parsed = parse(version)
    if parsed is None or not parsed.is_prerelease:
        return None
    known = _versions(package)
    below = [one for one in known if one < parsed and not one.is_prerelease]
    if not below:
        return None
    before = below[-1]
    if parsed.micro == 0:  # the branch of the series before was cut when its first release was made
        before = next(one for one in below if one.release[:2] == before.release[:2])
    start = release(package, str(before))
    end = release(package, parsed.base_version)
    return (start.date, end.date if end else None) if start else None


def latest(package: str) -> str | None:
    """Return the newest final release that was not withdrawn, None for an unknown package."""
    rows = _rows(package)
    return next(
        (
            str(one)
            for one in reversed(_versions(package))
            if not one.is_prerelease and not rows[str(one)].yanked
        ),
        None,
    )


@_remembered
def nearest(package: str, version: str) -> tuple[str, ...]:
    """Return the final releases before and after a version, oldest first; at most two."""
    parsed = parse(version)
    if parsed is None:
        return ()
    known = [one for one in _versions(package) if not one.is_prerelease]
    below = [str(one) for one in known if one < parsed][-1:]
    above = [str(one) for one in known if one > parsed][:1]
    return (*below, *above)


def earliest_possible(versions: Mapping[str, str]) -> Earliest | None:
    """Return the earliest instant at which all of the versions existed, and which package decides.

    Args:
        versions: Package to version as printed. Unknown packages and versions do not count.
    """
    dated = [
        (date, package, text)
        for package, text in versions.items()
        if (date := appeared(package, text)) is not None
    ]
    if not dated:
        return None
    date, package, text = max(dated)
    return Earliest(date, package, text, exact=release(package, text) is not None)


def installable_together(versions: Mapping[str, str]) -> Conflict | None:
    """Return why the versions cannot have been installed together, None where they can.

    Three things are looked at, in this order: what each requires of the others; the torch below which
    transformers disables its use of torch; the Pythons that there are wheels for. A development version is
    judged by the release it became and the one before it, and only where both say the same.

    Args:
        versions: Package to version as printed. Unknown packages and versions do not count.
    """
    versions = {package[:_CUT]: text[:_CUT] for package, text in versions.items()}
    for package, text in versions.items():
        for other, found in versions.items():
            if other != package and (conflict := _conflict(package, text, other, found)):
                return conflict
    pythons = python_range(versions)
    if pythons.minors or pythons.lowest_by is None or pythons.highest_by is None:
        return None
    low, high = pythons.lowest_by, pythons.highest_by
    return Conflict(
        package=low,
        version=versions[low],
        of=high,
        found=versions[high],
        required=str(python_range({low: versions[low]})),
        how="python",
    )


def python_range(versions: Mapping[str, str]) -> Pythons:
    """Return the CPythons on which the versions install from wheels on Linux x86-64.

    Args:
        versions: Package to version as printed. Unknown packages and versions do not count.
    """
    low, high = _FIRST_MINOR, _LAST_MINOR
    lowest_by = highest_by = None
    for package, text in versions.items():
        one = _pythons(package, text)
        if one is None:
            continue
        if one[0] > low:
            low, lowest_by = one[0], package
        if one[1] < high:
            high, highest_by = one[1], package
    return Pythons(tuple(range(low, high + 1)), lowest_by, highest_by)


def _name(package: str) -> str:
    lower = package.lower()
    return NAMES.get(lower, lower)


def _rows(package: str) -> Mapping[str, Release]:
    return _table().packages.get(_name(package), {})


@lru_cache(maxsize=64)
def _versions(package: str) -> tuple[Version, ...]:
    """Return all versions of a package, oldest first, as the table has them."""
    return tuple(map(Version, _rows(package)))


def _continues(parsed: Version, known: tuple[Version, ...]) -> bool:
    """Tell whether a development version follows a series that there is: 4.26.0.dev0 needs 4.25 or 4.26."""
    series = {one.release[:2] for one in known}
    major, minor = parsed.major, parsed.minor
    if (major, minor) in series or (major, minor - 1) in series:
        return True
    return minor == 0 and any(one[0] == major - 1 for one in series)


def _may_follow(package: str, parsed: Version, known: tuple[Version, ...]) -> bool:
    """Tell whether a final version may have been released after the table was written."""
    newest = known[-1]
    if parsed.major > newest.major:
        return parsed.major == newest.major + 1
    before = [one for one in known if one < parsed]
    row = release(package, str(before[-1]))
    if row is None or known_until() - row.date > _ONWARD:
        return False
    if parsed.release[:2] == before[-1].release[:2]:
        return parsed.micro <= before[-1].micro + 3
    return parsed.minor <= before[-1].minor + (30 if parsed.major == newest.major else 1)


@lru_cache(maxsize=16384)
def _conflict(package: str, text: str, other: str, found: str) -> Conflict | None:
    """Return why one version does not go with another."""
    theirs = _stands_for(other, found)
    ours = _stands_for(package, text)
    if not theirs or not ours:
        return None
    conflicts = [_refusal(package, one, other, two) for one in ours for two in theirs]
    if None in conflicts:
        return None
    first = conflicts[0]
    return first and Conflict(package, text, first.of, found, first.required, first.how)


def _refusal(package: str, version: str, other: str, found: str) -> Conflict | None:
    row = release(package, version)
    parsed = parse(found)
    if row is None or parsed is None:
        return None
    name, public = _name(other), Version(parsed.public)
    if (specifier := row.requires.get(name)) and (wanted := _specifier(specifier)):
        if not wanted.contains(public, prereleases=True):
            # transformers checks tokenizers when it is imported; nobody else checks.
            strict = _name(package) == "transformers" and name == "tokenizers"
            return Conflict(package, version, other, found, specifier, "import" if strict else "metadata")
    elif _name(package) == "transformers" and name == "torch":
        needed = torch_needed(version)
        if needed is not None and public < needed and not public.is_prerelease:
            return Conflict(package, version, other, found, f">={needed}", "import")
    return None


@_remembered
def _stands_for(package: str, text: str) -> tuple[str, ...]:
    """Return the releases by which a version is judged: itself, or those around a development version."""
    parsed = parse(text)
    if parsed is None:
        return ()
    if release(package, text) is not None or not parsed.is_prerelease:
        return (parsed.public,)
    return nearest(package, text)


@lru_cache(maxsize=1024)
def _specifier(text: str) -> SpecifierSet | None:
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return None


@_remembered
def _pythons(package: str, text: str) -> tuple[int, int] | None:
    """Return the lowest and highest minor of Python 3 for one version, None where nothing is known."""
    row = release(package, text)
    if row is None:
        return None
    low, high = _FIRST_MINOR, _LAST_MINOR
    if row.python and (wanted := _specifier(row.python)):
        minors = [minor for minor in range(low, high + 1) if wanted.contains(f"3.{minor}.99")]
        if minors:
            low, high = minors[0], minors[-1]
    if row.wheels:
        first, _, last = row.wheels.rstrip("+").partition("-")
        low = max(low, int(first.removeprefix("3.")))
        if last:
            high = min(high, int(last.removeprefix("3.")))
    return low, high


def _day(found: re.Match[str] | None) -> datetime | None:
    return _instant(int(found[1]), int(found[2]), int(found[3])) if found else None


def _instant(year: int, month: int, day: int) -> datetime | None:
    try:
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None

"""Which version stands for a documented one: itself where it can be had, else the nearest that can."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from packaging.version import Version

from repro.environments.interpreters import PYTHONS, usable
from repro.environments.platforms import this_platform
from repro.environments.registry import File, Registry, nearest
from repro.errors import EnvironmentFailed
from repro.facts import releases
from repro.records.environment import Deviation, Environment

# The tag in `torch/version.py` of the registry's own wheels for Linux x86-64, by series (read from them).
# Up to 1.13 the wheel is the build of that tag; from 2.0 on PyTorch's own index has another one of the same
# name, with the CUDA libraries inside.
REGISTRY_TORCH = {
    "1.8": "cu102", "1.9": "cu102", "1.10": "cu102", "1.11": "cu102", "1.12": "cu102", "1.13": "cu117",
    "2.0": "cu117", "2.1": "cu121", "2.2": "cu121", "2.3": "cu121", "2.4": "cu121", "2.5": "cu124",
    "2.6": "cu124", "2.7": "cu126", "2.8": "cu128",
}  # fmt: skip
MOST_COMBINATIONS = 8


@dataclass(frozen=True)
class Choice:
    """A version that can stand for a documented one.

    Attributes:
        version: Public, on the registry.
        wheels: Its wheels for this platform; all dated where they can be.
        deviation: In what it differs from the printed one, or None.
        note: What should be known about it though it is no deviation, or nothing.
        undated: Whether the registry does not say when its wheels appeared.
    """

    version: Version
    wheels: tuple[File, ...]
    deviation: Deviation | None = None
    note: str = ""
    undated: bool = False


def choices(name: str, text: str, registry: Registry) -> tuple[Choice, ...]:
    """Return the versions that can stand for a documented one, in the order in which to try them.

    A released version stands for itself. A development version stands for the release that it became, then
    for the one before it. One that was yanked is followed, and one of which there is no file is replaced, by
    the nearest of its series, or of the series around it. For one that never existed nothing stands.

    Args:
        name: The package.
        text: The version as printed, local tag included.
        registry: Asked for the package's files.

    Raises:
        EnvironmentFailed: The version is unknown, or none near it is to be had; names those that there are.
        NetworkFailed: The registry cannot be reached.
    """
    printed = Version(text)
    public = Version(printed.public)
    on_registry = registry.versions(name)
    wheels = _wheels(name, registry, public) if public in on_registry else ()
    why = _why_not(name, printed, wheels, registry)
    itself = [_choice(name, public, wheels, _build_deviation(name, text))] if wheels else []
    if why is None:
        return tuple(itself)
    if itself:
        note = f"{name} {public} was withdrawn after its release; it can be installed all the same"
        itself = [replace(itself[0], note=note)]
    instead = _instead(name, text, why, registry)
    if not itself and not instead:
        hint = ", ".join(nearest(public, on_registry)) or "none at all"
        raise EnvironmentFailed(f"{name} {public} has no wheel for {this_platform()}", f"near it are: {hint}")
    return (*itself, *instead)


def _why_not(name: str, printed: Version, wheels: tuple[File, ...], registry: Registry) -> str | None:
    """Return why a documented version cannot be had, or may turn out not to be; None where all is well.

    Raises:
        EnvironmentFailed: It is not known that there ever was such a version.
    """
    public = Version(printed.public)
    if wheels:
        withdrawn = "it was withdrawn, and cannot be locked with the other documented versions"
        return withdrawn if _withdrawn(wheels) else None
    if public in registry.versions(name):
        return f"the registry has no wheel of it for {this_platform()}"
    standing = releases.standing(name, str(printed))
    if standing == "vendor":
        return "a build of a vendor or of the project's own index, which the registry does not have"
    if standing == "development" or (standing == "unknown" and printed.is_prerelease):
        return "a development version, which no registry has"
    if standing == "release":
        return "it was released, and the registry does not have it any more"
    registry.files_of(name, public)  # raises, and names those that there are
    return None


def _instead(name: str, text: str, why: str, registry: Registry) -> list[Choice]:
    """Return what can stand for a version that cannot be had, nearest first."""
    printed = Version(text)
    public = Version(printed.public)
    finals = [one for one in registry.versions(name) if not one.is_prerelease and one != public]
    near = _around(public, finals) if printed.is_prerelease else _nearest_of_series(public, finals)
    found: list[Choice] = []
    for word, order in near:
        with_wheels = ((one, _wheels(name, registry, one)) for one in order)
        best = next(((one, wheels) for one, wheels in with_wheels if not _withdrawn(wheels)), None)
        if best is None:
            continue
        failing = f"{found[0].version} cannot be locked with the other versions, " if found else ""
        reason = f"{why}; {failing}{best[0]} is {word}"
        deviation = Deviation(what=name, published=text, actual=str(best[0]), reason=reason)
        found.append(_choice(name, *best, deviation))
    return found


def combinations(of: Mapping[str, tuple[Choice, ...]]) -> list[dict[str, Choice]]:
    """Return one choice for each package, those first that stand nearest to what is printed."""
    ranked = product(*(enumerate(each) for each in of.values()))
    nearest_first = sorted(ranked, key=lambda picked: sum(rank for rank, _ in picked))
    return [
        {name: choice for name, (_, choice) in zip(of, picked, strict=True)}
        for picked in nearest_first[:MOST_COMBINATIONS]
    ]


def refuse_substitutes(environment: Environment) -> None:
    """Refuse an environment in which something else stands for a documented version or build.

    Raises:
        EnvironmentFailed: Names the first of them.
    """
    of = environment.documented
    for each in environment.deviations:
        if each.what in of or each.what.removesuffix(" build") in of:
            raise EnvironmentFailed(
                f"{each.what}: {each.published} cannot be had ({each.reason})",
                f"without --strict it is {each.actual}, as a deviation",
            )


def _choice(name: str, version: Version, wheels: tuple[File, ...], deviation: Deviation | None) -> Choice:
    if any(wheel.uploaded for wheel in wheels):
        return Choice(version, wheels, deviation)
    # The table shipped with the program dates what the registry does not.
    date = releases.appeared(name, str(version))
    return Choice(version, tuple(replace(wheel, uploaded=date) for wheel in wheels), deviation, undated=True)


def _wheels(name: str, registry: Registry, version: Version) -> tuple[File, ...]:
    files = registry.files_of(name, version)
    return tuple(file for file in files if any(usable(file, minor) for minor in PYTHONS))


def _withdrawn(wheels: tuple[File, ...]) -> bool:
    """Tell whether there is nothing to have that its author still stands by."""
    return all(wheel.yanked for wheel in wheels)


def _around(printed: Version, finals: list[Version]) -> Iterator[tuple[str, Iterable[Version]]]:
    """Return the releases after a development version and those before it, nearest first."""
    base = Version(printed.base_version)
    after = [one for one in finals if one >= base and one.major <= base.major + 1]
    before = [one for one in reversed(finals) if one < base and one.major >= base.major - 1]
    yield "the release that it became", after[:3]
    yield "the release before it", before[:3]


def _nearest_of_series(printed: Version, finals: list[Version]) -> Iterator[tuple[str, Iterable[Version]]]:
    """Return the releases of the same series, nearest first; else those of the series around it."""
    series = [one for one in finals if one.release[:2] == printed.release[:2]]
    if series:
        nearest_first = sorted(series, key=lambda one: (abs(one.micro - printed.micro), one < printed))
        yield "the nearest of its series", nearest_first[:3]
    else:
        same = [one for one in finals if one.major == printed.major]
        yield "the release before it", [one for one in reversed(same) if one < printed][:3]
        yield "the release after it", [one for one in same if one > printed][:3]


def _build_deviation(name: str, text: str) -> Deviation | None:
    """Return the deviation of a tagged version, or None where the registry's wheel is that build."""
    version = Version(text)
    if version.local is None:
        return None
    here = this_platform()
    known = REGISTRY_TORCH.get(f"{version.major}.{version.minor}") if name == "torch" else None
    actual = f"{version.public}, the registry's wheel"
    if known is None or here != "linux-x86_64":
        reason = f"it is not known that the registry's wheel for {here} is the build +{version.local}"
    elif known != version.local:
        actual = f"{version.public}+{known}, the registry's wheel"
        reason = f"the registry has no build +{version.local}: its wheel is +{known}"
    elif version.major >= 2:
        actual = f"{version}, the registry's wheel"
        reason = "PyTorch's own index has another build of this name; the registry's takes CUDA from packages"
    else:
        return None
    return Deviation(what=f"{name} build", published=text, actual=actual, reason=reason)

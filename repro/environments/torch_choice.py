"""Another torch than the documented one, for a GPU that it has no kernels for; or PyTorch's own build of it.

Only torch and what it asks for change: everything else stays as it was on the card's day, because the
environment of that day is resolved first and its versions are kept wherever they fit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from msgspec.structs import replace
from packaging.utils import canonicalize_name
from packaging.version import Version

from repro.environments.interpreters import PYTHONS, SUPPORTED, usable
from repro.environments.lock import compile_lock, lock_digest, lock_sizes, read_lock
from repro.environments.moment import format_instant, parse_instant
from repro.environments.platforms import minor_tuple, this_platform
from repro.environments.registry import File, Registry
from repro.environments.resolve import resolve
from repro.environments.versions import Requirements, parse_version
from repro.errors import BadInput, EnvironmentFailed, NetworkFailed
from repro.facts.builds import CUDA_BUILDS, build_of
from repro.facts.streams import stream
from repro.records.environment import Deviation, Environment

BACKEND = re.compile(r"cpu|xpu|cu[0-9]{2,3}|rocm[0-9]{1,2}(?:\.[0-9]{1,2}){0,2}", re.ASCII)
#: What no card or only some print and what decides how the training goes: kept as it was resolved.
DECISIVE = ("transformers", "datasets", "tokenizers", "accelerate")
GRACE = timedelta(days=14)  # what a release needs appears with it or a few days later


@dataclass(frozen=True)
class TorchChoice:
    """What the user asked for.

    Attributes:
        version: A release, e.g. `2.1.0`, or None for the documented one.
        backend: A build of PyTorch's own index, e.g. `cu118` or `cpu`, or None for the registry's wheel.
    """

    version: str | None = None
    backend: str | None = None

    def __bool__(self) -> bool:
        return self.version is not None or self.backend is not None

    @property
    def flags(self) -> str:
        """The options that asked for it."""
        given = [("--torch", self.version), ("--torch-backend", self.backend)]
        return " ".join(f"{option} {value}" for option, value in given if value)


#: Neither another release nor another build.
DOCUMENTED_TORCH = TorchChoice()


def choose_torch(version: str | None, backend: str | None) -> TorchChoice:
    """Read what stands behind `--torch` and `--torch-backend`; asks nobody.

    Raises:
        BadInput: No version, or no backend, or one that follows the machine instead of the card.
    """
    if version is not None:
        parsed = parse_version("torch", version)
        if parsed.local is not None:
            raise BadInput(
                f"--torch {parsed}: a release has no build tag",
                f"--torch {parsed.public} --torch-backend {parsed.local}",
            )
        version = str(parsed)
    if backend == "auto":
        raise BadInput(
            "--torch-backend auto would follow this machine's driver, not the card",
            "name a build, e.g. cpu, cu117 or cu118",
        )
    if backend is not None and not BACKEND.fullmatch(backend):
        raise BadInput(
            f"not a build of torch: {backend[:24]!r}", "one is called cpu, cu117, rocm6.1 or the like"
        )
    return TorchChoice(version, backend)


def resolve_with_torch(
    choice: TorchChoice,
    documented: Mapping[str, str],
    *,
    packages: Mapping[str, str] | None = None,
    python: str | None = None,
    report: Callable[[str], None] = lambda _: None,
    day: tuple[Environment, str] | None = None,
    resolve_day: Callable[..., tuple[Environment, str]] = resolve,
) -> tuple[Environment, str]:
    """Resolve the software of a day, and then again with the torch that was asked for.

    Args:
        choice: What was asked for.
        documented: As for `resolve`.
        packages: As for `resolve`.
        python: As for `resolve`.
        report: As for `resolve`.
        day: What was resolved for the documented versions before, or None.
        resolve_day: `resolve`, with whatever else it is to be called with.

    Returns:
        The record and the lock, as from `resolve`; what differs because of the choice is a deviation.

    Raises:
        BadInput: As from `resolve`, or a day without torch.
        EnvironmentFailed: As from `resolve`, or this torch cannot be had with the rest.
        NetworkFailed: The registry or PyTorch's own index cannot be reached.
    """
    registry = Registry()
    wheels = registry.files_of("torch", Version(choice.version)) if choice.version else ()
    again = partial(resolve_day, documented, packages=packages, report=report)
    before, lock = day or again(python=python)
    if "torch" not in before.locked:
        raise BadInput("the environment of that day has no torch", "leave --torch and --torch-backend out")
    if wheels and before.python not in (minors := _minors(wheels)):
        before, lock = again(python=_nearest(before.python, minors, choice, asked=python))
    version = Version(choice.version or Version(before.locked["torch"]).public)
    backend = choice.backend or ""
    if backend:
        version = _build(version, backend)
    cutoff = _cutoff(before.moment, wheels, before.python)
    asked = _requirements(before, [*documented], [*(packages or {}), *DECISIVE], version)
    where = " from PyTorch's own index" if backend else ""
    report(f"locking again with torch {version}{where}")
    try:
        lock = compile_lock(asked, minor=before.python, moment=cutoff, keep=lock, backend=backend)
    except NetworkFailed as error:
        if not backend:
            raise
        raise NetworkFailed(
            f"PyTorch's index for {backend} cannot be had from here: {error.message}",
            "leave --torch-backend out for the registry's build, or run it where that index can be reached",
        ) from error
    if backend:  # part of what the lock is, and of its digest
        lock = f"# torch-backend: {backend}\n{lock}"
    locked = read_lock(lock)
    changed = replace(
        before,
        locked=locked,
        torch_backend=backend,
        torch_moment=cutoff if cutoff != before.moment else "",
        stream=stream(locked),
        deviations=tuple(_deviations(choice, before, locked["torch"])),
        lock_sha256=lock_digest(lock),
        sizes=lock_sizes(lock, before.python, registry),
    )
    return changed, lock


def _requirements(
    before: Environment, documented: Sequence[str], others: Sequence[str], torch: Version
) -> Requirements:
    """Return what was asked for before, in the versions that came of it, with another torch."""

    def kept(names: Sequence[str]) -> dict[str, Version]:
        found = (str(canonicalize_name(name)) for name in names)
        return {name: Version(before.locked[name]) for name in found if name in before.locked}

    pinned = kept(documented) | {"torch": torch}
    extra = {name: f"=={version}" for name, version in kept(others).items() if name not in pinned}
    return Requirements(pinned, extra)


def _minors(wheels: Sequence[File]) -> list[str]:
    return [minor for minor in PYTHONS if any(usable(file, minor) for file in wheels)]


def _nearest(minor: str, minors: Sequence[str], choice: TorchChoice, *, asked: str | None) -> str:
    """Return the Python nearest to that of the day for which this torch has a wheel."""
    if asked is not None or not minors:
        listed = ", ".join(minors) or "none"
        raise EnvironmentFailed(
            f"torch {choice.version} has no wheel for Python {minor} on this platform",
            f"it has them for: {listed}",
        )
    wanted = minor_tuple(minor)[1]
    return min(minors, key=lambda one: (one not in SUPPORTED, abs(minor_tuple(one)[1] - wanted)))


def _build(version: Version, backend: str) -> Version:
    """Return a build's version, refusing one that PyTorch never made before anybody is asked for it."""
    build = Version(f"{version.public}+{backend}")
    judged = build_of(str(build))
    if judged is not None and judged[1] in ("dropped", "later", "unpublished", "false"):
        there = ", ".join(sorted(CUDA_BUILDS.get((version.major, version.minor), ()))) or "no CUDA release"
        raise BadInput(f"PyTorch published no torch {build}", f"it did for {there} and for cpu")
    return version if this_platform().startswith("macos") else build  # one build there, without a tag


def _cutoff(moment: str, wheels: Sequence[File], minor: str) -> str:
    """Return until when files count: the moment, or a while after the torch that was asked for appeared."""
    dates = [file.uploaded for file in wheels if file.uploaded is not None and usable(file, minor)]
    return format_instant(max(parse_instant(moment), min(dates) + GRACE)) if dates else moment


def _deviations(choice: TorchChoice, before: Environment, torch: str) -> list[Deviation]:
    """Return the day's deviations, those of its torch replaced by those of the torch that was asked for."""
    documented = {str(canonicalize_name(name)): text for name, text in before.documented.items()}
    printed = documented.get("torch")
    published = None if printed is None else parse_version("torch", printed)
    actual = Version(torch)
    if published is not None and published.public == actual.public and not choice.backend:
        return list(before.deviations)  # the documented release after all
    others = [each for each in before.deviations if each.what not in ("torch", "torch build")]
    what = "torch build" if published is not None and published.public == actual.public else "torch"
    if published == actual:
        return others
    reason = "asked for with " + choice.flags
    return [*others, Deviation(what=what, published=printed or "not stated", actual=torch, reason=reason)]

"""Try a built environment: what is installed, whether it imports and trains, and in which data order."""

from __future__ import annotations

import time
from pathlib import Path

from packaging.version import Version

from repro.environments.build import child_environment
from repro.errors import EnvironmentFailed
from repro.records.environment import Environment, Probe
from repro.runs import local
from repro.runs.gpus import unusable_gpus


def probe(environment: Environment, python: Path) -> Probe:
    """Try an environment; what fails in it is told in the result.

    Args:
        environment: Its record: every locked package has to be there, in the locked version.
        python: Its interpreter.

    Raises:
        EnvironmentFailed: Its interpreter dies or hangs.
    """
    begun = time.monotonic()
    seen = local.call(python, "probe", python.parent.parent / "probe", child_environment())
    failure = seen["failure"] or {}
    said = " ".join(f"{failure['stage']}: {failure['error']}".split())[:300] if failure else ""
    if not said and seen.get("trained") is False:
        said = f"train: the weights did not move, or the loss ({seen['loss']}) is no number"
    return Probe(
        imported=failure.get("stage") != "import",
        trained=seen.get("trained", False if failure.get("stage") == "train" else None),
        loss=seen.get("loss"),
        orders=tuple(map(tuple, seen.get("orders", ()))),
        stream=seen.get("stream"),
        seconds=round(time.monotonic() - begun, 3),
        failure=_not_as_locked(environment, seen["packages"]) or said,
        traceback=failure.get("traceback", ""),
        unusable=tuple(unusable_gpus(seen.get("devices", {}))),
    )


def probed(environment: Environment, python: Path) -> Probe:
    """Try an environment that is to be used; arguments as in `probe`.

    Raises:
        EnvironmentFailed: Something is missing, does not import or does not train.
    """
    seen = probe(environment, python)
    if seen.failure:
        error = EnvironmentFailed(
            f"the built environment is no good: {seen.failure}",
            "another moment may fit better: give one in the case's environment",
        )
        error.add_note(seen.traceback)  # for --verbose: the environment will be gone
        raise error
    return seen


def unexpected_stream(expected: str | None, seen: Probe | None) -> str:
    """Return a sentence where the observed random stream is not that of the versions; else nothing."""
    if seen is None or not seen.orders or expected in (None, seen.stream):
        return ""
    found = f"is {seen.stream}" if seen.stream else "is none that is known"
    return f"the observed random stream {found}, {expected} follows from the versions"


def _not_as_locked(environment: Environment, installed: dict[str, str]) -> str:
    """Say which package is missing or of another version: an index can serve another file than it names."""
    for name, version in environment.locked.items():
        found = installed.get(name)
        if found is None or Version(found) != Version(version):
            return f"it has {name} {found or 'not at all'}, the lock {version}"
    return ""

"""Why versions cannot be had together: the smallest set of them that cannot."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from repro.environments.interpreters import choose_minors
from repro.environments.lock import compile_lock
from repro.environments.moment import Moment, parse_instant
from repro.environments.platforms import this_platform
from repro.environments.registry import File
from repro.environments.versions import Requirements
from repro.errors import EnvironmentFailed
from repro.records.environment import Attempt, Deviation

LOCKINGS_MOST = 16
SECONDS_MOST = 60.0
FEW_WORDS = 160
CONCLUSION = re.compile(r",? and you require\b|,? we can conclude\b|\. And because\b|,$")


@dataclass(frozen=True)
class Plan:
    """One way to lock: which versions, as of when, for which Python.

    Attributes:
        requirements: What uv is to be asked for.
        wheels: Documented package to its wheels for this platform.
        moment: As of when.
        inferred: Package that nobody documented to the reason for it.
        deviations: What differs from the documented versions.
        notes: What should be known about them.
        python: The minor version; empty where there is none.
        python_reason: Why that one.
        problem: Why it cannot even be tried, or None.
    """

    requirements: Requirements
    wheels: Mapping[str, Sequence[File]]
    moment: Moment
    inferred: Mapping[str, str]
    deviations: tuple[Deviation, ...] = ()
    notes: tuple[str, ...] = ()
    python: str = ""
    python_reason: str = ""
    problem: EnvironmentFailed | None = None

    @property
    def instead(self) -> dict[str, str]:
        """Package to the version that stands for a documented one."""
        of = self.requirements.documented
        return {each.what: each.actual for each in self.deviations if each.what in of}

    def for_python(self, minor: str, reason: str) -> Plan:
        """Return the plan for a Python."""
        return replace(self, python=minor, python_reason=reason)

    def with_problem(self, problem: EnvironmentFailed) -> Plan:
        """Return the plan as one that cannot be tried."""
        return replace(self, problem=problem)


def cannot_be_had(
    failed: Sequence[tuple[Plan, EnvironmentFailed]], attempts: Sequence[Attempt]
) -> EnvironmentFailed:
    """Return the error that says which documented versions exclude each other.

    Args:
        failed: The plans that were tried, and why each failed.
        attempts: The same, as they are recorded.

    Returns:
        One line with the smallest set, one with what was tried; every attempt is a note, for `--verbose`.

    Raises:
        NetworkFailed: The registry went away in between.
    """
    plan, error = next((one for one in failed if one[0].python), failed[0])
    names, reason, proven = _smallest(plan, error)
    documented = plan.requirements.documented
    extra = plan.requirements.extra
    listed = [f"{name} {documented[name]}" if name in documented else name + extra[name] for name in names]
    together = " and ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)
    for_python = f" for Python {plan.python}" if plan.python else ""
    message = f"{together} cannot be had{' together' if len(listed) > 1 else ''}{for_python} as of "
    message += f"{plan.moment.instant[:10]}: "
    if plan.python:
        message += _premise(reason.message)
    else:
        message += f"no Python on {this_platform()} has wheels for all; {reason.hint.partition(';')[0]}"
    doubt = "" if proven else "; perhaps fewer of these conflict"
    found = EnvironmentFailed(message, _tried(attempts) + doubt)
    for attempt in attempts:
        found.add_note(describe(attempt))
    return found


def attempt(plan: Plan, outcome: str) -> Attempt:
    """Return the record of a try."""
    return Attempt(moment=plan.moment.instant, python=plan.python, instead=plan.instead, outcome=outcome)


def describe(attempt: Attempt) -> str:
    """Return an attempt as one line."""
    instead = "".join(f", {name} {version} instead" for name, version in attempt.instead.items())
    python = f", Python {attempt.python}" if attempt.python else ""
    return f"as of {attempt.moment}{python}{instead}: {attempt.outcome}"


def in_few_words(error: EnvironmentFailed) -> str:
    """Return what an error says, without the resolver's conclusions, shortened."""
    text = _premise(error.message)
    return text if len(text) <= FEW_WORDS else text[: FEW_WORDS - 2].rsplit(" ", 1)[0] + " …"


def _premise(message: str) -> str:
    """Return what a resolver starts from: `a depends on b<2` of `Because a depends on b<2 and you …`."""
    text = message.removeprefix("locking failed: ")
    return CONCLUSION.split(text.removeprefix("Because "))[0] if text.startswith("Because ") else text


def smallest(names: Sequence[str], fails: Callable[[frozenset[str]], bool]) -> tuple[str, ...]:
    """Return a smallest set that still fails: without any one of its members it does not.

    Args:
        names: A set that fails; those to be rid of come first.
        fails: Asked at most once for each name.
    """
    left = list(names)
    for name in names:
        if fails(frozenset(left) - {name}):
            left.remove(name)
    return tuple(left)


def _smallest(plan: Plan, error: EnvironmentFailed) -> tuple[tuple[str, ...], EnvironmentFailed, bool]:
    """Return the smallest conflicting set, the reason for it, and whether it was proven to be smallest.

    What was inferred is dropped first, so that the documented versions explain as much as they can.
    """
    reason, proven = error, True
    requirements = plan.requirements
    begun, asked = time.monotonic(), 0

    def fails(names: frozenset[str]) -> bool:
        nonlocal reason, proven, asked
        if not names:
            return False
        if asked >= LOCKINGS_MOST or time.monotonic() - begun > SECONDS_MOST:
            proven = False
            return False
        asked += 1
        try:
            if plan.python:
                compile_lock(requirements.only(names), minor=plan.python, moment=plan.moment.instant)
            else:
                wheels = {name: plan.wheels[name] for name in names}
                choose_minors(wheels, requirements.documented, parse_instant(plan.moment.instant))
        except EnvironmentFailed as found:
            reason = found
            return True
        return False

    removable = [*reversed(requirements.extra), *requirements.documented]
    names = smallest(removable if plan.python else list(requirements.documented), fails)
    return names, reason, proven


def _tried(attempts: Sequence[Attempt]) -> str:
    """Return what was tried, in one line."""
    days: dict[str, list[str]] = {}
    for attempt in attempts:
        pythons = days.setdefault(attempt.moment[:10], [])
        if attempt.python and attempt.python not in pythons:
            pythons.append(attempt.python)
    listed = "; ".join(
        f"{day} (Python {', '.join(pythons)})" if pythons else f"{day} (no Python)"
        for day, pythons in days.items()
    )
    return f"tried as of {listed}; leave one of them out in a case of your own, or give it a moment"

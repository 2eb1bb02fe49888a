"""What `repro env` shows of versions, notes and attempts."""

from __future__ import annotations

from collections.abc import Iterator

from repro.environments.conflict import describe
from repro.records.environment import Environment
from repro.reports.formats import line


def lines_of_versions(environment: Environment) -> Iterator[str]:
    """Return a line for each version that is documented, or inferred, and the notes on them."""
    for name, version in environment.documented.items():
        if name != "python":
            yield _columns(name, version, f"locked: {environment.locked.get(name, 'nothing')}")
    for name, reason in environment.inferred.items():
        yield _columns(name, "inferred", f"locked: {environment.locked.get(name, 'nothing')} ({reason})")
    for note in environment.notes:
        yield f"{'note':<14} {line(note)}"


def lines_of_attempts(environment: Environment, *, every: bool) -> Iterator[str]:
    """Return a line that counts the attempts in vain, if there were any, or a line for every attempt."""
    if every:
        yield from (f"{'attempt':<14} {line(describe(attempt))}" for attempt in environment.attempts)
    elif in_vain := len(environment.attempts[:-1]):
        yield f"{'attempts':<14} {in_vain} in vain before this one (--verbose shows them)"


def _columns(name: str, what: str, rest: str) -> str:
    return f"{line(name):<14} {line(what):<20} {line(rest)}"

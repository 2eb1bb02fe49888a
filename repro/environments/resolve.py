"""From documented versions to a locked environment: the whole planning in one function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from repro.environments.interpreters import PYTHONS, check_minor, choose_minors, usable
from repro.environments.lock import compile_lock, lock_digest, lock_sizes, read_lock
from repro.environments.moment import choose_moment, parse_instant
from repro.environments.platforms import this_platform
from repro.environments.registry import Registry
from repro.environments.versions import Requirements, requirements
from repro.errors import EnvironmentFailed
from repro.facts.streams import stream
from repro.records.environment import Deviation, Environment

PYTHONS_TRIED = 3  # a Python that is weeks old lacks wheels of the closure; three back is far enough


def resolve(
    documented: Mapping[str, str],
    *,
    packages: Mapping[str, str] | None = None,
    moment: str | None = None,
    published: datetime | None = None,
    python: str | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> tuple[Environment, str]:
    """Resolve the software of that day: moment, interpreter and a lock of the whole closure.

    Args:
        documented: Package to version as the card prints them, local tags included.
        packages: Further packages of the case: exact versions, or `*` for the newest of the moment.
        moment: The instant to resolve as of (RFC 3339), where the case knows better than the rule.
        published: The instant of the card's commit on the Hub.
        python: The minor version to use instead of the newest that fits, e.g. `3.9`.
        report: Told what is going on, one line at a time.

    Returns:
        The record, with estimated sizes, and the lock's text.

    Raises:
        BadInput: A text that is no version, name, instant or Python.
        EnvironmentFailed: The versions cannot be had together; says which and why.
        NetworkFailed: The registry cannot be reached.
    """
    wanted = requirements(documented, packages or {})
    minors = [check_minor(python)] if python else []
    if moment is not None:
        parse_instant(moment)  # before anybody is asked
    registry = Registry()
    report(f"reading upload times of {', '.join(wanted.documented)}")
    files = {name: registry.files_of(name, version) for name, version in wanted.documented.items()}
    here = {
        name: [file for file in of if any(usable(file, minor) for minor in PYTHONS)]
        for name, of in files.items()
    }
    instant, moment_reason = choose_moment(here, wanted.documented, given=moment, published=published)
    reason = "asked for"
    if not minors:
        minors, reason = choose_minors(here, wanted.documented, parse_instant(instant))
    minor, lock = _first_that_locks(wanted, minors, instant, report)
    if minor != minors[0]:
        reason = f"the newest for which the closure can be had as of the moment; {minors[0]} cannot be locked"
    locked = read_lock(lock)
    environment = Environment(
        documented=dict(documented),
        locked=locked,
        python=minor,
        python_reason=reason,
        moment=instant,
        moment_reason=moment_reason,
        stream=stream(locked),
        deviations=(*wanted.deviations, *_undocumented(wanted, locked)),
        lock_sha256=lock_digest(lock),
        platform=this_platform(),
        sizes=lock_sizes(lock, minor, registry),
    )
    return environment, lock


def _first_that_locks(
    wanted: Requirements, minors: list[str], moment: str, report: Callable[[str], None]
) -> tuple[str, str]:
    """Return the first Python for which the closure can be locked, and the lock; else the first error."""
    first: EnvironmentFailed | None = None
    for minor in minors[:PYTHONS_TRIED]:
        report(f"locking for Python {minor} as of {moment}")
        try:
            return minor, compile_lock(wanted, minor=minor, moment=moment)
        except EnvironmentFailed as error:
            first = first or error
    assert first is not None, "there is at least one minor"  # noqa: S101  # narrows the type
    raise first


def _undocumented(wanted: Requirements, locked: Mapping[str, str]) -> list[Deviation]:
    """Return a deviation for accelerate, which decides the random stream and which no card prints."""
    if "accelerate" not in wanted.extra or wanted.extra["accelerate"] is not None:
        return []
    return [
        Deviation(
            what="accelerate",
            published="not stated",
            actual=locked["accelerate"],
            reason="cards do not print it: the newest of the moment; the data order depends on it",
        )
    ]

"""From documented versions to a locked environment: the whole planning."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, groupby, islice, zip_longest

from packaging.version import Version

from repro.environments.conflict import Plan, attempt, cannot_be_had, in_few_words
from repro.environments.inference import check_stream, infer
from repro.environments.interpreters import check_minor, choose_minors
from repro.environments.lock import compile_lock, lock_digest, lock_sizes, read_lock
from repro.environments.moment import moments, parse_instant
from repro.environments.platforms import this_platform
from repro.environments.registry import Registry
from repro.environments.substitutes import Choice, choices, combinations
from repro.environments.versions import Printed, Requirements, read_versions
from repro.errors import EnvironmentFailed
from repro.facts.streams import stream as stream_of
from repro.records.environment import Attempt, Deviation, Environment

PYTHONS_TRIED = 3  # a Python that is weeks old lacks wheels of the closure; three back is far enough
ATTEMPTS_MOST = 20


@dataclass(frozen=True)
class Question:
    """What is asked for: what card and case say, and what the user chose.

    Attributes:
        printed: Versions and packages, read.
        moment: The case's instant, or None.
        published: The instant of the card's commit on the Hub, or None.
        python: The minor version asked for, or None for the newest that fits.
        stream: The random stream asked for, `B` or `C`, or None.
    """

    printed: Printed
    moment: str | None
    published: datetime | None
    python: str | None
    stream: str | None


def resolve(
    documented: Mapping[str, str],
    *,
    packages: Mapping[str, str] | None = None,
    moment: str | None = None,
    published: datetime | None = None,
    python: str | None = None,
    stream: str | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> tuple[Environment, str]:
    """Resolve the software of that day: versions that can be had, moment, interpreter, and a lock.

    Several plans are tried in a stated order, and the first that locks is taken: the documented versions (or
    what stands nearest to them) as of the first moment, for the newest Pythons; then other stand-ins; then
    later moments.

    Args:
        documented: Package (or `python`) to version as the card prints them, local tags included.
        packages: Further packages of the case: exact versions, or `*` for the newest of the moment.
        moment: The instant to resolve as of (RFC 3339), where the case knows better than the rule.
        published: The instant of the card's commit on the Hub.
        python: The minor version to use instead of the newest that fits, e.g. `3.9`.
        stream: The random stream to have where the versions leave it open: `B` or `C`.
        report: Told what is going on, one line at a time.

    Returns:
        The record, with estimated sizes, and the lock's text.

    Raises:
        BadInput: A text that is no version, name, instant or Python.
        EnvironmentFailed: The versions cannot be had together; names the smallest set that cannot.
        NetworkFailed: The registry cannot be reached.
    """
    printed = read_versions(documented, packages or {})  # all that can be refused is, before anybody is asked
    check_stream(stream, printed.versions)
    if moment is not None:
        parse_instant(moment)
    question = Question(printed, moment, published, check_minor(python) if python else None, stream)

    registry = Registry()
    report(f"reading upload times of {', '.join(printed.texts)}")
    of = {name: choices(name, text, registry) for name, text in printed.texts.items()}
    failed: list[tuple[Plan, EnvironmentFailed]] = []
    for plan in islice(_in_order(question, of, registry), ATTEMPTS_MOST):
        if plan.problem is None:
            report(f"locking for Python {plan.python} as of {plan.moment.instant}{_instead(plan)}")
        try:
            lock = _lock(plan, stream)
        except EnvironmentFailed as error:
            failed.append((plan, error))
            continue
        attempts = [*_attempts(failed), attempt(plan, "locked")]
        return _record(documented, question, plan, lock, attempts, registry), lock
    report("looking for the smallest set that conflicts")
    raise cannot_be_had(failed, _attempts(failed))


def _in_order(question: Question, of: Mapping[str, tuple[Choice, ...]], registry: Registry) -> Iterator[Plan]:
    """Return all plans in the order in which to try them; impossible ones say what their problem is.

    Each combination of versions has its own moments. Those at which a version did not exist yet cost nothing
    to rule out; of the others, every combination's first comes before any combination's second.
    """
    hopeful = []
    for chosen in combinations(of):
        plans = list(_plans(question, chosen, registry))
        yield from (plan for plan in plans if plan.problem is not None)
        possible = (plan for plan in plans if plan.problem is None)
        hopeful.append([list(group) for _, group in groupby(possible, key=lambda plan: plan.moment)])
    for a_round in zip_longest(*hopeful, fillvalue=[]):
        yield from chain.from_iterable(a_round)


def _plans(question: Question, chosen: Mapping[str, Choice], registry: Registry) -> Iterator[Plan]:
    """Return the plans for one combination of versions, by moment and Python."""
    printed = question.printed
    versions = {name: choice.version for name, choice in chosen.items()}
    wheels = {name: choice.wheels for name, choice in chosen.items()}
    pinned = versions | {name: Version(text[2:]) for name, text in printed.packages.items() if text}
    exempt = frozenset(name for name, choice in chosen.items() if choice.undated)
    for moment in moments(
        wheels, versions, given=question.moment, published=question.published,
        transformers=registry.files("transformers") if "transformers" in versions else (),
    ):  # fmt: skip
        instant = parse_instant(moment.instant)
        inferred = {
            name: one
            for name, one in infer(pinned, instant, stream=question.stream).items()
            if name not in printed.packages
        }
        requirements = Requirements(
            versions,
            printed.packages | {name: one.specifier for name, one in inferred.items()},
            exempt | {name for name, one in inferred.items() if one.exempt},
        )
        reasons = {name: one.reason for name, one in inferred.items()}
        plan = Plan(requirements, wheels, moment, reasons, _deviations(chosen), _notes(chosen))
        try:
            minors, reason = _pythons(question, plan, instant)
        except EnvironmentFailed as error:
            yield plan.with_problem(error)
            continue
        yield plan.for_python(minors[0], reason)
        passed_over = f"{minors[0]} cannot be locked"
        for minor in minors[1:PYTHONS_TRIED]:
            reason = f"the newest for which the closure can be had as of the moment; {passed_over}"
            yield plan.for_python(minor, reason)


def _pythons(question: Question, plan: Plan, instant: datetime) -> tuple[list[str], str]:
    """Return the Pythons to try, first one first, and why that one: asked for, documented, or the newest."""
    if question.python:
        return [question.python], "asked for"
    minors, reason = choose_minors(plan.wheels, plan.requirements.documented, instant)
    printed = question.printed.python
    documented = f"{printed.major}.{printed.minor}" if printed else ""
    if documented in minors:
        return [documented, *(one for one in minors if one != documented)], f"the card documents {printed}"
    return minors, reason


def _lock(plan: Plan, stream: str | None) -> str:
    """Return the lock of one plan.

    Raises:
        EnvironmentFailed: There is none, or it has another random stream than was asked for.
    """
    if plan.problem is not None:
        raise plan.problem
    lock = compile_lock(plan.requirements, minor=plan.python, moment=plan.moment.instant)
    if stream is not None and (have := stream_of(read_lock(lock))) != stream:
        raise EnvironmentFailed(f"it locks, but with stream {have}", f"stream {stream} was asked for")
    return lock


def _record(
    documented: Mapping[str, str],
    question: Question,
    plan: Plan,
    lock: str,
    attempts: list[Attempt],
    registry: Registry,
) -> Environment:
    locked = read_lock(lock)
    return Environment(
        documented=dict(documented),
        locked=locked,
        python=plan.python,
        python_reason=plan.python_reason,
        moment=plan.moment.instant,
        moment_reason=plan.moment.reason,
        stream=stream_of(locked),
        deviations=(*plan.deviations, *_further_deviations(question, plan, locked)),
        inferred={name: reason for name, reason in plan.inferred.items() if name in locked},
        notes=plan.notes,
        attempts=tuple(attempts),
        lock_sha256=lock_digest(lock),
        platform=this_platform(),
        sizes=lock_sizes(lock, plan.python, registry),
    )


def _further_deviations(question: Question, plan: Plan, locked: Mapping[str, str]) -> Iterator[Deviation]:
    """Return what differs by the interpreter's or the user's choice."""
    printed = question.printed.python
    if printed is not None and f"{printed.major}.{printed.minor}" != plan.python:
        reason = "asked for" if question.python else f"the closure cannot be had for {printed}"
        yield Deviation(what="python", published=str(printed), actual=plan.python, reason=reason)
    if question.stream is not None and "accelerate" in plan.inferred:
        yield Deviation(
            what="accelerate",
            published="not stated",
            actual=locked["accelerate"],
            reason=f"chosen to give random stream {question.stream}, as asked",
        )


def _deviations(chosen: Mapping[str, Choice]) -> tuple[Deviation, ...]:
    return tuple(choice.deviation for choice in chosen.values() if choice.deviation)


def _notes(chosen: Mapping[str, Choice]) -> tuple[str, ...]:
    return tuple(choice.note for choice in chosen.values() if choice.note)


def _instead(plan: Plan) -> str:
    return "".join(f", {name} {version} instead" for name, version in plan.instead.items())


def _attempts(failed: list[tuple[Plan, EnvironmentFailed]]) -> list[Attempt]:
    return [attempt(plan, in_few_words(error)) for plan, error in failed]

"""Where two runs part: what `repro diff` says."""

from __future__ import annotations

from typing import Literal

from repro.records.codec import Record
from repro.records.comparison import Cause
from repro.records.run import Measured

Agreement = Literal["same", "different", "only a", "only b"]


class Side(Record, frozen=True, kw_only=True):
    """One of the two runs.

    Attributes:
        name: As it was named.
        state: How it ended; `stopped` after its first epochs, `unfinished` while it is under way or was
            interrupted.
        epochs: How many evaluations it has.
        settings: What the user asked for, as text.
        started: RFC 3339 UTC.
        resumes: Steps from which it was gone on.
    """

    name: str
    run: str
    case: str
    state: Literal["completed", "stopped", "failed", "skipped", "unfinished"]
    epochs: int
    settings: dict[str, str]
    device: str = ""
    started: str = ""
    training_seconds: float = 0.0
    resumes: tuple[int, ...] = ()


class Differing(Record, frozen=True, kw_only=True):
    """One thing in which two runs differ, as text; None where only the other one has it."""

    what: str
    a: str | None
    b: str | None


class Aspect(Record, frozen=True, kw_only=True):
    """One group of things that are compared.

    Attributes:
        name: `case`, `settings`, `arguments`, `environment`, `packages`, `device`, `data`,
            `determinism`, `deviations` or `result`.
        compared: How many things there are on either side.
        differing: Those that differ, in the order of their names.
    """

    name: str
    compared: int
    differing: tuple[Differing, ...] = ()


class LossPair(Record, frozen=True, kw_only=True):
    """One loss of both runs.

    Attributes:
        difference: b - a; None where either is not finite.
        same: Equal as stored, to the last digit.
        same_as_printed: Equal as the card generator prints it, with four decimals.
    """

    a: Measured
    b: Measured
    difference: float | None
    same: bool
    same_as_printed: bool


class EpochPair(Record, frozen=True, kw_only=True):
    """One evaluation that both runs have.

    Attributes:
        epoch: Its epoch in run a.
        step: Its optimizer step in run a.
        digests: Whether each digest is the same; `only a` where b has none of that name.
        losses: Those that both have, by metric.
    """

    epoch: float
    step: int
    digests: dict[str, Agreement]
    losses: dict[str, LossPair]


class Parting(Record, frozen=True, kw_only=True):
    """The first point at which two runs part.

    Attributes:
        parted: What is different there: names of digests and losses, in the order in which they come about.
        same: What is still the same there.
    """

    epoch: float
    step: int
    parted: tuple[str, ...]
    same: tuple[str, ...] = ()


class Difference(Record, frozen=True, kw_only=True, tag_field="schema", tag="repro.diff/1"):
    """What two runs have in common and where they part; times and ids do not count.

    Attributes:
        verdict: `same`: nothing differs. `same results`: all that was measured is the same, under conditions
            that differ. `parted`: something measured differs. `not compared`: no evaluation in common.
        summary: The same in a sentence.
        aspects: What was compared beside what was measured.
        first: The first point at which they part.
        losses_part: The epoch at which a loss first differs as stored.
        printed_part: The epoch at which a loss first differs as printed.
        largest: The largest difference of a loss, without sign.
        epochs: The evaluations that both have, in order.
        causes: What may have parted them, most telling first.
        notes: What could not be compared, and why.
    """

    a: Side
    b: Side
    verdict: Literal["same", "same results", "parted", "not compared"]
    summary: str
    aspects: tuple[Aspect, ...]
    first: Parting | None = None
    losses_part: float | None = None
    printed_part: float | None = None
    largest: float | None = None
    epochs: tuple[EpochPair, ...] = ()
    causes: tuple[Cause, ...] = ()
    notes: tuple[str, ...] = ()

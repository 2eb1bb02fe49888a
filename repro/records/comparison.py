"""What a comparison says: verdicts, rows, bounds and likely causes."""

from __future__ import annotations

from typing import Literal

from repro.records.codec import Record
from repro.records.run import Measured

Verdict = Literal["identical", "matching", "consistent", "different", "diverged", "incomparable"]
BoundSource = Literal["replicates", "assumed"]

#: Verdicts from best to worst; the overall verdict is the worst of the metrics'.
VERDICTS: tuple[Verdict, ...] = (
    "identical",
    "matching",
    "consistent",
    "different",
    "diverged",
    "incomparable",
)
#: Verdicts that count as reproduced.
REPRODUCED: frozenset[Verdict] = frozenset({"identical", "matching", "consistent"})


class ComparedRow(Record, frozen=True, kw_only=True):
    """One epoch of one metric.

    Attributes:
        published: The text as printed; None where the card has no such cell.
        measured: The value measured; None where nothing was.
        difference: measured - published; None where either is missing or not finite.
        bound: The largest |difference| that still counts as the same.
        within: Whether it is within the bound; None where there is nothing to compare.
    """

    epoch: float
    step: int
    published: str | None
    measured: Measured | None
    difference: float | None
    bound: float
    within: bool | None


class Metric(Record, frozen=True, kw_only=True):
    """The comparison of one metric; `reason` says in one sentence why the verdict is what it is."""

    verdict: Verdict
    reason: str
    bound_source: BoundSource
    bound_reason: str = ""
    rows: tuple[ComparedRow, ...] = ()


class Stream(Record, frozen=True, kw_only=True):
    """Whether both curves come from one random stream.

    Attributes:
        match: `unclear` where the versions do not tell.
        correlation: Of the detrended curves; None where it was not computed.
        name: The measured run's stream.
        reason: What the answer rests on.
    """

    match: Literal["same", "different", "unclear"]
    correlation: float | None = None
    name: str | None = None
    reason: str = ""


class Cause(Record, frozen=True, kw_only=True):
    """A likely cause of a difference, the evidence for it, and what would test it."""

    cause: str
    evidence: str
    test: str


class Comparison(Record, frozen=True, kw_only=True, tag_field="schema", tag="repro.comparison/1"):
    """`comparison.json`.

    Attributes:
        verdict: The worst of the metrics' verdicts.
        reproduced: Whether the verdict counts as reproduced.
        reason: The one sentence why.
        rehearsal: Whether the run was a rehearsal, which cannot be compared.
        run: The run's id, where a run was compared.
        folder: The run's folder as given, where `repro run` prints this.
    """

    verdict: Verdict
    reproduced: bool
    reason: str
    stream: Stream
    metrics: dict[str, Metric]
    causes: tuple[Cause, ...] = ()
    rehearsal: bool = False
    run: str | None = None
    folder: str | None = None

"""What a comparison says: verdicts, rows, bounds and likely causes."""

from __future__ import annotations

from typing import Literal

import msgspec

from repro.records.codec import Record
from repro.records.run import DeterminismProof, Measured

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
        band: Where one more run would lie, by the replicates of other streams or seeds; None without.
        in_band: Whether the measured value lies there.
    """

    epoch: float | None
    step: int | None
    published: str | None
    measured: Measured | None
    difference: float | None
    bound: float
    within: bool | None
    band: tuple[float, float] | None = None
    in_band: bool | None = None


class Level(Record, frozen=True, kw_only=True):
    """The level at which a curve ends, beside the replicates.

    Attributes:
        of: What is compared: the last value, or the mean of the last quarter of the values.
        how: `prediction`: whether one more run would end there, at 95 %; `equivalence`: two one-sided tests
            at
            5 %, where both sides have replicates.
        published: As printed, or its mean.
        measured: Of the run, or the mean of its own replicates.
        low: The interval that holds the measured level (prediction), or the 90 % interval of the difference.
        high: Its other end.
        margin: For an equivalence the largest difference that counts as none.
        within: Whether the level is within the interval, or the difference within the margin.
        streams: How many random streams the replicates have.
    """

    of: Literal["last value", "last quarter"]
    how: Literal["prediction", "equivalence"]
    published: float
    measured: float
    low: float
    high: float
    margin: float | None = None
    within: bool
    streams: int


class Convergence(Record, frozen=True, kw_only=True):
    """How many epochs it took to reach the published value (MLPerf's reference convergence points).

    Attributes:
        target: The published best value.
        published: Epochs of the published curve; None where neither epochs nor steps are known.
        measured: Epochs of the run; None where it never reached the target.
        low: The fewest epochs that one more run would need, at 95 % (two-sided); None without replicates.
        high: The most.
        within: Whether the run's epochs lie there; None without replicates.
        reached: How many of the replicates reached the target.
        slower: The one-sided p-value of a run that needs as many epochs or more, as MLPerf tests for
            convergence that is too fast with the other side; None without replicates.
    """

    target: float
    published: float | None
    measured: float | None
    low: float | None = None
    high: float | None = None
    within: bool | None = None
    reached: int | None = None
    slower: float | None = None


class Metric(Record, frozen=True, kw_only=True):
    """The comparison of one metric; `reason` says in one sentence why the verdict is what it is.

    Attributes:
        decided: Of the first epochs of a training: whether a value lies outside every bound that the whole
            may be judged by, so that no later epoch can bring it back.
    """

    verdict: Verdict
    reason: str
    bound_source: BoundSource
    bound_reason: str = ""
    rows: tuple[ComparedRow, ...] = ()
    levels: tuple[Level, ...] = ()
    convergence: Convergence | None = None
    decided: bool = False


class Stream(Record, frozen=True, kw_only=True):
    """Whether both curves come from one random stream.

    Attributes:
        match: `unclear` where neither versions nor curves tell.
        correlation: Of the detrended curves; None where it was not computed.
        name: The measured run's stream.
        reason: What the answer rests on.
        error_rate: How often the curves' answer is wrong; None where the versions alone gave it.
    """

    match: Literal["same", "different", "unclear"]
    correlation: float | None = None
    name: str | None = None
    reason: str = ""
    error_rate: float | None = None


class Cause(Record, frozen=True, kw_only=True):
    """A likely cause of a difference, the evidence for it, and what would test it."""

    cause: str
    evidence: str
    test: str


class LeftOut(Record, frozen=True, kw_only=True):
    """A replicate that was not used, and why."""

    name: str
    reason: str


class Replicates(Record, frozen=True, kw_only=True):
    """Whose noise the bounds rest on.

    Attributes:
        used: The names of those used.
        streams: How many random streams they have.
        left_out: Those that were not used.
    """

    used: tuple[str, ...] = ()
    streams: int = 0
    left_out: tuple[LeftOut, ...] = ()


class Reading(Record, frozen=True, kw_only=True):
    """The comparison with another reading of the published table, which is only a hypothesis.

    Attributes:
        rule: The rule whose finding offers the reading.
        reading: What is read otherwise.
    """

    rule: str
    reading: str
    verdict: Verdict
    reproduced: bool
    reason: str
    metrics: dict[str, Metric]


class Prefix(Record, frozen=True, kw_only=True):
    """That only the first epochs were trained, on the schedule of the whole training.

    Attributes:
        epochs: Epochs that were trained.
        of: Epochs of the whole training.
        stopped: Why it was ended where no later epoch could have brought it back; else empty.
    """

    epochs: float
    of: float
    stopped: str = ""


class Comparison(Record, frozen=True, kw_only=True, tag_field="schema", tag="repro.comparison/1"):
    """`comparison.json`.

    Attributes:
        verdict: The worst of the metrics' verdicts, of the published table as printed.
        reproduced: Whether the verdict counts as reproduced.
        reason: The one sentence why.
        notes: What should be known about the comparison: values interpolated, points left out.
        readings: Where the published table itself is suspect: the comparison with its other reading.
        rehearsal: Whether the run was a rehearsal, which cannot be compared.
        prefix: Where only the first epochs were trained: the verdict is on these, and `reproduced` is false.
        run: The run's id, where a run was compared.
        folder: The run's folder as given, where `repro run` prints this.
        determinism: What a second training of the run showed; left out where there was none.
    """

    verdict: Verdict
    reproduced: bool
    reason: str
    stream: Stream
    metrics: dict[str, Metric]
    causes: tuple[Cause, ...] = ()
    notes: tuple[str, ...] = ()
    replicates: Replicates = Replicates()
    readings: tuple[Reading, ...] = ()
    rehearsal: bool = False
    prefix: Prefix | None = None
    run: str | None = None
    folder: str | None = None
    determinism: DeterminismProof | msgspec.UnsetType = msgspec.UNSET

    @property
    def as_published(self) -> bool:
        """Whether what was measured is as published, be it the whole training or its first epochs."""
        return self.verdict in REPRODUCED

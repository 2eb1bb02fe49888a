"""How far a measured value may lie from the published one, and where that bound comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from repro.records.case import Tolerance
from repro.records.comparison import BoundSource

#: Without a case and without replicates: about three standard deviations (0.006) of public re-runs of
#: `bert-base-uncased-issues-128` within one random stream.
DEFAULT_BOUND = 0.02


@dataclass(frozen=True)
class Bound:
    """The bound of one metric.

    Attributes:
        value: The largest |measured - published| that still counts as the same.
        source: `assumed` where the case or the default states it.
        reason: Why it is what it is.
    """

    value: float
    source: BoundSource
    reason: str


def stated(metric: str, tolerances: Mapping[str, Tolerance]) -> Bound:
    """Return the bound that the case states for `metric`, or the default; both are assumptions."""
    tolerance = tolerances.get(metric)
    if tolerance is None:
        return Bound(DEFAULT_BOUND, "assumed", "the case states none: the program's default")
    return Bound(tolerance.bound, "assumed", tolerance.reason)

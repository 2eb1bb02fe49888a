"""How far a measured value may lie from the published one, and where that bound comes from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from repro.comparison.noise import Array, Mask, Noise, Spread
from repro.comparison.simultaneous import LEVEL, factors
from repro.records.case import Tolerance
from repro.records.comparison import BoundSource

#: Without a case and without replicates: about three standard deviations (0.006) of public re-runs of
#: `bert-base-uncased-issues-128` within one random stream.
DEFAULT_BOUND = 0.02


@dataclass(frozen=True)
class Bounds:
    """The bounds of one metric.

    Attributes:
        differences: The largest |measured - published| at each point that still counts as the same, shape
            (points,).
        source: `assumed` where the case or the default states it.
        reason: Why they are what they are.
        low: Where one more run lies at least, by the replicates, shape (points,); NaN where they do not tell.
        high: And at most.
    """

    differences: Array
    source: BoundSource
    reason: str
    low: Array
    high: Array


def stated(metric: str, tolerances: Mapping[str, Tolerance], points: int) -> Bounds:
    """Return the bound that the case states for `metric`, or the default; both are assumptions."""
    tolerance = tolerances.get(metric)
    bound = DEFAULT_BOUND if tolerance is None else tolerance.bound
    reason = "the case states none: the program's default" if tolerance is None else tolerance.reason
    unknown = np.full(points, np.nan)
    return Bounds(np.full(points, bound), "assumed", reason, unknown, unknown)


def of_one_stream(
    noises: Mapping[str, Noise], asked: Mapping[str, Mask], rounding: Mapping[str, float]
) -> dict[str, Bounds]:
    """Return the bounds on the difference of two runs of one stream: t·s·sqrt(2), for all values together.

    Args:
        noises: By metric.
        asked: By metric: at which points a difference is judged, boolean.
        rounding: By metric: by how much printing may have moved a difference.

    Returns:
        One for each metric whose noise within a stream is known.
    """
    spreads = {name: noise.within for name, noise in noises.items() if noise.within is not None}
    return _bounds(spreads, noises, asked, rounding, bands=False)


def of_all_streams(
    noises: Mapping[str, Noise], asked: Mapping[str, Mask], rounding: Mapping[str, float]
) -> dict[str, Bounds]:
    """Return the bounds on the difference of two runs of any streams, and the bands for one more run.

    Both are asked, so that each has half of the error rate: t·s·sqrt(2) for a difference, mean ±
    t·s·sqrt(1 + 1/k) for a run beside k streams.
    """
    spreads = {name: noise.total for name, noise in noises.items() if noise.total is not None}
    return _bounds(spreads, noises, asked, rounding, bands=True)


def _bounds(
    spreads: Mapping[str, Spread],
    noises: Mapping[str, Noise],
    asked: Mapping[str, Mask],
    rounding: Mapping[str, float],
    *,
    bands: bool,
) -> dict[str, Bounds]:
    judged = {name: asked[name] & (spread.freedom > 0) for name, spread in spreads.items()}
    spreads = {name: spread for name, spread in spreads.items() if judged[name].any()}
    if not spreads:
        return {}
    allowed = factors([*spreads.values()], [judged[name] for name in spreads], LEVEL / 2 if bands else LEVEL)
    found = {}
    for (name, spread), factor in zip(spreads.items(), allowed, strict=True):
        noise = noises[name]
        strayed = factor * spread.deviation
        band = strayed * np.sqrt(1 + 1 / np.maximum(noise.streams, 1)) + rounding[name] / 2
        unknown = np.full(len(strayed), np.nan)
        found[name] = Bounds(
            differences=strayed * math.sqrt(2) + rounding[name],
            source="replicates",
            reason=_reason(noise, judged[name], bands=bands),
            low=noise.mean - band if bands else unknown,
            high=noise.mean + band if bands else unknown,
        )
    return found


def _reason(noise: Noise, judged: Mask, *, bands: bool) -> str:
    streams = int(np.max(noise.streams))
    of = f"{noise.replicates} replicates in {streams} random stream{'' if streams == 1 else 's'}"
    what = "among runs of any stream" if bands else "within one stream"
    return (
        f"the noise {what}, from {of}: t·s·√2 with each evaluation's own standard deviation, at 5 % over all "
        f"values together ({int(judged.sum())} of this metric)"
    )

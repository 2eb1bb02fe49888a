"""How far runs of one recipe lie apart at each evaluation point, estimated from its replicates.

A value of replicate i in stream g at point e is taken as `mean(e) + b(g, e) + w(i, e)`: what the random
stream does, and what is left within it (hardware, library versions). Streams are counted once, however many
replicates they have: eleven replicates of three streams are three draws of b, not eleven.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import polygamma, psi

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

#: Fewer streams or replicates have no standard deviation worth the name.
FEWEST = 3
# A replicate whose smooth curve lies, in the root mean square, this many times the usual zigzag from the
# others' is none: what chance does to a curve of sixteen points is less than once the zigzag.
_OUTLYING = 4.0
_FEWEST_FOR_OUTLYING = 8
_FEWEST_REPLICATES = 4
_FEWEST_POINTS_TO_MODERATE = 4


@dataclass(frozen=True)
class Spread:
    """The standard deviation of one metric at each point.

    Attributes:
        deviation: At each point, shape (points,); NaN where no two values tell it.
        freedom: Its degrees of freedom, shape (points,), after moderation.
        residuals: What it was estimated from, shape (draws, points), 0 where a value is missing.
    """

    deviation: Array
    freedom: Array
    residuals: Array


@dataclass(frozen=True)
class Noise:
    """The noise of one metric.

    Attributes:
        within: Among runs of one stream; None where no stream has two replicates.
        total: Among runs of different streams; None with fewer than three streams.
        mean: Of the streams' means, shape (points,); NaN where no replicate has a value.
        streams: How many streams have a value at each point, shape (points,).
        replicates: How many replicates there are.
    """

    within: Spread | None
    total: Spread | None
    mean: Array
    streams: Array
    replicates: int


def estimate(values: Array, labels: Sequence[int], floor: float = 0.0) -> Noise:
    """Estimate the noise of one metric.

    Args:
        values: Shape (replicates, points); NaN where one has no value.
        labels: The stream of each replicate.
        floor: The smallest standard deviation that printed digits allow: identical replicates do not
            mean that nothing varies.

    Returns:
        The noise, its variances moderated over the points (see `moderated`).
    """
    streams = sorted(set(labels))
    of = np.asarray(labels)
    counts = np.array([np.isfinite(values[of == stream]).sum(axis=0) for stream in streams], dtype=float)
    means = np.array([_mean(values[of == stream]) for stream in streams]).reshape(len(streams), -1)
    left = np.nan_to_num(values - means[[streams.index(label) for label in labels]])
    freedom = np.maximum(counts - 1, 0).sum(axis=0)
    within = _spread(left, (left**2).sum(axis=0), freedom, floor)
    if within is not None:
        # Within a stream hardware and libraries make the noise, of all points of a run alike: a run is one
        # draw.
        within = replace(within, freedom=np.minimum(within.freedom, freedom.max()))
    known = np.isfinite(means).sum(axis=0).astype(float)
    middle = _mean(means)
    total = None
    if len(streams) >= FEWEST:
        between = np.nan_to_num(means - middle)
        # A stream's mean of n replicates has 1/n of the noise within: a single run has all of it.
        averaged = np.where(counts > 0, 1 / np.maximum(counts, 1), 0).sum(axis=0) / np.maximum(known, 1)
        missing = 0.0 if within is None else np.nan_to_num(within.deviation) ** 2 * (1 - averaged)
        freedom = np.where(known >= FEWEST, known - 1, 0)
        total = _spread(between, (between**2).sum(axis=0) + missing * freedom, freedom, floor)
    return Noise(within, total, middle, known, len(labels))


def _mean(values: Array) -> Array:
    known = np.isfinite(values)
    counts = known.sum(axis=0)
    sums = np.where(known, values, 0).sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _spread(residuals: Array, squares: Array, freedom: Array, floor: float) -> Spread | None:
    if not (freedom > 0).any():
        return None
    variances = np.where(freedom > 0, squares / np.maximum(freedom, 1), np.nan)
    variances, freedom = moderated(np.maximum(variances, floor**2), freedom)
    return Spread(np.sqrt(variances), freedom, residuals)


def moderated(variances: Array, freedom: Array) -> tuple[Array, Array]:
    """Let each point's variance borrow strength from the others' (empirical Bayes).

    Three streams leave two degrees of freedom at each point, with which no bound is of use; sixteen
    points of such variances tell how much variances differ between points at all. Smyth 2004 (Statistical
    Applications in Genetics and Molecular Biology 3, article 3), as in limma's `squeezeVar`: the true
    variances are taken as scaled inverse chi squared, its prior fitted by the moments of log variances.

    Args:
        variances: Shape (points,); NaN where unknown.
        freedom: Their degrees of freedom, shape (points,), 0 where unknown.

    Returns:
        Posterior variances and their degrees of freedom; as given where fewer than four points are known
        or one of them is 0.
    """
    known = (freedom > 0) & np.isfinite(variances)
    if known.sum() < _FEWEST_POINTS_TO_MODERATE or (variances[known] <= 0).any():
        return variances, freedom
    half = freedom[known] / 2
    logs = np.log(variances[known]) - psi(half) + np.log(half)
    middle = float(logs.mean())
    excess = float(logs.var(ddof=1) - polygamma(1, half).mean())
    count = int(known.sum())
    if excess > 0:
        prior = 2 * _inverse_trigamma(excess)
        scale = np.exp(middle + psi(prior / 2) - np.log(prior / 2))
    else:  # as alike as chance makes them: one variance for all, known as well as all points together tell it
        prior = float(freedom[known].sum())
        scale = float((variances[known] * freedom[known]).sum() / prior)
    prior = min(prior, float(freedom[known].sum()))
    out, degrees = variances.copy(), freedom.astype(float).copy()
    out[known] = (prior * scale + freedom[known] * variances[known]) / (prior + freedom[known])
    degrees[known] = np.minimum(prior + freedom[known], freedom[known].sum() if count > 1 else np.inf)
    return out, degrees


def _inverse_trigamma(value: float) -> float:
    """Solve `trigamma(x) = value` by Newton's method, as Smyth 2004 does it (appendix)."""
    x = 0.5 + 1 / value
    for _ in range(50):
        slope = float(polygamma(1, x))
        step = slope * (1 - slope / value) / float(polygamma(2, x))
        x += step
        if -step < 1e-8 * x:
            break
    return x


def outlying(values: Array, places: Sequence[float]) -> Array:
    """Tell which replicates have another recipe or went wrong: their whole curve lies elsewhere.

    A quadratic in log epoch is taken through each curve. Its distance from the median of all such curves is
    measured in the usual zigzag around them, which every replicate shows for itself: how replicates cluster
    into streams, and how many there are, does not matter.

    Args:
        values: Shape (replicates, points), one metric; NaN where one has no value, infinity where what it has
            is not finite.
        places: Epoch or step of each point, shape (points,), above 0.

    Returns:
        Shape (replicates,): the root mean square of that distance, where it is too large; else 0. Curves of
        fewer than eight points, and fewer than four replicates, are judged by infinite values only; never
        more than a third is left out.
    """
    out = np.where(np.isinf(values).any(axis=1), np.inf, 0.0)
    trend = np.vander(np.log(np.asarray(places, dtype=float)), 3)
    known = np.isfinite(values)
    judged = np.flatnonzero((known.sum(axis=1) >= _FEWEST_FOR_OUTLYING) & (out == 0))
    if len(judged) < _FEWEST_REPLICATES:
        return out
    fits = np.array(
        [trend @ np.linalg.lstsq(trend[known[i]], values[i][known[i]], rcond=None)[0] for i in judged]
    )
    rest = np.where(known[judged], values[judged] - fits, np.nan)
    zigzag = float(np.sqrt(np.nanmedian(np.nanmean(rest**2, axis=1))))
    if zigzag <= 0:
        return out
    distance = np.sqrt(
        np.nanmean(np.where(known[judged], fits - np.median(fits, axis=0), np.nan) ** 2, axis=1)
    )
    for at in np.argsort(-distance)[: max(0, len(values) // 3 - int((out > 0).sum()))]:
        if distance[at] > _OUTLYING * zigzag:
            out[judged[at]] = distance[at] / zigzag
    return out

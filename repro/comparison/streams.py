"""Do two curves come from one random stream? By what their versions say, and by what the curves say.

The same seed does not mean the same stream (`repro/facts/streams.py`). Two runs of one stream see the same
data and masks in the same order, and their validation curves zigzag together; those of two streams do not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from scipy.special import ndtri, stdtrit

from repro.comparison.curve import Curve, Point
from repro.comparison.noise import Array
from repro.facts.streams import stream as stream_of
from repro.records.comparison import Stream

#: How often the curves' answer may be wrong, either way.
ERROR_RATE = 0.01
_METRIC = "validation_loss"
# Down to eight points a quadratic in log epoch is the trend, down to five a straight line; fewer say nothing.
_QUADRATIC, _FEWEST = 8, 5
# Without replicates: the zigzags of two streams of `bert-base-uncased-issues-128` correlate up to 0.71 (19
# public re-runs; what a quadratic leaves of a trend is common to both), those of one stream 0.97 or more.
_ALIKE_BY_CHANCE, _ALIKE = 0.71, 0.9
_LARGEST_Z = 4.0  # a correlation of 0.9993: identical curves are no evidence of how much others vary


def correlation(one: Curve, other: Curve, metric: str = _METRIC) -> tuple[float, int] | None:
    """Return how much two curves zigzag together.

    Args:
        one: A curve.
        other: Another.
        metric: The metric that zigzags.

    Returns:
        Pearson's correlation of what a quadratic in log epoch leaves of each at their common points (a
        straight line with five to seven points), and its degrees of freedom; None with fewer points, or where
        a curve has no zigzag.
    """
    return zigzags(_known(one, metric), _known(other, metric))


def zigzags(first: Mapping[float, float], second: Mapping[float, float]) -> tuple[float, int] | None:
    """Return what `correlation` does of two curves given as values by step, or by epoch."""
    places = sorted(first.keys() & second.keys())
    if len(places) < _FEWEST:
        return None
    degree = 2 if len(places) >= _QUADRATIC else 1
    trend = np.vander(np.log(places), degree + 1)
    if np.linalg.matrix_rank(trend) <= degree:
        return None
    left = [_detrended(trend, [values[place] for place in places]) for values in (first, second)]
    size = math.sqrt(float(left[0] @ left[0]) * float(left[1] @ left[1]))
    if size <= 1e-12:
        return None
    r = float(left[0] @ left[1]) / size
    return min(1.0, max(-1.0, r)), len(places) - degree - 2


def _known(curve: Curve, metric: str) -> Mapping[float, float]:
    """Return a curve's finite values by step, or by epoch where steps are missing."""
    steps = all(point.step for point in curve.points)
    known = {}
    for point in curve.points:
        place = _place(point, steps=steps)
        value = point.value(metric)
        if place and place > 0 and value is not None and math.isfinite(value):
            known[place] = value
    return known


def _place(point: Point, *, steps: bool) -> float | None:
    return float(point.step) if steps and point.step else point.epoch


def _detrended(trend: Array, values: Sequence[float]) -> Array:
    losses = np.asarray(values, dtype=np.float64)
    rest: Array = losses - trend @ np.linalg.lstsq(trend, losses, rcond=None)[0]
    return rest


def letter(curve: Curve) -> str | None:
    """Return a curve's stream by its versions: `A` to `C`; A1 and A2 share their masks and zigzag alike."""
    name = curve.stream or stream_of(curve.versions)
    return name[0] if name else None


def labels(curves: Sequence[Curve]) -> tuple[int, ...]:
    """Group replicates into streams: those of one seed whose zigzags go together.

    Where curves are too short the versions decide; what neither tells apart from others is a stream of its
    own.

    Returns:
        The number of each curve's stream, from 0 in the order of their first curves.
    """
    parent = list(range(len(curves)))

    def root(at: int) -> int:
        while parent[at] != at:
            at = parent[at]
        return at

    known = [_known(curve, _METRIC) for curve in curves]
    for i, j in combinations(range(len(curves)), 2):
        if root(i) != root(j) and _one_stream(curves[i], curves[j], zigzags(known[i], known[j])):
            parent[max(root(i), root(j))] = min(root(i), root(j))
    numbers: dict[int, int] = {}
    return tuple(numbers.setdefault(root(at), len(numbers)) for at in range(len(curves)))


def _one_stream(one: Curve, other: Curve, found: tuple[float, int] | None) -> bool:
    if one.seed is not None and other.seed is not None and one.seed != other.seed:
        return False
    if found is not None and found[1] >= _QUADRATIC - 4:
        return found[0] >= _ALIKE
    return letter(one) is not None and letter(one) == letter(other)


def decide(published: Curve, measured: Curve, replicates: Sequence[Curve], of: Sequence[int]) -> Stream:
    """Decide whether two curves come from one random stream.

    Fisher's z of the correlation is compared with what pairs of replicates of one stream, and of two streams,
    have. With either kind missing, what public re-runs of one recipe showed is assumed.

    Args:
        published: One curve.
        measured: The other.
        replicates: Further curves of the recipe.
        of: Their streams, as `labels` gives them.

    Returns:
        The answer of the curves where they give one, else that of the versions, and what it rests on.
    """
    versions = by_versions(published, measured)
    found = correlation(published, measured)
    if published.seed is not None and measured.seed is not None and published.seed != measured.seed:
        seeds = f"seed {measured.seed} instead of {published.seed}"
        return Stream(
            match="different", correlation=found and _round(found[0]), name=versions.name, reason=seeds
        )
    if found is None:
        return versions
    r, freedom = found
    same, different, basis = _thresholds(freedom, replicates, of)
    zigzags = f"their zigzags correlate {r:.2f}"
    if r >= max(same, different):
        match, why = "same", f"{zigzags}, at least {max(same, different):.2f} as in one stream ({basis})"
    elif r <= min(same, different):
        match, why = "different", f"{zigzags}, one stream has at least {same:.2f} ({basis})"
    else:
        unsure = f"{zigzags}: one stream has at least {same:.2f}, two have at most {different:.2f}"
        return Stream(
            match=versions.match,
            correlation=_round(r),
            name=versions.name,
            reason=f"{versions.reason}; {unsure}",
        )
    if versions.match not in ("unclear", match):
        why = f"{why}, although {versions.reason}"
    elif versions.match == match:
        why = f"{versions.reason}; {why}"
    return Stream(
        match="same" if match == "same" else "different",
        correlation=_round(r),
        name=versions.name,
        reason=why,
        error_rate=ERROR_RATE,
    )


def by_versions(published: Curve, measured: Curve) -> Stream:
    """Compare the streams that follow from two curves' versions."""
    ours, theirs = measured.stream or stream_of(measured.versions), stream_of(published.versions)
    theirs = published.stream or theirs
    if theirs is None or ours is None:
        whose = "documented" if theirs is None else "installed"
        return Stream(match="unclear", name=ours, reason=f"the {whose} versions leave the stream open")
    if theirs == ours:
        return Stream(match="same", name=ours, reason=f"documented and installed versions give stream {ours}")
    return Stream(
        match="different",
        name=ours,
        reason=f"the documented versions give stream {theirs}, the run's give {ours}",
    )


def _thresholds(freedom: int, replicates: Sequence[Curve], of: Sequence[int]) -> tuple[float, float, str]:
    """Return the least correlation of one stream, the largest of two, and where they come from.

    Each is passed wrongly by one in a hundred. Between streams, where replicates show less than three
    pairs of streams, nothing but chance is known: the quantile of Student's t for no correlation.
    """
    alike: list[float] = []
    apart: dict[tuple[int, int], list[float]] = {}
    known = [_known(curve, _METRIC) for curve in replicates]
    for (i, one), (j, other) in combinations(enumerate(known), 2):
        found = zigzags(one, other)
        if found is None or found[1] < freedom:
            continue
        z = min(_LARGEST_Z, math.atanh(min(found[0], 0.9999)))
        if of[i] == of[j]:
            alike.append(z)
        else:
            apart.setdefault((min(of[i], of[j]), max(of[i], of[j])), []).append(z)
    spread = 1 / math.sqrt(max(freedom, 1))
    quantile = float(ndtri(1 - ERROR_RATE))
    if len(alike) >= 3:
        same = math.tanh(float(np.mean(alike)) - quantile * max(spread, float(np.std(alike, ddof=1))))
    else:
        same = _ALIKE
    if len(apart) >= 3:
        means = [float(np.mean(each)) for each in apart.values()]
        different = math.tanh(float(np.mean(means)) + quantile * max(spread, float(np.std(means, ddof=1))))
    else:
        t = float(stdtrit(max(freedom, 1), 1 - ERROR_RATE))
        different = max(_ALIKE_BY_CHANCE, t / math.sqrt(freedom + t * t))
    if len(alike) >= 3 and len(apart) >= 3:
        basis = f"{len(alike)} pairs of replicates in one stream, {len(apart)} pairs of streams"
    else:
        basis = "assumed from public re-runs of another recipe"
    return same, different, basis


def _round(r: float) -> float:
    return round(r, 4)

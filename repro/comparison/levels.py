"""Where a curve ends, and how soon it gets there, beside the replicates."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtr, stdtrit

from repro.comparison.curve import Curve
from repro.comparison.noise import FEWEST
from repro.records.comparison import Convergence, Level

_INTERVAL = 0.05
_EQUIVALENCE = 0.05
_FEWEST_FOR_A_QUARTER = 4
_LOWER_IS_BETTER = ("loss", "perplexity", "error", "wer", "cer", "mse", "mae", "rmse")


def lower_is_better(metric: str) -> bool:
    """Tell which way a metric improves, by its name: losses and error rates fall, everything else rises."""
    words = metric.split("_")
    return any(word in _LOWER_IS_BETTER for word in words)


def levels(
    metric: str, published: Curve, measured: Curve, replicates: Sequence[Curve], of: Sequence[int]
) -> tuple[Level, ...]:
    """Compare the last value and the mean of the last quarter.

    Args:
        metric: Which metric.
        published: The published curve.
        measured: The run's, at the published points.
        replicates: At the published points; those marked `own` are further runs of the measuring side.
        of: Their streams.

    Returns:
        Nothing with fewer than three streams, or where a side does not end in a number.
    """
    found = []
    for kind in ("last value", "last quarter"):
        here, there = _level(published, metric, kind), _level(measured, metric, kind)
        if here is None or there is None:
            continue
        peers = _by_stream(metric, kind, replicates, of, own=False)
        ours = _by_stream(metric, kind, replicates, of, own=True)
        level = _compare(kind, here, there, peers, ours)
        if level is not None:
            found.append(level)
    return tuple(found)


def _compare(
    kind: str, published: float, measured: float, peers: Sequence[float], ours: Sequence[float]
) -> Level | None:
    everybody = [*peers, *ours]
    if len(everybody) < FEWEST:
        return None
    if ours and peers:
        return equivalence(kind, [published, *peers], [measured, *ours])
    middle, half = prediction(everybody)
    return Level(
        of=kind,  # type: ignore[arg-type]
        how="prediction",
        published=published,
        measured=measured,
        low=middle - half,
        high=middle + half,
        within=abs(measured - middle) <= half,
        streams=len(everybody),
    )


def prediction(values: Sequence[float], level: float = _INTERVAL) -> tuple[float, float]:
    """Return the middle and the half width of the interval for one more draw: mean ± t·s·sqrt(1 + 1/k)."""
    k = len(values)
    half = float(stdtrit(k - 1, 1 - level / 2)) * float(np.std(values, ddof=1)) * math.sqrt(1 + 1 / k)
    return float(np.mean(values)), half


def equivalence(kind: str, published: Sequence[float], measured: Sequence[float]) -> Level:
    """Test two sides for equivalence by two one-sided t tests (Schuirmann 1987), variances pooled.

    The margin is what a single run may stray, the half width of its prediction interval from the published
    side's
    replicates: two sides are equivalent when their means differ by less than one run from the next.

    Args:
        kind: What is compared.
        published: The levels of the published side, the published one first, one a stream.
        measured: Those of the measuring side.
    """
    n, m = len(published), len(measured)
    difference = float(np.mean(measured) - np.mean(published))
    squares = float(np.var(published) * n + np.var(measured) * m)
    freedom = n + m - 2
    error = math.sqrt(squares / freedom * (1 / n + 1 / m))
    half = float(stdtrit(freedom, 1 - _EQUIVALENCE)) * error
    margin = prediction(published)[1]
    return Level(
        of=kind,  # type: ignore[arg-type]
        how="equivalence",
        published=published[0],
        measured=float(np.mean(measured)),
        low=difference - half,
        high=difference + half,
        margin=margin,
        within=-margin < difference - half and difference + half < margin,
        streams=n + m - 2,
    )


def _by_stream(
    metric: str, kind: str, replicates: Sequence[Curve], of: Sequence[int], *, own: bool
) -> list[float]:
    """Return one level a stream: the mean of its replicates."""
    found: dict[int, list[float]] = {}
    for curve, stream in zip(replicates, of, strict=True):
        level = _level(curve, metric, kind)
        if curve.own is own and level is not None:
            found.setdefault(stream, []).append(level)
    return [float(np.mean(each)) for each in found.values()]


def _level(curve: Curve, metric: str, kind: str) -> float | None:
    values = [point.value(metric) for point in curve.points]
    if not values or values[-1] is None or not math.isfinite(values[-1]):
        return None
    if kind == "last value":
        return values[-1]
    if len(values) < _FEWEST_FOR_A_QUARTER:
        return None
    tail = values[-max(1, len(values) // 4) :]
    known = [value for value in tail if value is not None and math.isfinite(value)]
    return float(np.mean(known)) if len(known) == len(tail) else None


def convergence(
    metric: str, published: Curve, measured: Curve, replicates: Sequence[Curve]
) -> Convergence | None:
    """Compare how many epochs it takes to reach the best published value.

    Evaluations are where they are: nothing is interpolated, as in MLPerf's reference convergence points.
    Replicates that never reach the target count as slower than any that does, and leave the interval without
    its upper end.

    Returns:
        None where the published curve has no number, or its points no epochs or steps.
    """
    values = [v for point in published.points if (v := point.value(metric)) is not None and math.isfinite(v)]
    if not values:
        return None
    better = min if lower_is_better(metric) else max
    target = better(values)
    half = published.unit(metric) / 2
    goal = target + half if better is min else target - half
    own = epochs_to_reach(published, metric, goal)
    if own is None:
        return None
    needed = epochs_to_reach(measured, metric, goal)
    theirs = [epochs_to_reach(curve, metric, goal) for curve in replicates]
    reached = [epochs for epochs in theirs if epochs is not None]
    if len(theirs) < FEWEST or len(reached) < FEWEST:
        return Convergence(
            target=target, published=own, measured=needed, reached=len(reached) if theirs else None
        )
    middle, width = prediction(reached)
    all_reached = len(reached) == len(theirs)
    within = needed is not None and middle - width <= needed and (needed <= middle + width or not all_reached)
    return Convergence(
        target=target,
        published=own,
        measured=needed,
        low=max(0.0, middle - width),
        high=middle + width if all_reached else None,
        within=within or (needed is None and not all_reached),
        reached=len(reached),
        slower=None if needed is None else one_sided(needed, reached),
    )


def one_sided(epochs: float, replicates: Sequence[float]) -> float:
    """Return the p-value of a run that needs as many epochs as this one, or more.

    MLPerf's reference convergence points test the other side: a submission must not converge faster than the
    reference (p = 1 minus this one). Student's t for one more draw.
    """
    k = len(replicates)
    spread = float(np.std(replicates, ddof=1)) * math.sqrt(1 + 1 / k)
    distance = epochs - float(np.mean(replicates))
    if spread == 0:
        return 0.5 if distance == 0 else float(distance < 0)
    return float(stdtr(k - 1, -distance / spread))


def epochs_to_reach(curve: Curve, metric: str, goal: float) -> float | None:
    """Return the first epoch (a step, without epochs) at which a curve is as good as `goal`, or None."""
    lower = lower_is_better(metric)
    for point in curve.points:
        value = point.value(metric)
        if value is not None and (value <= goal if lower else value >= goal):
            return point.epoch if point.epoch is not None else point.step
    return None

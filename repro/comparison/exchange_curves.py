"""How well a curve of losses continues its own past: the log density of a Gaussian process, for many at once.

A curve is a straight line in log(row), a smooth or a rough departure from it, and noise, all in the logarithm
of the loss. The scale is integrated out (what remains is a Student t), the shape is averaged over the few in
`_SHAPES`: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2.2 and 2.7 (marginal
likelihood, vague trend) and 5.4.2 (leaving one point out in closed form). Both columns get the same curves:
which of them is the smoother is left to the table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Clock = tuple[float, ...]

#: Losses are compared as log(loss + FLOOR): below it, four printed decimals leave too few digits.
FLOOR = 1e-3
#: No row.
NONE = -1
#: How wide "anything" is, in log units: from a thousandth of a loss to eight times it.
BREADTH = math.log(8.0)
# (process, clock, its variance over the noise's): a walk for curves that wander, an integrated walk for
# smooth ones. What hangs on this list, on the scale and on the spikes stands in docs/audit-exchanges.md.
_SHAPES = (
    ("walk", "log", 1e2),
    ("walk", "row", 1e5),
    ("smooth", "log", 1e1),
    ("smooth", "log", 1e3),
    ("smooth", "log", 1e5),
)
# The noise's scale before anything is seen, worth one observation: 0.3 % of the loss.
_SCALE = 0.003
# How often one cell of a curve is a spike, which may be anything.
_SPIKE = 0.1
# The variance of level and slope over the noise's: so large that they do not matter.
_VAGUE = 1e6
# A clock that runs further than this many times its rows (one step far from all others) says nothing.
_LONGEST_CLOCK = 20
# Products with fewer multiplications than this are done in one thread.
_SINGLE = 2**18
# Arrays up to this many numbers lie in memory that the process has already (128 kB and more are mapped anew).
_IN_PLACE = 15_000
# Four coefficients of a cubic, and something to judge them by.
_FEWEST_FOR_A_CUBIC = 6


def evaluations(position: Sequence[float], n: int) -> Clock:
    """Return when the rows were evaluated, counted in evaluations (1, 2, 3, …), in halves: few grids."""
    rows = tuple(float(row) for row in range(1, n + 1))
    if len(position) != n:
        return rows
    gap = sorted(right - left for left, right in pairwise(position))[(n - 1) // 2]
    if not position[-1] < _LONGEST_CLOCK * n * gap:
        return rows
    clock = tuple(max(round(2 * at / gap) / 2, 0.5) for at in position)
    return clock if all(left < right for left, right in pairwise(clock)) else rows


@lru_cache(maxsize=64)
def _processes(clock: Clock) -> tuple[Floats, Floats, Floats]:
    """Return precision matrices side by side (n, shapes * n), their diagonals and log determinants."""
    n = len(clock)
    row = np.array(clock)
    slope = np.log(row) - np.log(row).mean()
    vague = np.eye(n) + _VAGUE * (np.ones((n, n)) + np.outer(slope, slope))
    inverses, determinants = [], []
    for process, by, ratio in _SHAPES:
        time = np.log(row) if by == "log" else row
        time = time - time[0]
        covariance = np.minimum.outer(time, time)
        if process == "smooth":
            covariance = covariance**2 * (3 * np.maximum.outer(time, time) - covariance) / 6
        covariance = vague + ratio * n / np.trace(covariance) * covariance
        inverse = np.linalg.inv(covariance)
        inverses.append((inverse + inverse.T) / 2)
        determinants.append(-np.linalg.slogdet(covariance)[1])
    stacked = np.array(inverses)
    return (
        np.ascontiguousarray(stacked.transpose(1, 0, 2).reshape(n, -1)),
        np.einsum("gii->gi", stacked).copy(),
        np.array(determinants),
    )


def _student(squares: Floats, determinant: Floats, count: int) -> Floats:
    """Log density of `count` levels from their squares under unit noise, the scale integrated out."""
    half = (1 + count) / 2
    constant = math.lgamma(half) - math.lgamma(0.5) - count / 2 * math.log(math.pi) + math.log(_SCALE)
    density = np.maximum(squares, 0.0)
    density += _SCALE**2
    np.log(density, out=density)
    density *= -half
    density += constant + determinant / 2
    return density


def _mean(logs: Floats, axis: int) -> Floats:
    """Average over an axis, from logarithms to a logarithm."""
    top = logs.max(axis=axis, keepdims=True)
    above = logs - top
    mean: Floats = np.log(np.exp(above, out=above).sum(axis=axis))
    mean += top.squeeze(axis) - math.log(logs.shape[axis])
    return mean


def densities(levels: Floats, unknown: Integers, clock: Clock) -> tuple[Floats, Floats]:
    """Return the log densities of curves (curves,), and of each curve without one of its rows (curves, n).

    Args:
        levels: One curve a line, as `log(loss + FLOOR)`; a row that is not known may hold anything.
        unknown: That row of each curve, or `NONE`.
        clock: When the rows were evaluated.
    """
    count = len(levels)
    precision, diagonal, determinant = _processes(clock)
    # In pieces that are too small for BLAS to share out, whose threads take ten times as long to wake up, and
    # for the system to be asked for memory.
    piece = max(1, min(_SINGLE // precision.size, _IN_PLACE // precision.shape[1]))
    pieces = [
        _densities(levels[at : at + piece], precision, diagonal, determinant) for at in range(0, count, piece)
    ]
    whole, without = (np.concatenate(each) for each in zip(*pieces, strict=True))
    known = without[np.arange(count), np.maximum(unknown, 0)]
    return np.where(unknown < 0, whole, known), without


def _densities(
    levels: Floats, precision: Floats, diagonal: Floats, determinant: Floats
) -> tuple[Floats, Floats]:
    count, n = levels.shape
    scaled = (levels @ precision).reshape(count, len(_SHAPES), n)
    squares = np.einsum("hgi,hi->hg", scaled, levels)
    scaled *= scaled
    scaled /= diagonal
    remaining = np.subtract(squares[:, :, None], scaled, out=scaled)
    without = _mean(_student(remaining, determinant[:, None] - np.log(diagonal), n - 1), 1)
    smooth = _mean(_student(squares, determinant, n), 1) + math.log1p(-_SPIKE)
    spiked = _mean(without, 1) - BREADTH + math.log(_SPIKE)
    return np.logaddexp(smooth, spiked), without


def scatter(losses: Sequence[float | None]) -> float:
    """Return the relative standard deviation of losses around a cubic in log(row); 0 where they are few."""
    known = [(row, loss) for row, loss in enumerate(losses, start=1) if loss is not None]
    if len(known) < _FEWEST_FOR_A_CUBIC:
        return 0.0
    values = np.array([loss for _, loss in known])
    level = np.log(values + FLOOR) if values.min() >= 0 else values / np.abs(values).max()
    design = np.vander(np.log([float(row) for row, _ in known]), 4)
    rest = level - design @ np.linalg.lstsq(design, level, rcond=None)[0]
    return math.sqrt(float(rest @ rest) / (len(known) - 4))

"""Bounds that hold for all epochs and metrics together, not for each alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtr, stdtrit

from repro.comparison.noise import Array, Mask, Spread

#: How often a run that belongs has a value outside, over all values together.
LEVEL = 0.05
_DRAWS = 4_000
#: Above this many values the correlation between them is not estimated.
_LARGEST = 512
_FEWEST_DRAWS = 4


def factors(spreads: Sequence[Spread], asked: Sequence[Mask], level: float = LEVEL) -> tuple[Array, ...]:
    """Return by how many standard deviations each value may stray, for all values together.

    The quantile of the largest |t| (Hothorn, Bretz and Westfall 2008): errors of neighbouring epochs go
    together, so that less than Bonferroni's share is needed. Their correlation comes from the residuals,
    shrunk to none as far as these cannot tell it (Schäfer and Strimmer 2005), and the quantile from 4,000
    draws with a fixed seed. Values with other degrees of freedom are made comparable by their p-values.
    Bonferroni is the fallback (fewer than four residuals, more than 512 values), and never exceeded.

    Args:
        spreads: One for each metric.
        asked: For each metric which of its points are judged, shape (points,), boolean.
        level: The error rate of the whole family.

    Returns:
        For each metric the factor at each point, shape (points,); NaN where nothing is judged.
    """
    freedom = np.concatenate([spread.freedom[which] for spread, which in zip(spreads, asked, strict=True)])
    share = _share(spreads, asked, freedom, level)
    return tuple(
        np.where(which, stdtrit(np.maximum(spread.freedom, 1), 1 - share / 2), np.nan)
        for spread, which in zip(spreads, asked, strict=True)
    )


def _share(spreads: Sequence[Spread], asked: Sequence[Mask], freedom: Array, level: float) -> float:
    """Return the level of one value at which the whole family has `level`."""
    bonferroni = level / freedom.size
    draws = min(len(spread.residuals) for spread in spreads)
    if draws < _FEWEST_DRAWS or not 1 < freedom.size <= _LARGEST:
        return bonferroni
    if any(len(spread.residuals) != draws for spread in spreads):
        return bonferroni
    residuals = np.hstack([spread.residuals[:, which] for spread, which in zip(spreads, asked, strict=True)])
    size = np.sqrt((residuals**2).mean(axis=0))
    standard = np.where(size > 0, residuals / np.where(size > 0, size, 1), 0)
    kept = np.sqrt(1 - _shrinkage(standard))
    random = np.random.default_rng(0)
    common = random.standard_normal((_DRAWS, draws)) @ standard / np.sqrt(draws)
    own = random.standard_normal((_DRAWS, freedom.size))
    normal = kept * common + np.sqrt(1 - kept**2 * (standard**2).mean(axis=0)) * own
    t = normal / np.sqrt(random.chisquare(freedom, (_DRAWS, freedom.size)) / freedom)
    smallest = (2 * stdtr(freedom, -np.abs(t))).min(axis=1)
    return max(float(np.quantile(smallest, level)), bonferroni)


def _shrinkage(standard: Array) -> float:
    """Return how far the correlations are to be shrunk to 0, from 0 to 1 (Schäfer and Strimmer 2005)."""
    k = len(standard)
    products = standard.T @ standard / k
    squares = (standard**2).T @ (standard**2) / k
    variances = (squares - products**2) * k / (k - 1) ** 2
    np.fill_diagonal(products, 0)
    np.fill_diagonal(variances, 0)
    total = float((products**2).sum())
    return min(1.0, float(variances.sum()) / total) if total > 0 else 1.0

"""Bounds hold for all values together, at the stated rate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import stdtrit

from repro.comparison.noise import Spread
from repro.comparison.simultaneous import LEVEL, factors


def spread(draws: int, points: int, correlated: float, seed: int, freedom: float = 8) -> Spread:
    random = np.random.default_rng(seed)
    common = random.normal(size=(draws, 1))
    residuals = np.sqrt(correlated) * common + np.sqrt(1 - correlated) * random.normal(size=(draws, points))
    return Spread(np.ones(points), np.full(points, freedom), residuals)


def bonferroni(points: int, freedom: float = 8) -> float:
    return float(stdtrit(freedom, 1 - LEVEL / (2 * points)))


def test_independent_values_need_what_bonferroni_asks() -> None:
    """Where errors have nothing in common the factor is Bonferroni's, within a few percent, and not above."""
    (found,) = factors([spread(20, 16, 0.0, 1)], [np.ones(16, bool)])
    assert 0.9 * bonferroni(16) < found[0] <= bonferroni(16)


def test_values_that_go_together_need_less() -> None:
    """Where errors are one run's offset at all epochs the factor falls towards that of a single value."""
    (found,) = factors([spread(40, 16, 0.98, 2, freedom=1000)], [np.ones(16, bool)])
    assert bonferroni(1, 1000) < found[0] < 0.9 * bonferroni(16, 1000)


@pytest.mark.parametrize("draws", [2, 3])
def test_few_residuals_fall_back_to_bonferroni(draws: int) -> None:
    """Correlations cannot be told from fewer than four residuals: Bonferroni it is."""
    (found,) = factors([spread(draws, 16, 0.9, 3)], [np.ones(16, bool)])
    assert found[0] == pytest.approx(bonferroni(16))


def test_metrics_share_one_error_rate() -> None:
    """Two metrics together are judged as strictly as one with as many values."""
    both = [spread(3, 8, 0.0, 4), spread(3, 8, 0.0, 5)]
    asked = [np.ones(8, bool)] * 2
    assert factors(both, asked)[0][0] == pytest.approx(bonferroni(16))


def test_what_is_not_judged_has_no_factor_and_costs_nothing() -> None:
    """A value that is not asked for has no factor and makes the others' no larger."""
    asked = np.arange(8) < 2
    (found,) = factors([spread(3, 8, 0.0, 6)], [asked])
    assert found[0] == pytest.approx(bonferroni(2))
    assert np.isnan(found[2:]).all()


def test_it_is_the_same_each_time() -> None:
    """The draws have a fixed seed: a comparison gives the same bounds each time."""
    first, second = (factors([spread(20, 16, 0.5, 7)], [np.ones(16, bool)])[0] for _ in range(2))
    assert np.array_equal(first, second)

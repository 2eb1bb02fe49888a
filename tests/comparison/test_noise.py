"""Noise is estimated by stream, borrows strength over the epochs, and is not widened by one bad replicate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from repro.comparison.noise import estimate, moderated, outlying

RANDOM = np.random.default_rng(3)
PLACES = list(range(1, 17))
MEAN = 2.0 - 0.3 * np.log(np.arange(1, 17))


def replicates(
    sizes: tuple[int, ...], between: float, within: float, seed: int
) -> tuple[np.ndarray, list[int]]:
    random = np.random.default_rng(seed)
    rows, labels = [], []
    for stream, size in enumerate(sizes):
        centre = MEAN + random.normal(0, between, 16)
        for _ in range(size):
            rows.append(centre + random.normal(0, within, 16))
            labels.append(stream)
    return np.array(rows), labels


def test_the_drawn_spreads_come_back() -> None:
    """Averaged over many draws, both standard deviations are those that were drawn with."""
    within, total = [], []
    for seed in range(200):
        found = estimate(*replicates((4, 2, 3), 0.05, 0.006, seed))
        assert found.within is not None
        assert found.total is not None
        within.append(np.mean(found.within.deviation**2))
        total.append(np.mean(found.total.deviation**2))
    assert np.sqrt(np.mean(within)) == pytest.approx(0.006, rel=0.05)
    assert np.sqrt(np.mean(total)) == pytest.approx(np.hypot(0.05, 0.006), rel=0.05)


def test_a_stream_counts_once() -> None:
    """A hundred replicates of one stream do not make the spread between streams any better known."""
    few, many = (estimate(*replicates((size, 1, 1), 0.05, 0.001, 5)) for size in (2, 100))
    assert few.total is not None
    assert many.total is not None
    assert np.all(many.streams == 3)
    assert np.array_equal(few.total.freedom, many.total.freedom)


def test_fewer_than_three_streams_tell_nothing_of_others() -> None:
    """With two streams only the noise within them is known, with single replicates not even that."""
    assert estimate(*replicates((3, 2), 0.05, 0.006, 1)).total is None
    assert estimate(*replicates((1, 1), 0.05, 0.006, 1)).within is None


def test_identical_replicates_have_the_noise_of_their_digits() -> None:
    """Replicates that are equal as printed are known no better than their digits tell."""
    values = np.tile(np.round(MEAN, 4), (3, 1))
    found = estimate(values, [0, 0, 0], floor=1e-4 / np.sqrt(12))
    assert found.within is not None
    assert np.allclose(found.within.deviation, 1e-4 / np.sqrt(12))


def test_variances_are_drawn_together_as_far_as_they_are_alike() -> None:
    """Variances of one truth come nearly together; those that truly differ stay apart, in their order."""
    alike = 0.01 * RANDOM.chisquare(2, 50) / 2
    smooth, freedom = moderated(alike, np.full(50, 2.0))
    assert smooth.max() / smooth.min() < 0.1 * alike.max() / alike.min()
    assert freedom[0] > 10
    apart = np.repeat([1e-6, 1.0], 25) * RANDOM.chisquare(8, 50) / 8
    kept, freedom = moderated(apart, np.full(50, 8.0))
    assert kept[25:].min() > 1000 * kept[:25].max()
    assert np.array_equal(np.argsort(kept), np.argsort(apart))


@given(
    arrays.arrays(float, (5, 9), elements=st.floats(-5, 5)),
    st.lists(st.integers(0, 3), min_size=5, max_size=5),
)
def test_any_values_have_a_noise(values: np.ndarray, labels: list[int]) -> None:
    """Whatever replicates hold, deviations are finite and not negative where there are degrees of freedom."""
    found = estimate(values, labels, floor=1e-5)
    for spread in (found.within, found.total):
        if spread is not None:
            judged = spread.freedom > 0
            assert np.all(np.isfinite(spread.deviation[judged]) & (spread.deviation[judged] > 0))


def test_a_missing_cell_costs_only_itself() -> None:
    """A replicate without a value at one epoch is used at all others."""
    values, labels = replicates((3, 2, 2), 0.05, 0.006, 2)
    values[0, 4] = np.nan
    found = estimate(values, labels)
    assert np.all(np.isfinite(found.mean))
    assert np.all(found.streams == 3)


def test_a_diverged_replicate_is_found() -> None:
    """One replicate whose curve lies elsewhere, or is not finite, is found; none of the others is."""
    values, _ = replicates((5, 2, 3), 0.05, 0.006, 7)
    values[2] += np.linspace(0, 1.5, 16)
    values[6, 9] = np.inf
    assert np.flatnonzero(outlying(values, PLACES)).tolist() == [2, 6]


def test_clusters_are_no_outliers() -> None:
    """Streams of few replicates beside one of many are kept, however tightly the many lie together."""
    for seed in range(100):
        values, _ = replicates((8, 1, 1), 0.05, 0.001, seed)
        assert not outlying(values, PLACES).any()

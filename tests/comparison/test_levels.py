"""The end of a curve and how soon it gets there are judged by streams, each counted once."""

from __future__ import annotations

import numpy as np
import pytest
from peers_samples import curve, drawn
from scipy.special import stdtrit

from repro.comparison.levels import convergence, epochs_to_reach, equivalence, levels, one_sided, prediction

FALLING = [2.0, 1.6, 1.4, 1.3, 1.25, 1.2, 1.18, 1.15]


def test_the_interval_is_that_of_one_more_draw() -> None:
    """It holds a further draw in 95 of 100 cases, as mean ± t·s·sqrt(1 + 1/k) does."""
    middle, half = prediction([1.0, 1.2, 1.1, 1.3])
    deviation = np.std([1.0, 1.2, 1.1, 1.3], ddof=1)
    assert middle == pytest.approx(1.15)
    assert half == pytest.approx(stdtrit(3, 0.975) * deviation * np.sqrt(1.25))
    random = np.random.default_rng(0)
    inside = 0
    for _ in range(2000):
        *known, new = random.normal(size=6)
        middle, half = prediction(known)
        inside += abs(new - middle) <= half
    assert 0.935 < inside / 2000 < 0.965


def test_both_ends_are_compared() -> None:
    """The last value and the mean of the last quarter stand beside the replicates' interval."""
    peers = drawn(6, 8)
    last, quarter = levels("validation_loss", peers[0], peers[1], peers[2:], range(4))
    assert (last.of, quarter.of, last.how) == ("last value", "last quarter", "prediction")
    assert last.within
    assert quarter.measured == pytest.approx(
        np.mean([point.value("validation_loss") for point in peers[1].points[-2:]])
    )
    far = curve("far", [value + 1 for value in FALLING])
    assert not any(level.within for level in levels("validation_loss", peers[0], far, peers[2:], range(4)))


def test_two_sides_with_replicates_are_tested_for_equivalence() -> None:
    """Where the run has replicates of its own two one-sided tests decide, and a shifted side fails them."""
    peers = drawn(5, 8)
    own = [curve(f"own {at}", [point.value("validation_loss") for point in peer.points], own=True)
           for at, peer in enumerate(drawn(4, 8, seed=9))]  # fmt: skip
    (last, _) = levels("validation_loss", peers[0], own[0], [*peers[1:], *own[1:]], range(7))
    assert (last.how, last.within) == ("equivalence", True)
    shifted = [curve(f"own {at}", [2.5 - 0.05 * at] * 8, own=True) for at in range(4)]
    (last, _) = levels("validation_loss", peers[0], shifted[0], [*peers[1:], *shifted[1:]], range(7))
    assert not last.within


def test_a_difference_of_one_run_is_rarely_called_equivalent() -> None:
    """Two sides that differ by the whole margin pass the test in one of twenty cases at most."""
    random = np.random.default_rng(1)
    passed = 0
    for _ in range(1000):
        published = random.normal(0, 1, 6)
        margin = prediction(published.tolist())[1]
        measured = random.normal(0, 1, 6) + np.mean(published) + margin
        passed += equivalence("last value", published.tolist(), measured.tolist()).within
    assert passed / 1000 <= 0.06


def test_the_target_is_the_best_published_value() -> None:
    """Epochs to reach it are counted at evaluations, and a run that never does has none."""
    published = curve("published", FALLING)
    slow = curve("slow", [value + 0.02 for value in FALLING])
    found = convergence("validation_loss", published, published, ())
    assert found is not None
    assert (found.target, found.published, found.measured) == (1.15, 8.0, 8.0)
    other = convergence("validation_loss", published, slow, ())
    assert other is not None
    assert other.measured is None


def test_a_run_that_needs_as_long_as_the_replicates_is_within() -> None:
    """The interval is two-sided; the one-sided test has its own name and says how unusual a slow run is."""
    published = curve("published", [2.0, 1.8, 1.6, 1.4, 1.3, 1.2])
    peers = [curve(f"peer {at}", [2.0, 1.8, 1.6, 1.4, 1.3 - 0.11 * (at % 2), 1.19]) for at in range(6)]
    found = convergence("validation_loss", published, published, peers)
    assert found is not None
    assert found.within
    assert (found.reached, found.published) == (6, 6.0)
    assert one_sided(20.0, [5, 6, 5, 6]) < 0.01 < 0.99 < one_sided(1.0, [5, 6, 5, 6])
    assert one_sided(5.0, [5, 5, 5]) == 0.5


def test_a_metric_that_rises_is_reached_from_below() -> None:
    """Accuracy is as good as the target when it is as high."""
    accuracy = curve("a", [0.5, 0.6, 0.7, 0.65], metric="accuracy")
    assert epochs_to_reach(accuracy, "accuracy", 0.69) == 3.0
    found = convergence("accuracy", accuracy, accuracy, ())
    assert found is not None
    assert found.target == 0.7

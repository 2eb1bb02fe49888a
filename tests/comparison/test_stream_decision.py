"""Whether two curves come from one random stream is told by the curves first, then by their versions."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from peers_samples import PEERS, curve, drawn, published

from repro.comparison.streams import ERROR_RATE, correlation, decide, labels

WAVE = [2.0, 1.6, 1.55, 1.3, 1.38, 1.2, 1.31, 1.11, 1.2, 1.02]


def test_the_eleven_re_runs_are_three_streams() -> None:
    """The public re-runs fall into the streams A, B and C of their versions, by their curves alone."""
    bare = [replace(peer, versions={}) for peer in PEERS]
    assert labels(bare) == (0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 2)


def test_every_pair_of_re_runs_is_told_rightly_without_either() -> None:
    """With a pair of re-runs left out, the others' thresholds tell whether the two are of one stream."""
    of = labels(PEERS)
    for i, j in itertools.combinations(range(len(PEERS)), 2):
        rest = [k for k in range(len(PEERS)) if k not in (i, j)]
        found = decide(PEERS[i], PEERS[j], [PEERS[k] for k in rest], [of[k] for k in rest])
        assert found.match == ("same" if of[i] == of[j] else "different"), found.reason
        assert found.error_rate == ERROR_RATE


def test_the_published_run_is_of_none_of_their_streams() -> None:
    """The published curve correlates with no re-run as one stream does."""
    for peer in PEERS:
        assert decide(published(), peer, PEERS, labels(PEERS)).match == "different"


def test_curves_are_believed_rather_than_versions() -> None:
    """Two curves that zigzag together are of one stream whatever their versions say."""
    versions = {"transformers": "4.21.2", "torch": "1.13.0"}, {"transformers": "4.46.0", "torch": "2.4.0"}
    one, other = (curve(name, WAVE, versions=each) for name, each in zip("ab", versions, strict=True))
    found = decide(one, other, (), ())
    assert found.match == "same"
    assert "although the documented versions give stream A2" in found.reason


@pytest.mark.parametrize(("points", "freedom"), [(4, None), (5, 2), (7, 4), (8, 4), (10, 6)])
def test_few_points_have_a_plainer_trend(points: int, freedom: int | None) -> None:
    """From eight points on a quadratic is taken off, from five on a line; fewer points say nothing."""
    found = correlation(curve("a", WAVE[:points]), curve("b", WAVE[:points]))
    assert (found is None) if freedom is None else (found is not None and found[1] == freedom)


def test_another_seed_is_another_stream() -> None:
    """Runs with other seeds are never of one stream, however alike their curves look."""
    one, other = curve("a", WAVE, seed=42), curve("b", WAVE, seed=43)
    assert decide(one, other, (), ()).match == "different"
    assert labels([one, other]) == (0, 1)


def test_unrelated_curves_are_rarely_called_one_stream() -> None:
    """Of pairs of unrelated curves no more are called one stream than the stated error rate allows."""
    found = [decide(one, other, (), ()).match for one, other in (drawn(2, 16, seed=at) for at in range(300))]
    assert np.mean([match == "same" for match in found]) <= ERROR_RATE

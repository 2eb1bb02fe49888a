"""Two curves and their replicates give one verdict, its bounds, and both readings of a suspect table."""

from __future__ import annotations

import itertools
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from peers_samples import PEERS, curve, drawn, published

from repro.comparison.judgement import compare_curves
from repro.comparison.streams import labels
from repro.records.claims import Cell
from repro.records.comparison import VERDICTS

FALLING = [2.0, 1.6, 1.4, 1.3, 1.25, 1.2, 1.18, 1.15, 1.14, 1.13]
# Its torch is older than 1.11: the order of its data differs from that of the five others from epoch 2 on.
A1 = next(peer for peer in PEERS if peer.versions["torch"].startswith("1.10"))


def test_re_runs_of_one_stream_match() -> None:
    """Each public re-run matches each other one of its stream, the two left out.

    The one of stream A1 is consistent with those of A2: it masks alike, in another order of the data.
    """
    of = labels(PEERS)
    for i, j in itertools.permutations(range(len(PEERS)), 2):
        if of[i] == of[j]:
            found = compare_curves(PEERS[i], PEERS[j], PEERS)
            assert found.verdict == ("consistent" if A1 in (PEERS[i], PEERS[j]) else "matching"), found.reason
            assert len(found.replicates.left_out) == 2
            assert {metric.bound_source for metric in found.metrics.values()} == {"replicates"}


def test_re_runs_of_two_streams_are_consistent() -> None:
    """Each public re-run is consistent with each one of another stream, and the stream is the first cause."""
    of = labels(PEERS)
    for i, j in itertools.permutations(range(len(PEERS)), 2):
        if of[i] != of[j]:
            found = compare_curves(PEERS[i], PEERS[j], PEERS)
            assert found.verdict == "consistent", found.reason
            assert "random stream" in found.causes[0].cause


def test_the_suspect_table_is_compared_in_both_readings() -> None:
    """As printed the published table is different, and the headline says so; RT210 is read beside it.

    Read that way it is consistent with ten re-runs; from the eleventh one of 31 values is just outside.
    """
    readings = []
    for peer in PEERS:
        found = compare_curves(published(), peer, PEERS)
        assert (found.verdict, found.reproduced) == ("different", False)
        (reading,) = found.readings
        assert reading.rule == "RT210"
        readings.append(reading.verdict)
        assert "exchanged in epochs 7 to 16" in found.reason
        assert "the published table" in found.causes[0].cause
        outside = [row.epoch for row in found.metrics["training_loss"].rows if not row.within]
        assert min(epoch for epoch in outside if epoch is not None) >= 7 or reading.verdict == "different"
    assert readings.count("consistent") == 10, readings


def test_a_run_that_breaks_in_the_middle_diverged() -> None:
    """A public re-run whose losses explode from epoch 9 on is diverged."""
    broken = replace(
        PEERS[0],
        points=tuple(
            replace(point, cells={name: replace_value(cell, 9.0) for name, cell in point.cells.items()})
            if (point.epoch or 0) > 8
            else point
            for point in PEERS[0].points
        ),
    )
    assert compare_curves(PEERS[1], broken, PEERS).verdict == "diverged"


def replace_value(cell: Cell, factor: float) -> Cell:
    value = float(str(cell.value)) * factor
    return msgspec.structs.replace(cell, text=f"{value:.4f}", value=value)


def test_losses_on_another_scale_are_incomparable() -> None:
    """A public re-run printed in bits is on another scale, not different."""
    bits = replace(
        PEERS[0],
        points=tuple(
            replace(point, cells={name: replace_value(cell, 2.9) for name, cell in point.cells.items()})
            for point in PEERS[0].points
        ),
    )
    assert compare_curves(PEERS[1], bits, PEERS).verdict == "incomparable"


def test_one_bad_replicate_does_not_widen_the_band() -> None:
    """A diverged replicate is left out by name and with its reason, and the bounds stay what they were."""
    good = compare_curves(PEERS[0], PEERS[8], PEERS)
    bad = replace(
        PEERS[3],
        name="somebody/broken",
        points=tuple(
            replace(
                point,
                cells={
                    name: replace_value(cell, 1 + (point.epoch or 0)) for name, cell in point.cells.items()
                },
            )
            for point in PEERS[3].points
        ),
    )
    found = compare_curves(PEERS[0], PEERS[8], [*PEERS, bad])
    reasons = {each.name: each.reason for each in found.replicates.left_out}
    assert "diverged" in reasons["somebody/broken"]
    for name, metric in found.metrics.items():
        assert [row.bound for row in metric.rows] == [row.bound for row in good.metrics[name].rows]


@pytest.mark.parametrize("count", [1, 2])
def test_one_and_two_epochs_are_compared(count: int) -> None:
    """With one or two evaluations the stated bound is all there is, and it is said to be assumed."""
    found = compare_curves(curve("a", FALLING[:count]), curve("b", [v + 0.01 for v in FALLING[:count]]))
    assert found.metrics["validation_loss"].bound_source == "assumed"
    assert found.verdict == "consistent"


def test_other_steps_are_incomparable_unless_interpolated() -> None:
    """At other points nothing is made up; where asked for, it is interpolated and said."""
    here, there = curve("a", FALLING, every=100), curve("b", FALLING, every=90)
    there = replace(there, points=tuple(replace(point, epoch=None) for point in there.points))
    here = replace(here, points=tuple(replace(point, epoch=None) for point in here.points[1:8]))
    assert compare_curves(here, there).verdict == "incomparable"
    found = compare_curves(here, there, interpolate=True)
    assert found.verdict != "incomparable"
    assert any("interpolated" in note for note in found.notes)


def test_a_table_without_places_is_compared_in_its_order() -> None:
    """A card without epochs and steps is compared row by row, where there are as many."""
    here = curve("a", FALLING)
    here = replace(here, points=tuple(replace(point, epoch=None, step=None) for point in here.points))
    assert compare_curves(here, curve("b", FALLING)).verdict == "identical"
    shorter = compare_curves(here, curve("b", FALLING[:-1]))
    assert (shorter.verdict, shorter.reason) == ("incomparable", "the card has 10 evaluations, the run 9")


def test_the_first_evaluation_at_a_step_counts() -> None:
    """A second evaluation at the last step is one after the training, perhaps of another checkpoint."""
    twice = curve("b", [*FALLING, 0.5])
    last = replace(twice.points[-1], step=twice.points[-2].step, epoch=twice.points[-2].epoch)
    found = compare_curves(curve("a", FALLING), replace(twice, points=(*twice.points[:-1], last)))
    assert found.verdict == "identical"


def test_no_common_place_is_incomparable() -> None:
    """Curves without a common step cannot be compared, interpolated or not, and the sentence names one."""
    here, there = curve("a", FALLING), curve("b", FALLING)
    there = replace(
        there,
        points=tuple(replace(point, epoch=None, step=(point.step or 0) + 10**6) for point in there.points),
    )
    found = compare_curves(here, there, interpolate=True)
    assert found.verdict == "incomparable"
    assert "step" in found.reason


def test_missing_cells_are_not_compared() -> None:
    """A cell without a value on either side is left out, and all others are compared."""
    here = curve("a", [None, *FALLING[1:]])
    there = curve("b", [*FALLING[:4], None, *FALLING[5:]])
    rows = compare_curves(here, there).metrics["validation_loss"].rows
    assert [row.within for row in rows].count(None) == 2


def test_a_replicate_with_nan_is_left_out() -> None:
    """One replicate that printed NaN is left out by name; the others give the bounds."""
    peers = drawn(6, 12)
    bad = curve("bad", [*FALLING, float("nan"), 1.1])
    found = compare_curves(peers[0], peers[1], [*peers[2:], bad])
    assert [each.name for each in found.replicates.left_out] == ["bad"]
    assert found.metrics["validation_loss"].bound_source == "replicates"


def test_identical_replicates_leave_a_bound_of_their_digits() -> None:
    """Replicates that are equal in every digit bound a run by what their digits hide, not by nothing."""
    twins = [curve(f"twin {at}", FALLING) for at in range(4)]
    near = curve("b", [value + 0.0001 for value in FALLING])
    found = compare_curves(curve("a", [value - 0.0001 for value in FALLING]), near, twins)
    row = found.metrics["validation_loss"].rows[0]
    assert 0.00005 < row.bound < 0.001
    assert found.verdict == "matching"


def test_one_replicate_gives_no_bounds() -> None:
    """One replicate has no spread: the stated bound holds, and is said to be assumed."""
    peers = drawn(3, 12)
    assert compare_curves(peers[0], peers[1], peers[2:]).metrics["validation_loss"].bound_source == "assumed"


def test_two_printed_digits_are_part_of_the_bound() -> None:
    """A table printed with two digits may differ by half a unit of the second one beyond the noise."""
    peers = drawn(6, 12, spread=0.0005)
    rounded = replace(
        peers[0],
        points=tuple(
            replace(point, cells={n: replace_text(c) for n, c in point.cells.items()})
            for point in peers[0].points
        ),
    )
    other = replace(peers[1], seed=43)
    fine = compare_curves(replace(peers[0], seed=42), other, peers[2:]).metrics["validation_loss"].rows
    rough = compare_curves(replace(rounded, seed=42), other, peers[2:]).metrics["validation_loss"].rows
    assert [b.bound - a.bound for a, b in zip(fine, rough, strict=True)] == pytest.approx(
        [0.005 - 0.00005] * 12
    )


def replace_text(cell: Cell) -> Cell:
    value = round(float(str(cell.value)), 2)
    return msgspec.structs.replace(cell, text=f"{value:.2f}", value=value)


def test_higher_is_better_is_no_divergence() -> None:
    """An accuracy that grows to more than twice its first is no explosion."""
    here = curve("a", [0.2, 0.4, 0.6], metric="accuracy")
    found = compare_curves(here, curve("b", [0.21, 0.405, 0.61], metric="accuracy"))
    assert found.verdict == "consistent"


def test_ten_thousand_rows_need_no_second_thought() -> None:
    """Ten thousand step-wise evaluations are compared with bounds from replicates."""
    many = drawn(8, 10_000)
    found = compare_curves(many[0], many[1], many[2:])
    assert len(found.metrics["validation_loss"].rows) == 10_000
    assert found.metrics["validation_loss"].bound_source == "replicates"


def test_a_seed_of_our_own_is_a_stream_of_its_own() -> None:
    """Own runs with other seeds add to the bounds, and both ends are then tested for equivalence."""
    peers = drawn(9, 12)
    own = [replace(each, own=True, seed=43 + at) for at, each in enumerate(peers[6:])]
    found = compare_curves(replace(peers[0], seed=42), replace(peers[1], seed=42), [*peers[2:6], *own])
    metric = found.metrics["validation_loss"]
    assert found.replicates.streams == 7
    assert {level.how for level in metric.levels} == {"equivalence"}


finite = st.floats(0.01, 5)


@given(
    st.lists(st.one_of(st.none(), finite, st.just(float("nan"))), max_size=12),
    st.lists(st.one_of(st.none(), finite, st.just(float("inf"))), max_size=12),
    st.lists(st.lists(st.one_of(st.none(), finite), max_size=12), max_size=5),
)
def test_any_curves_get_a_verdict(
    here: list[float | None], there: list[float | None], others: list[list[float | None]]
) -> None:
    """Whatever two curves and their replicates hold, the comparison has a verdict and rows that add up."""
    found = compare_curves(
        curve("a", here), curve("b", there), [curve(f"peer {at}", each) for at, each in enumerate(others)]
    )
    assert found.verdict in VERDICTS
    for metric in found.metrics.values():
        for row in metric.rows:
            assert np.isfinite(row.bound)
            assert row.within is None or row.within == (
                row.difference is not None and abs(row.difference) <= row.bound
            )

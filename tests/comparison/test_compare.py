"""The verdict says what the numbers say, and nothing else."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from curve_samples import PUBLISHED, run, table
from hypothesis import given
from hypothesis import strategies as st

from repro.cases.loader import load_case
from repro.comparison import compare
from repro.comparison.bounds import DEFAULT_BOUND
from repro.comparison.replicates import read_replicates
from repro.records.comparison import VERDICTS
from repro.records.run import Epoch

EXACT = [float(text) for text in PUBLISHED]
losses = st.floats(min_value=0.01, max_value=20, allow_nan=False)


def test_values_that_print_alike_are_identical() -> None:
    """A run whose values print as the published ones is identical, whatever digits follow."""
    found = compare(run([2.10031, 1.62108, 1.49644, 1.40999], table(PUBLISHED)))
    assert found.verdict == "identical"
    assert found.reproduced
    assert found.causes == ()


def test_one_other_digit_is_not_identical() -> None:
    """One value that prints with another last digit makes the run matching, and the row keeps both."""
    found = compare(run([*EXACT[:3], 1.4101], table(PUBLISHED)))
    assert found.verdict == "matching"
    row = found.metrics["validation_loss"].rows[3]
    assert (row.published, row.within) == ("1.41", True)
    assert row.difference == pytest.approx(0.0001)


def test_the_printed_text_is_kept() -> None:
    """`1.41` and `1.4100` stay what they are in the rows."""
    found = compare(run(EXACT, table(("2.1003", "1.6211", "1.4964", "1.4100"))))
    assert [row.published for row in found.metrics["validation_loss"].rows][-1] == "1.4100"
    assert found.verdict == "identical"


def test_a_table_printed_with_two_digits_is_compared_with_two() -> None:
    """A column that was shortened by hand is identical when the values agree as short as it is."""
    assert compare(run([2.1003, 1.6211], table(("2.10", "1.62")))).verdict == "identical"


@pytest.mark.parametrize(
    ("stream", "verdict"), [("A2", "matching"), ("C", "consistent"), (None, "consistent")]
)
def test_within_the_bound_the_stream_decides(stream: str | None, verdict: str) -> None:
    """Within the stated bound a run of the same stream is matching, any other one only consistent."""
    found = compare(run([value + 0.01 for value in EXACT], table(PUBLISHED), stream=stream))
    assert found.verdict == verdict
    assert found.metrics["validation_loss"].bound_source == "assumed"


def test_outside_the_bound_is_different_and_says_where() -> None:
    """One value outside makes the run different; the sentence names how many, how far and which epoch."""
    found = compare(run([*EXACT[:2], EXACT[2] + 0.5, EXACT[3]], table(PUBLISHED)))
    assert found.verdict == "different"
    assert not found.reproduced
    assert "1 of 4 values lie outside ±0.02; the largest difference is 0.5000 at epoch 3" in found.reason


@pytest.mark.parametrize("value", ["nan", "inf", 50.0])
def test_a_run_that_explodes_diverged(value: float) -> None:
    """NaN, infinity, or a loss that grew to twice its first is diverged where the published one is not."""
    found = compare(run([*EXACT[:3], value], table(PUBLISHED)))
    assert found.verdict == "diverged"


def test_a_published_curve_that_explodes_diverged_too() -> None:
    """It is as diverged when the published curve holds the NaN and the run does not."""
    assert compare(run(EXACT, table((*PUBLISHED[:3], "nan")))).verdict == "diverged"


@pytest.mark.parametrize("factor", [0.4, 3.0])
def test_another_scale_is_incomparable(factor: float) -> None:
    """Losses that differ by one factor at every epoch are on another scale, not different."""
    found = compare(run([value * factor for value in EXACT], table(PUBLISHED)))
    assert found.verdict == "incomparable"
    assert f"{factor:.3g} times" in found.reason


def test_other_evaluation_points_are_incomparable() -> None:
    """Other steps, or another number of evaluations, cannot be compared, and the sentence says which."""
    found = compare(run(EXACT, table(PUBLISHED), every=290))
    assert found.verdict == "incomparable"
    assert "at step 291, the run at 290" in found.reason
    assert "4 evaluations, the run 3" in compare(run(EXACT[:3], table(PUBLISHED))).reason


def test_a_card_with_other_columns_is_incomparable() -> None:
    """A table with no loss that the run measures is incomparable and names its columns."""
    found = compare(run(EXACT, table(PUBLISHED, column="accuracy")))
    assert (found.verdict, found.metrics) == ("incomparable", {})
    assert "accuracy" in found.reason


def test_a_rehearsal_is_incomparable_and_says_so() -> None:
    """A rehearsal is never compared, however its numbers look."""
    found = compare(run(EXACT, table(PUBLISHED), rehearse=2))
    assert (found.verdict, found.rehearsal, found.causes) == ("incomparable", True, ())
    assert "rehearsal" in found.reason


def test_no_log_is_no_claim() -> None:
    """A cell `No log` is left out of the comparison instead of being read as a number."""
    found = compare(run(EXACT, table(("No log", *PUBLISHED[1:]))))
    rows = found.metrics["validation_loss"].rows
    assert (rows[0].within, rows[0].difference) == (None, None)
    assert found.verdict == "matching"


def test_without_a_stated_bound_the_default_is_assumed() -> None:
    """A metric for which the case states no bound has the program's, marked as assumed."""
    found = compare(run(EXACT, table(PUBLISHED, column="eval_loss")))
    assert "validation_loss" in found.metrics
    other = compare(run(EXACT, table(PUBLISHED), bound=0.5))
    assert other.metrics["validation_loss"].rows[0].bound == 0.5
    assert DEFAULT_BOUND == 0.02


@given(st.lists(losses, min_size=1, max_size=20))
def test_every_run_is_identical_to_its_own_card(values: list[float]) -> None:
    """Whatever was measured, the card printed from it is found identical."""
    found = compare(run(values, table([f"{value:.4f}" for value in values])))
    assert found.verdict == "identical"


@given(st.lists(st.tuples(losses, losses), min_size=1, max_size=20), st.floats(min_value=1e-4, max_value=5))
def test_the_rows_add_up(both: list[tuple[float, float]], bound: float) -> None:
    """Each row's difference is measured minus published, and within means within its bound."""
    found = compare(run([m for _, m in both], table([f"{p:.4f}" for p, _ in both]), bound=bound))
    assert found.verdict in VERDICTS
    for row in found.metrics["validation_loss"].rows:
        assert row.difference is not None
        assert row.published is not None
        assert row.difference == pytest.approx(float(row.measured or 0) - float(Decimal(row.published)))
        assert row.within == (abs(row.difference) <= bound)


def test_a_run_is_judged_by_the_replicates_of_its_case() -> None:
    """A run of issues-128 has bounds from the case's public re-runs, and both readings of its table."""
    case = load_case("issues-128")
    peers = read_replicates(case.path("peers.csv").read_text(), source="peers.csv")
    measured = peers[0].evaluations
    trained = msgspec.structs.replace(
        run([], None),
        case=case.published(),
        epochs=tuple(
            Epoch(
                epoch=each.epoch,
                step=each.step,
                training_loss=each.training_loss,
                validation_loss=each.validation_loss,
            )
            for each in measured
        ),
    )
    found = compare(trained, peers)
    assert {metric.bound_source for metric in found.metrics.values()} == {"replicates"}
    assert (found.verdict, found.readings[0].verdict) == ("different", "consistent")
    assert found.replicates.streams == 3
    assert compare(trained).metrics["validation_loss"].bound_source == "assumed"

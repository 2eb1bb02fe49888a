"""Rules on the printed cells know how generators print, and what chance does."""

from __future__ import annotations

import pytest
from table_samples import card, curve, found, one, published

from repro.rules.table_cells import (
    a_logged_loss_stays,
    a_training_loss_was_logged,
    columns_differ,
    numbers_are_numbers,
    one_precision,
)

VALIDATION = ["1.7012", "1.5094", "1.4441", "1.4120", "1.3902", "1.3811"]
TRAINING = ["1.5231", "1.273", "1.2012", "1.15", "1.1023", "1.0911"]


@pytest.mark.parametrize(
    ("training", "validation"),
    [
        (TRAINING, VALIDATION),  # the Trainer up to 4.57: training losses in their shortest form
        ([f"{float(t):.4f}" for t in TRAINING], VALIDATION),  # from 5.0 on
        ([f"{float(t):.6f}" for t in TRAINING], [f"{float(v):.6f}" for v in VALIDATION]),  # a notebook's
        (["0.9652972367116438", "0.865", "0.81", "0.8", "0.7123", "0.7"], VALIDATION),  # plain floats
        (["No log", "No log", "1.2", "1.2", "1.15", "1.1"], VALIDATION),
        (
            ["0.0341", "0.01", "0.002", "0.0", "0.0", "1e-05"],
            ["0.1040", "0.0910", "0.0", "0.0871", "0.0860", "0.0840"],
        ),
        (TRAINING, ["1.7012", "1.5", "1.4440", "1.375", "1.3902", "1.3811"]),  # half precision: 1.5, 1.375
    ],
)
def test_every_generators_digits_are_left_alone(training: list[str], validation: list[str]) -> None:
    """Columns as the Trainer, a notebook or plain floats print them have one precision."""
    assert found(one_precision, card(curve(training, validation))) == []


def test_a_seam_between_card_and_notebook_is_found() -> None:
    """Four digits that go on with six are a note that shows a cell of each."""
    finding = one(one_precision, card(curve([*TRAINING[:3], "1.102300", "1.100000", "1.091140"], VALIDATION)))
    assert finding.severity == "note"
    assert "filled up to 6 digits" in finding.message


def test_a_short_validation_loss_among_filled_up_ones_is_found() -> None:
    """An evaluation loss is filled up to four digits, so one that is shorter was typed."""
    assert found(one_precision, card(curve(TRAINING, [*VALIDATION[:5], "1.381"]))) == ["note"]


@pytest.mark.parametrize("text", ["No log", "", "-", "nan", "inf", "Stop & Train", "1e-05", "**1.5000**"])
def test_words_and_blanks_are_no_broken_numbers(text: str) -> None:
    """What generators print where there is no number is left alone."""
    assert found(numbers_are_numbers, card(curve([text, *TRAINING[1:]], VALIDATION))) == []


@pytest.mark.parametrize("text", ["0 .254000", "1,5231", "tf.Tensor(0.198, shape=())", "1.5231 1.0"])
def test_broken_numbers_are_found(text: str) -> None:
    """A blank, a comma, a tensor or two numbers in one cell are found with their text."""
    finding = one(numbers_are_numbers, card(curve([text, *TRAINING[1:]], VALIDATION)))
    assert (finding.severity, finding.evidence["cells"]) == ("warning", 1)
    assert text[:10] in finding.message


def test_a_column_without_any_number_was_meant_so() -> None:
    """Where all cells have a form of their own, somebody chose it: a note."""
    rows = [(t, f"{i}/6", 100 * i, v) for i, (t, v) in enumerate(zip(TRAINING, VALIDATION, strict=True), 1)]
    assert found(numbers_are_numbers, card(rows)) == ["note"]


def test_the_last_cell_of_the_published_table_is_noted() -> None:
    """1.0940 stands twice in the last row of issues-128."""
    finding = one(columns_differ, published())
    assert (finding.severity, finding.evidence["rows"]) == ("note", [16])
    assert "1.0940" in finding.message


def test_small_or_near_losses_agree_by_chance() -> None:
    """Losses of few digits, and columns that lie next to each other, agree once by chance."""
    assert found(columns_differ, card(curve(["0.0001"] * 5, ["0.0001"] * 5))) == []
    near = curve(["1.5021", "1.4012", "1.3021", "1.2544"], ["1.5022", "1.4015", "1.3021", "1.2541"])
    assert found(columns_differ, card(near)) == []


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_copied_columns_are_a_warning(shift: int) -> None:
    """A column that repeats the other one, in the same row or one beside it, is a warning."""
    values = ["1.7012", "1.5094", "1.4441", "1.4120", "1.3902", "1.3811", "1.3702"]
    training = values[max(0, -shift) : 6 + max(0, -shift)]
    validation = values[max(0, shift) : 6 + max(0, shift)]
    assert "warning" in found(columns_differ, card(curve(training, validation)))


def test_repeated_training_losses_are_no_copy() -> None:
    """A loss that is logged more rarely than evaluated is repeated, which is how it is."""
    assert found(columns_differ, card(curve(["1.5231"] * 3 + ["1.2012"] * 3, VALIDATION))) == []


def test_no_log_above_the_first_loss_is_how_it_is() -> None:
    """`No log` above the first loss is normal, in every row it is a note, below a loss a warning."""
    above = card(curve(["No log", "No log", *TRAINING[2:]], VALIDATION))
    assert found(a_logged_loss_stays, above) == found(a_training_loss_was_logged, above) == []
    assert found(a_training_loss_was_logged, card(curve(["No log"] * 6, VALIDATION))) == ["note"]
    assert found(a_logged_loss_stays, card(curve([*TRAINING[:5], "No log"], VALIDATION))) == ["warning"]


def test_that_nothing_was_logged_is_only_said_to_the_strict() -> None:
    """Every eighth real card has `No log` in every row."""
    assert a_training_loss_was_logged.profiles == {"strict"}

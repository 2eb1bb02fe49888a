"""Rules on the rows of a table find what cannot be, and leave alone what trainers really print."""

from __future__ import annotations

import pytest
from table_samples import card, curve, found, one

from repro.rules import Rule
from repro.rules.table import (
    epochs_go_on,
    no_row_is_missing,
    rows_fit_the_header,
    rows_stand_once,
    steps_go_on,
)
from repro.testing import findings

FALLING = curve(["1.5", "1.4", "1.3", "1.2", "1.1", "1.0"], ["1.6", "1.5", "1.4", "1.35", "1.3", "1.28"])


@pytest.mark.parametrize(
    "rule", [steps_go_on, rows_stand_once, epochs_go_on, no_row_is_missing, rows_fit_the_header]
)
def test_an_ordinary_table_is_left_alone(rule: Rule) -> None:
    """A table in order has no finding on its rows, and neither has one of a single row."""
    assert found(rule, card(FALLING)) == []
    assert found(rule, card(FALLING[:1])) == []


def test_a_doubled_row_is_said_once() -> None:
    """A row that stands twice is a doubled row, not also a step that does not go on."""
    rows = [*FALLING[:2], FALLING[1], *FALLING[2:]]
    assert found(rows_stand_once, card(rows)) == ["warning"]
    assert found(steps_go_on, card(rows)) == []


def test_two_evaluations_at_one_step_are_two_rows() -> None:
    """The same step with other losses is no doubled row, but a step that does not go on."""
    rows = [*FALLING[:2], ("1.4", "2.0", 200, "1.4711"), *FALLING[2:]]
    assert found(rows_stand_once, card(rows)) == []
    assert found(steps_go_on, card(rows)) == ["warning"]


def test_an_epoch_that_falls_in_a_streamed_training_is_a_note() -> None:
    """Without stated epochs the Trainer counts them by steps, and a resumed run begins anew."""
    rows = [("1.5", "1.2", 1000, "1.6"), ("1.4", "0.2", 2000, "1.5"), ("1.3", "1.2", 3000, "1.4")]
    assert found(epochs_go_on, card(rows, training_steps=3000)) == ["note"]
    assert found(epochs_go_on, card(rows, num_epochs=3)) == ["warning"]


@pytest.mark.parametrize(
    "steps",
    [
        [100, 200, 300, 400, 500, 537],  # the last evaluation comes at the end of the training
        [100, 200, 300, 400, 600, 800],  # evaluated more rarely from there on
        [100, 200, 400, 800, 1600, 3200],
        [1, 50, 100, 150, 200, 250],
        [100, 180, 200, 300, 360, 400],  # by steps and by epochs
        [100, 200, 300, 400, 500, 700],  # nothing comes after the gap
    ],
)
def test_uneven_steps_that_trainers_take_are_left_alone(steps: list[int]) -> None:
    """A gap is one only between rows that stand at one distance before and after it."""
    rows = [(t, e, step, v) for (t, e, _, v), step in zip(FALLING, steps, strict=True)]
    assert found(no_row_is_missing, card(rows)) == []


def test_the_size_of_a_gap_is_said() -> None:
    """A gap's message has the number of missing rows and the steps between which they are."""
    rows = curve(["1.5"] * 9, [f"{2 - i / 10:.4f}" for i in range(9)])
    finding = one(no_row_is_missing, card([*rows[:3], *rows[5:]]))
    assert (finding.evidence["missing"], finding.evidence["from"], finding.evidence["to"]) == (2, 300, 600)
    assert "2 rows missing between step 300 and 600" in finding.message


def test_a_row_with_fewer_cells_is_the_generators_own() -> None:
    """Rows that end early are written by the Trainer itself."""
    assert found(rows_fit_the_header, card([*FALLING, ("1.0", "7.0")])) == []
    assert found(rows_fit_the_header, card([*FALLING, ("1.0", "7.0", 700, "1.2", "0.9")])) == ["warning"]


def test_a_rule_repeats_itself_twenty_times_at_most() -> None:
    """What is found more often is counted in one more finding."""
    rows = [("1.5", "1.0", 500 - i, "1.6") for i in range(200)]
    severities = found(steps_go_on, card(rows))
    assert len(severities) == 21
    assert findings(steps_go_on, card(rows))[-1].message.startswith("and 179 more")

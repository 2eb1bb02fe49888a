"""Rules on the headline know that it is often, and legitimately, not the last row."""

from __future__ import annotations

import pytest
from table_samples import card, curve, found, one

from repro.rules.table_headline import (
    the_headline_is_an_evaluation,
    the_headline_is_in_the_table,
    the_headline_is_one_row,
    the_headline_is_the_last,
)
from repro.rules.table_index import the_index_agrees

HEADER = ("Training Loss", "Epoch", "Step", "Validation Loss", "Accuracy", "F1")
ROWS = [
    ("1.5231", "1.0", 100, "1.4012", "0.7312", "0.7012"),
    ("1.2012", "2.0", 200, "1.3021", "0.8123", "0.7921"),
    ("1.1021", "3.0", 300, "1.3633", "0.8091", "0.8011"),
]
ALL = (
    the_headline_is_the_last,
    the_headline_is_in_the_table,
    the_headline_is_one_row,
    the_headline_is_an_evaluation,
)


def severities(headline: dict[str, str], **stated: int) -> dict[str, list[str]]:
    """What each rule finds that finds anything."""
    text = card(ROWS, HEADER, headline=headline, **stated)  # type: ignore[arg-type]
    return {rule.id: found(rule, text) for rule in ALL if found(rule, text)}


@pytest.mark.parametrize(
    "headline",
    [
        {"Loss": "1.3633", "Accuracy": "0.8091"},
        {"Loss": "1.36", "F1": "0.80"},  # rounded by hand
        {"Loss": "nan"},
        {"Accuracy": "0.9"},
        {"Loss": "1,3633"},
        {"eval_loss": "1.3633", "eval_runtime": "12.1", "epoch": "3.0"},
    ],
)
def test_the_last_row_as_headline_is_left_alone(headline: dict[str, str]) -> None:
    """The last row, in as many digits as somebody chose to print, is what a headline is."""
    assert severities(headline) == {}


def test_the_best_row_is_a_note_that_says_by_what_it_is_best() -> None:
    """An earlier row is what `load_best_model_at_end` makes of the headline."""
    assert severities({"Loss": "1.3021", "Accuracy": "0.8123"}) == {"RT230": ["note"]}
    finding = one(the_headline_is_the_last, card(ROWS, HEADER, headline={"Loss": "1.3021"}))
    assert "epoch 2.0" in finding.message
    assert "where validation loss, accuracy are best" in finding.message
    assert "1.3633" in finding.message


def test_a_separate_evaluation_is_a_note_with_the_nearest_row() -> None:
    """A headline of no row is a note that says what comes nearest."""
    assert severities({"Loss": "0.9876", "Accuracy": "0.9000"}) == {"RT231": ["note"]}
    finding = one(the_headline_is_in_the_table, card(ROWS, HEADER, headline={"Loss": "1.3000"}))
    assert "nearest is epoch 2.0's 1.3021, 0.0021 away" in finding.message


def test_the_evaluation_at_the_end_of_a_training_is_left_alone() -> None:
    """Where the training goes on behind the table's last row, the headline is near that row."""
    assert severities({"Loss": "1.3601"}, training_steps=350) == {}
    assert severities({"Loss": "0.5000"}, training_steps=350) == {"RT231": ["note"]}


def test_one_row_tells_nothing_of_the_end() -> None:
    """Of a table of one row the headline may be the evaluation at the end, unless the row is at the end."""
    rows = [("1.5", "0.5", 100, "1.4000")]
    headline = {"Loss": "1.1021"}
    for text in (
        card(rows, headline=headline, training_steps=120),
        card(rows, headline=headline, num_epochs=1),
    ):
        assert found(the_headline_is_in_the_table, text) == []
    finding = one(the_headline_is_in_the_table, card(rows, headline=headline, training_steps=100))
    assert "loss 1.1021 is not that of the table's one row, 1.4000, 0.2979 away" in finding.message


def test_a_card_with_several_headlines_may_have_one_of_another_table() -> None:
    """Where the text states the last row's loss, too, another headline is of other data."""
    text = card(ROWS, HEADER, headline={"Loss": "0.5438"})
    assert found(the_headline_is_in_the_table, text) == ["note"]
    text = text.replace("- Loss: 0.5438", "- Loss: 0.5438\n\non the large data set\n- Loss: 1.3633")
    assert found(the_headline_is_in_the_table, text) == []


def test_a_headline_of_two_rows_is_a_warning() -> None:
    """The loss of one row and the metric of another are results of no checkpoint."""
    assert severities({"Loss": "1.3633", "Accuracy": "0.8123"}) == {"RT232": ["warning"]}


def test_a_metric_of_few_digits_or_of_many_rows_says_nothing() -> None:
    """0.8 stands in many rows by rounding, and a metric that never moves in all of them."""
    assert severities({"Loss": "1.3633", "Accuracy": "0.8"}) == {}
    assert severities({"Loss": "1.3633", "Accuracy": "0.9111"}) == {}


def test_a_training_loss_as_headline_is_a_warning() -> None:
    """The last training loss is no evaluation; one of an earlier row is a coincidence."""
    assert severities({"Loss": "1.1021"}) == {"RT233": ["warning"]}
    assert severities({"Loss": "1.2012"}) == {"RT231": ["note"]}


def test_a_small_loss_is_no_training_loss_by_chance() -> None:
    """0.0010 and 0.0 agree in too few digits."""
    rows = curve(["0.0038", "0.0001", "0.0"], ["0.0026", "0.0021", "0.0015"])
    assert found(the_headline_is_an_evaluation, card(rows, headline={"Loss": "0.0010"})) == []


def index(value: str, name: str = "Accuracy", more: str = "", split: str = "validation") -> str:
    """A card with a model-index."""
    front = (
        "model-index:\n- name: m\n  results:\n  - task:\n      type: t\n    dataset:\n      name: d\n"
        f"      split: {split}\n    metrics:\n    - name: {name}\n      type: accuracy\n"
        f"      value: {value}\n{more}"
    )
    return card(ROWS, HEADER, headline={"Loss": "1.3633", "Accuracy": "0.8091"}, front=front)


@pytest.mark.parametrize("value", ["0.8091", "0.80912345", "80.91", "0.81", "'-'", "{}"])
def test_an_index_that_agrees_is_left_alone(value: str) -> None:
    """More digits, fewer digits and percent agree, and words cannot disagree."""
    assert found(the_index_agrees, index(value)) == []


def test_an_index_that_differs_is_a_warning() -> None:
    """Another number is a warning, on a test set a note, under another name or verified nothing."""
    assert found(the_index_agrees, index("0.9")) == ["warning"]
    assert found(the_index_agrees, index("0.9", split="test")) == ["note"]
    assert found(the_index_agrees, index("0.9", name="Test Accuracy")) == []
    assert found(the_index_agrees, index("0.9", more="      verified: true\n")) == []
    second = "    - name: Accuracy\n      type: accuracy\n      value: 0.8091\n"
    assert found(the_index_agrees, index("0.9", more=second)) == []

"""Rules on steps, epochs and sizes count as the Trainer counts, rounding included."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from table_samples import card, curve, found, one, published

from repro.rules.schedule import _most
from repro.rules.table_end import ends_where_stated, reaches_the_end
from repro.rules.table_pace import steps_fit_epochs, the_data_set_has_a_size, the_size_fits
from repro.testing import findings

#: Epochs and steps of 6,435 batches an epoch, two of them a step.
FITTED = (("0.9998", 3217), ("2.0", 6435), ("2.9998", 9652), ("3.9994", 12868))


def test_the_published_table_implies_its_size() -> None:
    """291 steps an epoch at batch 32 imply 9,281 to 9,312 examples, and the recipe has 9,303."""
    finding = one(the_data_set_has_a_size, published())
    assert (
        "291 steps an epoch at 32 examples a step imply 9,281 to 9,312 training examples" in finding.message
    )
    assert (finding.evidence["least"], finding.evidence["most"]) == (9281, 9312)
    assert finding.severity == "note"


@given(st.lists(st.tuples(st.floats(1, 50), st.floats(0, 5)), min_size=1, max_size=12))
def test_the_most_rows_fit(spans: list[tuple[float, float]]) -> None:
    """No other pace lies within more rows' bounds, and those that it lies outside of are named."""
    lows, highs = [low for low, _ in spans], [low + wide for low, wide in spans]

    def fitting(at: float) -> int:
        return sum(low <= at <= high for low, high in zip(lows, highs, strict=True))

    pace = _most(lows, highs, range(len(lows)))
    assert fitting(pace.low) == fitting(pace.high) == max(map(fitting, lows))
    assert len(pace.outside) == len(lows) - fitting(pace.low)


def printed_epoch(epoch: float, digits: int) -> str:
    """Two decimals as transformers up to 4.39 print it, four as from 4.40 on."""
    if digits == 2:
        return str(round(epoch, 2))
    return str(epoch) if len(str(epoch).partition(".")[2]) <= 4 else f"{epoch:.4f}"


@given(
    batches=st.integers(2, 400),
    accumulation=st.sampled_from([1, 1, 2, 4, 8, 3]),
    size=st.integers(1, 32),
    epochs=st.integers(1, 12),
    every=st.none() | st.integers(1, 50),
    digits=st.sampled_from([2, 4]),
    mode=st.sampled_from(["down", "up", "on"]),
    less=st.integers(0, 31),
)
@settings(max_examples=400)
def test_what_a_trainer_prints_is_consistent(
    batches: int,
    accumulation: int,
    size: int,
    epochs: int,
    every: int | None,
    digits: int,
    mode: str,
    less: int,
) -> None:
    """No table that a Trainer can print is called inconsistent, and the stated range holds its training set.

    Releases count an epoch's accumulated steps down, up, or carry batches over into the next epoch.
    """
    examples = batches * size - less % size
    points: list[tuple[int, float]] = []
    if mode == "on":
        points = [(s, s * accumulation / batches) for s in range(1, batches * epochs // accumulation + 1)]
    else:
        step = 0
        for epoch in range(epochs):
            for done in range(1, batches + 1):
                if done % accumulation == 0 or (mode == "up" and done == batches):
                    step += 1
                    points.append((step, epoch + done / batches))
    last = {math.ceil(e - 1e-9): s for s, e in points}
    shown = [(s, e) for s, e in points if (s % every == 0 if every else last[math.ceil(e - 1e-9)] == s)]
    rows = [("1.5", printed_epoch(e, digits), s, f"{1.4 + s / 7:.4f}") for s, e in shown[:60]]
    text = card(
        rows,
        train_batch_size=size,
        gradient_accumulation_steps=accumulation,
        total_train_batch_size=size * accumulation,
        num_epochs=epochs,
    )
    assert found(steps_fit_epochs, text) == []
    assert found(ends_where_stated, text) == []
    for finding in findings(the_data_set_has_a_size, text):
        assert finding.evidence["least"] <= examples <= finding.evidence["most"]


def test_one_odd_row_is_named() -> None:
    """A step with two digits exchanged is found in its row, and the others agree."""
    rows = curve(["1.5"] * 6, ["1.6"] * 6, every=291)
    rows[2] = ("1.5", "3.0", 837, "1.6")
    finding = one(steps_fit_epochs, card(rows, train_batch_size=32, num_epochs=6))
    assert (finding.severity, finding.line) == ("warning", 18)
    assert "279.0 steps an epoch, the 5 other rows mean 291" in finding.message


@pytest.mark.parametrize(
    "stated", [{"training_steps": 5000}, {"num_epochs": 9, "gradient_accumulation_steps": 2}]
)
def test_streamed_and_interrupted_trainings_are_a_note(stated: dict[str, Any]) -> None:
    """Streamed data and accumulation across an interruption confuse the Trainer's epochs."""
    rows = [("1.5", "0.2", 1000, "1.6"), ("1.4", "3.1", 2000, "1.5"), ("1.3", "8.0", 3000, "1.4")]
    assert found(steps_fit_epochs, card(rows, train_batch_size=8, **stated)) == ["note"]


@pytest.mark.parametrize("accumulation", [1, 4])
def test_streamed_passes_are_counted_as_the_trainer_does(accumulation: int) -> None:
    """Where whole passes and steps of all steps fit every row, nothing is odd and the size follows."""
    each, total = 413, 7000  # steps a pass, and of the training
    stated: dict[str, Any] = {"gradient_accumulation_steps": accumulation} if accumulation > 1 else {}
    rows = []
    for step in (1000, 2500, 5000, 7000):
        passes, begun = divmod(step, each)
        rows.append(("1.5", f"{round(passes + begun / total, 2)}", step, "1.6"))
    text = card(rows, train_batch_size=8, training_steps=total, **stated)
    assert found(steps_fit_epochs, text) == []
    finding = one(the_data_set_has_a_size, text)
    assert finding.evidence["least"] <= (each - 1) * 8 * accumulation + 1
    assert finding.evidence["most"] >= each * 8 * accumulation
    other = card([*rows, ("1.4", "20.5", 7100, "1.5")], train_batch_size=8, training_steps=total, **stated)
    assert found(steps_fit_epochs, other) == ["note"]


def test_the_end_of_the_stated_epochs_is_exact() -> None:
    """A last row of whole epochs at an odd step is the end, and implies the size but for one batch."""
    rows = [("1.5", "1.0", 9771, "1.6")]
    text = card(rows, train_batch_size=16, num_epochs=1)
    assert (
        "9,771 steps an epoch at 16 examples a step imply 156,321 to 156,336 training examples"
        in one(the_data_set_has_a_size, text).message
    )
    # Evaluated every 9,750 steps, the epoch may have gone on for some.
    rounded = card([("1.5", "1.0", 9750, "1.6")], train_batch_size=16, num_epochs=1)
    assert "9,702 to 9,798 steps" in one(the_data_set_has_a_size, rounded).message
    longer = card(rows, train_batch_size=16, num_epochs=2)
    assert "9,723 to 9,820 steps" in one(the_data_set_has_a_size, longer).message


def test_one_size_is_one_number() -> None:
    """Where only one number of examples fits, it stands alone, and with it the steps that it makes."""
    rows = [(f"1.{9 - i}", epoch, step, "1.5") for i, (epoch, step) in enumerate(FITTED)]
    text = card(rows, train_batch_size=1, gradient_accumulation_steps=2, num_epochs=4)
    assert "3,217.50 steps an epoch" in one(the_data_set_has_a_size, text).message
    assert "imply 6,435 training examples" in one(the_data_set_has_a_size, text).message


def test_epochs_cut_to_whole_numbers_are_not_judged() -> None:
    """A hand-made table of whole epochs may have cut them."""
    rows = [("1.5", "1", 500, "1.6"), ("1.4", "3", 1000, "1.5"), ("1.3", "4", 1500, "1.4")]
    assert found(steps_fit_epochs, card(rows, train_batch_size=8, num_epochs=4)) == []


def test_streamed_data_imply_no_size() -> None:
    """Where an epoch is as long as the training, its steps are the stated ones and say nothing."""
    rows = [("1.5", "0.2", 1000, "1.6"), ("1.4", "0.4", 2000, "1.5")]
    assert found(the_data_set_has_a_size, card(rows, train_batch_size=8, training_steps=5000)) == []
    # 225 steps an epoch: four whole ones and a hundred of five thousand steps.
    rows = [("1.5", "4.02", 1000, "1.6"), ("1.4", "8.04", 2000, "1.5")]
    assert found(the_data_set_has_a_size, card(rows, train_batch_size=8, training_steps=5000)) == []
    rows = [("1.5", "7.63", 1000, "1.6"), ("1.4", "15.27", 2000, "1.5")]
    assert found(the_data_set_has_a_size, card(rows, train_batch_size=8, training_steps=5000)) == ["note"]


@pytest.mark.parametrize(
    ("sentence", "severities"),
    [
        ("The model was trained on 9,303 training examples.", []),
        ("It has ~9k training samples.", []),
        ("train: 9303 examples, test: 100 examples", []),
        ("Number of training examples: 9303", []),
        ("The model was trained on 20,000 training samples.", ["note"]),
        ("It was evaluated on 106 examples.", None),
        ("Size: 186k evaluation samples", None),
    ],
)
def test_a_stated_size_is_looked_up(sentence: str, severities: list[str] | None) -> None:
    """A stated number of training examples replaces the note, and is compared with the table's."""
    rows = curve(["1.5"] * 3, ["1.6"] * 3, every=291)
    text = card(rows, train_batch_size=32, num_epochs=3).replace("# sample", f"# sample\n\n{sentence}")
    assert found(the_size_fits, text) == (severities or [])
    assert found(the_data_set_has_a_size, text) == (["note"] if severities is None else [])


def test_a_batch_that_is_not_known_implies_nothing() -> None:
    """Without a batch size, with an odd accumulation or an unknown number of devices, no size is stated."""
    rows = curve(["1.5"] * 3, ["1.6"] * 3)
    assert found(the_data_set_has_a_size, card(rows, num_epochs=3)) == []
    odd = card(rows, train_batch_size=8, gradient_accumulation_steps="2*2 = 4", num_epochs=3)
    assert found(the_data_set_has_a_size, odd) == []
    many = card(rows, train_batch_size=8, distributed_type="multi-GPU", num_epochs=3)
    assert found(the_data_set_has_a_size, many) == []


@pytest.mark.parametrize(
    ("stated", "severities"),
    [
        ({"num_epochs": 3}, []),
        ({"num_epochs": "3.0"}, []),
        ({"num_epochs": "2.99"}, []),
        ({"num_epochs": 2}, ["warning"]),
        ({"training_steps": 300}, []),
        ({"training_steps": 299}, ["warning"]),
        ({"num_epochs": "5.0 (extended to 7.0)"}, []),
        ({"num_epochs": "(10, 10)"}, []),
        ({}, []),
    ],
)
def test_a_table_ends_where_the_training_does(stated: dict[str, Any], severities: list[str]) -> None:
    """Only a row that lies clearly behind the stated end is found."""
    rows = curve(["1.5"] * 3, ["1.6"] * 3)
    assert found(ends_where_stated, card(rows, train_batch_size=8, **stated)) == severities


@pytest.mark.parametrize(
    ("steps", "stated", "severities"),
    [
        ([(1000, "2.84"), (2000, "5.67"), (3000, "8.51")], {"training_steps": 3100}, []),
        ([(1000, "2.84"), (2000, "5.67"), (3000, "8.51")], {"training_steps": 4000}, ["note"]),
        ([(100, "1.0"), (200, "2.0")], {"num_epochs": 2}, []),
        ([(100, "1.0"), (200, "2.0")], {"num_epochs": 3}, ["note"]),
        ([(1000, "0.7"), (85000, "59.94")], {"num_epochs": 60}, []),
        ([(5000, "0.9963")], {"num_epochs": 1}, []),
        ([(500, "0.31")], {"num_epochs": 1}, ["note"]),
    ],
)
def test_a_training_that_ends_early_is_a_note(
    steps: list[tuple[int, str]], stated: dict[str, Any], severities: list[str]
) -> None:
    """It is early only where one more evaluation had room before the end."""
    rows = [("1.5", epoch, step, "1.6") for step, epoch in steps]
    assert found(reaches_the_end, card(rows, train_batch_size=8, **stated)) == severities


def test_the_known_early_end_is_explained() -> None:
    """8.5 steps an epoch that were counted as 8 end four epochs at step 32 (transformers 31677)."""
    steps = (1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32)
    epochs = [0.1176, 0.2353, 0.4706, 0.7059, 0.9412, 1.1176, 1.3529, 1.5882, 1.8235]
    epochs += [2.0, 2.2353, 2.4706, 2.7059, 2.9412, 3.1176, 3.3529, 3.5882]
    rows = [("No log", epoch, step, "4.0") for step, epoch in zip(steps, epochs, strict=True)]
    text = card(rows, train_batch_size=1, gradient_accumulation_steps=2, num_epochs="4.0")
    assert found(steps_fit_epochs, text) == []
    assert "8.5 steps an epoch are counted as 8" in one(reaches_the_end, text).message
    other = card(rows, train_batch_size=1, gradient_accumulation_steps=2, num_epochs="6.0")
    assert "counted" not in one(reaches_the_end, other).message

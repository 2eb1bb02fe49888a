"""Rules on curves cry only where a curve is broken, stuck, diverged or clearly overfitted."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from table_samples import HEADER, card, curve, found, one

from repro.rules import table_curves, table_losses
from repro.rules.table_curves import losses_fall, losses_stay_low, stops_in_time
from repro.rules.table_losses import (
    losses_are_finite,
    losses_are_not_zero,
    losses_beat_guessing,
    losses_have_one_scale,
    validation_changes,
    zero_is_reached_slowly,
)

RULES = (*table_curves.RULES, *table_losses.RULES)


def texts(values: list[float]) -> list[str]:
    """As a card prints them."""
    return [f"{value:.4f}" for value in values]


@given(
    start=st.floats(0.05, 9),
    rate=st.floats(0.05, 0.6),
    gap=st.floats(0, 0.3),
    noise=st.floats(0, 0.03),
    rows=st.integers(1, 30),
    seed=st.integers(0, 10**6),
)
def test_a_training_that_learns_is_left_alone(
    start: float, rate: float, gap: float, noise: float, rows: int, seed: int
) -> None:
    """Falling losses, noisy or not, near or apart, are nothing to warn of."""
    draw = random.Random(seed)  # noqa: S311 - noise, no secret
    training = [start * (i + 1) ** -rate * (1 + draw.gauss(0, noise)) for i in range(rows)]
    validation = [
        start * (i + 1) ** (-rate / 2) * (1 + gap) * (1 + draw.gauss(0, noise)) for i in range(rows)
    ]
    text = card(curve(texts(training), texts(validation)), learning_rate=5e-5)
    for rule in RULES:
        if rule is not losses_fall or rows * rate > 3:
            assert "warning" not in found(rule, text)
            assert "error" not in found(rule, text)


def test_nan_is_counted_and_placed() -> None:
    """NaN and infinity are one finding for each column, with the learning rate."""
    text = card(curve(["1.5", "0.0", "0.0"], ["1.6", "nan", "inf"]), learning_rate=0.2)
    finding = one(losses_are_finite, text)
    assert "nan in 2 of 3 rows, first at epoch 2.0, at learning rate 0.2" in finding.message
    assert finding.severity == "warning"


@pytest.mark.parametrize(
    ("training", "validation", "severities"),
    [
        (["1.5", "1.2"], ["0.0", "0.0"], ["warning"]),
        (["0.0", "0.0"], ["1.2", "1.1"], ["warning"]),
        (["0.0", "0.0"], ["0.0", "0.0"], ["warning", "warning"]),
        (["0.01", "0.0"], ["0.02", "0.01"], []),
        (["No log", "No log"], ["0.0001", "0.0"], []),
        (["No log", "No log"], ["-", "-"], []),
    ],
)
def test_only_a_column_of_zeros_is_found(
    training: list[str], validation: list[str], severities: list[str]
) -> None:
    """A zero at the end is rounding, zeros all along are no measurement."""
    assert found(losses_are_not_zero, card(curve(training, validation))) == severities


def test_zero_by_rounding_is_left_alone() -> None:
    """A training loss that shrinks to 0.0 is learned by heart; one that drops there hides something."""
    assert (
        found(zero_is_reached_slowly, card(curve(["0.0152", "0.0003", "0.0"], ["0.9", "1.0", "0.8"]))) == []
    )
    assert found(zero_is_reached_slowly, card(curve(["0.4", "0.1", "0.0"], ["0.02", "0.01", "0.01"]))) == []
    assert found(zero_is_reached_slowly, card(curve(["0.4", "0.13", "0.0"], ["0.9", "1.0", "0.8"]))) == [
        "note"
    ]


def test_zero_to_the_end_needs_less_beside_it() -> None:
    """A training loss that is 0.0 in the last rows is a note from a smaller validation loss on."""
    rows = curve(["No log", "0.1712", "0.0", "0.0"], ["0.0312", "0.0401", "0.0404", "0.0398"])
    assert found(zero_is_reached_slowly, card(rows)) == ["note"]
    back = curve(["No log", "0.1712", "0.0", "0.0210"], ["0.0312", "0.0401", "0.0404", "0.0398"])
    assert found(zero_is_reached_slowly, card(back)) == []


METRIC = (*HEADER, "Wer", "Gen Len")


@pytest.mark.parametrize(
    ("second", "severities"),
    [
        (("0.9", "2.0", 200, "0.6087", "0.4558", "20.0"), ["warning"]),
        (("0.9", "2.0", 200, "0.6087", "0.4557", "20.0"), []),  # the loss alone
        (("0.9", "2.0", 200, "0.6086", "0.4558", "20.0"), []),  # the metric alone
        (("0.9", "1.0", 100, "0.6087", "0.4558", "20.0"), []),  # a doubled row is RT205's
    ],
)
def test_two_rows_that_agree_in_two_results(second: tuple[object, ...], severities: list[str]) -> None:
    """Two evaluations agree by chance in one number of four digits, not in two."""
    first = ("1.5", "1.0", 100, "0.6087", "0.4558", "20.0")
    assert found(validation_changes, card([first, second], METRIC)) == severities
    third = ("0.8", "3.0", 300, "0.6001", "0.4512", "20.0")
    assert found(validation_changes, card([first, second, third], METRIC)) == []


def test_few_digits_agree_by_chance() -> None:
    """A small loss and a round metric say nothing in two rows."""
    for loss, metric in (("0.0087", "0.4558"), ("0.6087", "0.5")):
        rows = [("1.5", f"{i}.0", 100 * i, loss, metric, "20.0") for i in (1, 2)]
        assert found(validation_changes, card(rows, METRIC)) == []


@pytest.mark.parametrize(
    ("validation", "severities"),
    [
        (["1.4000"] * 3, ["warning"]),
        (["1.4000"] * 2, []),
        (["0.0001"] * 5, []),
        (["0.0"] * 5, []),
        (["nan"] * 5, []),
        (["1.4000", "1.4000", "1.3999"], []),
    ],
)
def test_a_constant_validation_loss_needs_three_rows_and_digits(
    validation: list[str], severities: list[str]
) -> None:
    """Two equal rows are chance, and four digits of a tiny loss are rounding."""
    assert found(validation_changes, card(curve(["1.5"] * len(validation), validation))) == severities


def test_a_loss_at_chance_is_named_so() -> None:
    """A loss that stays at ln 3 is that of guessing among three classes."""
    stuck = [math.log(3) + d for d in (0.002, 0.001, 0.0015, 0.001, 0.0012)]
    rows = curve(texts([s + 0.003 * i for i, s in enumerate(stuck)]), texts(stuck))
    finding = one(losses_fall, card(rows, learning_rate=0.01))
    assert "ln 3" in finding.message
    assert "learning rate is 0.01" in finding.message
    assert finding.severity == "note"


@pytest.mark.parametrize(
    ("training", "validation"),
    [
        (["1.1323"] * 5, ["1.25", "1.15", "1.1", "1.0", "0.95"]),  # logged once
        (["1.1323"] * 5, ["1.25"] * 5),  # logged once, within 500 steps
        (["1.5", "1.4", "1.3", "1.2"], ["1.3", "1.4", "1.5", "1.6"]),  # overfits, but learns
        (["0.003", "0.004", "0.003", "0.005"], ["0.004", "0.004", "0.005", "0.004"]),
    ],
)
def test_a_loss_that_falls_somewhere_or_was_logged_once_is_left_alone(
    training: list[str], validation: list[str]
) -> None:
    """Too few logs, small losses, and losses of which one falls say nothing about the learning rate."""
    assert found(losses_fall, card(curve(training, validation, every=60))) == []


@pytest.mark.parametrize(
    ("training", "validation", "severities"),
    [
        (["2.0", "1.5", "7.1", "7.0", "6.9"], ["1.9", "1.6", "7.2", "7.1", "7.0"], ["warning"]),
        (["2.0", "1.5", "7.1", "1.4", "1.3"], ["1.9", "1.6", "6.2", "1.5", "1.4"], []),  # a spike
        (["2.0", "1.0", "0.5", "0.2", "0.1"], ["0.6", "0.5", "1.1", "1.4", "1.9"], []),  # overfits
        (["No log"] * 5, ["1.9", "1.6", "7.2", "7.1", "7.0"], ["warning"]),
        (
            ["2.0", "1.5", "1.4", "1.3", "2.9"],
            ["1.9", "1.6", "1.5", "1.4", "1.3"],
            [],
        ),  # one row proves nothing
        (["0.02", "0.01", "0.05", "0.04", "0.05"], ["0.1", "0.1", "0.09", "0.1", "0.09"], []),
    ],
)
def test_only_a_jump_that_stays_is_a_divergence(
    training: list[str], validation: list[str], severities: list[str]
) -> None:
    """A spike heals, overfitting climbs while the training loss falls, small losses wander."""
    assert found(losses_stay_low, card(curve(training, validation))) == severities


def test_inflation_needs_many_batches_and_a_new_release() -> None:
    """Eight times the validation loss is inflation with eight accumulated batches, and only from 4.46 on."""
    rows = curve(["12.5", "11.2", "10.7"], ["1.5", "1.41", "1.39"])
    assert found(losses_have_one_scale, card(rows, gradient_accumulation_steps=8, transformers="4.46.1")) == [
        "note"
    ]
    assert (
        found(losses_have_one_scale, card(rows, gradient_accumulation_steps=8, transformers="4.21.2")) == []
    )
    assert (
        found(losses_have_one_scale, card(rows, gradient_accumulation_steps=2, transformers="4.46.1")) == []
    )
    assert found(losses_have_one_scale, card(rows, train_batch_size=8, transformers="4.46.1")) == []


def test_only_language_models_are_compared_with_guessing() -> None:
    """A regression or a CTC loss may be as large as it likes."""
    rows = curve(["60.1", "50.1"], ["61.2", "51.2"])
    assert found(losses_beat_guessing, card(rows, front="pipeline_tag: text-generation\n")) == ["note"]
    assert found(losses_beat_guessing, card(rows, front="pipeline_tag: automatic-speech-recognition\n")) == []
    assert found(losses_beat_guessing, card(rows)) == []


@pytest.mark.parametrize(
    ("training", "validation"),
    [
        ([1.0, 0.8, 0.6, 0.5, 0.4, 0.3], [1.0, 0.9, 0.85, 0.86, 0.85, 0.87]),  # hardly rises
        ([1.0, 0.8, 0.6, 0.5, 0.4, 0.3], [1.0, 0.8, 1.1, 0.85, 1.05, 0.82]),  # noise
        ([1.0, 1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 0.8, 0.9, 1.0, 1.1, 1.2]),  # the training loss does not fall
        ([0.2, 0.15, 0.13, 0.12, 0.11, 0.1], [0.13, 0.005, 0.124, 0.13, 0.125, 0.128]),  # one odd evaluation
        ([1.0, 0.8, 0.6], [1.0, 0.8, 1.2]),  # one row later is nothing yet
        ([1.0, 0.8, 0.6, 0.5], [1.0, 0.9, 0.8, 0.7]),
    ],
)
def test_noise_is_no_overfitting(training: list[float], validation: list[float]) -> None:
    """A validation loss must rise by a tenth, clearly above its noise, while the training loss falls."""
    assert found(stops_in_time, card(curve(texts(training), texts(validation)))) == []


def test_overfitting_says_where_it_begins_and_by_how_much() -> None:
    """The note stands at the lowest row and has the rise, the losses, and what to do."""
    training = texts([1.13, 1.13, 0.53, 0.53, 0.13, 0.13])
    finding = one(stops_in_time, card(curve(training, texts([1.0, 0.9, 1.1, 1.4, 1.6, 1.8]))))
    assert finding.severity == "note"
    assert finding.evidence["row"] == 2
    assert finding.evidence["rise"] == pytest.approx(1.0)
    assert "lowest at epoch 2.0 (0.9000) and rises by 100% to 1.8000 at epoch 6.0" in finding.message
    assert "EarlyStoppingCallback" in finding.help


def test_overfitting_quotes_what_is_printed() -> None:
    """Training losses stand in the note as printed, with their row where the lowest one has `No log`."""
    training = ["No log", "No log", "0.5300", "0.5300", "0.1300", "0.0"]
    finding = one(stops_in_time, card(curve(training, texts([1.0, 0.9, 1.1, 1.4, 1.6, 1.8]))))
    assert "the training loss falls from 0.5300 (epoch 3.0) to 0.0" in finding.message

"""Curves against curves: what can be given, how points are matched, what counts as close, what is said."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy
import pytest

from repro.assertions import assert_close_curve
from repro.assertions.curves import read_curves
from repro.cases import loader
from repro.comparison.curve import canonical
from repro.errors import BadInput
from repro.records.codec import load
from repro.records.run import Run

DEMO = Path(loader.__file__).parent / "demo" / "card.md"
EXAMPLE = Path(__file__).parents[2] / "reports" / "example"
PUBLISHED = ["2.1003", "1.6211", "1.4964", "1.41"]
CARD = """# m

### Training results

| Training Loss | Epoch | Step | Validation Loss | Accuracy |
|:-------------:|:-----:|:----:|:---------------:|:--------:|
| No log        | 1.0   | 291  | 1.6578          | 0.81     |
| 2.1003        | 2.0   | 582  | 1.41            | 0.84     |
"""
LOG: list[dict[str, Any]] = [
    {"loss": 2.1003, "learning_rate": 5e-05, "epoch": 1.72, "step": 500},
    {"eval_loss": 1.6578, "eval_accuracy": 0.81, "eval_runtime": 1.0, "epoch": 1.0, "step": 291},
    {"eval_loss": 1.41, "eval_accuracy": 0.84, "eval_runtime": 1.0, "epoch": 2.0, "step": 582},
    {"train_runtime": 9.0, "train_loss": 2.0, "epoch": 2.0, "step": 582},
]
LOG.sort(key=lambda entry: entry["step"])


def refusal(*arguments: Any, **options: Any) -> str:
    """What the assertion says where it does not hold."""
    with pytest.raises(AssertionError) as caught:
        assert_close_curve(*arguments, **options)
    return str(caught.value)


# -------------------------------------------------------------------------------- what can be given


@pytest.mark.parametrize(
    "curve",
    [
        [1.6578, 1.41],
        (Decimal("1.6578"), Decimal("1.41")),
        numpy.array([1.6578, 1.41], dtype=numpy.float32),
        (each for each in [1.6578, 1.41]),
        {291: 1.6578, 582: 1.41},
        {"291": "1.6578", "582": "1.41"},
        {1.0: 1.6578, 2.0: 1.41},
        {"validation_loss": [1.6578, 1.41]},
        {"eval_loss": {582: 1.41, 291: 1.6578}},
        LOG,
        SimpleNamespace(log_history=LOG),
        SimpleNamespace(state=SimpleNamespace(log_history=LOG)),
    ],
    ids=lambda curve: type(curve).__name__,
)
def test_a_curve_in_memory(curve: Any, tmp_path: Path) -> None:
    """Numbers, steps, epochs, names of metrics, a Trainer's log, its state and the Trainer are curves."""
    (tmp_path / "README.md").write_text(CARD)
    assert_close_curve(curve, tmp_path / "README.md", tolerance=1e-6)


def test_a_curve_on_disk(tmp_path: Path) -> None:
    """A trainer_state.json, the checkpoint's folder, a card, its folder and a table of CSV are curves."""
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": LOG, "best_metric": None}))
    (tmp_path / "curve.csv").write_text("Epoch,Step,Validation Loss\n1.0,291,1.6578\n2.0,582,1.4100\n")
    (tmp_path / "plain.json").write_text('{"eval_loss": [1.6578, 1.41]}')
    (tmp_path / "card").mkdir()
    (tmp_path / "card" / "README.md").write_text(CARD)
    for measured in ("trainer_state.json", "curve.csv", "plain.json", "card/README.md", "card", ""):
        assert_close_curve(str(tmp_path / measured), tmp_path / "card" / "README.md", tolerance=0)


def test_a_run_against_its_card() -> None:
    """The committed example's folder and its record lie within the printed digits of the demo's card."""
    for run in (EXAMPLE, EXAMPLE / "run.json", load(EXAMPLE / "run.json", Run)):
        assert_close_curve(run, DEMO, tolerance=0, metric=["training_loss", "validation_loss"])


def test_the_training_loss_of_a_log_is_the_last_one_before_the_evaluation(tmp_path: Path) -> None:
    """As on the generator's card: no training loss at the first evaluation, the one of step 500 at 582."""
    (tmp_path / "README.md").write_text(CARD)
    assert [point.value for point in read_curves(LOG).metrics["training_loss"]] == [None, 2.1003]
    assert_close_curve(LOG, tmp_path / "README.md", metric="loss", tolerance=0)
    only_training = [{"loss": 2.0, "step": 1}, {"loss": 1.0, "step": 2}]
    assert [point.step for point in read_curves(only_training).metrics["training_loss"]] == [1, 2]


def test_a_second_evaluation_at_one_step_is_not_the_curve(tmp_path: Path) -> None:
    """`trainer.evaluate()` after the training logs at the last step again; the curve has the first."""
    again = [*LOG, {"eval_loss": 9.0, "epoch": 2.0, "step": 582}]
    (tmp_path / "README.md").write_text(CARD)
    assert_close_curve(again, tmp_path / "README.md")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (3.0, "float is no curve"),
        (None, "NoneType is no curve"),
        ({}, "empty mapping"),
        (["1.0", "much"], "'much' is no number"),
        ({"validation_loss": "1.0"}, "is no curve"),
        ({1: 2.0, "two": 1.0}, "'two' is no number"),
        ({math.nan: 2.0}, "nan is no step"),
        ("nowhere.csv", "no such file"),
    ],
)
def test_what_is_no_curve(given: Any, said: str) -> None:
    """Anything else is bad input: one line, and a hint that a traceback shows too."""
    with pytest.raises(BadInput, match=said) as caught:
        assert_close_curve(given, [1.0])
    assert caught.value.hint
    assert caught.value.__notes__ == [f"hint: {caught.value.hint}"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", "{", "a.json: not JSON"),
        ("a.json", '"b.json"', "a.json: str is no curve"),
        ("a.json", '{"validation_loss": [1, "x"]}', "a.json: 'x' is no number"),
        ("a.json", '{"schema": "repro.reference/1"}', "a.json"),
        ("a.csv", "", "a.csv: no header"),
        ("a.csv", "step\n1\n", "a.csv: no header that names metrics"),
        ("a.csv", "step,loss\n1\n", "a.csv: row 2 has 1 cells, the header 2"),
        ("a.csv", "step,loss\n1,x\n", "a.csv: 'x' is no number"),
        ("a.csv", 'step,loss\n1,"2\n', "a.csv: not CSV"),
        ("a.md", "# nothing\n", "a.md: no table of results in this card"),
        ("a.md", "", "a.md: the card is empty"),
    ],
)
def test_broken_files(tmp_path: Path, name: str, text: str, said: str) -> None:
    """A file that holds no curve is named, with what is wrong in it."""
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=said):
        assert_close_curve([1.0], tmp_path / name)


def test_a_folder_without_curves(tmp_path: Path) -> None:
    """A folder is looked through for what it may hold, and says so."""
    with pytest.raises(BadInput, match=r"without run\.json"):
        assert_close_curve(tmp_path, [1.0])


def test_names_of_metrics() -> None:
    """What a Trainer logs and what a card prints are one name."""
    assert canonical("eval_loss") == canonical("Validation Loss") == "validation_loss"
    assert canonical("loss") == canonical("Training Loss") == "training_loss"
    assert canonical("eval_f1") == "f1"


# ---------------------------------------------------------------------------------- what is compared


def test_which_metrics_are_compared() -> None:
    """Metrics that the published side names are all compared; a tolerance may be for each."""
    published = {"validation_loss": [1.0, 0.9], "accuracy": [0.80, 0.85]}
    measured = {"eval_loss": [1.01, 0.9], "eval_accuracy": [0.80, 0.7], "eval_f1": [0.1, 0.1]}
    said = refusal(measured, published)
    assert "accuracy: 1 of 2 values lie outside" in said
    assert "Validation loss:" not in said
    assert_close_curve(measured, published, metric="validation_loss")
    assert_close_curve(measured, published, tolerance={"eval_loss": 0.02, "accuracy": 0.2})
    with pytest.raises(BadInput, match="no tolerance for accuracy"):
        assert_close_curve(measured, published, tolerance={"validation_loss": 1.0})


def test_a_metric_that_is_missing() -> None:
    """A published metric that was not measured fails, with those there are."""
    said = refusal({"accuracy": [1.0]}, {"validation_loss": [1.0]})
    assert "no validation_loss was measured (there: accuracy)" in said
    assert "no f1 was published" in refusal([1.0], {"validation_loss": [1.0]}, metric="f1")


def test_points_are_matched_by_step() -> None:
    """Where both have steps, order and further evaluations do not matter; a step that is missing fails."""
    published = {100: 2.0, 200: 1.5}
    assert_close_curve({200: 1.5, 150: 9.0, 100: 2.0, 300: 9.0}, published)
    said = refusal({100: 2.0, 300: 1.5}, published)
    assert "1 of 2 values lie outside ±0.02; the worst is not measured at step 200" in said
    assert "evaluated at other points" in said
    assert "no step in common" in refusal({7: 2.0}, published)


def test_points_are_matched_by_epoch(tmp_path: Path) -> None:
    """Where only epochs are on both sides, they match as a card rounds them."""
    (tmp_path / "a.csv").write_text("epoch,loss\n0.33,2.0\n0.67,1.5\n")
    assert_close_curve({"loss": {1 / 3: 2.0, 2 / 3: 1.5}}, tmp_path / "a.csv")
    assert "not measured at epoch 0.67" in refusal({"loss": {1 / 3: 2.0, 0.66: 1.5}}, tmp_path / "a.csv")


def test_other_lengths() -> None:
    """Curves without steps and epochs have to be equally long; the table shows which end is missing."""
    said = refusal([2.1003, 1.6211, 1.4964], PUBLISHED)
    assert said.splitlines()[0] == "not close: validation loss: 4 values are published, 3 were measured"
    assert "3 values are published, 4 were measured" in refusal([1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0])
    assert "no validation_loss was measured" in refusal([], PUBLISHED)


def test_the_printed_precision_is_part_of_the_bound(tmp_path: Path) -> None:
    """Half a unit of the last digit of a column of text is added; a number adds nothing.

    The generator drops final zeros, so `1.41` in a column of four digits is 1.4100.
    """
    (tmp_path / "README.md").write_text(CARD)
    assert_close_curve([1.65784, 1.41004], tmp_path / "README.md", tolerance=0)
    assert "at epoch 2, step 582" in refusal([1.6578, 1.4140], tmp_path / "README.md", tolerance=0)
    assert_close_curve([1.414, 2.0], ["1.41", "2.0"], tolerance=0)
    refusal([1.414], [1.41], tolerance=0)
    assert_close_curve([0.814, 0.844], tmp_path / "README.md", metric="eval_accuracy", tolerance=0)


def test_the_bound_itself_is_within() -> None:
    """A difference of exactly the tolerance is close, though its floats differ by a rounding more."""
    assert 1.02 - 1.0 > 0.02
    assert_close_curve([1.02], [1.0], tolerance=0.02)
    refusal([1.0200001], [1.0], tolerance=0.02)


def test_not_a_number() -> None:
    """NaN against a number fails either way; where both are not finite in the same way they agree."""
    for measured, published in (([1.0, math.nan], [1.0, 2.0]), ([1.0, 2.0], ["1.0", "nan"])):
        said = refusal(measured, published)
        assert "the worst is not finite at point 2" in said
        assert "diverged" in said
        assert "NaN" in said or "nan" in said
    assert_close_curve([1.0, math.nan, math.inf], [1.0, math.nan, math.inf])
    refusal([math.inf], [-math.inf])
    refusal([1e308], [-1e308])


def test_what_was_not_logged() -> None:
    """Without a published value a point is not compared; without a measured one it fails."""
    assert_close_curve([None, 1.0], ["No log", "1.0"])
    assert_close_curve([5.0, 1.0], ["No log", "1.0"])
    assert "not measured at point 2" in refusal([1.0, None], [1.0, 1.0])
    assert "no point has a published value" in refusal([1.0], ["No log"])


@pytest.mark.parametrize("tolerance", [-0.1, math.nan, math.inf])
def test_a_tolerance_that_is_none(tolerance: float) -> None:
    """A tolerance is a finite number, 0 or above."""
    with pytest.raises(BadInput, match="a tolerance of"):
        assert_close_curve([1.0], [1.0], tolerance=tolerance)


# --------------------------------------------------------------------------------------- what is said


def test_the_message() -> None:
    """Why comes first, then the table with its worst row marked, then the likely cause."""
    assert refusal([2.1003, 1.70, 1.4964, 1.4739], PUBLISHED).splitlines() == [
        "not close: validation loss: 2 of 4 values lie outside ±0.02; the worst is +0.0789 at point 2",
        "",
        "Validation loss: tolerance ±0.02",
        "point  published  measured  difference    bound",
        "    1     2.1003    2.1003      0.0000  ±0.0201  within",
        "    2     1.6211    1.7000     +0.0789  ±0.0201  OUTSIDE <- worst",
        "    3     1.4964    1.4964      0.0000  ±0.0201  within",
        "    4       1.41    1.4739     +0.0639  ±0.0201  OUTSIDE",
        "",
        "likely cause: the curves part on the way: learning rate, its schedule, batch size or precision (the "
        "first value agrees, the last does not); to test it: compare the hyperparameters that act later, "
        "e.g. scheduler, warm-up and number of epochs",
        "likely cause: noise: another seed, random stream, device or release (2 of 4 values agree); to test "
        "it: run with two other seeds: if they differ as much, the tolerance is too narrow",
    ]


def test_the_message_in_the_documentation(tmp_path: Path) -> None:
    """The example in docs/ci.md is what the program says."""
    (tmp_path / "a.csv").write_text(
        "epoch,step,loss\n" + "".join(f"{at},{291 * at},{text}\n" for at, text in enumerate(PUBLISHED, 1))
    )
    measured = {"loss": {291: 2.1003, 582: 1.70, 873: 1.4964, 1164: 1.4739}}
    said = refusal(measured, tmp_path / "a.csv").replace("training loss", "validation loss")
    docs = (Path(__file__).parents[2] / "docs" / "ci.md").read_text()
    assert said.replace("Training loss", "Validation loss").split("\n\nlikely cause")[0] in docs


@pytest.mark.parametrize(
    ("measured", "cause"),
    [
        ([20.0, 15.0, 12.0, 11.0], "another scale"),
        ([3.0, 2.0, 1.5, 1.2], "displaced"),
        ([2.1, 1.6, 1.3, 1.2], "another start or other data"),
        ([2.0, 1.5, math.inf, math.nan], "diverged"),
        ([2.0, 1.5, 1.2], "evaluated at other points"),
        ([2.0, 1.5, 1.29, 1.21], "part on the way"),
        ([2.0, 1.45, 1.2, 1.1], "noise"),
        ([1.9, 1.7, 1.0, 1.3], "no shape that tells which"),
    ],
)
def test_likely_causes(measured: list[float], cause: str) -> None:
    """The shape of the differences says what is likely, and what would test it; one is always named."""
    first = next(
        each
        for each in refusal(measured, [2.0, 1.5, 1.2, 1.1]).splitlines()
        if each.startswith("likely cause")
    )
    assert cause in first
    assert "to test it: " in first


def test_a_single_point_has_a_likely_cause() -> None:
    """However few points there are, a failure names a cause and its test."""
    assert "likely cause: another seed, data or hyperparameter" in refusal([1.0], [2.0])


def test_a_long_table_is_cut() -> None:
    """Of ten thousand rows a message shows both ends, the first ones outside and the worst."""
    published = [1.0 + 1 / (1 + at) for at in range(10_000)]
    measured = [value + (0.1 if at % 100 == 50 else 0) for at, value in enumerate(published)]
    measured[7777] += 5
    said = refusal(measured, published)
    assert len(said.splitlines()) < 60
    (worst,) = (each for each in said.splitlines() if each.endswith("<- worst"))
    assert worst.split()[0] == "7778"
    assert "of 10000 rows are shown" in said


def test_small_numbers_are_seen() -> None:
    """A tolerance of a millionth shows millionths, or the table would say that nothing differs."""
    assert "+0.0000030" in refusal([0.000_005], [0.000_002], tolerance=1e-6)


def test_text_cannot_act_on_the_terminal(tmp_path: Path) -> None:
    """A name of a metric or a file with control characters is spelled out in the message."""
    said = refusal({"a\x1b[31mb": [2.0]}, {"a\x1b[31mb": [1.0]})
    assert "\x1b" not in said
    assert "\\x1b" in said

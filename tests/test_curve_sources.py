"""Curves are read from cards, runs, CSV tables and trainer states, as printed."""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.curve_sources import of_history, read_curve, read_curves
from repro.errors import BadInput

PEERS = Path(str(files("repro.cases"))) / "issues-128" / "peers.csv"
STATE = {
    "log_history": [
        {"loss": 2.1003, "learning_rate": 5e-05, "epoch": 0.5, "step": 100},
        {"loss": 1.9, "epoch": 1.0, "step": 200},
        {"eval_loss": 1.6578, "eval_accuracy": 0.5, "eval_runtime": 3.2, "epoch": 1.0, "step": 200},
        {"eval_loss": 1.5, "eval_accuracy": 0.625, "epoch": 2.0, "step": 400},
        {"train_loss": 1.8, "train_runtime": 10.0, "epoch": 2.0, "step": 400},
    ]
}


def test_a_trainer_state_gives_what_its_card_would_print(tmp_path: Path) -> None:
    """Each evaluation has the training loss logged last before it; times and the summary are no metrics."""
    (tmp_path / "trainer_state.json").write_text(json.dumps(STATE))
    curve = read_curve(str(tmp_path / "trainer_state.json"))
    assert curve.metrics == ("training_loss", "validation_loss", "accuracy")
    assert [point.step for point in curve.points] == [200, 400]
    assert [point.value("training_loss") for point in curve.points] == [1.9, 1.9]
    assert [point.value("validation_loss") for point in curve.points] == [1.6578, 1.5]


def test_a_trainer_state_without_evaluations_is_its_training_losses(tmp_path: Path) -> None:
    """Where nothing was evaluated the logged losses are the curve."""
    (tmp_path / "state.json").write_text(json.dumps(STATE["log_history"][:2]))
    assert [point.value("training_loss") for point in read_curve(str(tmp_path / "state.json")).points] == [
        2.1003,
        1.9,
    ]


def test_a_bundled_case_is_its_card() -> None:
    """The name of a case stands for its published table, with the text as printed."""
    curve = read_curve("issues-128")
    assert curve.points[3].cells["training_loss"].text == "1.4100"
    assert (curve.seed, curve.versions["transformers"]) == (42, "4.21.2")


def test_a_table_of_replicates_has_one_curve_each() -> None:
    """Eleven replicates are eleven curves, and one of them is named behind a #."""
    assert len(read_curves(PEERS)) == 11
    named = read_curve(f"{PEERS}#jmassot/bert-base-uncased-issues-128")
    assert named.points[0].value("training_loss") == 2.1019
    with pytest.raises(BadInput, match="11 runs in it"):
        read_curve(str(PEERS))


def test_a_plain_table_needs_a_place_and_a_metric(tmp_path: Path) -> None:
    """Any CSV with a column step or epoch and a metric is a curve; empty cells have no value, NaN is one."""
    (tmp_path / "a.csv").write_text("Step,eval_loss,Accuracy\n100,1.50,\n200,nan,0.7\n")
    curve = read_curve(str(tmp_path / "a.csv"))
    assert curve.points[0].cells["validation_loss"].text == "1.50"
    assert "accuracy" not in curve.points[0].cells
    assert str(curve.points[1].value("validation_loss")) == "nan"


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.csv", "", "no column epoch or step"),
        ("a.csv", "step,epoch\n1,2\n", "no column epoch or step beside a metric"),
        ("a.csv", "step,loss\n", "no row"),
        ("a.csv", "step,loss\nx,1\n", r"a.csv:2: step: expected a number, found 'x'"),
        ("a.json", "[", "not JSON"),
        ("a.json", "{}", "no log_history"),
        ("a.json", '{"log_history": []}', "neither losses nor evaluations"),
        ("a.json", '{"log_history": [1, "x", null]}', "neither losses nor evaluations"),
        ("a.md", "# nothing\n", "no table of results"),
    ],
)
def test_what_is_no_curve_is_said(tmp_path: Path, name: str, text: str, problem: str) -> None:
    """Each file without a curve is refused in one line that names it and, where there is one, the line."""
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=problem) as raised:
        read_curve(str(tmp_path / name))
    assert raised.value.hint


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["loss", "eval_loss", "epoch", "step", "log_history", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_json_is_a_curve_or_refused(value: object) -> None:
    """Whatever a JSON file holds, it is a curve or bad input."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.json"
        path.write_text(json.dumps(value))
        with suppress(BadInput):
            assert read_curve(str(path)).points


def test_evaluations_of_several_data_sets_at_one_step_are_one_point() -> None:
    """A Trainer with several evaluation sets logs each for itself; of two of one metric the first counts."""
    (point,) = of_history(
        [
            {"loss": 1.5, "step": 10, "epoch": 1.0},
            {"eval_a_loss": 2.0, "step": 10, "epoch": 1.0},
            {"eval_b_loss": 3.0, "step": 10, "epoch": 1.0},
            {"eval_a_loss": 9.0, "step": 10, "epoch": 1.0},
        ]
    )
    assert {name: point.value(name) for name in point.cells} == {
        "training_loss": 1.5,
        "a_loss": 2.0,
        "b_loss": 3.0,
    }

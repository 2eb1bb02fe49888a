"""Files of reference values: compared with, and written only where that is asked for."""

from __future__ import annotations

import json
import math
from pathlib import Path

import jsonschema
import pytest

from repro.assertions import assert_close_curve
from repro.assertions.references import ReferenceFile
from repro.errors import BadInput
from repro.records.codec import json_schema
from repro.records.reference import Reference

LOG = [
    {"loss": 2.0, "step": 5, "epoch": 0.5},
    {"eval_loss": 1.9, "eval_f1": 0.30000000000000004, "step": 10, "epoch": 1.0},
    {"eval_loss": 1.123456789012345, "eval_f1": 0.4, "step": 20, "epoch": 2.0},
]


@pytest.mark.parametrize("ending", ["json", "csv"])
def test_what_is_written_is_what_was_measured(tmp_path: Path, ending: str) -> None:
    """After an update the same measurement agrees to the last bit, and another one does not."""
    path = tmp_path / "new" / f"curve.{ending}"
    assert_close_curve(LOG, ReferenceFile(path, update=True), metric=["eval_loss", "f1"])
    assert_close_curve(LOG, ReferenceFile(path), tolerance=0)
    other = [*LOG[:-1], LOG[-1] | {"eval_f1": 0.5}]
    with pytest.raises(AssertionError, match=r"f1: 1 of 2 values lie outside ±0.02"):
        assert_close_curve(other, ReferenceFile(path))


def test_the_document_is_valid(tmp_path: Path) -> None:
    """A file of references is one document of its schema."""
    assert_close_curve(LOG, ReferenceFile(tmp_path / "a.json", update=True))
    document = json.loads((tmp_path / "a.json").read_text())
    jsonschema.validate(document, json_schema(Reference))
    assert document["schema"] == "repro.reference/1"
    assert document["metrics"]["validation_loss"][0] == {"step": 10, "epoch": 1.0, "value": 1.9}


def test_a_table_for_a_review(tmp_path: Path) -> None:
    """CSV has a row for each evaluation and a column for each metric."""
    assert_close_curve(LOG, ReferenceFile(tmp_path / "a.csv", update=True), metric=["eval_loss", "f1"])
    assert (tmp_path / "a.csv").read_text().splitlines() == [
        "epoch,step,validation_loss,f1",
        "1.0,10,1.9,0.30000000000000004",
        "2.0,20,1.123456789012345,0.4",
    ]


@pytest.mark.parametrize("ending", ["json", "csv"])
def test_an_update_leaves_other_metrics_alone(tmp_path: Path, ending: str) -> None:
    """Two tests may keep their metrics in one file; an update of one keeps the other's."""
    path = tmp_path / f"a.{ending}"
    assert_close_curve({"f1": {10: 0.3, 20: 0.4}}, ReferenceFile(path, update=True))
    assert_close_curve({"accuracy": {10: 0.5, 20: 0.6}}, ReferenceFile(path, update=True), metric="accuracy")
    assert_close_curve(
        {"f1": {10: 0.3, 20: 0.4}, "accuracy": {10: 0.5, 20: 0.6}}, ReferenceFile(path), tolerance=0
    )


def test_an_update_without_a_change_writes_nothing(tmp_path: Path) -> None:
    """The same values again leave the file as it is, to the time of its last change."""
    path = tmp_path / "a.json"
    assert_close_curve([1.0, 2.0], ReferenceFile(path, update=True))
    before = path.stat()
    assert_close_curve([1.0, 2.0], ReferenceFile(path, update=True))
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert_close_curve([1.0, 2.5], ReferenceFile(path, update=True))
    assert_close_curve([1.0, 2.5], ReferenceFile(path), tolerance=0)
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("measured", [[1.0, math.nan], [1.0, None], [math.inf], []])
def test_what_is_no_reference(tmp_path: Path, measured: list[float | None]) -> None:
    """A curve that is not finite or is missing is never accepted; the old file stays."""
    path = tmp_path / "a.json"
    assert_close_curve([1.0], ReferenceFile(path, update=True))
    before = path.read_bytes()
    with pytest.raises(AssertionError, match="not updated: validation loss"):
        assert_close_curve(measured, ReferenceFile(path, update=True))
    assert path.read_bytes() == before


def test_a_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    """Without an update nothing is written, and the hint says what would."""
    with pytest.raises(AssertionError, match=r"no such file of reference values\nhint: ask nicely"):
        assert_close_curve([1.0], ReferenceFile(tmp_path / "a.json", hint="ask nicely"))
    assert not list(tmp_path.iterdir())


def test_bad_reference_files(tmp_path: Path) -> None:
    """Another ending, a broken file and a folder that cannot be written are each told in one line."""
    with pytest.raises(BadInput, match=r"end in \.json or \.csv"):
        ReferenceFile(tmp_path / "a.yaml")
    (tmp_path / "a.json").write_text("{")
    for update in (False, True):
        with pytest.raises(BadInput, match=r"a\.json: not JSON"):
            assert_close_curve([1.0], ReferenceFile(tmp_path / "a.json", update=update))
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        assert_close_curve([1.0], ReferenceFile(tmp_path / "file" / "a.json", update=True))

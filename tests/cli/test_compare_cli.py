"""`repro compare` compares any two curves, and says what it cannot compare."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from repro.cli import main
from repro.records.codec import json_schema
from repro.records.comparison import Comparison

PEERS = Path(str(files("repro.cases"))) / "issues-128" / "peers.csv"
A, C = f"{PEERS}#jmassot/bert-base-uncased-issues-128", f"{PEERS}#dd3434/bert-base-uncased-issues-128"


def test_two_replicates_are_compared_with_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    """Two runs of other streams are consistent: exit code 0, a table with marks, and who was left out."""
    assert main.call(["compare", A, C, "--replicates", str(PEERS)]) == 0
    said = capsys.readouterr().out
    assert "verdict: consistent (reproduced)" in said
    assert said.count("within") >= 32
    assert said.count("replicate left out: ") == 2


def test_both_readings_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """The suspect table of the bundled case is different as printed, and its other reading is told."""
    assert main.call(["compare", "issues-128", C, "--replicates", str(PEERS)]) == 1
    said = capsys.readouterr().out
    assert "verdict: different (not reproduced)" in said
    assert "in the other reading: consistent (reproduced)" in said
    assert "OUTSIDE" in said
    assert "likely cause: the published table" in said


def test_json_is_one_valid_document(capsys: pytest.CaptureFixture[str]) -> None:
    """Under --json there is one document that its schema accepts, with the rows as printed."""
    assert main.call(["compare", A, C, "--replicates", str(PEERS), "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    jsonschema.validate(body, json_schema(Comparison))
    assert body["schema"] == "repro.comparison/1"
    assert body["metrics"]["validation_loss"]["rows"][0]["published"] == "1.7019"
    assert body["stream"]["match"] == "different"
    assert body["replicates"]["streams"] == 3


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["issues-128", str(PEERS)], "11 runs in it"),
        (["issues-128", "nothing.csv"], "no such file"),
        (["issues-128", "issues-128", "--tolerance", "x"], "--tolerance"),
        (["issues-128", "issues-128", "--replicates", "nothing.csv"], "no such file"),
        (["issues-128"], "Missing argument"),
    ],
)
def test_wrong_input_is_one_line_and_a_hint(
    capsys: pytest.CaptureFixture[str], arguments: list[str], part: str
) -> None:
    """What cannot be compared is exit code 2, with one line that says why and one hint."""
    assert main.call(["compare", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert part in captured.err
    assert "hint: " in captured.err


def test_a_tolerance_is_a_stated_bound(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Without replicates --tolerance is the bound, said to be assumed."""
    (tmp_path / "a.csv").write_text("step,eval_loss\n1,1.0\n2,0.5\n")
    (tmp_path / "b.csv").write_text("step,eval_loss\n1,1.05\n2,0.55\n")
    both = [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    assert main.call(["compare", *both]) == 1
    assert main.call(["compare", *both, "--tolerance", "0.1"]) == 0
    assert "bound assumed (--tolerance)" in capsys.readouterr().out


def test_an_audit_starts_without_what_a_comparison_needs() -> None:
    """Nothing that only a comparison needs is imported by an audit or by --help."""
    code = (
        "import sys; from repro.cli import main; main.call(['--help']); import repro.audits, repro.workflows;"
        "sys.exit(len({'numpy', 'scipy', 'matplotlib', 'huggingface_hub'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0

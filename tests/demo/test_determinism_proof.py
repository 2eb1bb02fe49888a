"""`repro run --prove-determinism` in the real environment: a repeatable training, and one that is not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from repro import workflows
from repro.cases import loader
from repro.records.codec import load
from repro.records.run import Run

CASES = Path(loader.__file__).parent
SECONDS = 900
# What makes a training that nobody can repeat: other examples come first each time.
SHUFFLED = """

_build = build


def build(*arguments):
    train, evaluation = _build(*arguments)
    return train.shuffle(seed=int.from_bytes(__import__("os").urandom(4), "big")), evaluation
"""


def repro(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "repro", *arguments],
        capture_output=True, text=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done


@pytest.mark.environment
def test_a_repeatable_training_is_proven(tmp_path: Path) -> None:
    """Two rehearsals are equal in digests and losses; record, report, card and `show` of the first say so."""
    rehearsal = ("run", "demo", "--rehearse", "--steps", "2", "--prove-determinism", "--out", tmp_path)
    printed = json.loads(repro(*rehearsal, "--json").stdout)
    folder = Path(printed["folder"])
    assert printed["determinism"]["proven"] is True
    assert {"weights", "training_loss", "validation_loss"} <= set(printed["determinism"]["compared"])
    proof = load(folder / "run.json", Run).determinism_proof
    assert proof is not None
    assert (proof.proven, proof.parts_at, proof.second) == (True, None, f"{folder.name}-again")
    assert "determinism: proven over 1 epoch" in repro("show", folder).stdout
    assert "Proven over 1 epoch" in (folder / "card.md").read_text()
    assert "Proven over 1 epoch" in (folder / "report.html").read_text()
    assert workflows.diff(str(folder), str(folder.with_name(proof.second))).verdict == "same"
    # The same command again trains nothing, and the plain one finds the first, not the second.
    events = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/*/events.jsonl")}
    assert json.loads(repro(*rehearsal, "--json").stdout) == printed
    plain = workflows.run(workflows.RunOptions(out=tmp_path, rehearse=2))
    assert (plain.folder, plain.run.determinism_proof) == (folder, proof)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/*/events.jsonl")} == events


@pytest.mark.environment
def test_a_training_that_cannot_be_repeated_is_told(tmp_path: Path) -> None:
    """Where two trainings part, the exit code is 1, and the epoch and what parts there are named."""
    shutil.copytree(CASES, tmp_path / "cases", ignore=shutil.ignore_patterns("__pycache__"))
    case, data = tmp_path / "cases" / "demo", tmp_path / "cases" / "issues-128" / "data.py"
    data.write_text(data.read_text() + SHUFFLED)
    rehearsal = ("run", case, "--rehearse", "--steps", "2", "--seed", "5", "--prove-determinism")
    done = repro(*rehearsal, "--out", tmp_path / "out", code=1)
    assert "determinism: not proven, two trainings differ: they part at epoch 0.069 (step 2)" in done.stdout
    assert "weights" in done.stdout.split("determinism:")[1]


def test_one_seed_is_proven_at_a_time() -> None:
    """With replicates it is refused in one line, before anything is built."""
    for others in (("--replicates", "2"), ("--seeds", "4,5")):
        said = repro("run", "demo", "--prove-determinism", *others, code=2).stderr.splitlines()
        assert len(said) == 2
        assert said[0].startswith("error: --prove-determinism")

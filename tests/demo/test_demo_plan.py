"""`repro plan` in the locked environment: what it measures is what a run then does."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from repro.cases import load_case, loader
from repro.records.codec import from_json, load
from repro.records.plan import Plan
from repro.records.run import Run

pytestmark = pytest.mark.environment

CASES = Path(loader.__file__).parent


def repro(*arguments: str | Path) -> str:
    """Run the command as a user does; returns what it printed."""
    return subprocess.run(
        [sys.executable, "-m", "repro", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        timeout=1800,
        check=True,
    ).stdout


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Plan]:
    """A rehearsal of three steps of the demo, planned: where it would land, and the plan."""
    out = tmp_path_factory.mktemp("planned") / "reports"
    text = repro("plan", "demo", "--rehearse", "--steps", "3", "--measure-steps", "3", "--out", out, "--json")
    return out, from_json(text, Plan, source="plan")


def test_what_a_plan_counts(planned: tuple[Path, Plan]) -> None:
    """Steps are the Trainer's own count, lengths those of the data, operations those of the model's shape."""
    _, plan = planned
    steps = plan.steps
    assert (steps.whole, steps.an_epoch, steps.planned, steps.evaluations) == (464, 29, 3, 1)
    assert (plan.train.examples, plan.evaluation.examples) == (900, 60)
    assert (plan.train.maximum, plan.times.measured_steps) == (64, 3)
    # two layers of four projections and a feed-forward of 512, the head's own layer, and the tied output
    assert plan.compute.multiplied == 2 * (4 * 128**2 + 2 * 128 * 512) + 128**2 + 1305 * 128
    tokens = 32 * 64
    assert plan.compute.step == pytest.approx(3 * tokens * (2 * plan.compute.multiplied + 4 * 2 * 128 * 64))
    memory = plan.memory
    assert memory.peak is not None
    assert memory.gradients == 4 * plan.compute.parameters
    assert memory.optimizer >= 2 * memory.gradients
    assert memory.peak > memory.weights + memory.gradients + memory.optimizer
    assert plan.disk is not None
    assert plan.disk.checkpoint > 3 * memory.gradients
    times = plan.times
    assert times.training.low < times.training.estimate < times.training.high
    assert min(times.steps.estimate, times.evaluation.estimate, times.digests.estimate) > 0


def test_a_plan_leaves_nothing_and_the_run_is_held_against_it(planned: tuple[Path, Plan]) -> None:
    """A plan leaves no folder; the run of the same settings has its id and its estimate, and says both."""
    out, plan = planned
    assert not out.exists()
    printed = repro("run", "demo", "--rehearse", "--steps", "3", "--out", out)
    run = load(out / "demo" / plan.run / "run.json", Run)
    assert (run.id, run.resumes) == (plan.run, ())
    assert run.timing.planned == plan.times.training
    assert "training: planned" in printed
    assert "Against the plan" in (out / "demo" / plan.run / "report.html").read_text()


def test_measuring_goes_on_over_epochs(tmp_path: Path) -> None:
    """A measurement longer than an epoch takes evaluations and checkpoints apart from steps."""
    shutil.copytree(CASES, tmp_path / "cases", ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    shutil.copy(CASES / "issues-128" / "data.py", tmp_path / "cases" / "issues-128")
    toml = tmp_path / "cases" / "demo" / "case.toml"
    generate = load_case("demo").case.data.generate
    assert generate is not None
    toml.write_text(
        toml.read_text()
        .replace("unlabelled = 900, labelled = 120", "unlabelled = 64, labelled = 40")
        .replace("2455cc2a2a819554237425754adfcc27ff0b8702", "0" * 40)
        .replace("generate = {", "rehearsal = {")
    )
    said: dict[str, Any] = json.loads(
        repro(
            "plan", tmp_path / "cases" / "demo", "--rehearse", "--measure-steps", "7",
            "--out", tmp_path / "reports", "--json",
        )
    )  # fmt: skip
    assert said["stand_ins"]
    assert (said["steps"]["an_epoch"], said["steps"]["whole"], said["steps"]["checkpoints"]) == (2, 32, 16)
    assert said["times"]["measured_steps"] == 7
    assert said["times"]["checkpoints"]["low"] > 0

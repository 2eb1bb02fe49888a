"""Runs that are finished: what a second start does with them."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from repro import workflows
from repro.cases.loader import find_case, load_case
from repro.records.run import Settings
from repro.runs.folders import RunFolder, run_id

EXAMPLE = Path(__file__).parents[1] / "reports" / "example"


def test_replicates_that_came_later_judge_a_finished_run(tmp_path: Path) -> None:
    """A table of replicates put into the case after the training is what the next start compares with."""
    demo = find_case("demo")
    assert demo is not None
    case = shutil.copytree(demo, tmp_path / "demo")
    shutil.copytree(demo.parent / "issues-128", tmp_path / "issues-128")  # whose data.py it shares
    environment, _ = workflows.environment_of(str(case))
    identity = run_id(load_case(str(case)).digest, environment.lock_sha256, Settings(seed=42))
    folder = RunFolder(shutil.copytree(EXAMPLE, tmp_path / "reports" / "demo" / identity))
    finished = msgspec.structs.replace(folder.load(), id=identity)
    folder.save(finished)
    options = workflows.RunOptions(case=str(case), out=tmp_path / "reports")
    assert workflows.run(options).comparison.replicates.used == ()
    rows = [
        f"somebody/{name},{each.epoch},{each.step},{float(each.validation_loss or 0) + shift:.4f}\n"
        for name, shift in (("a", 0.01), ("b", -0.01), ("c", 0.02))
        for each in finished.epochs
    ]
    (case / "peers.csv").write_text("model_id,epoch,step,validation_loss\n" + "".join(rows))
    again = workflows.run(options)
    assert again.folder == folder.path
    assert again.comparison.replicates.used == ("somebody/a", "somebody/b", "somebody/c")

"""`--env current`: today's software in the user's own environment, where it is installed."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from repro.records.codec import load
from repro.records.run import Run

NEEDED = ("torch", "transformers", "datasets", "skmultilearn", "accelerate")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]


def repro(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "repro", *arguments], capture_output=True, text=True, timeout=1800, check=False
    )


@pytest.mark.environment
@pytest.mark.skipif(bool(MISSING), reason=f"not installed here: {', '.join(MISSING)}")
def test_the_demo_trains_in_todays_software(tmp_path: Path) -> None:
    """Today's Trainer runs the same recipe; every other version is a deviation, the stream is another one."""
    done = repro("run", "demo", "--env", "current", "--out", tmp_path, "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1, done.stderr
    assert found["verdict"] == "different"
    assert found["stream"]["match"] == "different"
    assert "random stream" in found["causes"][0]["cause"]
    (folder,) = (tmp_path / "demo").iterdir()
    run = load(folder / "run.json", Run)
    assert {"transformers", "torch", "datasets", "tokenizers"} <= {each.what for each in run.deviations}
    losses = [float(epoch.validation_loss or "nan") for epoch in run.epochs]
    assert losses[-1] < losses[0] / 2, "it learns"


@pytest.mark.skipif(not MISSING, reason="everything is installed here")
def test_what_is_not_installed_is_named(tmp_path: Path) -> None:
    """Without the training libraries the error names them and how to get them, with exit code 3."""
    done = repro("run", "demo", "--env", "current", "--out", tmp_path)
    assert done.returncode == 3
    assert "this environment has no transformers, torch, datasets, scikit-multilearn" in done.stderr
    assert "pip install 'repro-audit[train]'" in done.stderr

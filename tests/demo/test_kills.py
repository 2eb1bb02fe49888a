"""A run cannot be lost: kills at random moments of real trainings."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.environment

KILLS = Path(__file__).parents[2] / "benchmarks" / "kills.py"


@pytest.mark.skipif(sys.platform != "linux", reason="finds the worker in /proc")
def test_kills_change_nothing(tmp_path: Path) -> None:
    """After SIGKILL at random moments the same command ends with the digests and report of a run without."""
    seed = random.SystemRandom().randrange(10**6)
    print(f"python benchmarks/kills.py --seed {seed} …")  # shown where the test fails
    options = ["--kills", "3", "--streams", "A", "--epochs", "2", "--examples", "180", "--seed", str(seed)]
    done = subprocess.run(
        [sys.executable, KILLS, *options, "--out", tmp_path], capture_output=True, text=True, check=False
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].endswith("| the same |")

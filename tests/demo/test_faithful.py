"""A run adds nothing of its own: bit for bit it is what a plain script of that release is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.environment

FAITHFUL = Path(__file__).parents[2] / "benchmarks" / "faithful.py"


@pytest.mark.parametrize(("release", "stream"), [("4.21.2", "A2"), ("4.35.2", "B")])
def test_a_run_equals_a_plain_script_of_its_release(release: str, stream: str, tmp_path: Path) -> None:
    """Losses, weights, data order and random states at the end are those of a script that calls the Trainer.

    In stream B the sampler draws from the global random state: whatever a callback, a digest or a checkpoint
    drew would move the data order of the next epoch.
    """
    done = subprocess.run(
        [sys.executable, FAITHFUL, "--releases", release, "--epochs", "2", "--out", tmp_path],
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    cells = [cell.strip() for cell in done.stdout.splitlines()[-1].strip("|").split("|")]
    assert (cells[0], cells[4]) == (release, stream)
    assert [cell.partition(" ")[0] for cell in cells[-4:]] == ["equal"] * 4

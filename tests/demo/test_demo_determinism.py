"""Levels of determinism in the demo's locked environment, with the real torch of the day."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from repro.cases import loader

pytestmark = pytest.mark.environment

CASES = Path(loader.__file__).parent


def rehearse(case: str | Path, out: Path, level: str) -> subprocess.CompletedProcess[str]:
    """Run a few steps of a case, anew, on the CPU."""
    options = ["--rehearse", "--steps", "4", "--device", "cpu", "--fresh", "--json", "--out", str(out)]
    return subprocess.run(
        [sys.executable, "-m", "repro", "run", str(case), *options, "--determinism", level],
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def record(done: subprocess.CompletedProcess[str]) -> tuple[dict[str, Any], Path]:
    """Return the run's record and its folder."""
    assert done.returncode == 0, done.stderr
    folder = Path(json.loads(done.stdout)["folder"])
    found: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return found, folder


def test_levels_are_in_the_record_and_change_no_number_on_a_cpu(tmp_path: Path) -> None:
    """Strict gives the same losses and weights twice, and on a CPU the same as published and off.

    The level, the settings that torch read back, and a deviation for all but `published` are in the record
    and in the report.
    """
    runs = [record(rehearse("demo", tmp_path, level)) for level in ("published", "strict", "strict", "off")]
    published, strict, again, off = (run for run, _ in runs)
    assert published["epochs"] == strict["epochs"] == again["epochs"] == off["epochs"]
    assert len(published["epochs"]) == 1
    assert [run["settings"]["determinism"] for run, _ in runs] == ["published", "strict", "strict", "off"]
    assert strict["id"] not in (published["id"], off["id"])
    assert strict["determinism"] == {
        "deterministic algorithms": "True",
        "cudnn.deterministic": "True",
        "cudnn.benchmark": "False",
        "CUBLAS_WORKSPACE_CONFIG": ":16:8",
        "full_determinism": "True",
        "threads": "2",
    }
    assert published["determinism"] == {
        "deterministic algorithms": "False",
        "cudnn.deterministic": "False",
        "cudnn.benchmark": "False",
        "threads": "2",
    }
    assert off["determinism"] == {**published["determinism"], "cudnn.benchmark": "True"}
    told = [
        [each["actual"] for each in run["deviations"] if each["what"] == "determinism"] for run, _ in runs
    ]
    deterministic, fastest = (
        ["strict: deterministic algorithms"],
        ["off: the fastest algorithms: none on a CPU"],
    )
    assert told == [[], deterministic, deterministic, fastest]
    page = (runs[1][1] / "report.html").read_text()
    assert "CUBLAS_WORKSPACE_CONFIG :16:8" in page
    assert "strict: deterministic algorithms" in page


def test_an_operation_without_a_deterministic_implementation_is_one_line(tmp_path: Path) -> None:
    """Where torch has no deterministic way, strict ends with exit code 4, the operation's name and a hint.

    The case's own code calls such an operation: any that runs inside the worker counts.
    """
    case = tmp_path / "undetermined"
    shutil.copytree(CASES / "demo", case)
    for name in ("data.py", "environment.json", "environment.lock"):
        shutil.copy(CASES / "issues-128" / name, case)
    text = (case / "case.toml").read_text().replace("../issues-128/", "")
    (case / "case.toml").write_text(text)
    with (case / "data.py").open("a") as file:
        file.write(
            "\n\nimport torch\n\ntorch.zeros(3).put_(torch.tensor([0, 0]), torch.tensor([1.0, 2.0]))\n"
        )
    done = rehearse(case, tmp_path / "reports", "strict")
    assert done.returncode == 4, done.stderr
    said = json.loads(done.stdout)
    assert said["error"] == "NotDeterministic: put_ has no deterministic implementation in torch 1.13.0+cu117"
    assert "--determinism published" in said["hint"]
    assert "Traceback" not in done.stderr

"""The hook and the action: what they run is what the program takes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
STEP = next(step for step in STEPS if step.get("id") == "audit")

BAD = """### Training results

| Training Loss | Epoch | Step | Validation Loss |
|:-------------:|:-----:|:----:|:---------------:|
| 1.5           | 2.0   | 200  | 1.4000          |
| 1.2           | 1.0   | 100  | 1.3000          |
"""


def run_step(folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the action's audit as the runner does: defaults, the inputs in the environment, bash with -e."""
    given = {name: each.get("default", "") for name, each in ACTION["inputs"].items()}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}
    wanted = {
        key: given[re.fullmatch(r"\$\{\{ inputs\.(.+) \}\}", value)[1]]  # type: ignore[index]
        for key, value in STEP["env"].items()
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEP["run"]],
        cwd=folder,
        env={**os.environ, **wanted, "GITHUB_OUTPUT": str(folder / "github.out"), "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def outputs(folder: Path) -> dict[str, str]:
    return dict(each.split("=", 1) for each in (folder / "github.out").read_text().splitlines())


def test_the_action_audits_and_fails_by_the_level(tmp_path: Path) -> None:
    """The step writes SARIF with the findings, tells where, and fails where the level is reached."""
    (tmp_path / "README.md").write_text(BAD)
    (tmp_path / "a b.md").write_text("# nothing\n")
    done = run_step(tmp_path, targets="README.md\n\na b.md\n", fail_on="warning")
    assert done.returncode == 1, done.stderr
    assert outputs(tmp_path) == {"file": "repro-audit.sarif", "exit-code": "1"}
    document = json.loads((tmp_path / "repro-audit.sarif").read_text())
    assert {"RT201"} <= {result["ruleId"] for result in document["runs"][0]["results"]}
    done = run_step(tmp_path, fail_on="never", format="junit", output="audit.xml")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "audit.xml").read_text().startswith("<?xml")


def test_inputs_are_never_read_as_shell(tmp_path: Path) -> None:
    """What stands in an input is a name, not a command, and nothing stands in the script itself."""
    assert "${{" not in STEP["run"]
    run_step(tmp_path, targets="$(touch pwned); `touch pwned`", output="$(touch pwned).sarif")
    assert not (tmp_path / "pwned").exists()


def test_the_action_installs_its_own_checkout() -> None:
    """What is installed is what the action stands in; each output comes from the step that writes it."""
    assert any('"$GITHUB_ACTION_PATH"' in step.get("run", "") for step in STEPS)
    named = set(re.findall(r'echo "([\w-]+)=', STEP["run"]))
    assert {re.search(r"outputs\.([\w-]+)", each["value"])[1] for each in ACTION["outputs"].values()} == named  # type: ignore[index]


def test_the_documentation_names_every_input() -> None:
    """docs/ci.md has a row for each input of the action, with its default."""
    text = (ROOT / "docs" / "ci.md").read_text()
    rows = dict(re.findall(r"^\| `([\w-]+)` \|\s*`?([^`|]*?)`?\s*\|", text, re.MULTILINE))
    for name, each in ACTION["inputs"].items():
        assert rows[name].strip() == each["default"], name


@pytest.mark.parametrize("path", ["README.md", "models/one/README.md"])
def test_the_hook_runs_on_cards(path: str, tmp_path: Path) -> None:
    """The hook's pattern takes cards, and its command audits them."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert re.search(hook["files"], path)
    assert not re.search(hook["files"], "docs/NOT_README.md")
    (tmp_path / "README.md").write_text(BAD)
    program = Path(sys.executable).with_name("repro")
    name, *arguments = hook["entry"].split()
    assert name == program.name
    done = subprocess.run(
        [program, *arguments, "README.md"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    assert "RT201" in done.stdout

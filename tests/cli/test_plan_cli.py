"""`repro plan`, as far as it goes without an environment: what is refused, and how."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from repro.cases import loader

CASES = Path(loader.__file__).parent


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, str]:
    """Variables of a machine with an empty cache that reaches nobody."""
    nobody = "http://127.0.0.1:9"
    return {
        **os.environ,
        "REPRO_CACHE_DIR": str(tmp_path / "cache"),
        "HF_ENDPOINT": nobody,
        "HF_HOME": str(tmp_path / "hub"),
        "UV_DEFAULT_INDEX": f"{nobody}/simple/",
    }


def plan(folder: Path, variables: dict[str, str], *arguments: str | Path) -> tuple[int, str]:
    """Run the command as a user does; returns exit code and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "repro", "plan", *arguments],
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nosuch"], 2, "nosuch: no such case"),
        (["card.md"], 2, "does not say how its data are made"),
        (["demo", "--steps", "3"], 2, "add --rehearse"),
        (["demo", "--fast", "modern", "--env", "locked"], 2, "leave --env out"),
        (["demo", "--measure-steps", "1"], 2, "--measure-steps"),
        (["demo", "--model", "absent"], 2, "absent: cannot be read"),
        (["demo", "--out", "card.md/reports"], 2, "choose another folder with --out"),
        ([], 2, "CASE"),
    ],
)
def test_what_cannot_be_planned(
    tmp_path: Path, nowhere: dict[str, str], arguments: list[str], code: int, words: str
) -> None:
    """What cannot be planned is one line and one hint, with exit code 2, and leaves nothing behind."""
    shutil.copy(CASES / "demo" / "card.md", tmp_path / "card.md")
    found, said = plan(tmp_path, nowhere, *arguments)
    assert (found, words in said) == (code, True), said
    assert len(said.strip().splitlines()) <= 2
    assert [each.name for each in tmp_path.iterdir() if each.name != "hub"] == ["card.md"]


def test_without_the_model_the_hint_names_both_ways(tmp_path: Path, nowhere: dict[str, str]) -> None:
    """Where model and data cannot be had, the hint is to hand them over, or to plan with stand-ins."""
    shutil.copytree(CASES, tmp_path / "cases", ignore=shutil.ignore_patterns("__pycache__"))
    toml = tmp_path / "cases" / "issues-128" / "case.toml"
    toml.write_text(re.sub(r"urls = \[.*?\]", "urls = []", toml.read_text(), flags=re.DOTALL))
    code, said = plan(tmp_path, nowhere, "cases/issues-128")
    assert code == 5
    assert "bert-base-uncased" in said
    assert all(option in said for option in ("--model FOLDER", "--data FILE", "--rehearse"))
    assert not (tmp_path / "reports").exists()

"""Runs that end before their end, and are gone on with; too little memory: in the locked environment."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro.cases import loader
from repro.cases.synthetic import git_blob, write_issues
from repro.records.case import Generate
from repro.records.codec import load
from repro.records.run import Completed, Run, Stopped

pytestmark = pytest.mark.environment

CASES = Path(loader.__file__).parent
SECONDS = 1800


def repro(
    *arguments: str | Path, code: int = 0, before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    done = subprocess.run(
        [sys.executable, "-m", "repro", *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
        preexec_fn=before,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """The demo with forty issues, four epochs of five steps, and a bound that everything is within."""
    shutil.copytree(CASES, tmp_path / "cases", ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    shutil.copy(CASES / "issues-128" / "data.py", tmp_path / "cases" / "issues-128")
    folder = tmp_path / "cases" / "demo"
    issues = tmp_path / "issues.jsonl"
    write_issues(Generate(seed=7, unlabelled=40, labelled=24), issues)
    edit(
        folder / "case.toml",
        ("unlabelled = 900, labelled = 120", "unlabelled = 40, labelled = 24"),
        ("2455cc2a2a819554237425754adfcc27ff0b8702", git_blob(issues.read_bytes())),
        ("bound = 0.001", "bound = 100"),
    )
    card = folder / "card.md"
    edit(card, ("num_epochs: 16", "num_epochs: 4"), ("train_batch_size: 32", "train_batch_size: 8"))
    lines = card.read_text().splitlines(keepends=True)
    rows = [at for at, line in enumerate(lines) if line.startswith("|")]
    text = "".join(line for at, line in enumerate(lines) if at not in rows[6:])
    for epoch in range(1, 5):
        text = text.replace(f"| {29 * epoch} ", f"| {5 * epoch} ")
    card.write_text(text)
    return folder


def edit(path: Path, *changes: tuple[str, str]) -> None:
    """Replace texts that must be there."""
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def only_run(out: Path) -> tuple[Path, Run]:
    """The one run there."""
    (folder,) = (out / "demo").iterdir()
    return folder, load(folder / "run.json", Run)


def test_a_prefix_is_gone_on_with_to_the_same_end(case: Path, tmp_path: Path) -> None:
    """A run ended after one epoch, and again after two, ends as an undisturbed one: losses, weights, report.

    The prefix is marked as one everywhere, is never called reproduced, and asked for again trains nothing.
    """
    out = tmp_path / "reports"
    printed = json.loads(repro("run", case, "--out", out, "--until-epoch", "1", "--json").stdout)
    folder, run = only_run(out)
    assert printed["prefix"] == {"epochs": 1.0, "of": 4.0, "stopped": ""}
    assert (printed["verdict"], printed["reproduced"]) == ("matching", False)
    assert run.result == Stopped(epochs=1, of=4, reason="asked for with --until-epoch 1")
    said = repro("check", folder).stdout
    assert "as published so far; a prefix of 1 of 4 epochs" in said
    assert "(reproduced)" not in said
    assert "a prefix of 1 of 4 epochs" in repro("check", folder, "--format", "junit").stdout
    assert "Prefix: as published so far" in (folder / "report.html").read_text()
    assert "- prefix" in (folder / "card.md").read_text()
    events = (folder / "events.jsonl").read_bytes()
    assert "trained as far as that" in repro("run", case, "--out", out, "--until-epoch", "1").stderr
    assert (folder / "events.jsonl").read_bytes() == events

    done = repro("run", case, "--out", out, "--until-epoch", "2")
    assert "going on from the checkpoint at step 5" in done.stderr
    assert [each.epoch for each in only_run(out)[1].epochs] == [1, 2]
    repro("run", case, "--out", out)
    folder, run = only_run(out)
    assert isinstance(run.result, Completed)
    assert run.resumes == (5, 10)
    repro("run", case, "--out", tmp_path / "undisturbed")
    other, undisturbed = only_run(tmp_path / "undisturbed")
    assert (folder.name, run.epochs) == (other.name, undisturbed.epochs)
    assert json.loads((folder / "comparison.json").read_text()) == json.loads(
        (other / "comparison.json").read_text()
    )


def test_a_decided_run_ends_and_can_be_gone_on_with(case: Path, tmp_path: Path) -> None:
    """A run outside its bounds ends with exit code 1 and says why; without the option it is trained on."""
    edit(case / "case.toml", ("bound = 100", "bound = 0.001"))
    out = tmp_path / "reports"
    done = repro("run", case, "--out", out, "--stop-when-decided", code=1)
    assert "OUTSIDE" in done.stderr
    assert "no later epoch can bring it back within its bounds" in done.stderr
    folder, run = only_run(out)
    assert isinstance(run.result, Stopped)
    assert (run.result.decided, run.result.epochs, run.result.of) == (True, 1, 4)
    assert "lie outside" in run.result.reason
    assert "not reproduced, whatever came later" in repro("check", folder, code=1).stdout
    repro("run", case, "--out", out, "--stop-when-decided", code=1)
    assert len(only_run(out)[1].epochs) == 1
    repro("run", case, "--out", out, code=1)
    _, run = only_run(out)
    assert isinstance(run.result, Completed)
    assert len(run.epochs) == 4


def limit_memory() -> None:
    """Let this process and its children have 1.1 GB of their own."""
    resource.setrlimit(resource.RLIMIT_DATA, (1_100_000_000, 1_100_000_000))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not hold RLIMIT_DATA")
def test_too_little_memory_names_the_batch_that_fits(case: Path, tmp_path: Path) -> None:
    """Too large a batch ends in one line with one that fits, and with that one the run goes through."""
    shutil.copy(CASES / "demo" / "case.toml", case)  # all issues
    edit(case / "case.toml", ("bound = 0.001", "bound = 100"))
    edit(
        case / "card.md",
        ("train_batch_size: 8", "train_batch_size: 768"),
        ("num_epochs: 4", "num_epochs: 1"),
    )
    out = tmp_path / "reports"
    done = repro("run", case, "--out", out, code=4, before=limit_memory)
    error, hint = done.stderr.strip().splitlines()[-2:]
    words = error.split()
    assert error.startswith("error: out of memory with a batch of 768: one of "), done.stderr
    fits = int(words[words.index("would") - 1])
    assert 1 <= fits < 768
    assert hint.startswith(f"hint: --micro-batch {fits} ")
    smaller = str(max(1, fits // 2))
    repro("run", case, "--out", tmp_path / "other", "--micro-batch", smaller, code=1, before=limit_memory)
    _, run = only_run(tmp_path / "other")
    assert run.arguments["per_device_train_batch_size"] == int(smaller)
    told: Any = next(each for each in run.deviations if each.what == "micro batch")
    assert (told.published, "averaged by itself" in told.reason) == ("768", True)


def test_a_report_to_tensorboard_changes_no_number(case: Path, tmp_path: Path) -> None:
    """With `--report-to tensorboard` losses, weights and the run's id are those of a run without."""
    repro("run", case, "--out", tmp_path / "without")
    repro("run", case, "--out", tmp_path / "with", "--report-to", "tensorboard")
    (folder, run), (other, plain) = only_run(tmp_path / "with"), only_run(tmp_path / "without")
    assert (folder.name, run.epochs, run.environment) == (other.name, plain.epochs, plain.environment)
    assert list((folder / "tensorboard").rglob("events.out.tfevents.*"))


def test_a_report_that_the_release_does_not_know(case: Path, tmp_path: Path) -> None:
    """A place that this release cannot report to is refused with those that it can; nothing trains."""
    done = repro("run", case, "--out", tmp_path / "reports", "--report-to", "trackio", code=2)
    assert "error: --report-to trackio: transformers 4.21.2 does not know it" in done.stderr
    assert "tensorboard, wandb" in done.stderr

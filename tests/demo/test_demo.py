"""The demo, end to end: the real command, the real locked environment, real trainings."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from repro import workflows
from repro.cases import load_case, loader
from repro.environments import lookup
from repro.records.codec import load
from repro.records.comparison import Comparison
from repro.records.run import Completed, Failed, Run

pytestmark = pytest.mark.environment

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
CASES = Path(loader.__file__).parent
TRAINING_SECONDS = 1800  # for the machine, not for the program: a bound so that nothing waits for ever


def repro(*arguments: str | Path, code: int | None = 0) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    done = subprocess.run(
        [sys.executable, "-m", "repro", *arguments],
        capture_output=True,
        text=True,
        timeout=TRAINING_SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in done.stderr, done.stderr
    if code is not None:
        assert done.returncode == code, done.stderr
    return done


def only_run(out: Path, case: str = "demo") -> Path:
    """The folder of the one run there."""
    (folder,) = (out / case).iterdir()
    return folder


def epochs(folder: Path) -> list[dict[str, Any]]:
    """What was measured, digests included."""
    found: list[dict[str, Any]] = json.loads((folder / "run.json").read_text())["epochs"]
    return found


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A finished run of the demo and what the command printed."""
    out = tmp_path_factory.mktemp("demo") / "reports"
    done = repro("run", "demo", "--out", out, "--json")
    return only_run(out), json.loads(done.stdout)


def test_another_seed_is_a_replicate(finished: tuple[Path, dict[str, Any]]) -> None:
    """A further seed is trained beside the finished run, which is not trained again, and is told from it."""
    folder, printed = finished
    done = repro("run", "demo", "--out", folder.parent.parent, "--seeds", "43", "--json")
    other = next(each for each in folder.parent.iterdir() if each != folder)
    try:
        body = json.loads(done.stdout)
        assert (body["run"], body["verdict"]) == (folder.name, printed["verdict"])
        assert body["replicates"]["used"] == [other.name]
        assert [each["what"] for each in json.loads((other / "run.json").read_text())["deviations"]].count(
            "seed"
        ) == 1
        assert [each["validation_loss"] for each in epochs(other)] != [
            each["validation_loss"] for each in epochs(folder)
        ]
    finally:
        shutil.rmtree(other)


def test_the_demo_is_reproduced(finished: tuple[Path, dict[str, Any]]) -> None:
    """The demo comes out identical or matching, and prints one JSON document that says so."""
    folder, printed = finished
    assert printed["schema"] == "repro.comparison/1"
    assert printed["verdict"] in ("identical", "matching")
    assert printed["reproduced"] is True
    assert (printed["run"], Path(printed["folder"])) == (folder.name, folder)
    assert len(printed["metrics"]["validation_loss"]["rows"]) == 16


def test_everything_is_on_disk(finished: tuple[Path, dict[str, Any]]) -> None:
    """A run leaves record, events, lock, comparison, card, report, plots and the last two checkpoints."""
    folder, _ = finished
    run = load(folder / "run.json", Run)
    assert load(folder / "comparison.json", Comparison).run == run.id
    assert isinstance(run.result, Completed)
    assert run.data is not None
    assert (run.data.train_examples, run.data.eval_examples, run.data.steps_per_epoch) == (900, 60, 29)
    assert run.environment.packages["transformers"] == "4.21.2"
    assert run.environment.packages["pyarrow"].startswith("10.")
    for epoch in run.epochs:
        assert sorted(epoch.digests) == ["data_order", "optimizer", "random_state", "weights"]
        assert all(len(digest) == 64 for digest in epoch.digests.values())
    assert run.timing.training_seconds > 0
    assert {path.name for path in (folder / "checkpoints").iterdir()} == {"checkpoint-435", "checkpoint-464"}
    for name in ("events.jsonl", "environment.lock", "card.md", "report.html"):
        assert (folder / name).stat().st_size > 1000
    assert "://" not in (folder / "environment.lock").read_text()
    assert list((folder / "plots").glob("*.svg"))


def test_a_finished_run_is_not_trained_again(finished: tuple[Path, dict[str, Any]]) -> None:
    """The same command again trains nothing and reports the same."""
    folder, printed = finished
    before = (folder / "events.jsonl").stat().st_mtime_ns
    done = repro("run", "demo", "--out", folder.parents[1], "--json")
    assert json.loads(done.stdout) == printed
    assert "finished already" in done.stderr
    assert (folder / "events.jsonl").stat().st_mtime_ns == before


def test_a_broken_record_is_made_anew(finished: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """A run.json that is cut off is not trusted: it is made again from the events and the last checkpoint."""
    folder, printed = finished
    out = tmp_path / "reports"
    copy = out / "demo" / folder.name
    shutil.copytree(folder, copy)
    (copy / "run.json").write_bytes((folder / "run.json").read_bytes()[:1000])
    done = repro("run", "demo", "--out", out, "--json")
    assert "run.json: broken, not trusted" in done.stderr
    assert "going on from the checkpoint at step 464" in done.stderr
    assert epochs(copy) == epochs(folder)
    assert json.loads(done.stdout)["verdict"] == printed["verdict"]


def test_the_python_api_of_the_readme(finished: tuple[Path, dict[str, Any]]) -> None:
    """`workflows.run` is what the command calls: it finds the finished run and its comparison."""
    folder, _ = finished
    outcome = workflows.run(workflows.RunOptions(case="demo", out=folder.parents[1]))
    assert outcome.comparison.reproduced, outcome.comparison.reason
    assert outcome.folder == folder


def test_show_check_and_report(finished: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """`show`, `check` and `report` find the run by folder and by id, and say the same as the run did."""
    folder, printed = finished
    for name in (folder, folder.name):
        assert printed["verdict"] in repro("show", name, "--out", folder.parents[1]).stdout
    assert json.loads(repro("check", folder, "--json").stdout)["verdict"] == printed["verdict"]
    assert 'failures="0"' in repro("check", folder, "--format", "junit").stdout
    copy = tmp_path / "run"
    shutil.copytree(folder, copy)
    (copy / "report.html").unlink()
    repro("report", copy)
    assert (copy / "report.html").read_bytes() == (folder / "report.html").read_bytes()
    record = json.loads((copy / "run.json").read_text())
    record["epochs"][7]["validation_loss"] += 1
    (copy / "run.json").write_text(json.dumps(record))
    assert "OUTSIDE" in repro("check", copy, code=1).stdout


def test_a_fresh_run_comes_out_the_same(finished: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """`--fresh` trains beside the finished run, overwrites nothing, and gives the same losses and weights."""
    folder, printed = finished
    out = tmp_path / "reports"
    shutil.copytree(folder, out / "demo" / folder.name)
    before = {path.name: path.read_bytes() for path in (out / "demo" / folder.name).glob("*.json*")}
    done = repro("run", "demo", "--fresh", "--out", out, "--json")
    fresh = out / "demo" / f"{folder.name}-2"
    assert json.loads(done.stdout)["verdict"] == printed["verdict"]
    assert epochs(fresh) == epochs(folder)
    assert {path.name: path.read_bytes() for path in (out / "demo" / folder.name).glob("*.json*")} == before


@pytest.fixture(scope="session")
def interpreter(finished: tuple[Path, dict[str, Any]]) -> Path:
    """The interpreter of the demo's environment, built by the run."""
    assert finished
    locked = load_case("demo").locked
    assert locked is not None
    built = lookup(locked[0])
    assert built is not None
    return built.python


def test_a_run_equals_the_plain_script(
    finished: tuple[Path, dict[str, Any]], interpreter: Path, tmp_path: Path
) -> None:
    """The losses are those of a script that calls the Trainer by itself, to the last digit.

    The run had callbacks, digests and checkpoints; the script has none of them.
    """
    folder, _ = finished
    request = json.loads((folder / "request.json").read_text())
    done = subprocess.run(
        [
            interpreter,
            BENCHMARKS / "plain_demo.py",
            request["data"]["build"],
            request["data"]["file"],
            request["model"]["config"],
            request["model"]["vocabulary"],
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONNOUSERSITE": "1", "OMP_NUM_THREADS": "2"},
        timeout=TRAINING_SECONDS,
        check=True,
    )
    logged = json.loads(done.stdout.splitlines()[-1])["losses"]
    training = [entry["loss"] for entry in logged if "loss" in entry]
    validation = [entry["eval_loss"] for entry in logged if "eval_loss" in entry]
    assert [epoch["training_loss"] for epoch in epochs(folder)] == training
    assert [epoch["validation_loss"] for epoch in epochs(folder)] == validation


def started(out: Path) -> subprocess.Popen[str]:
    """Start a run of the demo and leave it alone."""
    return subprocess.Popen(
        [sys.executable, "-m", "repro", "run", "demo", "--out", out],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(process: subprocess.Popen[str], out: Path, count: int, event: str) -> None:
    """Wait until the event log holds so many events of a kind."""
    until = time.monotonic() + TRAINING_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, process.communicate()[1]
        logs = list(out.glob("demo/*/events.jsonl"))
        if logs and logs[0].read_text().count(f'"event": "{event}"') >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"no {event} number {count}")


def count_events(folder: Path, event: str) -> int:
    """How many events of a kind the run has."""
    return (folder / "events.jsonl").read_text().count(f'"event": "{event}"')


def workers(folder: Path) -> Iterator[int]:
    """The process ids of the workers of a run."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder / "request.json").encode() in path.read_bytes().split(b"\0"):
                yield int(path.parent.name)
        except OSError:
            continue


@pytest.mark.skipif(sys.platform != "linux", reason="finds the worker in /proc")
def test_a_stopped_and_killed_run_goes_on_to_the_same_end(
    finished: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """After Ctrl-C and after a worker killed by the system, the same command goes on, to the same digests.

    Ctrl-C has the worker write a checkpoint at the next step's end, wherever in an epoch that is, exits with
    130 and says how to go on; a killed worker is one line and exit code 4.
    """
    out = tmp_path / "reports"
    process = started(out)
    wait_for(process, out, 2, "checkpoint")
    folder = only_run(out)
    wait_for(process, out, count_events(folder, "step") + 2, "step")
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "stopping at the next step's end, with a checkpoint" in stderr
    assert "hint: the same command goes on from the last checkpoint" in stderr
    last = json.loads((folder / "events.jsonl").read_text().splitlines()[-1])
    assert (last["event"], last["step"] > 58) == ("checkpoint", True)
    assert list(workers(folder)) == []

    process = started(out)
    wait_for(process, out, 5, "checkpoint")
    (worker,) = workers(folder)
    os.kill(worker, signal.SIGKILL)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 4, stderr
    assert "error: the worker was killed by SIGKILL; out of memory?" in stderr
    assert "Traceback" not in stderr
    assert isinstance(load(folder / "run.json", Run).result, Failed)
    assert "the run failed" in repro("check", folder, code=2).stderr

    repro("run", "demo", "--out", out)
    assert epochs(folder) == epochs(finished[0])
    run = load(folder / "run.json", Run)
    assert len(run.resumes) == 2
    assert run.resumes[0] == last["step"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 12 MB: room for events and one checkpoint, not for three."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", folder], check=False)
    if mounted.returncode != 0:
        pytest.skip("a file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a file system")
def test_a_full_disk_stops_the_run_and_loses_nothing(small_disk: Path) -> None:
    """A full disk is one line and exit code 4; with room again the same command goes on and ends the run."""
    done = repro("run", "demo", "--out", small_disk, code=4)
    assert "no space left on the disk" in done.stderr
    folder = only_run(small_disk)
    marked = list(folder.glob("checkpoints/*/complete.json"))
    assert marked
    subprocess.run(["mount", "-o", "remount,size=200m", small_disk], check=True)
    done = repro("run", "demo", "--out", small_disk)
    assert "going on from the checkpoint at step" in done.stderr
    assert load(folder / "run.json", Run).resumes


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A copy of the demo whose card ends after one epoch."""
    shutil.copytree(CASES, tmp_path / "cases", ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    shutil.copy(CASES / "issues-128" / "data.py", tmp_path / "cases" / "issues-128")
    folder = tmp_path / "cases" / "demo"
    card = folder / "card.md"
    lines = card.read_text().replace("num_epochs: 16", "num_epochs: 1").splitlines(keepends=True)
    rows = [at for at, line in enumerate(lines) if line.startswith("|")]
    card.write_text("".join(line for at, line in enumerate(lines) if at not in rows[3:]))
    return folder


def test_a_loss_that_is_not_a_number_diverged(case: Path, tmp_path: Path) -> None:
    """A training that ends in NaN completes, is told `diverged` with exit code 1, and is reported."""
    card = case / "card.md"
    card.write_text(card.read_text().replace("learning_rate: 0.001", "learning_rate: 1e+30"))
    done = repro("run", case, "--out", tmp_path / "reports", "--json", code=1)
    assert json.loads(done.stdout)["verdict"] == "diverged"
    folder = only_run(tmp_path / "reports")
    assert epochs(folder)[-1]["validation_loss"] == "nan"
    assert "NaN" in (folder / "report.html").read_text()


def test_another_seed_is_a_deviation(case: Path, tmp_path: Path) -> None:
    """Another seed trains to other numbers, and the record says that the seed deviates."""
    repro("run", case, "--seed", "43", "--out", tmp_path / "reports", code=None)
    run = load(only_run(tmp_path / "reports") / "run.json", Run)
    assert [each.what for each in run.deviations if each.what == "seed"] == ["seed"]
    published = run.case.claims.results
    assert published is not None
    assert run.epochs[0].validation_loss != published.rows[0].cells[3].value


def test_a_recipe_that_fails_is_one_line(case: Path, tmp_path: Path) -> None:
    """An error in the case's recipe is one line with its type, exit code 4, and the record keeps it."""
    recipe = case.parent / "issues-128" / "data.py"
    recipe.write_text(recipe.read_text() + "\n\ndef build(*_):\n    raise LookupError('no such column')\n")
    done = repro("run", case, "--out", tmp_path / "reports", code=4)
    assert "error: LookupError: no such column" in done.stderr
    assert isinstance(load(only_run(tmp_path / "reports") / "run.json", Run).result, Failed)


def test_the_rehearsal_of_the_published_run(tmp_path: Path) -> None:
    """`issues-128 --rehearse` trains steps of the real recipe; 291 steps an epoch come out of the data."""
    done = repro("run", "issues-128", "--rehearse", "--out", tmp_path / "reports", "--json")
    printed = json.loads(done.stdout)
    assert (printed["verdict"], printed["rehearsal"]) == ("incomparable", True)
    assert "rehearsal" in printed["reason"]
    folder = only_run(tmp_path / "reports", "issues-128")
    run = load(folder / "run.json", Run)
    assert run.data is not None
    assert (run.data.train_examples, run.data.steps_per_epoch) == (9303, 291)
    assert run.data.eval_examples == pytest.approx(220, abs=5)
    assert run.epochs[-1].step == run.settings.rehearse
    assert {each.what for each in run.deviations} >= {"model", "data"}
    assert "rehearsal" in (folder / "report.html").read_text()

"""The worker: one request in, events and one result out, on every Python, and never without its parent."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from repro.environments.interpreters import find_interpreters, make_environment
from repro.machine import instruction_sets
from repro.runs.local import PROTOCOL, WORKER

PYTHONS = {each.minor: each.path for each in find_interpreters()}
FEATURES_HERE = instruction_sets()


def call(
    folder: Path, request: dict[str, Any], python: str | Path = sys.executable
) -> tuple[int, dict[str, Any] | None, str]:
    """Run the worker as the program does: standard input stays open."""
    (folder / "request.json").write_text(json.dumps(request))
    result = folder / "result.json"
    with subprocess.Popen(
        [python, WORKER, folder / "request.json", result],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        stderr = process.stderr.read().decode()
        code = process.wait(60)
    return code, json.loads(result.read_bytes()) if result.exists() else None, stderr


every_python = pytest.mark.parametrize("minor", [f"3.{minor}" for minor in range(7, 15)])


@every_python
def test_the_worker_runs_on_every_python(minor: str, tmp_path: Path) -> None:
    """The recipe that needs only the standard library runs on each Python from 3.7 to 3.14 that is here."""
    if minor not in PYTHONS:
        pytest.skip(f"no Python {minor} on this machine")
    code, result, stderr = call(tmp_path, {"protocol": PROTOCOL, "recipe": "describe"}, PYTHONS[minor])
    assert code == 0, stderr
    assert result is not None
    assert result["protocol"] == PROTOCOL
    assert result["value"]["python"].startswith(f"{minor}.")
    assert result["value"]["features"] == list(FEATURES_HERE)
    assert result["value"]["cores"] >= 1
    assert "pip" in result["value"]["packages"]


@every_python
def test_an_empty_environment_is_described(minor: str, tmp_path: Path) -> None:
    """In an environment without pip and setuptools, below an awkward path, the worker runs all the same.

    What is installed is read from its metadata, on Pythons that have no module for that, too.
    """
    if minor not in PYTHONS:
        pytest.skip(f"no Python {minor} on this machine")
    folder = tmp_path / "my pÿthon 蛇 'x'"
    folder.mkdir()
    make_environment(PYTHONS[minor], folder / "made")
    site = folder / "made" / "lib" / f"python{minor}" / "site-packages"
    (site / "Some_Package-1.0.dist-info").mkdir()
    (site / "Some_Package-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: Some_Package\nVersion: 1.0+cu117\n\nName: not this\n"
    )
    code, result, stderr = call(
        folder, {"protocol": PROTOCOL, "recipe": "describe"}, folder / "made" / "bin" / "python"
    )
    assert code == 0, stderr
    assert result is not None
    assert result["value"]["packages"] == {"some-package": "1.0+cu117"}


def test_the_workers_folder_is_not_on_the_path(tmp_path: Path) -> None:
    """The worker's own folder is taken off `sys.path`, so none of its modules shadows the environment's."""
    _, result, _ = call(tmp_path, {"protocol": PROTOCOL, "recipe": "describe"})
    assert result is not None
    assert result["value"]["path"] == []


def test_an_error_becomes_data(tmp_path: Path) -> None:
    """A recipe that fails leaves a result that says how, and the exit code 1."""
    code, result, _ = call(tmp_path, {"protocol": PROTOCOL, "recipe": "no_such_recipe"})
    assert code == 1
    assert result is not None
    assert (result["status"], result["error"]) == ("failed", "ModuleNotFoundError")
    assert "no_such_recipe" in result["traceback"]


def test_another_protocol_is_refused(tmp_path: Path) -> None:
    """A request of another protocol is refused before anything runs."""
    code, result, stderr = call(tmp_path, {"protocol": PROTOCOL + 1, "recipe": "describe"})
    assert (code, result) == (2, None)
    assert f"protocol {PROTOCOL}" in stderr


WAITING = '''"""A recipe that says that it runs and then waits for ever."""
import os, time
def run(request):
    with open(request["said"], "w") as file:
        file.write(str(os.getpid()))
    time.sleep(3600)
'''


@pytest.fixture
def waiting(tmp_path: Path) -> Path:
    """A copy of the worker with one more recipe, which never ends by itself."""
    copy = tmp_path / "worker"
    shutil.copytree(WORKER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "recipe_wait.py").write_text(WAITING)
    request = {"protocol": PROTOCOL, "recipe": "wait", "said": str(tmp_path / "pid")}
    (tmp_path / "request.json").write_text(json.dumps(request))
    return copy


def appeared(path: Path) -> int:
    """Wait for the recipe's word that it runs; return its process id."""
    while not (path.exists() and path.read_text()):
        time.sleep(0.02)
    return int(path.read_text())


def gone(pid: int) -> bool:
    """Wait until a process is no more (or only its entry waits for whoever collects it)."""
    for _ in range(500):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_worker_dies_with_its_parent(waiting: Path, tmp_path: Path) -> None:
    """A parent that is killed outright takes the worker with it, even in the middle of a recipe."""
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys; subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE).wait()",
            sys.executable,
            waiting,
            tmp_path / "request.json",
            tmp_path / "result.json",
        ]
    )
    pid = appeared(tmp_path / "pid")
    parent.kill()
    parent.wait()
    assert gone(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_worker_ends_at_the_end_of_its_input(waiting: Path, tmp_path: Path) -> None:
    """End of file on standard input ends the worker, on systems without a parent-death signal too."""
    worker = subprocess.Popen(
        [sys.executable, waiting, tmp_path / "request.json", tmp_path / "result.json"], stdin=subprocess.PIPE
    )
    appeared(tmp_path / "pid")
    assert worker.stdin is not None
    worker.stdin.close()
    assert worker.wait(10) == 1


def test_a_killed_worker_leaves_no_result(waiting: Path, tmp_path: Path) -> None:
    """A worker that is killed leaves no result file, whole or half."""
    worker = subprocess.Popen(
        [sys.executable, waiting, tmp_path / "request.json", tmp_path / "result.json"], stdin=subprocess.PIPE
    )
    appeared(tmp_path / "pid")
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert worker.stdin is not None
    worker.stdin.close()
    assert [path.name for path in tmp_path.glob("result.json*")] == []

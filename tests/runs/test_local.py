"""However the worker ends, the program says how in one line."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from repro.errors import EnvironmentFailed, TrainingFailed
from repro.records.event import AnyEvent
from repro.runs import local

ENVIRON = dict(os.environ)


def interpreter(folder: Path, script: str) -> Path:
    """An interpreter that does something else than run Python."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_recipe_returns_its_value(tmp_path: Path) -> None:
    """What the recipe returned inside the other interpreter arrives here."""
    value = local.call(Path(sys.executable), "describe", tmp_path, ENVIRON)
    assert value["implementation"] == "CPython"


@pytest.mark.parametrize(
    ("script", "part"),
    [
        ("exit 3", "ended with exit code 3 and without a result: it printed nothing"),
        ("echo 'libpython is gone' >&2; exit 127", "exit code 127 and without a result: libpython is gone"),
        ("kill -SEGV $$", "was killed by SIGSEGV"),
        ("kill -KILL $$", "was killed by SIGKILL; out of memory?"),
        ("exit 0", "ended with exit code 0 and without a result"),
    ],
)
def test_an_interpreter_that_dies_is_one_line(tmp_path: Path, script: str, part: str) -> None:
    """An interpreter that dies, however, is an environment that cannot be used: one line, one hint."""
    with pytest.raises(EnvironmentFailed) as caught:
        local.call(interpreter(tmp_path, script), "probe", tmp_path / "work", ENVIRON)
    assert part in caught.value.message
    assert "\n" not in caught.value.message
    assert "worker.log" in caught.value.hint


def test_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    """A missing interpreter is the same kind of error and names the file."""
    with pytest.raises(EnvironmentFailed, match="cannot be started"):
        local.call(tmp_path / "python", "probe", tmp_path / "work", ENVIRON)


def test_what_an_interpreter_prints_does_no_harm(tmp_path: Path) -> None:
    """An interpreter that prints on start, to both outputs, still gives its result."""
    noisy = interpreter(tmp_path, f'echo noise; echo noise >&2; exec {sys.executable} "$@"')
    assert local.call(noisy, "describe", tmp_path / "work", ENVIRON)["implementation"] == "CPython"


def test_an_old_result_is_never_taken_for_a_new_one(tmp_path: Path) -> None:
    """A result file of an earlier start is removed before the worker starts."""
    local.call(Path(sys.executable), "describe", tmp_path / "work", ENVIRON)
    with pytest.raises(EnvironmentFailed):
        local.call(interpreter(tmp_path, "exit 1"), "describe", tmp_path / "work", ENVIRON)


def test_a_torch_without_kernels_for_the_gpu_offers_both_ways(tmp_path: Path) -> None:
    """What the worker says about torch and GPU becomes one line, and its hint names both ways out."""
    worker = tmp_path / "worker"
    shutil.copytree(local.WORKER, worker, ignore=shutil.ignore_patterns("__pycache__"))
    (worker / "recipe_refuse.py").write_text(
        "from . import devices\n"
        "def run(request):\n"
        "    line = devices.misfit('1.13.0+cu117', ['sm_80', 'sm_86'], (9, 0))\n"
        "    raise devices.UnusableDevice(line, {'torch': '1.13.0+cu117', 'gpu': 'sm_90'})\n"
    )
    python = interpreter(tmp_path, f'shift; exec {sys.executable} {worker} "$@"')
    with pytest.raises(EnvironmentFailed) as caught:
        local.train(
            python, {"recipe": "refuse", "events": str(tmp_path / "events.jsonl")}, tmp_path / "work",
            ENVIRON, after=0, on_event=lambda _: None,
        )  # fmt: skip
    assert caught.value.message == "torch 1.13.0+cu117 has kernels up to sm_86, this GPU is sm_90"
    assert "--device cpu" in caught.value.hint
    assert "--torch 2.1.0" in caught.value.hint


def test_a_training_that_dies_has_told_its_events(tmp_path: Path) -> None:
    """Events arrive in order and once, old news aside, before the failure is raised."""
    events = tmp_path / "events.jsonl"
    line = '{"event": "step", "sequence": %d, "time": 1.0, "step": %d, "epoch": 0.1}'
    script = (
        "".join(f"echo '{line % (n, n)}' >> {events}; " for n in (1, 2, 3)) + "printf '{' >> events; exit 9"
    )
    seen: list[AnyEvent] = []
    with pytest.raises(TrainingFailed, match="exit code 9"):
        local.train(
            interpreter(tmp_path, script),
            {"recipe": "none", "events": str(events)},
            tmp_path / "work",
            ENVIRON,
            after=1,
            on_event=seen.append,
        )
    assert [event.sequence for event in seen] == [2, 3]

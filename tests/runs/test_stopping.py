"""Signals to the program and silence of the worker: a checkpoint first, a stack where it hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from repro.errors import TrainingFailed
from repro.runs import local
from repro.runs.stopping import stop_requests

# A worker that writes a checkpoint for a moment when it is asked to stop, and says that it did.
POLITE = """
trap 'sleep 1; echo > saved; cp stopped.json result.json; exit 0' TERM
echo '{"status": "completed", "value": {"stopped": true}}' > stopped.json
echo > began
while :; do sleep 0.05; done
"""
PROGRAM = """
import os, signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs these tests may ignore both
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from repro.errors import Interrupted
from repro.runs import local
folder = Path(sys.argv[1])
try:
    local.train(folder / "python", {"recipe": "none", "events": str(folder / "events.jsonl")}, folder,
                dict(os.environ), after=0, on_event=print, on_stop=lambda: print("stopping", flush=True))
except Interrupted:
    print("interrupted")
"""


def begin(folder: Path) -> subprocess.Popen[str]:
    """The program with a polite worker, when both run."""
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{POLITE}")
    python.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, folder], stdout=subprocess.PIPE, text=True, cwd=folder
    )
    while not (folder / "began").exists():
        assert process.poll() is None
        time.sleep(0.02)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_the_worker_save_first(number: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C, SIGTERM and a closed terminal ask the worker to stop, and wait until it has."""
    process = begin(tmp_path)
    process.send_signal(number)
    printed, _ = process.communicate(timeout=60)
    assert printed == "stopping\ninterrupted\n"
    assert (tmp_path / "saved").exists()


def test_a_second_interrupt_stops_at_once(tmp_path: Path) -> None:
    """Who presses Ctrl-C twice does not wait for a checkpoint."""
    process = begin(tmp_path)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == "stopping\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[0] == "interrupted\n"
    assert not (tmp_path / "saved").exists()


def test_handlers_are_put_back_and_what_is_ignored_stays_ignored() -> None:
    """After a training signals do what they did before; `nohup` stays in force, threads change nothing."""
    before = signal.getsignal(signal.SIGINT)
    hangup = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_requests() as request:
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGINT)
            assert request.made
            thread = threading.Thread(target=lambda: stop_requests().__enter__())
            thread.start()
            thread.join()
        assert signal.getsignal(signal.SIGINT) is before
    finally:
        signal.signal(signal.SIGHUP, hangup)


HANGING = """
import sys; from pathlib import Path
sys.path.insert(0, {worker!r})
import life
life.show_stack_when_asked()
def waits_for_ever():
    import time
    while True: time.sleep(3600)
waits_for_ever()
"""


def test_a_worker_that_hangs_shows_where(tmp_path: Path) -> None:
    """A worker without a word for the stated time is stopped; the error says where it was."""
    script = tmp_path / "hanging.py"
    script.write_text(HANGING.format(worker=str(local.WORKER)))
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexec {sys.executable} {script}\n")
    python.chmod(0o755)
    with pytest.raises(TrainingFailed) as caught:
        local.train(
            python,
            {"recipe": "none", "events": str(tmp_path / "events.jsonl")},
            tmp_path / "work",
            dict(os.environ),
            after=0,
            on_event=lambda _: None,
            hang_seconds=6,
        )
    assert "the worker hung: not a word for 0.1 minutes; it was in" in caught.value.message
    assert f"{script}, line 8, waits_for_ever" in caught.value.message
    assert "worker.log" in caught.value.hint
    assert "waits_for_ever" in (tmp_path / "work" / "worker.log").read_text()


LONG = """
import os, sys
from pathlib import Path
from repro import workflows
from repro.cli.console import Console
from repro.runs import local
from repro.runs.folders import RunFolder
from repro.workflows.watching import Watching
folder = Path(sys.argv[1])
following = Watching(Console(yes=True), RunFolder(folder), None)
local.train(folder / "python", {"recipe": "none", "events": str(folder / "events.jsonl")}, folder,
            dict(os.environ), after=0, on_event=following, hang_seconds=600)
print(following.state.step)
from repro.runs.state import intact_up_to, rewind
intact_up_to(folder / "events.jsonl"), rewind(folder / "events.jsonl", 10**9)
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""
WRITER = """
import json, sys
device = {"kind": "cpu"}
said = [dict(event="started", python="3.10", packages={}, device=device),
        dict(event="data", train_examples=9, eval_examples=3),
        dict(event="training", max_steps=300000, epochs=16.0, resumed_from=0)]
said += [dict(event="step", step=n, epoch=0.1) for n in range(1, 300001)]
with open(sys.argv[1], "w") as file:
    for number, event in enumerate(said, 1):
        file.write(json.dumps(dict(event, sequence=number, time=1.0 * number)) + "\\n")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak in /proc")
def test_a_long_run_needs_no_more_memory(tmp_path: Path) -> None:
    """Following and rewinding 300,000 events, through the real code, stays below 150 MB."""
    (tmp_path / "writer.py").write_text(WRITER)
    python = tmp_path / "python"
    result = '{"status": "completed", "value": {}}'
    python.write_text(
        f"#!/bin/sh\n{sys.executable} {tmp_path}/writer.py {tmp_path}/events.jsonl\n"
        f"echo '{result}' > {tmp_path}/result.json\n"
    )
    python.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", LONG, tmp_path], stdout=subprocess.PIPE, text=True, check=True
    )
    step, peak = done.stdout.splitlines()
    assert step == "300000"
    assert int(peak) * 1024 < 150_000_000

"""Run the worker on this machine: start it, follow its events, stop it, and say how it ended."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import repro
from repro.errors import EnvironmentFailed, Interrupted, OutOfMemory, TrainingFailed
from repro.records.event import AnyEvent
from repro.runs.gpus import ways_out
from repro.runs.oom import kills
from repro.runs.state import parse_event
from repro.runs.stopping import stop_requests

PROTOCOL = 1
WORKER = Path(repro.__file__).with_name("worker")
# Every look takes a core from the training for a moment.
_POLL_SECONDS = 0.5
_STOP_SECONDS = 10.0
_PROBE_SECONDS = 300.0
_FULL_BYTES = 1_000_000
_STACK_SECONDS = 1.0
_STACK_BYTES = 100_000


def call(python: Path, recipe: str, folder: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    """Run a short recipe (`probe`, `describe`) and return what it returned.

    Args:
        python: The environment's interpreter.
        recipe: The recipe's name.
        folder: Where request, result and log go.
        environ: The worker's environment variables.

    Raises:
        EnvironmentFailed: The interpreter dies, hangs, or the recipe fails.
    """
    worker = _start(python, {"recipe": recipe}, folder, environ, EnvironmentFailed)
    try:
        worker.process.wait(_PROBE_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFailed(
            f"{python} did not answer within {_PROBE_SECONDS:.0f} s", "is the machine overloaded?"
        ) from error
    finally:
        worker.stop(0)
    return worker.result(EnvironmentFailed)


def train(
    python: Path,
    request: Mapping[str, Any],
    folder: Path,
    environ: Mapping[str, str],
    *,
    after: int,
    on_event: Callable[[AnyEvent], None],
    on_stop: Callable[[], None] = lambda: None,
    hang_seconds: float = 0.0,
) -> dict[str, Any]:
    """Run a training to its end.

    Args:
        python: The environment's interpreter.
        request: What the recipe needs; `events` is the event log.
        folder: The run's folder; request, result and log go there.
        environ: The worker's environment variables.
        after: Events up to this sequence number are old news.
        on_event: Told each new event in its order.
        on_stop: Told once that the worker was asked to stop, and writes a checkpoint first.
        hang_seconds: Seconds without an event after which the worker counts as hung; 0 for never.

    Returns:
        What the recipe returned.

    Raises:
        TrainingFailed: The worker failed, was killed or hung; says how, and what it said last.
        EnvironmentFailed: Its torch cannot use the GPU that was asked for.
        Interrupted: Ctrl-C or SIGTERM, here or to the worker; the worker has ended.
    """
    follower = _Follower(Path(request["events"]), after, on_event)
    with stop_requests() as stop:
        worker = _start(python, request, folder, environ, TrainingFailed)
        patience, told = _STOP_SECONDS, False
        try:
            while worker.process.poll() is None:
                follower.read()
                if stop.made and not told:
                    told = True
                    worker.process.terminate()
                    on_stop()
                if hang_seconds and follower.silent_for() > hang_seconds:
                    raise worker.hung(hang_seconds)
                time.sleep(_POLL_SECONDS)
            follower.read()
        except KeyboardInterrupt as error:
            patience = 0.0
            raise Interrupted("stopped") from error
        finally:
            worker.stop(patience)
        if stop.made:
            raise Interrupted("stopped")
    value = worker.result(TrainingFailed)
    if value.get("stopped"):
        raise Interrupted("stopped")
    return value


class _Follower:
    """Reads what is appended to the event log since the last look."""

    def __init__(self, path: Path, after: int, on_event: Callable[[AnyEvent], None]) -> None:
        self._path = path
        self._sequence = after
        self._on_event = on_event
        self._offset = 0
        self._heard = time.monotonic()

    def silent_for(self) -> float:
        """Return the seconds since the last event."""
        return time.monotonic() - self._heard

    def read(self) -> None:
        """Pass on the whole lines that are new."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                event = parse_event(line)
                if event is not None and event.sequence > self._sequence:
                    self._sequence = event.sequence
                    self._heard = time.monotonic()
                    self._on_event(event)


class _Worker:
    """A worker process with its result file and log."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, python: Path) -> None:
        self.process = process
        self._folder = folder
        self._python = python
        self._kills = kills()

    def stop(self, seconds: float) -> None:
        """End it if it still runs: ask first, insist after `seconds`."""
        if self.process.poll() is None:
            try:
                if seconds:
                    self.process.terminate()
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        assert self.process.stdin is not None  # noqa: S101 - started with a pipe
        self.process.stdin.close()

    def hung(self, seconds: float) -> TrainingFailed:
        """Have it write its stack into its log, end it, and return the error that says where it was."""
        log = self._folder / "worker.log"
        before = log.stat().st_size
        stack = ""
        if hasattr(signal, "SIGUSR1"):
            self.process.send_signal(signal.SIGUSR1)
            time.sleep(_STACK_SECONDS)
            with log.open("rb") as file:
                file.seek(before)
                stack = file.read(_STACK_BYTES).decode("utf-8", "replace")
        self.process.kill()
        where = innermost_frame(stack)
        return TrainingFailed(
            f"the worker hung: not a word for {seconds / 60:g} minutes"
            + (f"; it was in {where}" if where else ""),
            (f"its stack is at the end of {log}; " if stack else "it could not even say where it was; ")
            + "the same command goes on, --hang-minutes waits longer",
        )

    def result(self, failure: type[EnvironmentFailed | TrainingFailed]) -> dict[str, Any]:
        """Return the recipe's value, or raise its failure here."""
        if self.process.returncode != 0 and shutil.disk_usage(self._folder).free < _FULL_BYTES:
            # Whatever it says, or could not even write down: this is why.
            raise failure(
                f"{self._folder}: no space left on the disk",
                "free some space; what was checkpointed is not lost",
            )
        try:
            body = json.loads((self._folder / "result.json").read_bytes())
            if body["status"] == "completed":
                value: dict[str, Any] = body["value"]
                return value
            message, unusable = _one_line(body["message"]), body.get("details")
        except (OSError, ValueError, KeyError):
            if self.process.returncode == -signal.SIGKILL and kills() > self._kills:
                raise OutOfMemory("out of memory: the kernel killed the worker", self._hint()) from None
            raise failure(f"the worker {self._ending()}", self._hint()) from None
        if unusable:  # nothing failed: this torch and this machine's GPU do not go together
            raise EnvironmentFailed(message, ways_out(unusable["torch"], unusable["gpu"]))
        if body.get("out_of_memory"):
            raise OutOfMemory(
                f"out of memory: {message}", f"the whole error is in {self._folder / 'result.json'}"
            )
        hint = body.get("hint") or f"the whole traceback is in {self._folder / 'result.json'}"
        raise failure(f"{body['error']}: {message}", hint)

    def _ending(self) -> str:
        code = self.process.returncode
        if code < 0:
            name = signal.Signals(-code).name
            why = "; out of memory?" if name == "SIGKILL" else ""
            return f"was killed by {name}{why}"
        return f"ended with exit code {code} and without a result: {self._last_words()}"

    def _last_words(self) -> str:
        try:
            lines = (self._folder / "worker.log").read_text("utf-8", "replace").strip().splitlines()
        except OSError:
            lines = []
        return _one_line(lines[-1]) if lines else "it printed nothing"

    def _hint(self) -> str:
        return f"what it printed is in {self._folder / 'worker.log'}; does {self._python.name} run?"


def _start(
    python: Path,
    request: Mapping[str, Any],
    folder: Path,
    environ: Mapping[str, str],
    failure: type[EnvironmentFailed | TrainingFailed],
) -> _Worker:
    """Write the request and start the worker; it holds no terminal and dies with this process."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "result.json").unlink(missing_ok=True)
        path = folder / "request.json"
        path.write_text(json.dumps({"protocol": PROTOCOL, **request}, indent=2) + "\n", encoding="utf-8")
        with (folder / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                [python, WORKER, path, folder / "result.json"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=folder,
                env=dict(environ),
                # Ctrl-C in the terminal is for the program; it stops the worker itself.
                start_new_session=True,
            )
    except OSError as error:
        raise failure(
            f"{error.filename or python}: the worker cannot be started: {error.strerror}",
            "is the environment whole, and is there room on the disk?",
        ) from error
    return _Worker(process, folder, python)


def innermost_frame(stack: str) -> str:
    """Return where the main thread was, as `file, line, function`, from what `faulthandler` wrote.

    It writes the innermost frame of a thread first, and the main thread last.
    """
    threads = re.split(r"^(?:Current t|T)hread 0x.*$", stack, flags=re.MULTILINE)
    frame = re.search(r'File "(.*)", line (\d+) in (.*)', threads[-1])
    return f"{frame[1]}, line {frame[2]}, {frame[3]}" if frame else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]

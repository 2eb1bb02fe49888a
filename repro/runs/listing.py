"""The runs in a folder: of each only what a line says is read, so that a thousand take a moment."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from repro.environments.cache import is_locked
from repro.environments.disk import usage
from repro.errors import BadInput
from repro.records.codec import from_json
from repro.records.comparison import Verdict
from repro.records.run import Completed, Failed, Result, Skipped, Stopped
from repro.records.runs import ListedRun, Runs
from repro.runs.folders import RunFolder
from repro.runs.state import parse_event

#: More than a run's record ever has: what is larger is not read.
MOST_BYTES = 64 * 1024 * 1024
_TAIL_BYTES = 64 * 1024
T = TypeVar("T")
_State = Literal["finished", "stopped", "unfinished", "failed", "skipped", "running", "broken"]


class _Case(msgspec.Struct):
    name: str


class _Settings(msgspec.Struct):
    seed: int
    rehearse: int | None = None


class _Epoch(msgspec.Struct):
    epoch: float


class _Run(msgspec.Struct, tag_field="schema", tag="repro.run/1"):
    """What of `run.json` a line needs."""

    id: str
    case: _Case
    settings: _Settings
    epochs: tuple[_Epoch, ...] = ()
    result: Result | None = None


class _Comparison(msgspec.Struct, tag_field="schema", tag="repro.comparison/1"):
    """What of `comparison.json` a line needs."""

    verdict: Verdict
    reproduced: bool
    rehearsal: bool = False


def list_runs(out: Path, case: str | None = None, now: datetime | None = None) -> Runs:
    """List the runs that landed in a folder, newest first; a broken one is listed as such.

    Args:
        out: The folder, as `--out` of `repro run`.
        case: Only runs of this case.
        now: The instant that ages are counted from.
    """
    now = now or datetime.now(UTC)
    found = (listed(record.parent, now) for record in out.glob("*/*/run.json"))
    runs = sorted(
        (one for one in found if one is not None and case in (None, one.case)),
        key=lambda one: (one.age_seconds, one.folder),
    )
    return Runs(
        out=str(out),
        runs=tuple(runs),
        total_bytes=sum(one.total_bytes for one in runs),
        checkpoint_bytes=sum(one.checkpoint_bytes for one in runs),
    )


def listed(path: Path, now: datetime) -> ListedRun | None:
    """Return what a line says about the run in a folder; None where it vanished meanwhile."""
    folder = RunFolder(path)
    try:
        changed = max(_written(folder))
    except ValueError:
        return None
    where = {
        "folder": str(path),
        "changed": changed.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "age_seconds": max(0.0, round((now - changed).total_seconds(), 1)),
        "total_bytes": usage([path]).total,
        "checkpoint_bytes": usage([folder.checkpoints]).total,
    }
    try:
        run = _read(folder.record, _Run)
    except BadInput as error:
        return _line(where, run=path.name, case=path.parent.name, state="broken", reason=error.message)
    state, reason = _state(folder, run)
    verdict = _verdict(folder) if state in ("finished", "stopped") else None
    return _line(
        where,
        run=run.id,
        case=run.case.name,
        seed=run.settings.seed,
        state=state,
        reason=reason,
        epoch=_reached(folder, run),
        verdict=None if verdict is None or verdict.rehearsal else verdict.verdict,
        reproduced=None if verdict is None or verdict.rehearsal else verdict.reproduced,
        rehearsal=run.settings.rehearse is not None,
    )


def _line(where: dict[str, object], **what: object) -> ListedRun:
    return msgspec.convert({**where, **what}, ListedRun)


def _written(folder: RunFolder) -> Iterator[datetime]:
    for file in (folder.record, folder.events):
        try:
            yield datetime.fromtimestamp(file.stat().st_mtime, UTC)
        except (OSError, OverflowError):
            continue


def _read(path: Path, kind: type[T]) -> T:
    """Read a record that may be anybody's.

    Raises:
        BadInput: Broken, too large, or no plain file.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
            raise BadInput(f"{path.name}: no record: not a file, or larger than one ever is")
        text = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path.name}: cannot be read: {error.strerror}") from error
    return from_json(text, kind, source=path.name)


def _state(folder: RunFolder, run: _Run) -> tuple[_State, str]:
    match run.result:
        case Completed():
            return "finished", ""
        case Skipped(reason=reason):
            return "skipped", reason
        case Failed(reason=reason):
            state: _State = "failed"
        case Stopped():
            state, reason = "stopped", ""
        case None:
            state, reason = "unfinished", ""
    # Also a failed one is gone on with; the record says how that ended only when it does.
    return ("running", "") if is_locked(folder.path / ".held") else (state, reason)


def _verdict(folder: RunFolder) -> _Comparison | None:
    try:
        return _read(folder.comparison, _Comparison)
    except BadInput:
        return None


def _reached(folder: RunFolder, run: _Run) -> float | None:
    """Return how far a run came; of one without an end the events know more than the record."""
    recorded = run.epochs[-1].epoch if run.epochs else None
    if isinstance(run.result, Completed):
        return recorded
    try:
        with folder.events.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            lines = file.read(_TAIL_BYTES).splitlines()
    except OSError:
        return recorded
    for line in reversed(lines):
        epoch = getattr(parse_event(line), "epoch", None)
        if epoch is not None:
            return float(epoch)
    return recorded

"""What the events say so far, folded into one value."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import assert_never

import msgspec

from repro.errors import BadInput
from repro.records.event import (
    AnyEvent,
    CheckpointSaved,
    DataReady,
    EpochEnded,
    Evaluating,
    FastPath,
    Finished,
    Started,
    Step,
    TrainingBegan,
)
from repro.records.run import Epoch, Measured

_DECODER = msgspec.json.Decoder(AnyEvent)


@dataclass(frozen=True)
class RunState:
    """A training so far.

    Attributes:
        sequence: The sequence number of the last event.
        started: The last start; None before the first.
        resumes: Steps that were gone on from.
        began: When the training phase since the last start began; None before it.
        seconds: Seconds in the training phase, all starts together, the time between them left out.
        earlier_seconds: The part of `seconds` before the last start.
        step: The last step that was heard of.
        loss: The last loss that was heard of: of the last batch, or as the Trainer logged it.
    """

    sequence: int = 0
    started: Started | None = None
    data: DataReady | None = None
    fast: FastPath | None = None
    training: TrainingBegan | None = None
    resumes: tuple[int, ...] = ()
    step: int = 0
    loss: Measured | None = None
    epochs: tuple[Epoch, ...] = ()
    finished: Finished | None = None
    began: float | None = None
    seconds: float = 0.0
    earlier_seconds: float = 0.0

    def after(self, event: AnyEvent) -> RunState:
        """Return the state after one more event."""
        since = 0.0 if self.began is None else event.time - self.began
        state = replace(self, sequence=event.sequence, seconds=self.earlier_seconds + since)
        match event:
            case Started():
                return replace(
                    self, sequence=event.sequence, started=event, began=None, earlier_seconds=self.seconds
                )
            case DataReady():
                return replace(state, data=event)
            case FastPath():
                return replace(state, fast=event)
            case TrainingBegan():
                resumed = (event.resumed_from,) if event.resumed_from else ()
                return replace(
                    state,
                    training=event,
                    began=event.time,
                    step=event.resumed_from,
                    resumes=self.resumes + resumed,
                )
            case Step():
                return replace(state, step=event.step, loss=self.loss if event.loss is None else event.loss)
            case CheckpointSaved():
                return replace(state, step=event.step)
            case EpochEnded():
                return replace(state, step=event.step, epochs=(*self.epochs, event.record()))
            case Finished():
                return replace(state, step=event.step, finished=event)
            case Evaluating():
                return state
            case _:
                assert_never(event)


def parse_event(line: bytes) -> AnyEvent | None:
    """Read one line of `events.jsonl`; None where it is broken (half-written by a worker that was killed)."""
    try:
        event: AnyEvent = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return event


def rewind(path: Path, up_to: int) -> RunState:
    """Drop all events behind a checkpoint, and return the state there.

    Done before the worker starts again: what it measured behind its last checkpoint will be measured anew.

    Args:
        path: The event log; it need not exist.
        up_to: The sequence number of the checkpoint's event; 0 drops everything.

    Raises:
        BadInput: The log cannot be read or written.
    """
    state, length = RunState(), 0
    for event, size in _intact_events(path):
        if event.sequence > up_to:
            break
        state, length = state.after(event), length + size
    if path.exists():
        try:
            os.truncate(path, length)
        except OSError as error:
            raise BadInput(f"{path}: cannot be written: {error.strerror}", "check its permissions") from error
    return state


def intact_up_to(path: Path) -> int:
    """Return the sequence number of the last event before the first that is broken or missing."""
    last = 0
    for event, _ in _intact_events(path):
        last = event.sequence
    return last


def _intact_events(path: Path) -> Iterator[tuple[AnyEvent, int]]:
    """Yield events and their lengths in bytes; nothing behind a broken line can be trusted."""
    if not path.exists():
        return
    sequence = 0
    try:
        with path.open("rb") as file:
            for line in file:
                event = parse_event(line) if line.endswith(b"\n") else None
                if event is None or event.sequence != sequence + 1:
                    return
                sequence = event.sequence
                yield event, len(line)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}", "check its permissions") from error

"""What the events say so far, folded into one value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import assert_never

import msgspec

from repro.records.codec import write_atomic
from repro.records.event import (
    AnyEvent,
    CheckpointSaved,
    DataReady,
    EpochEnded,
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
        BadInput: The log cannot be written.
    """
    state, kept = RunState(), []
    if path.exists():
        for line in path.read_bytes().splitlines(keepends=True):
            event = parse_event(line) if line.endswith(b"\n") else None
            # Nothing behind a broken line can be trusted.
            if event is None or event.sequence > up_to:
                break
            kept.append(line)
            state = state.after(event)
        write_atomic(path, b"".join(kept))
    return state

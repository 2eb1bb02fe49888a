"""Start a training or go on with it, and write the record at every turn."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from repro import inputs
from repro.cases.loader import LoadedCase
from repro.environments.cache import cache_folder
from repro.errors import BadInput, EnvironmentFailed, Interrupted, TrainingFailed
from repro.records.codec import read_text, write_atomic
from repro.records.event import AnyEvent
from repro.records.run import (
    Completed,
    Failed,
    Run,
    Settings,
    Timing,
)
from repro.runs import folders, local
from repro.runs.record import DataSource, run_so_far
from repro.runs.state import RunState, rewind
from repro.workflows.observing import Observer
from repro.workflows.preparing import Ready


@dataclass
class _Following:
    """Folds events as they come and passes them on."""

    observer: Observer
    state: RunState = field(default_factory=RunState)

    def __call__(self, event: AnyEvent) -> None:
        self.state = self.state.after(event)
        self.observer.event(event, self.state)


def train(
    case: LoadedCase,
    identity: str,
    arguments: dict[str, Any],
    settings: Settings,
    prepared: inputs.Inputs,
    ready: Ready,
    folder: folders.RunFolder,
    observer: Observer,
) -> Run:
    """Start or go on with the training, and write the record at every turn."""
    checkpoint = folder.last_checkpoint()
    earlier = folder.load() if folder.record.exists() else None
    begun = Run(
        id=identity,
        case=case.published(),
        settings=settings,
        environment=ready.record,
        arguments=arguments,
        timing=Timing(
            started=earlier.timing.started if earlier else _now(),
            environment_seconds=ready.seconds or (earlier.timing.environment_seconds if earlier else 0.0),
        ),
        deviations=(*(ready.environment.deviations if ready.environment else ()), *prepared.deviations),
    )
    compose = partial(
        run_so_far,
        begun,
        hardware=case.case.hardware,
        data=DataSource(git_blob=prepared.git_blob, origin=prepared.origin),
    )
    folder.save(compose(RunState(), None))
    if ready.lock is not None:
        write_atomic(folder.lock, ready.lock)
    peers = case.path("peers.csv")
    if peers.is_file():  # whose noise the run is judged by, wherever the case lies later
        write_atomic(folder.peers, read_text(peers))
    if checkpoint is not None:
        observer.say(f"going on from the checkpoint at step {checkpoint.step}")
    following = _Following(observer, rewind(folder.events, 0 if checkpoint is None else checkpoint.sequence))
    try:
        local.train(
            ready.python,
            {
                "recipe": case.case.task.kind.replace("-", "_"),
                "device": settings.device,
                "model": prepared.model,
                "data": {
                    "build": str(case.path(case.case.data.build).absolute()),
                    "file": str(prepared.data),
                    "git_blob": prepared.git_blob,
                    "cache": str(cache_folder() / "tokenised"),
                },
                "sequence_length": case.case.task.sequence_length,
                "mask_probability": case.case.task.mask_probability,
                "arguments": arguments,
                "stop_after": settings.rehearse,
                "fast": settings.fast,
                "events": str(folder.events.absolute()),
                "checkpoints": str(folder.checkpoints.absolute()),
                "resume": None if checkpoint is None else str(checkpoint.path.absolute()),
            },
            folder.path.absolute(),
            ready.variables,
            after=following.state.sequence,
            on_event=following,
        )
    except Interrupted as error:
        with suppress(BadInput):
            folder.save(compose(following.state, None))
        raise Interrupted(
            f"stopped at step {following.state.step}; nothing that was checkpointed is lost",
            "the same command goes on from the last checkpoint",
        ) from error
    except (TrainingFailed, EnvironmentFailed) as error:
        with suppress(BadInput):  # a full disk must not hide the reason
            folder.save(compose(following.state, Failed(reason=error.message, hint=error.hint)))
        raise
    trained = compose(following.state, Completed())
    folder.save(trained)
    return trained


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

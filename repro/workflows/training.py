"""Start a training or go on with it, and write the record at every turn."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from repro import inputs
from repro.cases.loader import LoadedCase
from repro.environments.cache import cache_folder
from repro.errors import BadInput, EnvironmentFailed, Interrupted, TrainingFailed
from repro.records.codec import write_atomic
from repro.records.event import AnyEvent
from repro.records.run import (
    Completed,
    Failed,
    Run,
    Settings,
    Timing,
)
from repro.runs import folders, local
from repro.runs.limits import Limits
from repro.runs.plans import with_plan
from repro.runs.record import DataSource, run_so_far
from repro.runs.state import RunState, rewind
from repro.workflows.observing import Observer
from repro.workflows.preparing import Ready

_STOPPING = "stopping at the next step's end, with a checkpoint; Ctrl-C again stops at once"


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
    limits: Limits,
) -> Run:
    """Start or go on with the training, and write the record at every turn."""
    checkpoint = folder.last_checkpoint()
    earlier = folder.earlier()
    begun = Run(
        id=identity,
        case=case.published(),
        settings=settings,
        environment=ready.record,
        arguments=arguments,
        timing=Timing(
            started=earlier.timing.started if earlier else folders.now(),
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
    if checkpoint is not None:
        observer.say(f"going on from the checkpoint at step {checkpoint.step}")
    following = _Following(observer, rewind(folder.events, 0 if checkpoint is None else checkpoint.sequence))
    try:
        local.train(
            ready.python,
            {
                "recipe": case.case.task.kind.replace("-", "_"),
                **training_request(case, settings, prepared, arguments),
                "stop_after": settings.rehearse,
                "events": str(folder.events.absolute()),
                "checkpoints": str(folder.checkpoints.absolute()),
                "checkpoint_minutes": limits.checkpoint_minutes,
                "resume": None if checkpoint is None else str(checkpoint.path.absolute()),
            },
            folder.path.absolute(),
            ready.variables,
            after=following.state.sequence,
            on_event=following,
            on_stop=lambda: observer.say(_STOPPING),
            hang_seconds=60 * limits.hang_minutes,
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
    trained = with_plan(compose(following.state, Completed()))
    folder.save(trained)
    return trained


def training_request(
    case: LoadedCase, settings: Settings, prepared: inputs.Inputs, arguments: dict[str, Any]
) -> dict[str, Any]:
    """Return what the worker's recipe needs to make data, model and Trainer; a plan needs the same."""
    return {
        "device": settings.device,
        "determinism": settings.determinism,
        "model": prepared.model,
        "data": {
            "build": str(case.path(case.case.data.build).absolute()),
            "file": str(prepared.data),
            "git_blob": prepared.git_blob,
            "cache": str(cache_folder() / "tokenised"),
        },
        "fast": settings.fast,
        "sequence_length": case.case.task.sequence_length,
        "mask_probability": case.case.task.mask_probability,
        "arguments": arguments,
    }

"""Start a training or go on with it, and write the record at every turn."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from repro import inputs
from repro.cases.loader import LoadedCase
from repro.errors import BadInput, EnvironmentFailed, Interrupted, OutOfMemory, TrainingFailed
from repro.records.codec import write_atomic
from repro.records.run import (
    Failed,
    Run,
    Settings,
    Timing,
)
from repro.runs import folders, local
from repro.runs.memory import with_what_fits
from repro.runs.record import DataSource, run_so_far
from repro.runs.state import RunState, rewind
from repro.workflows.observing import Observer
from repro.workflows.options import RunOptions
from repro.workflows.preparing import Ready
from repro.workflows.reporting import packages_beside
from repro.workflows.watching import Decided, Watching, ended, ended_early, epochs_of


def train(
    case: LoadedCase,
    identity: str,
    arguments: dict[str, Any],
    settings: Settings,
    options: RunOptions,
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
    if checkpoint is not None:
        observer.say(f"going on from the checkpoint at step {checkpoint.step}")
    following = Watching(
        observer,
        folder,
        compose,
        options.stop_when_decided,
        rewind(folder.events, 0 if checkpoint is None else checkpoint.sequence),
    )
    until = options.until_epoch
    if until is not None and epochs_of(following.state) >= until:  # a longer training that was interrupted
        folder.save(stopped := compose(following.state, ended(following.state, until)))
        return stopped
    request = {
        "recipe": case.case.task.kind.replace("-", "_"),
        "device": settings.device,
        "model": prepared.model,
        "data": {
            "build": str(case.path(case.case.data.build).absolute()),
            "file": str(prepared.data),
        },
        "sequence_length": case.case.task.sequence_length,
        "mask_probability": case.case.task.mask_probability,
        "arguments": arguments,
        "stop_after": settings.rehearse,
        "until_epoch": until,
        "report_to": options.report_to,
        "reports": str((folder.path / (options.report_to or "reports")).absolute()),
        "overlay": packages_beside(ready, options.report_to, observer),
        "events": str(folder.events.absolute()),
        "checkpoints": str(folder.checkpoints.absolute()),
        "resume": None if checkpoint is None else str(checkpoint.path.absolute()),
    }
    try:
        local.train(
            ready.python,
            request,
            folder.path.absolute(),
            ready.variables,
            after=following.state.sequence,
            on_event=following,
        )
    except Decided as decided:
        observer.say(f"stopped: no later epoch can bring it back within its bounds: {decided}")
        folder.save(
            stopped := compose(following.state, ended_early(following.state, str(decided), decided=True))
        )
        return stopped
    except Interrupted as error:
        with suppress(BadInput):
            folder.save(compose(following.state, None))
        raise Interrupted(
            f"stopped at step {following.state.step}; nothing that was checkpointed is lost",
            "the same command goes on from the last checkpoint",
        ) from error
    except (TrainingFailed, EnvironmentFailed) as error:
        told: TrainingFailed | EnvironmentFailed = error
        if isinstance(error, OutOfMemory):
            observer.say(f"{error.message}: trying what fits")
            told = with_what_fits(error, ready.python, request, ready.variables)
        with suppress(BadInput):  # a full disk must not hide the reason
            folder.save(compose(following.state, Failed(reason=told.message, hint=told.hint)))
        raise told from (None if told is error else error)
    trained = compose(following.state, ended(following.state, until))
    folder.save(trained)
    return trained


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

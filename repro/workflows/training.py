"""Start a training or go on with it, and write the record at every turn."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

from repro import inputs
from repro.cases.loader import LoadedCase
from repro.environments.cache import cache_folder
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
from repro.runs.plans import with_plan
from repro.runs.record import DataSource, run_so_far
from repro.runs.state import RunState, rewind
from repro.workflows.observing import Observer
from repro.workflows.options import RunOptions
from repro.workflows.preparing import Ready
from repro.workflows.reporting import packages_beside
from repro.workflows.request import Request
from repro.workflows.watching import Decided, Watching, ended, ended_early, epochs_of

_STOPPING = "stopping at the next step's end, with a checkpoint; Ctrl-C again stops at once"


def train(
    asked: Request,
    options: RunOptions,
    prepared: inputs.Inputs,
    ready: Ready,
    folder: folders.RunFolder,
    observer: Observer,
) -> Run:
    """Start or go on with the training, and write the record at every turn."""
    case, settings, limits = asked.case, asked.settings, options.limits
    checkpoint = folder.last_checkpoint()
    earlier = folder.earlier()
    begun = Run(
        id=asked.identity,
        case=case.published(),
        settings=settings,
        environment=ready.record,
        arguments=asked.arguments,
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
        **training_request(case, settings, prepared, asked.arguments),
        "stop_after": settings.rehearse,
        "until_epoch": until,
        "report_to": options.report_to,
        "reports": str((folder.path / (options.report_to or "reports")).absolute()),
        "overlay": packages_beside(ready, options.report_to, observer),
        "events": str(folder.events.absolute()),
        "checkpoints": str(folder.checkpoints.absolute()),
        "checkpoint_minutes": limits.checkpoint_minutes,
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
            on_stop=lambda: observer.say(_STOPPING),
            hang_seconds=60 * limits.hang_minutes,
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
    trained = with_plan(compose(following.state, ended(following.state, until)))
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

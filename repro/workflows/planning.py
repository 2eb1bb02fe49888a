"""What a run would do, need and take on this machine: a few measured steps, and what follows from them."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from repro.environments.cache import Built, cache_folder, lookup
from repro.environments.disk import gigabytes
from repro.errors import BadInput, NetworkFailed, TrainingFailed
from repro.records.event import AnyEvent, Started
from repro.records.plan import Disk, Measurement, Plan, PlannedSteps, Times
from repro.runs import estimate, local, plans
from repro.workflows.observing import Observer, Silent
from repro.workflows.options import RunOptions
from repro.workflows.preparing import Ready, built_for_training, holding
from repro.workflows.request import Request
from repro.workflows.running import requested
from repro.workflows.training import training_request

if TYPE_CHECKING:
    from repro import inputs

#: Programs that wait for a processor, for each one there is: beyond this a measured time says little.
_BUSY = 0.5
#: A peak of more than this share of the memory that was free is worth a word.
_TIGHT = 0.9
_EVENT_BYTES, _EVENTS_A_SECOND, _REPORT_BYTES = 120, 2, 2_000_000


def plan(
    options: RunOptions,
    *,
    stand_ins: bool = False,
    measure_steps: int | None = None,
    observer: Observer | None = None,
) -> Plan:
    """Measure a few steps of the real recipe in the real environment, and say what a run would take.

    The plan is kept in the cache; a run of the same case and settings on the same device is held against it.

    Args:
        options: What the run would be asked for.
        stand_ins: Measure with weights and data of the same shape and sizes, as a rehearsal has them.
        measure_steps: How many steps; None for as many as fit into twenty seconds, at least four.
        observer: Told what is going on.

    Raises:
        BadInput: The case or an option cannot be used.
        EnvironmentFailed: The environment cannot be built, or its torch cannot use the GPU asked for.
        TrainingFailed: The worker failed.
        NetworkFailed: Model, data or registry cannot be had; names what is missing.
        Interrupted: Stopped by the user.
    """
    observer = observer or Silent()
    asked = requested(options, observer)
    stood_in = stand_ins or options.rehearse is not None
    with _scratch(options.out) as scratch, holding(asked.ready):
        observer.say("looking for model and data")
        try:
            prepared = asked.prepare(options, stand_in=stood_in)
        except NetworkFailed as error:
            raise NetworkFailed(error.message, f"{error.hint}, or plan with stand-ins: --rehearse") from error
        before = None if asked.ready.environment is None else lookup(asked.ready.environment)
        if warning := _no_room_to_build(asked.ready, before):
            observer.say(f"warning: {warning}")
        ready = built_for_training(asked.ready, asked.kit, observer)
        observer.say("measuring a few steps")
        available, busy = _available_memory(), _busy()
        spawned = time.time()
        measurement, started = _measured(asked, prepared, ready, scratch, measure_steps)
        free = shutil.disk_usage(scratch).free
    if started.unused_gpu:
        observer.say(f"{started.device_reason}: planned for the CPU")
    start_up, minutes = measurement.began - spawned, options.limits.checkpoint_minutes
    made = _plan(asked, measurement, started, start_up, ready, available, minutes)
    disk = _disk(ready, before, measurement, made.steps, made.times, free)
    made = msgspec.structs.replace(
        made,
        stand_ins=tuple(f"{each.what}: {each.actual}" for each in prepared.deviations) if stood_in else (),
        disk=disk,
        warnings=(*_warnings(made, disk, options.out), *busy),
    )
    with suppress(BadInput):  # a cache that cannot be written: the plan is as good without
        plans.keep(made, asked.case.digest, ready.record.lock_sha256)
    return made


def _measured(
    asked: Request, prepared: inputs.Inputs, ready: Ready, scratch: Path, steps: int | None
) -> tuple[Measurement, Started]:
    """Have the worker measure; returns what it measured, and on what."""
    events: list[AnyEvent] = []
    try:
        found = local.train(
            ready.python,
            {
                "recipe": "plan",
                "task": asked.case.case.task.kind.replace("-", "_"),
                **training_request(asked.case, asked.settings, prepared, asked.arguments),
                "measure_steps": steps,
                "events": str(scratch / "events.jsonl"),
                "checkpoints": str(scratch / "checkpoints"),
            },
            scratch,
            ready.variables,
            after=0,
            on_event=events.append,
        )
    except TrainingFailed as error:  # its files go with the scratch folder
        hint = error.hint if "space" in error.hint else "a run fails alike, and keeps its log and traceback"
        raise TrainingFailed(error.message, hint) from error
    return msgspec.convert(found, Measurement), next(each for each in events if isinstance(each, Started))


@contextmanager
def _scratch(out: Path) -> Iterator[Path]:
    """A folder on the disk where runs land, gone afterwards: no run will take what is in it for its own."""
    there = out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(prefix=".plan-", dir=out)
    except OSError as error:
        raise BadInput(
            f"{out}: cannot be written: {error.strerror or error}", "choose another folder with --out"
        ) from error
    try:
        with scratch as name:
            yield Path(name).absolute()
    finally:
        if not there:
            with suppress(OSError):
                out.rmdir()


def _plan(
    asked: Request,
    measurement: Measurement,
    started: Started,
    start_up: float,
    ready: Ready,
    available: int | None,
    checkpoint_minutes: float,
) -> Plan:
    """Put together what follows from the measurement; disk and warnings come later."""
    counts, lengths, seen = measurement.steps, measurement.lengths, measurement.measured
    steps = estimate.planned_steps(counts, asked.settings.rehearse)
    trained = estimate.epoch_batches(lengths.train, counts.batch, shuffled=True, drop_last=counts.drop_last)
    evaluated = estimate.epoch_batches(
        lengths.evaluation, counts.evaluation_batch, shuffled=False, drop_last=False
    )
    works = estimate.step_works(measurement, steps, trained)
    all_steps = estimate.steps_span(measurement, steps, works)
    steps = estimate.with_timed_checkpoints(steps, all_steps.estimate, checkpoint_minutes)
    spans = {
        "steps": all_steps,
        "evaluation": estimate.series(
            seen.evaluations, steps.evaluations, estimate.evaluation_scale(measurement, evaluated)
        ),
        "digests": estimate.series(seen.digests, steps.evaluations),
        "checkpoints": estimate.series(seen.checkpoints, steps.checkpoints),
    }
    training = estimate.together(*spans.values())
    begin = estimate.series([start_up], 1)
    device = started.device
    length = asked.case.case.task.sequence_length
    return Plan(
        case=asked.case.name,
        run=asked.identity,
        made=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        settings=asked.settings,
        device=device,
        packages=started.packages,
        steps=steps,
        sequence_length=length,
        train=estimate.lengths_of(lengths.train, trained, length),
        evaluation=estimate.lengths_of(lengths.evaluation, evaluated, length),
        compute=estimate.compute(measurement, steps, works, evaluated, spans["steps"].estimate),
        memory=estimate.memory(measurement, available if device.kind == "cpu" else device.memory_bytes),
        times=Times(
            measured_steps=len(seen.steps),
            first_step=round(seen.steps[0], 3),
            environment=round(ready.seconds, 3),
            start_up=begin,
            training=training,
            whole=estimate.together(begin, training),
            **spans,
        ),
    )


def _disk(
    ready: Ready,
    before: Built | None,
    measurement: Measurement,
    steps: PlannedSteps,
    times: Times,
    free: int,
) -> Disk:
    environment = ready.environment
    built = None if environment is None else lookup(environment)
    checkpoint = measurement.measured.checkpoint_bytes
    events = min(float(steps.planned), _EVENTS_A_SECOND * times.training.estimate)
    outputs = _REPORT_BYTES + round(events * _EVENT_BYTES)
    kept = min(2, steps.checkpoints)
    return Disk(
        environment=None if built is None else built.disk_bytes,
        download=0 if environment is None or before is not None else environment.sizes.download_bytes,
        checkpoint=checkpoint,
        checkpoints=kept * checkpoint,
        outputs=outputs,
        needed=outputs + min(3, steps.checkpoints) * checkpoint,
        free=free,
    )


def _warnings(made: Plan, disk: Disk, out: Path) -> Iterator[str]:
    if disk.needed > disk.free:
        yield (
            f"not enough disk: the run takes up to {gigabytes(disk.needed)} in {out}, "
            f"{gigabytes(disk.free)} are free"
        )
    memory = made.memory
    if memory.peak is not None and memory.available is not None and memory.peak > _TIGHT * memory.available:
        yield (
            f"memory is tight: the training takes up to {gigabytes(memory.peak)}, "
            f"{gigabytes(memory.available)} were free"
        )


def _no_room_to_build(ready: Ready, before: Built | None) -> str:
    """Return a warning where the environment that is to be built does not fit; else nothing."""
    if ready.environment is None or before is not None or not ready.environment.sizes.disk_bytes:
        return ""
    cache = cache_folder()
    free = shutil.disk_usage(next(path for path in (cache, *cache.parents) if path.exists())).free
    needed = ready.environment.sizes.disk_bytes
    if needed <= free:
        return ""
    return (
        f"not enough disk: the environment takes {gigabytes(needed)}, {gigabytes(free)} are free in the cache"
    )


def _busy() -> tuple[str, ...]:
    """Return a warning, or none, as things are before anything is measured."""
    try:
        load = os.getloadavg()[0] / (os.cpu_count() or 1)
    except (AttributeError, OSError):  # Windows has no load average
        return ()
    if load <= _BUSY:
        return ()
    return (f"this machine is busy (load {100 * load:.0f} %): when it is idle, the run takes less",)


def _available_memory() -> int | None:
    """Return the bytes that new programs can have without swapping; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else None

"""Evaluate the trained model of a finished run on somebody's own texts, in the run's environment."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from msgspec.structs import replace

from repro.environments.build import child_environment
from repro.environments.cache import environment_folder, held
from repro.environments.lock import lock_digest, read_lock
from repro.environments.platforms import this_platform
from repro.errors import BadInput, EnvironmentFailed
from repro.records.codec import Measured, read_text
from repro.records.environment import Environment
from repro.records.evaluation import Evaluation, Measurement, Spread
from repro.records.event import AnyEvent, Evaluating
from repro.records.run import Run
from repro.runs import folders, local
from repro.workflows.environments import build_environment
from repro.workflows.observing import Observer, Silent
from repro.workflows.results import load_run, reported

#: Suffix to kind, as `repro/worker/texts.py` reads them; a test holds the two together.
KINDS = {
    ".txt": "text",
    ".text": "text",
    ".jsonl": "json-lines",
    ".ndjson": "json-lines",
    ".json": "json-lines",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
}
MASK_SEEDS = 5
COLUMN = "text"
_SAID_EVERY_SECONDS = 30.0


@dataclass(frozen=True)
class EvaluationOptions:
    """What `repro evaluate` was asked for.

    Attributes:
        run: The run's folder, its `run.json`, or its id.
        data: The file with the texts.
        column: The column that has them; None for `text` where the kind of file has columns.
        as_case: The file has the shape of the case's data: the case's recipe reads it.
        limit: Read only so many texts.
        masks: How many mask seeds, from 0 on.
        device: `auto`, `cpu` or `cuda`.
        out: Where ids of runs are looked up.
        templates: A folder of templates that replace the packaged ones.
    """

    run: str
    data: Path
    column: str | None = None
    as_case: bool = False
    limit: int | None = None
    masks: int = MASK_SEEDS
    device: Literal["auto", "cpu", "cuda"] = "auto"
    out: Path = Path("reports")
    templates: Path | None = None


def evaluate(options: EvaluationOptions, observer: Observer | None = None) -> tuple[Evaluation, Path]:
    """Evaluate a finished run's model on a file, write it into the run's record and report.

    Args:
        options: What is asked for.
        observer: Told what is going on.

    Returns:
        The result, and the run's folder.

    Raises:
        BadInput: No such run, an unfinished one, one whose weights are gone; or a file that has no texts.
        EnvironmentFailed: The run's environment cannot be had any more.
        TrainingFailed: The worker failed.
        Interrupted: Stopped by the user.
    """
    observer = observer or Silent()
    kind = _kind(options)
    sha256 = _digest(options.data)
    run, folder = load_run(options.run, options.out)
    with folder.held():
        request, notes = _request(run, folder, options, kind)
        scratch = folder.path.absolute() / "evaluation"
        started = time.monotonic()
        try:
            said = _measured(run, folder, scratch, request, observer)
        except BadInput:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        shutil.rmtree(scratch, ignore_errors=True)  # kept where the worker failed: its traceback is there
        evaluation = Evaluation(
            run=run.id,
            file=options.data.name,
            sha256=sha256,
            when=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            kind=kind or "case",
            column=request["texts"]["column"] or "",
            limit=options.limit,
            empty=said["empty"],
            tokens=said["tokens"],
            truncated=said["truncated"],
            unknown_share=said["unknown"] / said["tokens"],
            sequence_length=request["sequence_length"],
            mask_probability=request["mask_probability"],
            mask_seeds=tuple(request["mask_seeds"]),
            own=_measurement(said, "", said["texts"]),
            case=_measurement(said, "case_", said["case_texts"]) if "case_texts" in said else None,
            weights=said["weights"],
            step=run.epochs[-1].step,
            device=" ".join((said["device"]["kind"], f"({said['device']['name']})")),
            seconds=round(time.monotonic() - started, 3),
            notes=(*notes, *_differences(run.environment.packages, said["packages"])),
        )
        kept = (each for each in run.evaluations if each.of != evaluation.of)
        run = replace(run, evaluations=(*kept, evaluation))
        folder.save(run)
        return evaluation, reported(run, folder, options.templates).folder


def _kind(options: EvaluationOptions) -> str | None:
    """Return the kind of file by its suffix; None where the case's recipe reads it."""
    if options.as_case:
        if options.column is not None or options.limit is not None:
            raise BadInput("--as-case: the case's recipe reads the whole file", "leave --column and --limit")
        return None
    kind = KINDS.get(options.data.suffix.lower())
    if kind is None:
        raise BadInput(
            f"{options.data}: its suffix does not say what it is",
            f"one of {', '.join(KINDS)}; or --as-case for a file in the shape of the case's data",
        )
    if kind == "text" and options.column is not None:
        raise BadInput(f"{options.data}: plain lines have no columns", "leave --column out")
    return kind


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file that has something in it."""
    try:
        if not path.is_file() and path.exists():
            raise BadInput(f"{path}: no file", "name a file with one text a line, or a table of them")
        if path.stat().st_size == 0:
            raise BadInput(f"{path}: is empty", "one text a line is expected, or a column of them")
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such file", "check the path") from error
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}", "check its permissions") from error


def _request(
    run: Run, folder: folders.RunFolder, options: EvaluationOptions, kind: str | None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return what the worker is asked for, and what it cannot be asked for any more."""
    again = f"`repro run {run.case.name} --fresh` trains it again"
    if run.settings.rehearse is not None:
        raise BadInput(f"{folder.path}: a rehearsal keeps no weights", "evaluate a whole run")
    checkpoint = folder.last_checkpoint()
    if checkpoint is None or not run.epochs or checkpoint.step != run.epochs[-1].step:
        raise BadInput(
            f"{folder.path}: the trained weights (its last checkpoint) are gone, or not whole", again
        )
    try:
        trained = json.loads(read_text(folder.path / "request.json"))
        model, data = trained["model"], trained["data"]
        request = {key: trained[key] for key in ("sequence_length", "mask_probability", "arguments")}
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{folder.path / 'request.json'}: is broken", again) from error
    notes = []
    if gone := _gone(model):
        notes.append(f"the base model is left out: {gone} is not there any more")
    if lost := _gone({"build": data["build"], "file": data["file"]}):
        notes.append(f"the case's own data are left out: {lost} is not there any more")
        if kind is None:
            raise BadInput(f"{folder.path}: the case's recipe is gone: {lost}", "leave --as-case out")
    return request | {
        "recipe": "evaluate",
        "checkpoint": str(checkpoint.path.absolute()),
        "weights": run.epochs[-1].digests.get("weights"),
        "device": options.device,
        "model": None if gone else model,
        "case_data": None if lost else data,
        "texts": {
            "file": str(options.data.absolute()),
            "kind": kind,
            "column": None if kind in (None, "text") else options.column or COLUMN,
            "limit": options.limit,
        },
        "mask_seeds": list(range(options.masks)),
    }, tuple(notes)


def _gone(paths: Mapping[str, Any]) -> str:
    """Return the name of a file or folder that a training used and that is not there now; else nothing."""
    return next(
        (Path(path).name for path in paths.values() if isinstance(path, str) and not Path(path).exists()), ""
    )


def _measured(
    run: Run, folder: folders.RunFolder, scratch: Path, request: dict[str, Any], observer: Observer
) -> dict[str, Any]:
    """Have the worker evaluate, in the run's environment."""
    shutil.rmtree(scratch, ignore_errors=True)
    holding, python_of, variables = _environment(run, folder, observer)
    with holding:
        python = python_of()
        observer.say(f"evaluating on {Path(request['texts']['file']).name}")
        said = local.train(
            python,
            request | {"events": str(scratch / "events.jsonl")},
            scratch,
            variables,
            after=0,
            on_event=_Progress(observer),
        )
    if "unusable" in said:
        raise BadInput(f"{Path(request['texts']['file']).name}: {said['unusable']}", said["hint"])
    return said


def _environment(
    run: Run, folder: folders.RunFolder, observer: Observer
) -> tuple[AbstractContextManager[None], Callable[[], Path], dict[str, str]]:
    """Return a hold on the run's environment, how to get its interpreter, and the worker's variables."""
    if run.settings.environment == "current":
        return nullcontext(), lambda: Path(sys.executable), dict(os.environ, PYTHONHASHSEED="0")
    lock = read_text(folder.lock)
    if lock_digest(lock) != run.environment.lock_sha256:
        raise EnvironmentFailed(
            f"{folder.lock}: is not the lock that the run was made with", "restore the run's folder"
        )
    environment = Environment(
        documented=run.environment.documented,
        locked=read_lock(lock),
        python=".".join(run.environment.python.split(".")[:2]),
        moment=run.environment.moment,
        stream=run.environment.stream,
        lock_sha256=run.environment.lock_sha256,
        platform=this_platform(),
    )
    variables = child_environment()
    if run.device is not None and run.device.kind == "cpu" and run.device.threads:
        variables["OMP_NUM_THREADS"] = str(run.device.threads)
    return (
        held(environment_folder(environment)),
        lambda: build_environment(environment, lock, observer).python,
        variables,
    )


class _Progress:
    """Says each finished pass, and now and then how far the one under way is."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._said = time.monotonic()

    def __call__(self, event: AnyEvent) -> None:
        if not isinstance(event, Evaluating):
            return
        if event.loss is not None:
            self._observer.say(f"{event.what}: loss {float(event.loss):.4f}")
        elif time.monotonic() - self._said >= _SAID_EVERY_SECONDS:
            so_far = f"{event.done:,}" + (f" of {event.of:,}" if event.of else "")
            self._observer.say(f"{event.what}: {so_far} texts")
        else:
            return
        self._said = time.monotonic()


def _measurement(said: Mapping[str, Any], prefix: str, texts: int) -> Measurement:
    trained, base = said[f"{prefix}trained"], said.get(f"{prefix}base")
    gain = base and [_measure(float(b) - float(t)) for b, t in zip(base, trained, strict=True)]
    return Measurement(
        texts=texts,
        trained=_spread(trained),
        base=_spread(base) if base else None,
        gain=_spread(gain) if gain else None,
    )


def _spread(losses: Sequence[Measured]) -> Spread:
    values = [float(each) for each in losses]
    mean = fmean(values)
    try:
        perplexity = math.exp(mean)
    except OverflowError:
        perplexity = math.inf
    broken = any(map(math.isnan, values))  # of which neither a least nor a greatest can be told
    return Spread(
        losses=tuple(losses),
        mean=_measure(mean),
        lowest=_measure(math.nan if broken else min(values)),
        highest=_measure(math.nan if broken else max(values)),
        perplexity=_measure(perplexity),
    )


def _measure(value: float) -> Measured:
    if math.isfinite(value):
        return value
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def _differences(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Say which packages are others than in the training: possible in the user's own environment only."""
    other = [f"{name} {then[name]} → {now.get(name, 'gone')}" for name in then if now.get(name) != then[name]]
    shown = ", ".join(other[:5]) + (f" and {len(other) - 5} more" if len(other) > 5 else "")
    return (f"the environment has changed since the training: {shown}",) if other else ()

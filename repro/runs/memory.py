"""Too little memory: the batch that would fit."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from repro.errors import OutOfMemory, ReproError, TrainingFailed
from repro.runs import local
from repro.runs.micro_batch import divisors, documented_batch


def with_what_fits(
    error: OutOfMemory, python: Path, request: Mapping[str, Any], environ: Mapping[str, str]
) -> TrainingFailed:
    """Return the error with the batch that would fit, found by trying each size that divides it.

    Args:
        error: What the worker ended with.
        python: The environment's interpreter.
        request: What the worker was asked for.
        environ: Its environment variables.
    """
    batch = documented_batch(request["arguments"])
    sizes = divisors(batch)
    fits = _tried(sizes, python, request, environ)
    said = f"out of memory with a batch of {batch}"
    if fits is None:
        return OutOfMemory(f"{said}: not even one example fits", f"another machine or device; {error.hint}")
    if fits == batch:
        return OutOfMemory(
            f"{said}, though a training step of it fits by itself",
            "does another program take the memory, or the evaluation? the same command goes on",
        )
    return OutOfMemory(
        f"{said}: one of {fits} would fit (tried on the longest examples)",
        f"--micro-batch {fits} has the same batch by gradient accumulation, as a deviation",
    )


def _tried(
    sizes: list[int], python: Path, request: Mapping[str, Any], environ: Mapping[str, str]
) -> int | None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        fits = folder / "fits"
        trial = {
            **request,
            "events": str(folder / "events.jsonl"),
            "checkpoints": str(folder / "checkpoints"),
            "resume": None,
            "report_to": None,
            "fit": sizes,
            "fits": str(fits),
        }
        with suppress(ReproError):  # killed at the size that does not fit: what was written before counts
            local.train(python, trial, folder, environ, after=0, on_event=lambda _: None)
        if not fits.exists():
            return None
        return max((int(line) for line in fits.read_text().split()), default=None)

"""A card's table as evaluations, and replicates as the CSV table that `--replicates` reads.

Cards come from strangers: a cell of the table is a number, a version or words of this program, so that no
spreadsheet takes one for a formula.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator

from repro.records.claims import Cell, Claim
from repro.records.peers import Evaluated, Replicate
from repro.rules import Progress, number

COLUMNS = (
    "model_id", "revision", "transformers", "pytorch", "datasets", "tokenizers", "mixed_precision",
    "evaluation_loss", "epoch", "step", "training_loss", "validation_loss", "note",
)  # fmt: skip
#: More evaluations than any card prints for people to read.
MOST_ROWS = 10_000
_PACKAGES = ("transformers", "torch", "datasets", "tokenizers")
_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{0,30})?(?:[eE][+-]?[0-9]{1,3})?")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+!_-]{0,63}")
_WORDS = re.compile(r"[0-9A-Za-z][0-9A-Za-z ._,-]{0,40}")


def evaluations(progress: Progress | None) -> tuple[tuple[Evaluated, ...], str]:
    """Read the evaluations of a results table.

    Returns:
        The rows, and why they are of no use; that is empty where they are.
    """
    if progress is None:
        return (), "no table of results"
    if len(progress) > MOST_ROWS:
        return (), f"a table of {len(progress)} rows"
    if progress.training is None and progress.validation is None:
        return (), "its table has no losses"
    if progress.step is None or progress.epoch is None:
        return (), f"its table has no {'epochs' if progress.step else 'steps'}"
    rows: list[Evaluated] = []
    for at, (step, epoch) in enumerate(zip(progress.step.values, progress.epoch.values, strict=True)):
        if step is None or not 0 < step < 2**53 or step % 1 or epoch is None or not 0 < epoch < math.inf:
            return (), f"row {at + 1} of its table has no step or epoch"
        if rows and step <= rows[-1].step:
            return (), f"step {step:.0f} of its table does not follow step {rows[-1].step}"
        losses = [series.cells[at] if series else None for series in (progress.training, progress.validation)]
        if any((value := number(cell)) is not None and not math.isfinite(value) for cell in losses):
            return (), f"diverged: a loss is NaN or infinite at step {step:.0f}"
        rows.append(Evaluated(printed(progress.epoch.cells[at]), int(step), *map(printed, losses)))
    if not any(row.training_loss or row.validation_loss for row in rows):
        return (), "its table has no losses"
    return tuple(rows), ""


def printed(stated: Cell | Claim | None) -> str:
    """Return a number as it was printed, without markup around it; empty where there is none."""
    value = number(stated)
    if stated is None or value is None or not math.isfinite(value):
        return ""
    text = stated.text.strip()
    return text if _NUMBER.fullmatch(text) else repr(value)


def versions(stated: dict[str, Claim]) -> dict[str, str]:
    """Return the versions that decide a training; what is no version is left out."""
    return {
        name: text
        for name in _PACKAGES
        if name in stated and _VERSION.fullmatch(text := stated[name].text.strip())
    }


def mixed_precision(claim: Claim | None) -> str:
    """Return what a card says about mixed precision; `no` where it says nothing."""
    if claim is None or not claim.text.strip():
        return "no"
    text = claim.text.strip()
    return text if _WORDS.fullmatch(text) else "stated, not readable"


def to_csv(replicates: Iterable[Replicate]) -> str:
    """Return replicates as the table that `--replicates` reads: a line for each evaluation."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(line for replicate in replicates for line in _lines(replicate))
    return file.getvalue()


def _lines(replicate: Replicate) -> Iterator[tuple[object, ...]]:
    head = (
        replicate.model_id,
        replicate.revision,
        *(replicate.versions.get(name, "") for name in _PACKAGES),
        replicate.mixed_precision,
        replicate.evaluation_loss,
    )
    for row in replicate.rows:
        yield (*head, row.epoch, row.step, row.training_loss, row.validation_loss, replicate.note)

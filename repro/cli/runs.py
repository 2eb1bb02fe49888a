"""`repro runs`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli.options import Json, Out, Verbose

if TYPE_CHECKING:
    from repro.records.runs import ListedRun

OfCase = Annotated[str | None, typer.Option("--case", help="Only runs of this case.", metavar="NAME")]


def runs(
    out: Out = Path("reports"),
    case: OfCase = None,
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by the printing of errors
) -> int:
    """List the runs in a folder, newest first, with verdict, state, age and size; `runs rm` removes them."""
    from repro.cli.console import emit
    from repro.environments.disk import gigabytes
    from repro.records.codec import to_json
    from repro.reports.formats import columns, counted
    from repro.runs.listing import list_runs

    found = list_runs(out, case)
    if json:
        emit(to_json(found))
        return 0
    if found.runs:
        emit(
            "\n".join(
                columns([("run", "case", "seed", "verdict", "age", "size", "state"), *map(row, found.runs)])
            )
        )
    of_case = "" if case is None else f" of {case}"
    checkpoints = f", {gigabytes(found.checkpoint_bytes)} of it checkpoints" if found.checkpoint_bytes else ""
    emit(f"{counted(len(found.runs), 'run')}{of_case} in {out}, {gigabytes(found.total_bytes)}{checkpoints}")
    return 0


def row(run: ListedRun) -> tuple[str, ...]:
    """Return the cells of a line."""
    from repro.environments.disk import gigabytes
    from repro.reports.formats import MISSING, age, cell

    state: str = run.state
    if run.state in ("stopped", "unfinished", "failed", "running") and run.epoch is not None:
        state += f" at epoch {run.epoch:.1f}"
    if run.state == "running":
        state += ", held by a process now"
    if run.reason:
        state += f": {run.reason}"
    verdict = run.verdict or MISSING
    if run.state == "stopped" and run.verdict:
        verdict += " so far"
    return (
        cell(Path(run.folder).name),
        cell(run.case),
        MISSING if run.seed is None else str(run.seed),
        "rehearsal" if run.rehearsal else verdict,
        age(run.age_seconds),
        gigabytes(run.total_bytes),
        cell(state, 80),
    )

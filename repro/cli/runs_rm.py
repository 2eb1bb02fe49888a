"""`repro runs rm`."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from repro.cli.options import Json, Out, Verbose, Yes
from repro.cli.runs import OfCase
from repro.errors import BadInput


def runs_rm(
    run: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]…", help="Folders or ids; all in --out by default.")
    ] = None,
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", help="Only where nothing has happened for so long.", metavar="AGE"),
    ] = None,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="Only runs that did not come to their end.")
    ] = False,
    case: OfCase = None,
    checkpoints: Annotated[
        bool,
        typer.Option("--checkpoints", help="Only checkpoints; of unnamed runs only those of finished ones."),
    ] = False,
    out: Out = Path("reports"),
    yes: Yes = False,
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by the printing of errors
) -> int:
    """Remove runs, or only their checkpoints; asks before, and never removes a run that is under way."""
    from repro.cli.console import ask_removal, emit
    from repro.cli.runs import row
    from repro.environments.disk import gigabytes
    from repro.environments.prune import parse_age
    from repro.records.codec import to_json
    from repro.reports.formats import columns, counted, line
    from repro.runs.removal import choose_runs, remove_runs

    if not (run or older_than or unfinished or case or checkpoints):
        raise BadInput(
            "which runs?", "name them, or use --older-than 30d, --unfinished, --case or --checkpoints"
        )
    chosen = choose_runs(
        run or (),
        out,
        case=case,
        older_than=timedelta(0) if older_than is None else parse_age(older_than),
        unfinished=unfinished,
        finished=checkpoints and not run and not unfinished,
    )
    if chosen and not yes:
        sys.stderr.write("".join(f"{text}\n" for text in columns(map(row, chosen))))
        size = gigabytes(sum(one.checkpoint_bytes if checkpoints else one.total_bytes for one in chosen))
        what = f"{'the checkpoints of ' if checkpoints else ''}{counted(len(chosen), 'run')}, {size}"
        ask_removal(f"removed for good: {what}", unasked=f"this removes {what}", hint="say so with --yes")
    removal = remove_runs(chosen, checkpoints=checkpoints)
    if json:
        emit(to_json(removal))
        return 0
    for one in removal.runs:
        done = f"kept: {one.kept}" if one.kept else f"{'checkpoints ' if checkpoints else ''}removed"
        emit(line(f"{one.folder}: {done}{'' if one.kept else f', {gigabytes(one.freed_bytes)}'}"))
    emit(f"{gigabytes(removal.freed_bytes)} freed")
    return 0

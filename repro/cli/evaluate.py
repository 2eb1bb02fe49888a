"""`repro evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from repro.cli.options import Json, Out, RunName, Templates, Verbose, Yes

if TYPE_CHECKING:
    from repro.records.evaluation import Evaluation, Measurement


def evaluate(
    run: RunName,
    data: Annotated[
        Path,
        typer.Option(
            "--data", help="Your texts: lines (.txt), JSON lines, CSV, TSV or Parquet.", metavar="FILE"
        ),
    ],
    column: Annotated[
        str | None, typer.Option("--column", help="The column with the texts; default: text.", metavar="NAME")
    ] = None,
    as_case: Annotated[
        bool, typer.Option("--as-case", help="The file has the shape of the case's own data.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Read only the first N texts.", metavar="N")
    ] = None,
    masks: Annotated[
        int,
        typer.Option("--masks", min=1, max=100, help="Draw the masks N times, for the spread.", metavar="N"),
    ] = 5,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option("--device", help="What to evaluate on.")
    ] = "auto",
    out: Out = Path("reports"),
    templates: Templates = None,
    yes: Yes = False,
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by the printing of errors
) -> int:
    """Evaluate a finished run's model on your own texts."""
    from repro.cli.console import Console, emit
    from repro.records.codec import to_json
    from repro.workflows.evaluating import EvaluationOptions
    from repro.workflows.evaluating import evaluate as evaluate_run

    console = Console(yes=yes)
    options = EvaluationOptions(
        run=run,
        data=data,
        column=column,
        as_case=as_case,
        limit=limit,
        masks=masks,
        device=device,
        out=out,
        templates=templates,
    )
    try:
        evaluation, folder = evaluate_run(options, console)
    finally:
        console.close()
    if json:
        emit(to_json(evaluation))
    else:
        _print(evaluation)
        emit(f"report: {folder / 'report.html'}")
    return 0


def _print(evaluation: Evaluation) -> None:
    """Print what was read and what came out; the file's name is somebody else's text."""
    from repro.cli.console import emit
    from repro.reports.evaluations import measured, read
    from repro.reports.formats import line

    emit(line(f"{evaluation.file}: {read(evaluation)}"))
    sets: list[tuple[str, Measurement | None]] = [
        ("your texts", evaluation.own),
        ("the case's own", evaluation.case),
    ]
    for name, measurement in sets:
        for words in () if measurement is None else measured(measurement):
            emit(f"{name}, {words[0].lower()}: {words[1]}")
    for note in evaluation.notes:
        emit(line(f"note: {note}"))

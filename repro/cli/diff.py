"""`repro diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from repro.cli.options import Json, Out, Verbose, shared


def diff(
    a: Annotated[str, typer.Argument(metavar="RUN", help="A run's folder, run.json or id; finished or not.")],
    b: Annotated[str, typer.Argument(metavar="RUN", help="Another run, e.g. of another laboratory.")],
    out: Out = Path("reports"),
    format: Annotated[  # noqa: A002
        Literal["text", "json", "markdown"], typer.Option("--format", help="Output for people or machines.")
    ] = "text",
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by the printing of errors
) -> int:
    """Say where two runs part, and why: exit code 0 where nothing but times and ids differs, else 1."""
    shared.json = json = json or format == "json"
    from repro.cli.console import emit
    from repro.records.codec import to_json
    from repro.reports.differences import as_lines, as_markdown
    from repro.workflows import diff as compare

    found = compare(a, b, out)
    if json:
        emit(to_json(found))
    elif format == "markdown":
        emit(as_markdown(found))
    else:
        emit("\n".join(as_lines(found)))
    return 0 if found.verdict == "same" else 1

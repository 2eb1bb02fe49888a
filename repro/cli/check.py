"""`repro check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from repro.cli.options import Json, Out, RunName, Verbose, shared


def check(
    run: RunName,
    out: Out = Path("reports"),
    replicates: Annotated[
        Path | None,
        typer.Option(
            "--replicates", help="Other runs of the recipe, for instance from `repro peers`.", metavar="CSV"
        ),
    ] = None,
    format: Annotated[  # noqa: A002
        Literal["text", "json", "junit"], typer.Option("--format", help="Output for people or machines.")
    ] = "text",
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by the printing of errors
) -> int:
    """Compare a run with what was published, for CI: exit code 0 as published, 1 not reproduced."""
    from repro import workflows
    from repro.cli.console import emit, exit_code, print_outcome

    shared.json = json = json or format == "json"
    outcome = workflows.check(run, out, replicates)
    if format == "junit" and not json:
        from repro.cli.junit import comparison_as_junit

        emit(comparison_as_junit(outcome.run, outcome.comparison))
    else:
        print_outcome(outcome, json=json)
    return exit_code(outcome.comparison)

"""`repro check`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from repro.cli.options import Json, Out, RunName, Verbose, shared
from repro.errors import BadInput

if TYPE_CHECKING:
    from repro.workflows import Outcome


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
        Literal["text", "json", "junit", "markdown"],
        typer.Option("--format", help="Output for people or machines."),
    ] = "text",
    step_summary: Annotated[
        bool,
        typer.Option(
            "--step-summary", help="Also append Markdown to the file that GITHUB_STEP_SUMMARY names."
        ),
    ] = False,
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by the printing of errors
) -> int:
    """Compare a run with what was published, for CI: exit code 0 as published, 1 not reproduced."""
    from repro import workflows
    from repro.cli.console import emit, exit_code, print_outcome

    shared.json = json = json or format == "json"
    summary = _step_summary() if step_summary else None
    outcome = workflows.check(run, out, replicates)
    if format == "junit" and not json:
        from repro.cli.junit import comparison_as_junit

        emit(comparison_as_junit(outcome.run, outcome.comparison))
    elif format == "markdown" and not json:
        emit(_markdown(outcome))
    else:
        print_outcome(outcome, json=json)
    if summary is not None:
        _append(summary, _markdown(outcome))
    return exit_code(outcome.comparison)


def _markdown(outcome: Outcome) -> str:
    from repro.reports.summary import comparison_as_markdown

    return comparison_as_markdown(outcome.run, outcome.comparison)


def _step_summary() -> Path:
    """Return the file that hosted CI shows as the step's summary."""
    name = os.environ.get("GITHUB_STEP_SUMMARY", "")
    if not name:
        raise BadInput(
            "--step-summary: GITHUB_STEP_SUMMARY is not set",
            "elsewhere than on GitHub write the output of `--format markdown` where it is wanted",
        )
    return Path(name)


def _append(path: Path, text: str) -> None:
    """Append: the file may hold what earlier commands of the step wrote."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
    except OSError as error:
        raise BadInput(
            f"{path}: cannot be written: {error.strerror or error}", "see GITHUB_STEP_SUMMARY"
        ) from error

"""`repro compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from repro.cli.options import Json, Verbose, shared


def compare(
    a: Annotated[
        str, typer.Argument(help="What is to be reproduced: a card, a run, a CSV, trainer_state.json.")
    ],
    b: Annotated[str, typer.Argument(help="What is compared with it: the same kinds.")],
    replicates: Annotated[
        Path | None,
        typer.Option(
            "--replicates", help="Other runs of the recipe, whose noise gives the bounds.", metavar="CSV"
        ),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            "--tolerance", help="The bound where there are no replicates (0.02 by default).", min=0.0
        ),
    ] = None,
    interpolate: Annotated[
        bool, typer.Option("--interpolate", help="Interpolate B where it was evaluated at other points.")
    ] = False,
    format: Annotated[  # noqa: A002
        Literal["text", "json"], typer.Option("--format", help="Output for people or machines.")
    ] = "text",
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by the printing of errors
) -> int:
    """Compare any two curves, epoch by epoch: exit code 0 where B reproduces A, else 1."""
    shared.json = json = json or format == "json"
    from repro.cli.console import emit, exit_code, print_comparison
    from repro.comparison.judgement import compare_curves
    from repro.curve_sources import read_curve, read_curves
    from repro.records.case import Tolerance
    from repro.records.codec import to_json

    published, measured = read_curve(a), read_curve(b)
    bounds = {}
    if tolerance is not None:
        stated = Tolerance(bound=tolerance, reason="--tolerance")
        bounds = dict.fromkeys(published.metrics, stated)
    comparison = compare_curves(
        published,
        measured,
        read_curves(replicates) if replicates is not None else (),
        tolerances=bounds,
        interpolate=interpolate,
    )
    if json:
        emit(to_json(comparison))
    else:
        print_comparison((), comparison)
    return exit_code(comparison)

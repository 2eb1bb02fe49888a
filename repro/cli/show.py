"""`repro show`."""

from __future__ import annotations

from pathlib import Path

from repro.cli.options import Json, Out, RunName, Verbose


def show(
    run: RunName,
    out: Out = Path("reports"),
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by the printing of errors
) -> int:
    """Print a run's verdict and table again, without rendering."""
    from repro import workflows
    from repro.cli.console import print_outcome

    print_outcome(workflows.check(run, out), json=json)
    return 0

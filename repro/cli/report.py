"""`repro report`."""

from __future__ import annotations

from pathlib import Path

from repro.cli.options import Json, Out, RunName, Templates, Verbose


def report(
    run: RunName,
    out: Out = Path("reports"),
    templates: Templates = None,
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by the printing of errors
) -> int:
    """Render a run's report and card again."""
    from repro import workflows
    from repro.cli.console import emit, print_outcome

    outcome = workflows.report(run, out, templates)
    if json:
        print_outcome(outcome, json=True)
    else:
        for name in ("report.html", "card.md", "comparison.json"):
            emit(str(outcome.folder / name))
    return 0

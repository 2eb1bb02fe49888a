"""Finished runs: compared again, rendered again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from repro.errors import BadInput
from repro.records.comparison import Comparison
from repro.records.run import (
    Completed,
    Failed,
    Run,
    Stopped,
)
from repro.runs import folders


@dataclass(frozen=True)
class Outcome:
    """A run and what it amounts to."""

    run: Run
    comparison: Comparison
    folder: Path


def load_run(name: str, out: Path = Path("reports")) -> tuple[Run, folders.RunFolder]:
    """Return a finished run and its folder.

    Args:
        name: The run's folder, its `run.json`, or its id.
        out: Where ids are looked up.

    Raises:
        BadInput: No such run, or one that is not finished.
    """
    folder = folders.find_run(name, out)
    found = folder.load()
    match found.result:
        case Completed() | Stopped():
            return found, folder
        case Failed(reason=reason):
            problem = f"the run failed: {reason}"
        case None:
            problem = f"the run is not finished ({len(found.epochs)} epochs so far)"
        case _:
            problem = f"the run was skipped: {found.result.reason}"
    raise BadInput(f"{folder.path}: {problem}", f"`repro run {found.case.name}` goes on with it")


def check(name: str, out: Path = Path("reports"), replicates: Path | None = None) -> Outcome:
    """Compare a finished run again.

    Args:
        name: As in `load_run`.
        out: As in `load_run`.
        replicates: Public replicates as CSV, instead of those that the run keeps.

    Raises:
        BadInput: No such run, or no such table.
    """
    found, folder = load_run(name, out)
    return Outcome(found, compared(found, folder, replicates), folder.path)


def report(name: str, out: Path = Path("reports"), templates: Path | None = None) -> Outcome:
    """Render a finished run again; `templates` is a folder whose templates replace the packaged ones."""
    found, folder = load_run(name, out)
    return reported(found, folder, templates)


def compared(run: Run, folder: folders.RunFolder, replicates: Path | None = None) -> Comparison:
    """Compare a run, with the case's public replicates and our own runs with other seeds as its noise."""
    from repro.comparison import compare

    own = folder.other_seeds(run) if run.settings.rehearse is None else ()
    comparison = compare(run, folder.replicates(replicates), own)
    if run.settings.fast != "same-stream":
        return comparison
    from repro.comparison.printed import printed_differences

    notes = printed_differences(run, folder.published_path(run))
    return msgspec.structs.replace(comparison, notes=(*comparison.notes, *notes))


def reported(finished: Run, folder: folders.RunFolder, templates: Path | None) -> Outcome:
    """Compare a finished run, write the comparison down and render it."""
    from repro.reports import render  # matplotlib: only when something is rendered

    comparison = compared(finished, folder)
    folder.save_comparison(comparison)
    render(finished, comparison, folder.path, templates=templates)
    return Outcome(finished, comparison, folder.path)

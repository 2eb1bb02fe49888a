"""Remove runs, or only their checkpoints: never what is held, and never what is not a run's folder."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from repro.environments.cache import is_locked
from repro.environments.disk import usage
from repro.errors import BadInput
from repro.records.runs import ListedRun, Removal, RemovedRun
from repro.runs.folders import RunFolder, find_run
from repro.runs.listing import list_runs, listed


def choose_runs(
    names: Sequence[str],
    out: Path,
    *,
    case: str | None = None,
    older_than: timedelta = timedelta(0),
    unfinished: bool = False,
    finished: bool = False,
) -> tuple[ListedRun, ...]:
    """Return the runs that are meant; nothing is removed yet.

    Args:
        names: Folders, records or ids; all runs in `out` where there is none.
        out: Where runs are looked for.
        case: Only runs of this case.
        older_than: Only runs in which nothing has happened for so long.
        unfinished: Only runs that did not come to their end.
        finished: Only runs that did.

    Raises:
        BadInput: No such run, or a named one that cannot be removed: it is held, a link, or no run's folder.
    """
    now = datetime.now(UTC)
    if names:
        folders = dict.fromkeys(find_run(name, out).path for name in names)
        found = [run for folder in folders if (run := listed(folder, now)) is not None]
        for run in found:
            if why := _why_kept(run):
                raise BadInput(f"{run.folder}: {why}", "nothing was removed")
    else:
        found = list(list_runs(out, case, now).runs)
    return tuple(
        run
        for run in found
        if case in (None, run.case)
        and run.age_seconds >= older_than.total_seconds()
        and not (unfinished and run.state == "finished")
        and not (finished and run.state != "finished")
    )


def remove_runs(runs: Sequence[ListedRun], *, checkpoints: bool = False) -> Removal:
    """Remove runs, or only their checkpoints; what must not be removed is kept and told.

    Args:
        runs: As from `choose_runs`.
        checkpoints: Only their checkpoints.

    Raises:
        BadInput: Something cannot be removed.
    """
    done = tuple(_removed(run, checkpoints=checkpoints) for run in runs)
    return Removal(checkpoints=checkpoints, runs=done, freed_bytes=sum(one.freed_bytes for one in done))


def _removed(run: ListedRun, *, checkpoints: bool) -> RemovedRun:
    if why := _why_kept(run):
        return RemovedRun(folder=run.folder, freed_bytes=0, kept=why)
    folder = RunFolder(Path(run.folder))
    with folder.held():
        if checkpoints:
            going = [folder.checkpoints]
        else:
            # The record goes last: half a run is still one that can be listed, and removed.
            inside = (path for path in folder.path.iterdir() if path.name != ".held")
            going = sorted(inside, key=lambda path: (path == folder.record, path.name))
        freed = usage(going).own
        for path in going:
            _remove(path)
    return RemovedRun(folder=run.folder, freed_bytes=freed)


def _why_kept(run: ListedRun) -> str:
    """Return why a run must stay as it is; empty where it may go."""
    path = Path(run.folder)
    if path.is_symlink() or (path / "run.json").is_symlink():
        return "is a link, and may lead to what is not a run's"
    if is_locked(path / ".held"):  # also one that is finished may just be reported again
        return "a process is at work in it"
    if run.state == "broken":
        return f"is no run's folder as far as can be told ({run.reason})"
    if any(path.glob("*/run.json")) or any(path.glob("*/*/run.json")):
        return "other runs lie in it"
    return ""


def _remove(path: Path) -> None:
    try:
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
        else:
            shutil.rmtree(path)
    except OSError as error:
        raise BadInput(
            f"{error.filename or path}: cannot be removed: {error.strerror or error}",
            "is it another user's, or the disk read-only?",
        ) from error

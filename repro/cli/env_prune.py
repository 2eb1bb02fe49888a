"""`repro env prune`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli.options import Json, Out, Verbose, Yes

if TYPE_CHECKING:
    from repro.records.prune import Pruned, Pruning


def env_prune(
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", help="What was last used before that, e.g. 30d.", metavar="AGE"),
    ] = None,
    keep_used: Annotated[
        bool, typer.Option("--keep-used", help="Keep what runs in --out were made with.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    out: Out = Path("reports"),
    yes: Yes = False,
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by the printing of errors
) -> int:
    """Remove environments and locks that nobody has used for some time, or all of them."""
    from repro import workflows
    from repro.cli.console import emit
    from repro.environments.disk import gigabytes
    from repro.environments.prune import parse_age
    from repro.records.codec import to_json

    age = timedelta(0) if older_than is None else parse_age(older_than)
    if older_than is None and not (yes or dry_run):
        _ask(workflows.prune(age, out=out, keep_used=keep_used, dry_run=True))
    pruned = workflows.prune(age, out=out, keep_used=keep_used, dry_run=dry_run)
    if json:
        emit(to_json(pruned))
        return 0
    for entry in pruned.entries:
        emit(_line(entry, dry_run=dry_run))
    dry = " (nothing was removed: this is what would be)" if dry_run else ""
    emit(
        f"{'cache':<12} {pruned.cache}: {gigabytes(pruned.before_bytes)} before, "
        f"{gigabytes(pruned.after_bytes)} after, {gigabytes(pruned.freed_bytes)} freed{dry}"
    )
    kept = pruned.before_bytes - pruned.after_bytes - pruned.freed_bytes
    if kept > 0:
        emit(f"{'':<12} {gigabytes(kept)} of it lie in uv's package cache, too: `uv cache clean` frees them")
    return 0


def _ask(pruned: Pruned) -> None:
    """Ask before everything is removed; errors as in `ask_removal`."""
    from repro.cli.console import ask_removal
    from repro.environments.disk import gigabytes

    going = sum(entry.removed for entry in pruned.entries)
    if not going:
        return
    size = gigabytes(pruned.before_bytes - pruned.after_bytes)
    ask_removal(
        f"{going} environments and locks of {size} are removed; runs build them again when they need them",
        unasked=f"this removes all that nobody uses now: {going} things of {size}",
        hint="say so with --yes, or give an age: --older-than 30d",
    )


def _line(entry: Pruning, *, dry_run: bool) -> str:
    from repro.environments.disk import gigabytes

    done = ("would be removed" if dry_run else "removed") if entry.removed else "kept"
    shared = f", {gigabytes(entry.shared_bytes)} of it shared" if entry.shared_bytes else ""
    return (
        f"{entry.kind:<12} {entry.name}  {gigabytes(entry.total_bytes)}{shared}, "
        f"last used {entry.last_used}: {done} ({entry.why})"
    )

"""`repro env`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from repro.cli.options import Json, Out, Verbose, Yes


def env(
    case: Annotated[
        str, typer.Argument(metavar="CASE", help="A case, a card with versions, or the word prune.")
    ],
    lock_only: Annotated[
        bool, typer.Option("--lock-only", help="Only resolve and print the lock; build nothing.")
    ] = False,
    relock: Annotated[bool, typer.Option("--relock", help="Make a new lock.")] = False,
    form: Annotated[
        Literal["requirements", "pylock", "dockerfile", "conda"] | None,
        typer.Option("--format", help="Print the lock in a form for other tools; build nothing."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write the lock, or what --format prints, to a file; for a Dockerfile a folder.",
            metavar="FILE",
        ),
    ] = None,
    kit: Annotated[
        Path | None,
        typer.Option(
            "--kit",
            help="Write all that a machine without a network needs; with --offline, build from it.",
            metavar="FOLDER",
        ),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask no network: build from uv's cache, or from --kit.")
    ] = False,
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", help="prune: what was last used before that, e.g. 30d.", metavar="AGE"),
    ] = None,
    keep_used: Annotated[
        bool, typer.Option("--keep-used", help="prune: keep what runs in --out were made with.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="prune: only say what would be removed.")
    ] = False,
    out: Out = Path("reports"),
    yes: Yes = False,
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by the printing of errors
) -> int:
    """Show, lock, build and probe the software of the day; `prune` removes what nobody uses."""
    from repro.errors import BadInput

    if case == "prune":
        from repro.cli.env_prune import prune

        return prune(older_than, out=out, keep_used=keep_used, dry_run=dry_run, yes=yes, json=json)
    if older_than is not None or keep_used or dry_run:
        raise BadInput("--older-than, --keep-used and --dry-run are for `repro env prune`", "leave them away")
    if case == "matrix":
        raise BadInput("`repro env matrix` is a reserved word", "a case of that name is ./matrix")
    if form is not None:
        from repro.cli.env_export import export

        return export(case, form, output, relock=relock, json=json, yes=yes)
    if kit is not None and not offline:
        from repro.cli.env_kit import write

        return write(case, kit, yes=yes, json=json)
    from repro import workflows
    from repro.cli.console import Console, emit, print_deviations
    from repro.environments import with_measured_size
    from repro.environments.disk import gigabytes
    from repro.records.codec import to_json, write_atomic
    from repro.reports.formats import line

    console = Console(yes=yes)
    opened = None if kit is None else workflows.environment_of_kit(case, kit, console)
    if opened is not None:
        environment, lock = opened.environment, opened.lock
    else:
        environment, lock = workflows.environment_of(case, relock=relock, offline=offline, observer=console)
    if output is not None:
        write_atomic(output, lock)
    built = None
    if not lock_only:
        built = workflows.build_environment(environment, lock, console, offline=offline, kit=opened)
    if built is not None and not environment.sizes.measured:
        environment = with_measured_size(environment, built)
    if json:
        emit(to_json(environment))
        return 0
    for name, version in environment.documented.items():
        emit(f"{name:<14} {line(version):<20} locked: {environment.locked.get(name, 'nothing')}")
    emit(f"{'python':<14} {environment.python:<20} {line(environment.python_reason)}")
    emit(f"{'moment':<14} {environment.moment:<20} {line(environment.moment_reason)}")
    emit(f"{'stream':<14} {environment.stream or 'open'}")
    emit(f"{'closure':<14} {len(environment.locked)} packages, lock {environment.lock_sha256[:16]}")
    print_deviations(environment.deviations)
    if built is not None:
        how = "in the cache" if built.from_cache else f"built in {built.seconds:.1f} s"
        linked = f", {gigabytes(built.shared_bytes)} of it hard links" if built.shared_bytes else ""
        emit(f"{'environment':<14} {how}, {gigabytes(built.disk_bytes)}{linked}")
        emit(f"{'interpreter':<14} {built.python}")
    elif output is None:
        emit(lock)
    return 0

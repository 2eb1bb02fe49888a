"""`repro env`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from repro.cli.options import Json, Stream, Strict, Torch, TorchBackend, Verbose, Yes


def env(
    case: Annotated[
        str, typer.Argument(metavar="CASE", help="A case, a card with versions, or the word prune.")
    ],
    lock_only: Annotated[
        bool, typer.Option("--lock-only", help="Only resolve and print the lock; build nothing.")
    ] = False,
    relock: Annotated[bool, typer.Option("--relock", help="Make a new lock.")] = False,
    stream: Stream = None,
    strict: Strict = False,
    torch: Torch = None,
    torch_backend: TorchBackend = None,
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
    yes: Yes = False,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Show, lock, build and probe the software of the day that a card documents; or take it elsewhere."""
    from repro import workflows
    from repro.cli.console import Console, emit, print_deviations
    from repro.environments import choose_torch
    from repro.errors import BadInput
    from repro.records.codec import to_json, write_atomic

    console = Console(yes=yes)
    choice = choose_torch(torch, torch_backend)
    elsewhere = form is not None or kit is not None
    if choice.backend is not None and elsewhere:
        raise BadInput(
            f"{choice.flags}: exports and kits take the registry's files",
            "leave --torch-backend out; --torch VERSION can be exported and carried",
        )
    if elsewhere and not (kit is not None and offline):
        locked = workflows.environment_of(
            case, relock=relock, stream=stream, strict=strict, torch=choice, offline=offline, observer=console
        )
        if form is not None:
            from repro.cli.env_export import export

            return export(locked, form, output, json=json)
        if kit is not None:
            from repro.cli.env_kit import write

            return write(case, locked, kit, console, json=json)
    from repro.cli.env_show import lines_of_attempts, lines_of_versions
    from repro.environments import with_measured_size
    from repro.environments.disk import gigabytes
    from repro.reports.formats import line

    opened = None if kit is None else workflows.environment_of_kit(case, kit, console)
    if opened is not None:
        environment, lock = opened.environment, opened.lock
    else:
        environment, lock = workflows.environment_of(
            case, relock=relock, stream=stream, strict=strict, torch=choice, offline=offline, observer=console
        )
    if output is not None:
        write_atomic(output, lock)
    built = None
    if not lock_only:
        built = workflows.build_environment(environment, lock, console, offline=offline, kit=opened)
    if built is not None:
        environment = with_measured_size(environment, built)
    if json:
        emit(to_json(environment))
        return 0
    for text in lines_of_versions(environment):
        emit(text)
    emit(f"{'python':<14} {environment.python:<20} {line(environment.python_reason)}")
    emit(f"{'moment':<14} {environment.moment:<20} {line(environment.moment_reason)}")
    emit(f"{'stream':<14} {environment.stream or 'open'}")
    emit(f"{'closure':<14} {len(environment.locked)} packages, lock {environment.lock_sha256[:16]}")
    print_deviations(environment.deviations)
    for text in lines_of_attempts(environment, every=verbose):
        emit(text)
    if built is not None:
        how = "in the cache" if built.from_cache else f"built in {built.seconds:.1f} s"
        linked = f", {gigabytes(built.shared_bytes)} of it hard links" if built.shared_bytes else ""
        emit(f"{'environment':<14} {how}, {gigabytes(built.disk_bytes)}{linked}")
        emit(f"{'interpreter':<14} {built.python}")
        if (seen := environment.probe) is not None and seen.orders:
            order = seen.stream or "of no known stream"
            emit(f"{'probe':<14} trained (loss {seen.loss:.4f}), data order {order}")
    elif output is None:
        emit(lock)
    return 0

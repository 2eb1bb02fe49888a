"""`repro env`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from repro.cli.options import Json, Stream, Strict, Torch, TorchBackend, Verbose, Yes


def env(
    case: Annotated[str, typer.Argument(metavar="CASE", help="A case, or a card with versions.")],
    lock_only: Annotated[
        bool, typer.Option("--lock-only", help="Only resolve and print the lock; build nothing.")
    ] = False,
    relock: Annotated[bool, typer.Option("--relock", help="Make a new lock.")] = False,
    stream: Stream = None,
    strict: Strict = False,
    torch: Torch = None,
    torch_backend: TorchBackend = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the lock to a file.", metavar="FILE")
    ] = None,
    yes: Yes = False,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Show, lock, build and probe the software of the day that a card documents."""
    from repro import workflows
    from repro.cli.console import Console, emit, print_deviations
    from repro.cli.env_show import lines_of_attempts, lines_of_versions
    from repro.environments import choose_torch, with_measured_size
    from repro.records.codec import to_json, write_atomic
    from repro.reports.formats import line

    if case in ("prune", "matrix"):
        from repro.errors import BadInput

        raise BadInput(
            f"`repro env {case}` is a reserved word", f"a case of that name is ./{case}; the word comes first"
        )
    console = Console(yes=yes)
    choice = choose_torch(torch, torch_backend)
    environment, lock = workflows.environment_of(
        case, relock=relock, stream=stream, strict=strict, torch=choice, observer=console
    )
    if output is not None:
        write_atomic(output, lock)
    built = None if lock_only else workflows.build_environment(environment, lock, console)
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
        emit(f"{'environment':<14} {how}, {built.disk_bytes / 1e9:.1f} GB")
        emit(f"{'interpreter':<14} {built.python}")
        if (seen := environment.probe) is not None and seen.orders:
            order = seen.stream or "of no known stream"
            emit(f"{'probe':<14} trained (loss {seen.loss:.4f}), data order {order}")
    elif output is None:
        emit(lock)
    return 0

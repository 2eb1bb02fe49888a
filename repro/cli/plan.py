"""`repro plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from repro.cli.options import CheckpointMinutes, Json, Out, Stream, Strict, Torch, TorchBackend, Verbose, Yes


def plan(
    case: Annotated[str, typer.Argument(metavar="CASE", help="A bundled case or a case folder.")],
    measure_steps: Annotated[
        int | None,
        typer.Option(
            "--measure-steps",
            min=2,
            max=1000,
            help="Steps to measure; without it, as many as fit into twenty seconds, at least four.",
            metavar="N",
        ),
    ] = None,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Measure with stand-in data and weights of the same shape.")
    ] = False,
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=1, help="Plan a rehearsal of N steps, not the run.", metavar="N"),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", help="A folder with the model, instead of the Hub.", metavar="FOLDER"),
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="The data file, instead of downloading it.", metavar="FILE")
    ] = None,
    accept_other_model: Annotated[
        bool, typer.Option("--accept-other-model", help="Take a model with other digests, as a deviation.")
    ] = False,
    accept_other_data: Annotated[
        bool, typer.Option("--accept-other-data", help="Take data with another blob id, as a deviation.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Another seed than the documented one.", metavar="N")
    ] = None,
    micro_batch: Annotated[
        int | None,
        typer.Option(
            "--micro-batch",
            min=1,
            help="Split the batch by gradient accumulation, as a deviation; for less memory.",
            metavar="N",
        ),
    ] = None,
    env: Annotated[
        Literal["locked", "current"] | None,
        typer.Option("--env", help="The software of the day (locked, the default), or your own."),
    ] = None,
    fast: Annotated[
        Literal["same-stream", "modern"] | None,
        typer.Option(
            "--fast",
            help="The same random stream for less work, or today's means in your own environment.",
        ),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option("--device", help="What to train on.")
    ] = "auto",
    determinism: Annotated[
        Literal["off", "published", "strict"],
        typer.Option("--determinism", help="Deterministic algorithms, or the fastest, as a deviation."),
    ] = "published",
    checkpoint_minutes: CheckpointMinutes = 15.0,
    torch: Torch = None,
    torch_backend: TorchBackend = None,
    stream: Stream = None,
    strict: Strict = False,
    kit: Annotated[
        Path | None,
        typer.Option("--kit", help="An offline kit to measure from, without a network.", metavar="FOLDER"),
    ] = None,
    out: Out = Path("reports"),
    yes: Yes = False,
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by the printing of errors
) -> int:
    """Say what a run would do, need and take on this machine, from a few measured steps."""
    from repro import workflows
    from repro.cli.console import Console, emit
    from repro.errors import BadInput
    from repro.records.codec import to_json
    from repro.reports.plan import plan_in_words
    from repro.runs.limits import Limits

    if steps is not None and not rehearse:
        raise BadInput("--steps is for a rehearsal", "add --rehearse")
    if fast == "modern" and env == "locked":
        raise BadInput("--fast modern is today's software: not with --env locked", "leave --env out")
    options = workflows.RunOptions(
        case=case,
        out=out,
        environment=env or "locked",
        fast=fast,
        micro_batch=micro_batch,
        device=device,
        seed=seed,
        rehearse=steps,
        model=model,
        data=data,
        accept_other_model=accept_other_model,
        accept_other_data=accept_other_data,
        determinism=determinism,
        torch=torch,
        torch_backend=torch_backend,
        stream=stream,
        strict=strict,
        kit=kit,
        limits=Limits(checkpoint_minutes),
    )
    made = workflows.plan(options, stand_ins=rehearse, measure_steps=measure_steps, observer=Console(yes=yes))
    emit(to_json(made) if json else "\n".join(plan_in_words(made)))
    return 0

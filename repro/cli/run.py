"""`repro run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from repro.cli.options import (
    CheckpointMinutes,
    HangMinutes,
    Json,
    Out,
    Stream,
    Strict,
    Templates,
    Torch,
    TorchBackend,
    Verbose,
    Yes,
)


def run(
    case: Annotated[str, typer.Argument(metavar="CASE", help="A bundled case or a case folder.")] = "demo",
    out: Out = Path("reports"),
    fresh: Annotated[bool, typer.Option("--fresh", help="Start anew; nothing is overwritten.")] = False,
    rehearse: Annotated[
        bool,
        typer.Option(
            "--rehearse",
            help="A few steps of the real recipe in the real environment, on stand-in data and weights.",
        ),
    ] = False,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="Steps of a rehearsal.", metavar="N")
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
    replicates: Annotated[
        int | None,
        typer.Option(
            "--replicates", min=1, max=100, help="Train N times more, with the next seeds.", metavar="N"
        ),
    ] = None,
    seeds: Annotated[
        str | None, typer.Option("--seeds", help="Train again with these seeds.", metavar="SEED,…")
    ] = None,
    prove_determinism: Annotated[
        bool,
        typer.Option(
            "--prove-determinism", help="Train twice, and say where the two part; then exit code 1."
        ),
    ] = False,
    until_epoch: Annotated[
        int | None,
        typer.Option(
            "--until-epoch",
            min=1,
            help="Train the first N epochs, on the whole's schedule, and judge these; can be gone on with.",
            metavar="N",
        ),
    ] = None,
    stop_when_decided: Annotated[
        bool,
        typer.Option("--stop-when-decided", help="End a run that can no longer come out as published."),
    ] = False,
    micro_batch: Annotated[
        int | None,
        typer.Option(
            "--micro-batch",
            min=1,
            help="Split the batch by gradient accumulation, as a deviation; for less memory.",
            metavar="N",
        ),
    ] = None,
    report_to: Annotated[
        str | None,
        typer.Option(
            "--report-to",
            help="Have the Trainer report, too: tensorboard, wandb, mlflow, trackio.",
            metavar="NAME",
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
    energy: Annotated[
        bool, typer.Option("--energy", help="Measure the training's energy, with codecarbon.")
    ] = False,
    country: Annotated[
        str | None,
        typer.Option(
            "--country",
            envvar="REPRO_COUNTRY",
            help="Where, in three letters (FRA): makes emissions of --energy.",
            metavar="ISO3",
        ),
    ] = None,
    torch: Torch = None,
    torch_backend: TorchBackend = None,
    relock: Annotated[bool, typer.Option("--relock", help="Make a new lock.")] = False,
    stream: Stream = None,
    strict: Strict = False,
    kit: Annotated[
        Path | None,
        typer.Option(
            "--kit", help="An offline kit to run from, without a network (`repro env`).", metavar="FOLDER"
        ),
    ] = None,
    checkpoint_minutes: CheckpointMinutes = 15.0,
    hang_minutes: HangMinutes = 60.0,
    templates: Templates = None,
    yes: Yes = False,
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by the printing of errors
) -> int:
    """Rebuild the environment, train, compare and report."""
    from repro import workflows
    from repro.cli.console import Console, exit_code, print_outcome
    from repro.errors import BadInput
    from repro.runs.limits import Limits

    if steps is not None and not rehearse:
        raise BadInput("--steps is for a rehearsal", "add --rehearse")
    if rehearse and (replicates or seeds):
        raise BadInput("a rehearsal has no replicates", "leave --rehearse out")
    if rehearse and (until_epoch or stop_when_decided):
        raise BadInput("a rehearsal has its own --steps and no verdict", "leave --rehearse out")
    if replicates and seeds:
        raise BadInput("--replicates and --seeds: one of them", "--seeds names them, --replicates counts on")
    if prove_determinism and (replicates or seeds):
        raise BadInput(
            "--prove-determinism trains one seed twice: not with --replicates or --seeds", "prove one seed"
        )
    if fast == "modern" and env == "locked":
        raise BadInput("--fast modern is today's software: not with --env locked", "leave --env out")
    console = Console(yes=yes)
    options = workflows.RunOptions(
        case=case,
        out=out,
        environment=env or "locked",
        fast=fast,
        device=device,
        determinism=determinism,
        seed=seed,
        rehearse=(steps or workflows.REHEARSAL_STEPS) if rehearse else None,
        model=model,
        data=data,
        accept_other_model=accept_other_model,
        accept_other_data=accept_other_data,
        torch=torch,
        torch_backend=torch_backend,
        relock=relock,
        stream=stream,
        strict=strict,
        until_epoch=until_epoch,
        stop_when_decided=stop_when_decided,
        micro_batch=micro_batch,
        report_to=report_to,
        fresh=fresh,
        energy=energy,
        country=country,
        kit=kit,
        templates=templates,
        limits=Limits(checkpoint_minutes, hang_minutes),
    )
    others = _numbers(seeds) if seeds else ()
    if replicates:
        others = workflows.other_seeds(options, replicates)
    try:
        if prove_determinism:
            outcome = workflows.prove_determinism(options, console)
        elif others:
            outcome = workflows.run_replicates(options, others, console)
        else:
            outcome = workflows.run(options, console)
    finally:
        console.close()
    print_outcome(outcome, json=json)
    proof = outcome.run.determinism_proof
    parted = prove_determinism and proof is not None and not proof.proven
    return 1 if parted else exit_code(outcome.comparison)


def _numbers(text: str) -> tuple[int, ...]:
    """Read seeds, `43,44`; each once."""
    from repro.errors import BadInput

    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdecimal() and len(part) <= 10 for part in parts):
        raise BadInput(
            f"--seeds: expected whole numbers, found {text[:40]!r}", "for instance --seeds 43,44,45"
        )
    return tuple(dict.fromkeys(int(part) for part in parts))

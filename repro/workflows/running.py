"""A run, and runs with other seeds: everything from the words of a request to its report."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from repro import inputs
from repro.cases.loader import LoadedCase, find_case, load_case
from repro.environments.torch_choice import (
    TorchChoice,
    choose_torch,
)
from repro.errors import BadInput
from repro.records.codec import read_text, write_atomic
from repro.records.run import (
    Settings,
)
from repro.runs import folders
from repro.runs.arguments import run_arguments, training_arguments
from repro.runs.energy import Meter, measured
from repro.runs.micro_batch import split
from repro.workflows.cards import one_card
from repro.workflows.environments import environment_of_kit
from repro.workflows.observing import Observer, Silent
from repro.workflows.options import RunOptions, settled
from repro.workflows.preparing import built_for_training, current, holding, locked
from repro.workflows.request import Request
from repro.workflows.results import Outcome, reported
from repro.workflows.training import train
from repro.workflows.watching import nothing_to_train

if TYPE_CHECKING:
    from repro.environments.kit import OpenKit


def requested(options: RunOptions, observer: Observer) -> Request:
    """Read what is asked for; errors as in `run`."""
    options = settled(options)
    case = runnable(options.case)
    stated = case.card.claims.hyperparameters
    arguments = run_arguments(stated, case.case.arguments, options.seed, where=case.card.target)
    if options.micro_batch is not None:
        arguments = split(arguments, options.micro_batch)
    _check_epochs(options.until_epoch, arguments.get("num_train_epochs"))
    handed = inputs.hand_over(options.model, options.data)
    settings = Settings(
        environment=options.environment,
        device=options.device,
        determinism=options.determinism,
        seed=arguments["seed"],
        rehearse=options.rehearse,
        model=handed.model_digest,
        data=handed.data_blob,
        fast=options.fast,
        micro_batch=options.micro_batch,
    )
    choice = choose_torch(options.torch, options.torch_backend)
    kit = kit_of(options, choice, observer)
    if options.environment == "current":
        if choice:
            raise BadInput(f"{choice.flags}: not in your own environment", "leave --env current out")
        ready = current(case, modern=options.fast == "modern")
    else:
        ready = locked(case, options, choice, kit, observer)
    identity = folders.run_id(case.digest, ready.record.lock_sha256, settings)
    return Request(case, arguments, handed, settings, kit, ready, identity)


def run(options: RunOptions, observer: Observer | None = None) -> Outcome:
    """Rebuild the environment, train, compare and report.

    An unfinished run of the same case and settings in `options.out` is gone on with, a finished one is
    reported again.

    Args:
        options: What is asked for.
        observer: Told what is going on.

    Returns:
        The run, its comparison and its folder.

    Raises:
        BadInput: The case or an option cannot be used.
        EnvironmentFailed: The environment cannot be built, or its torch cannot use the GPU asked for.
        TrainingFailed: The worker failed; the run's record says why.
        NetworkFailed: Model, data or registry cannot be had; names what is missing.
        Interrupted: Stopped by the user; the run can be gone on with.
    """
    observer = observer or Silent()
    meter = Meter(options.country) if options.energy else None
    asked = requested(options, observer)
    case, kit = asked.case, asked.kit
    folder = folders.choose_folder(options.out, case.name, asked.identity, fresh=options.fresh)
    if options.again:
        folder = folder.again
    with folder.held():
        finished = folder.earlier()
        if finished is None and folder.record.exists():
            observer.say(f"{folder.record}: broken, not trusted; it is made anew")
        if finished is not None and nothing_to_train(finished, options):
            _keep_peers(case, folder)
            said = "finished" if folders.is_finished(finished) else "trained as far as that"
            observer.say(f"this run is {said} already: reported again (--fresh starts anew)")
            if meter is not None:
                observer.say("nothing is trained, so there is no energy to measure")
            return reported(finished, folder, options.templates)
        observer.say("looking for model and data")
        prepared = asked.prepare(options, stand_in=options.rehearse is not None)
        with holding(asked.ready):
            ready = built_for_training(asked.ready, kit, observer)
            _keep_peers(case, folder)
            with nullcontext() if meter is None else meter.measuring(folder.path):
                trained = train(asked, options, prepared, ready, folder, observer)
            if (energy := measured(folder.path)) is not None:
                trained = msgspec.structs.replace(trained, energy=energy)
                folder.save(trained)
        return reported(trained, folder, options.templates)


def _keep_peers(case: LoadedCase, folder: folders.RunFolder) -> None:
    """Keep the replicates whose noise the run is judged by, wherever the case lies later."""
    peers = case.path("peers.csv")
    if peers.is_file():
        write_atomic(folder.peers, read_text(peers))


def _check_epochs(until: int | None, documented: float | None) -> None:
    if until is not None and documented is not None and until > documented:
        raise BadInput(
            f"--until-epoch {until}: the published training has {documented:g} epochs",
            "leave it away for the whole training",
        )


def run_replicates(options: RunOptions, seeds: Sequence[int], observer: Observer | None = None) -> Outcome:
    """Run with the documented seed and then with others, one after another; errors as in `run`.

    Each is a run of its own: an unfinished one is gone on with, a finished one is not trained again.

    Args:
        options: What is asked for.
        seeds: The other seeds.
        observer: Told what is going on.

    Returns:
        The first run, compared with what it has in noise from the others.
    """
    observer = observer or Silent()
    first = run(options, observer)
    for at, seed in enumerate(seeds, 1):
        observer.say(f"replicate {at} of {len(seeds)}, seed {seed}")
        run(replace(options, seed=seed), observer)
    return reported(first.run, folders.RunFolder(first.folder), options.templates)


def other_seeds(options: RunOptions, count: int) -> tuple[int, ...]:
    """Return the seeds that follow the one that a run has: `count` of them."""
    case = runnable(options.case)
    seed = options.seed
    if seed is None:
        arguments = training_arguments(case.card.claims.hyperparameters, where=case.card.target)
        seed = (arguments | case.case.arguments).get("seed", 0)
    return tuple(range(seed + 1, seed + 1 + count))


def runnable(target: str) -> LoadedCase:
    """Load a case that can be run: one with a table to compare with."""
    from repro.audits.sources import is_remote

    if find_case(target) is None and (is_remote(target) or Path(target).is_file()):
        card = one_card(target)
        raise BadInput(
            f"{target}: a card ({card.kind}) alone cannot be run: it does not say how its data are made",
            "write a case folder around it (docs/cases.md); `repro audit` and `repro env` take the card",
        )
    case = load_case(target)
    table = case.card.claims.results
    if table is None or not table.rows:
        raise BadInput(
            f"{case.card.target}: the card has no table of results, so there is nothing to compare with",
            "add the published table to the case's card",
        )
    return case


def kit_of(options: RunOptions, torch: TorchChoice, observer: Observer) -> OpenKit | None:
    """The kit to run from, verified before anything is made."""
    if options.kit is None:
        return None
    if options.environment == "current" or options.relock or options.stream or torch:
        others = "--env current, --relock, --stream, --torch and --torch-backend"
        raise BadInput("--kit brings its own lock", f"leave {others} away")
    return environment_of_kit(options.case, options.kit, observer)

"""A run, and runs with other seeds: everything from the words of a request to its report."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from repro import inputs
from repro.cases.loader import LoadedCase, find_case, load_case
from repro.environments.cache import (
    cache_folder,
)
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
from repro.workflows.cards import one_card
from repro.workflows.environments import environment_of_kit
from repro.workflows.observing import Observer, Silent
from repro.workflows.options import RunOptions, settled
from repro.workflows.preparing import Ready, built_for_training, current, holding, locked
from repro.workflows.results import Outcome, reported
from repro.workflows.training import train

if TYPE_CHECKING:
    from repro.environments.kit import OpenKit


@dataclass(frozen=True)
class Request:
    """What is asked for, read and resolved: nothing is built or fetched yet.

    Attributes:
        case: The case.
        arguments: The TrainingArguments, with the seed asked for.
        handed: What was handed over of model and data.
        settings: What the run's id hashes.
        kit: The offline kit to run from.
        ready: The environment, not yet built.
        identity: The run's id.
    """

    case: LoadedCase
    arguments: dict[str, Any]
    handed: inputs.Handed
    settings: Settings
    kit: OpenKit | None
    ready: Ready
    identity: str

    def prepare(self, options: RunOptions, *, stand_in: bool) -> inputs.Inputs:
        """Get model and data and verify them; stand-ins of the same shape and sizes where these do.

        Raises:
            BadInput: What was handed over is not what the case pins.
            NetworkFailed: Model or data cannot be had; names what is missing.
        """
        return inputs.prepare(
            self.case,
            self.handed,
            cache_folder(),
            rehearse=stand_in,
            accept_other_model=options.accept_other_model,
            accept_other_data=options.accept_other_data,
            kit=None if self.kit is None else self.kit.folder,
        )


def requested(options: RunOptions, observer: Observer) -> Request:
    """Read what is asked for; errors as in `run`."""
    options = settled(options)
    case = runnable(options.case)
    stated = case.card.claims.hyperparameters
    arguments = run_arguments(stated, case.case.arguments, options.seed, where=case.card.target)
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
    )
    choice = choose_torch(options.torch, options.torch_backend)
    kit = kit_of(options, choice, observer)
    if options.environment == "current":
        if choice:
            raise BadInput(f"{choice.flags}: not in your own environment", "leave --env current out")
        ready = current(case)
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
        if finished is not None and folders.is_finished(finished):
            _keep_peers(case, folder)
            observer.say("this run is finished already: reported again (--fresh starts anew)")
            if meter is not None:
                observer.say("nothing is trained, so there is no energy to measure")
            return reported(finished, folder, options.templates)
        observer.say("looking for model and data")
        prepared = asked.prepare(options, stand_in=options.rehearse is not None)
        with holding(asked.ready):
            ready = built_for_training(asked.ready, kit, observer)
            _keep_peers(case, folder)
            with nullcontext() if meter is None else meter.measuring(folder.path):
                trained = train(
                    case,
                    asked.identity,
                    asked.arguments,
                    asked.settings,
                    prepared,
                    ready,
                    folder,
                    observer,
                    options.limits,
                )
            if (energy := measured(folder.path)) is not None:
                trained = msgspec.structs.replace(trained, energy=energy)
                folder.save(trained)
        return reported(trained, folder, options.templates)


def _keep_peers(case: LoadedCase, folder: folders.RunFolder) -> None:
    """Keep the replicates whose noise the run is judged by, wherever the case lies later."""
    peers = case.path("peers.csv")
    if peers.is_file():
        write_atomic(folder.peers, read_text(peers))


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

"""The wiring, and the public Python API: audit, environment, run, check and report."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from repro import hub, inputs
from repro.cards import read_card
from repro.cases.loader import LoadedCase, bundled, documented_versions, find_case, load_case
from repro.environments.build import build, child_environment
from repro.environments.cache import (
    MARKER,
    Built,
    cache_folder,
    environment_folder,
    held,
    lookup,
    remember,
    used,
)
from repro.environments.lock import lock_digest
from repro.environments.platforms import this_platform
from repro.environments.resolve import resolve
from repro.environments.substitutes import refuse_substitutes
from repro.environments.torch_choice import (
    DOCUMENTED_TORCH,
    TorchChoice,
    choose_torch,
    resolve_with_torch,
)
from repro.errors import BadInput, EnvironmentFailed, Interrupted, TrainingFailed
from repro.facts.streams import stream
from repro.records.card import Card
from repro.records.claims import Audit
from repro.records.codec import from_json, read_text, to_json, write_atomic
from repro.records.comparison import Comparison
from repro.records.environment import Environment
from repro.records.event import AnyEvent
from repro.records.kit import Kit, Missing
from repro.records.machine import Machine
from repro.records.matrix import Matrix
from repro.records.peers import Peers
from repro.records.prune import Pruned
from repro.records.reference import Reference
from repro.records.run import (
    Completed,
    Failed,
    Run,
    RunEnvironment,
    Settings,
    Timing,
)
from repro.runs import folders, local
from repro.runs.arguments import training_arguments
from repro.runs.gpus import foreseen_misfit, look_for_gpus, ways_out
from repro.runs.probe import probed, unexpected_stream
from repro.runs.record import DataSource, run_so_far
from repro.runs.state import RunState, rewind

if TYPE_CHECKING:
    from repro.environments.kit import OpenKit
    from repro.rules import Context

REHEARSAL_STEPS = 2
#: The number of the rules by which locks are made: with another one, earlier locks are not taken any more.
LOCKED_BY = 3
#: What a run in the user's own environment imports.
_NEEDED = ("transformers", "torch", "datasets", "scikit-multilearn")


class Observer(Protocol):
    """Who is told what goes on; the command draws it, a script may ignore it."""

    def say(self, text: str) -> None:
        """One line about what is being done."""

    def confirm(self, text: str) -> bool:
        """Ask whether to go on with something large."""

    def event(self, event: AnyEvent, state: RunState) -> None:
        """Something happened in the training; `state` includes it."""


class Silent:
    """An observer that says nothing and agrees to everything."""

    def say(self, text: str) -> None:
        """Say nothing."""

    def confirm(self, text: str) -> bool:  # noqa: ARG002 - the protocol's signature
        """Agree."""
        return True

    def event(self, event: AnyEvent, state: RunState) -> None:
        """Ignore it."""


@dataclass(frozen=True)
class RunOptions:
    """What `repro run` was asked for.

    Attributes:
        case: A bundled case's name or a case folder.
        out: Where runs land.
        environment: `locked`, or `current` for the interpreter that runs this program.
        device: `auto`, `cpu` or `cuda`.
        seed: Another seed than the documented one, or None.
        rehearse: Stop after this many steps of stand-in data and weights, or None.
        model: A folder with the model, instead of downloading it.
        data: The data file, instead of downloading it.
        accept_other_model: Take a model with other digests, as a deviation.
        accept_other_data: Take data with another blob id, as a deviation.
        torch: Another release of torch than the documented one, as a deviation.
        torch_backend: A build of torch on PyTorch's own index instead of the registry's.
        relock: Make a new lock even where the case carries one.
        stream: The random stream to have where the versions leave it open: `B` or `C`.
        strict: Refuse an environment that has not the very versions and builds that are documented.
        fresh: Start anew even where there is an unfinished or a finished run.
        kit: An offline kit (`repro env CASE --kit FOLDER`) to run from: what it has is asked of nobody.
        templates: A folder of templates that replace the packaged ones.
    """

    case: str = "demo"
    out: Path = Path("reports")
    environment: Literal["locked", "current"] = "locked"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int | None = None
    rehearse: int | None = None
    model: Path | None = None
    data: Path | None = None
    accept_other_model: bool = False
    accept_other_data: bool = False
    torch: str | None = None
    torch_backend: str | None = None
    relock: bool = False
    stream: str | None = None
    strict: bool = False
    fresh: bool = False
    kit: Path | None = None
    templates: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """A run and what it amounts to."""

    run: Run
    comparison: Comparison
    folder: Path


# ---------------------------------------------------------------------------------------------- cards


def audit(target: str, context: Context | None = None) -> Iterator[Audit]:
    """Read the claims of the cards behind one target and ask the rules of the default profile about them.

    `repro.audits` has the rest: profiles, baselines, formats, many cards at once.

    Args:
        target: A card file, a folder of cards (in the order of their names), a table of cards, a bundled
            case's name, a case folder, an address, `hub:user/model[@revision]`, or `-` for standard input.
        context: What is known beside the cards.

    Yields:
        One audit for each card.

    Raises:
        BadInput: Not there, unreadable or empty.
        NetworkFailed: A card that is fetched cannot be had.
    """
    from repro.audits import Settings, audits  # all rules: not where an environment is asked for
    from repro.rules import Context

    return audits([target], Settings(context=context or Context()))


def _card(target: str) -> Card:
    """Read one card: of a case, from the Hub, from an address or from a file."""
    from repro.audits.sources import one_source

    source = one_source(target)
    return read_card(source.text, target=source.target, undecodable=source.undecodable)


# --------------------------------------------------------------------------------------- environments


def environment_of(
    target: str,
    *,
    relock: bool = False,
    stream: str | None = None,
    strict: bool = False,
    torch: TorchChoice = DOCUMENTED_TORCH,
    offline: bool = False,
    observer: Observer | None = None,
) -> tuple[Environment, str]:
    """Return the environment of a case or of any card with versions, and the text of its lock.

    The case's own lock is taken where it fits; else an earlier one from the cache; else a new one is made.

    Args:
        target: A case or a card, as for `audit`.
        relock: Make a new lock.
        stream: The random stream to have where the versions leave it open: `B` or `C`.
        strict: Refuse an environment that has not the very versions and builds that are documented.
        torch: Another torch than the documented one, or another build of it.
        offline: Take a lock that is here already, or none.
        observer: Told what is going on.

    Raises:
        BadInput: No such card, or one without versions, or with another stream than was asked for.
        EnvironmentFailed: The versions cannot be had together, or, if `strict`, not as documented; or offline
            there is no lock of them.
        NetworkFailed: The registry cannot be reached.
    """
    found = _environment_of(target, relock, stream, torch, offline, observer or Silent())
    if strict:
        refuse_substitutes(found[0])
    return found


def _environment_of(
    target: str,
    relock: bool,
    stream: str | None,
    torch: TorchChoice,
    offline: bool,
    observer: Observer,
) -> tuple[Environment, str]:
    published = None
    if find_case(target) is not None:
        case = load_case(target)
        requirements, carried = case.case.environment, case.locked
        documented = documented_versions(case.card.claims)
        packages, moment = requirements.packages, requirements.moment
    else:
        documented = documented_versions(_card(target).claims)
        packages, moment, carried = {}, None, None
        from repro.audits.sources import on_hub

        if repository := on_hub(target):
            published = hub.committed_at(*repository)
    if not documented.keys() - {"python"}:
        raise BadInput(f"{target}: the card documents no versions", "an environment needs at least one")
    day = None
    if carried is not None and not relock:
        # With another torch everything else stays as it was on that day.
        fits = carried[0].documented == documented and carried[0].platform == this_platform()
        if fits and stream in (None, carried[0].stream):
            if not _belongs(*carried):
                raise BadInput(
                    f"{target}: the case's lock is not the one that its record was made with",
                    "restore the files, or make both anew with --relock, as docs/cases.md says",
                )
            day = carried
        else:
            observer.say("the case's lock is for other versions, another stream or platform: locking anew")
    if day is not None and not torch:
        return day
    return _cached_lock(
        documented,
        packages,
        moment,
        published,
        stream,
        torch,
        day,
        relock=relock,
        offline=offline,
        observer=observer,
    )


def _cached_lock(
    documented: dict[str, str],
    packages: dict[str, str],
    moment: str | None,
    published: datetime | None,
    stream: str | None,
    torch: TorchChoice,
    day: tuple[Environment, str] | None,
    *,
    relock: bool,
    offline: bool,
    observer: Observer,
) -> tuple[Environment, str]:
    """Resolve, or take what was resolved from the same words before."""
    asked = [LOCKED_BY, documented, packages, moment, published, stream, torch.flags, this_platform()]
    key = to_json(asked, indent=0)
    place = cache_folder() / "locks" / hashlib.sha256(key.encode()).hexdigest()[:16]
    record, lock = place.with_suffix(".json"), place.with_suffix(".lock")
    if not relock and (kept := _kept_lock(record, lock)):
        used(lock)
        return kept
    if offline:
        raise EnvironmentFailed("there is no lock of these versions here", "run it once with a network")
    resolve_day = partial(resolve, moment=moment, published=published, stream=stream)
    if torch:
        resolved = resolve_with_torch(
            torch, documented, packages=packages, report=observer.say, day=day, resolve_day=resolve_day
        )
    else:
        resolved = resolve_day(documented, packages=packages, report=observer.say)
    try:
        write_atomic(lock, resolved[1])
        write_atomic(record, to_json(resolved[0]) + "\n")
    except BadInput as error:  # the lock is as good without
        observer.say(f"the lock is not kept: {error.message}")
    return resolved


def _kept_lock(record: Path, lock: Path) -> tuple[Environment, str] | None:
    """Return what was resolved before; None where it is not there, or was damaged: it is made anew."""
    with suppress(BadInput):
        kept = from_json(read_text(record), Environment, source=record.name), read_text(lock)
        if _belongs(*kept):
            return kept
    return None


def _belongs(environment: Environment, lock: str) -> bool:
    """Tell whether a lock is the one that a record was made with."""
    return lock_digest(lock) == environment.lock_sha256


def environment_of_kit(target: str, folder: Path, observer: Observer | None = None) -> OpenKit:
    """Return a kit, verified, that has the environment of a case or card.

    Args:
        target: A case or a card, as for `audit`.
        folder: The kit's folder.
        observer: Told what is going on.

    Raises:
        BadInput: No such folder, or the kit of other versions.
        EnvironmentFailed: The kit was not written to its end, has changed, or is for another platform.
    """
    from repro.environments.kit import open_kit  # each verb imports what only it needs

    claims = (load_case(target).card if find_case(target) is not None else _card(target)).claims
    kit = open_kit(folder, (observer or Silent()).say)
    if kit.environment.documented != documented_versions(claims):
        raise BadInput(
            f"{folder}: the kit is that of {kit.kit.case}, whose versions are not those of {target}",
            f"write one: `repro env {target} --kit FOLDER`",
        )
    return kit


def write_kit_of(
    target: str, locked: tuple[Environment, str], folder: Path, observer: Observer | None = None
) -> Kit:
    """Write the offline kit of a case or card, or complete one; its size is stated, and asked for, before.

    Args:
        target: A case or a card, as for `audit`; of a card there is only the environment.
        locked: Its environment, as from `environment_of`.
        folder: The kit's folder.
        observer: Told what is going on.

    Raises:
        Interrupted: The answer was no.
        BadInput: The folder cannot be used.
        EnvironmentFailed: The environment cannot be locked, or a locked file cannot be had.
        NetworkFailed: The registry cannot be reached. A model that cannot be had is only listed in the kit.
    """
    from repro.environments.kit import write_kit

    observer = observer or Silent()
    environment, lock = locked
    size = _size(environment.sizes.download_bytes)
    trained_on = "" if find_case(target) is None else " and what the case trains on"
    if not observer.confirm(f"the kit takes {size}{trained_on}; what is there is kept"):
        raise Interrupted("nothing was downloaded", "answer yes, or use --yes")
    files: dict[str, Path] = {}
    missing: tuple[Missing, ...] = ()
    if find_case(target) is not None:
        files, missing = inputs.carried(load_case(target), cache_folder())
    return write_kit(
        folder, environment, lock, case=target, inputs=files, missing=missing, report=observer.say
    )


def build_environment(
    environment: Environment,
    lock: str,
    observer: Observer | None = None,
    *,
    offline: bool = False,
    kit: OpenKit | None = None,
) -> Built:
    """Build an environment, or take it from the cache; its size is stated, and asked for, before.

    The observer is warned of one whose observed random stream is not that of its versions.

    Args:
        environment: The record of the lock.
        lock: The lock's text.
        observer: Told what is going on.
        offline: Ask nobody but uv's cache.
        kit: An offline kit that has the lock's files: nobody else is asked.

    Raises:
        Interrupted: The answer was no.
        EnvironmentFailed: It cannot be built, or the probe's training step failed.
        NetworkFailed: The registry cannot be reached.
    """
    observer = observer or Silent()
    found = lookup(environment)
    if found is not None:
        used(found.folder / MARKER)
    else:
        found = _built_now(environment, lock, observer, offline, kit)
    if found.probe is None:  # somebody built it who only imported it
        found = remember(found, probed(environment, found.python))
    if warning := unexpected_stream(environment.stream, found.probe):
        observer.say(f"warning: {warning}: a run here has another data order than the published one")
    return found


def _built_now(
    environment: Environment, lock: str, observer: Observer, offline: bool, kit: OpenKit | None
) -> Built:
    """Build it; the size is stated, and asked for, before."""
    sizes = environment.sizes
    download = "nothing" if offline or kit is not None else _size(sizes.download_bytes)
    question = (
        f"the environment is not built yet: {download} to download, "
        f"{_size(sizes.disk_bytes)} on disk{'' if sizes.measured else ' (estimated)'}"
    )
    if not observer.confirm(question):
        raise Interrupted("nothing was downloaded", "answer yes, or use --yes")
    built = build(
        environment,
        lock,
        probe=partial(probed, environment),
        report=observer.say,
        offline=offline,
        wheels=None if kit is None else kit.wheels,
    )
    for text in built.probe.unusable if built.probe else ():
        observer.say(text)
    return built


def prune(
    older_than: timedelta, *, out: Path = Path("reports"), keep_used: bool = False, dry_run: bool = False
) -> Pruned:
    """Remove environments and locks from the cache that were last used longer ago than an age.

    Args:
        older_than: The age.
        out: The folder of runs that `keep_used` looks at.
        keep_used: Keep what runs in `out` were made with.
        dry_run: Only say what would be removed.

    Raises:
        EnvironmentFailed: Something cannot be removed.
    """
    from repro.environments.prune import prune as prune_cache

    referred = dict(_locks_of_runs(out)) if keep_used else {}
    return prune_cache(cache_folder(), older_than=older_than, referred=referred, dry_run=dry_run)


def _locks_of_runs(out: Path) -> Iterator[tuple[str, str]]:
    """Yield digest of lock and folder of each run; no run is too old or too damaged to count."""
    for record in sorted(out.glob("**/run.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            yield json.loads(record.read_bytes())["environment"]["lock_sha256"], str(record.parent)
        with suppress(BadInput):
            yield lock_digest(read_text(folders.RunFolder(record.parent).lock)), str(record.parent)


def _size(count: int | None) -> str:
    return "an unknown amount" if count is None else f"{count / 1e9:.1f} GB"


# ----------------------------------------------------------------------------------------------- runs


@dataclass(frozen=True)
class _Ready:
    """An interpreter to train in, and what the record says about it."""

    python: Path
    variables: dict[str, str]
    record: RunEnvironment
    lock: str | None
    environment: Environment | None
    seconds: float = 0.0


@dataclass
class _Following:
    """Folds events as they come and passes them on."""

    observer: Observer
    state: RunState = field(default_factory=RunState)

    def __call__(self, event: AnyEvent) -> None:
        self.state = self.state.after(event)
        self.observer.event(event, self.state)


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
    case = _runnable(options.case)
    arguments = training_arguments(case.card.claims.hyperparameters, where=case.card.target)
    if options.seed is not None:
        arguments["seed"] = options.seed
    if "seed" not in arguments:
        raise BadInput(f"{case.card.target}: the card states no seed", "give one with --seed")
    handed = inputs.hand_over(options.model, options.data)
    settings = Settings(
        environment=options.environment,
        device=options.device,
        seed=arguments["seed"],
        rehearse=options.rehearse,
        model=handed.model_digest,
        data=handed.data_blob,
    )
    choice = choose_torch(options.torch, options.torch_backend)
    kit = _kit(options, choice, observer)
    if options.environment == "current":
        if choice:
            raise BadInput(f"{choice.flags}: not in your own environment", "leave --env current out")
        ready = _current(case)
    else:
        ready = _locked(case, options, choice, kit, observer)
    identity = folders.run_id(case.digest, ready.record.lock_sha256, settings)
    folder = folders.choose_folder(options.out, case.name, identity, fresh=options.fresh)
    with folder.held():
        if folder.record.exists() and folders.is_finished(finished := folder.load()):
            observer.say("this run is finished already: reported again (--fresh starts anew)")
            return _reported(finished, folder, options.templates)
        observer.say("looking for model and data")
        prepared = inputs.prepare(
            case,
            handed,
            cache_folder(),
            rehearse=options.rehearse is not None,
            accept_other_model=options.accept_other_model,
            accept_other_data=options.accept_other_data,
            kit=None if kit is None else kit.folder,
        )
        arguments |= case.case.arguments
        with _holding(ready):
            ready = _built(ready, kit, observer)
            trained = _train(case, identity, arguments, settings, prepared, ready, folder, observer)
        return _reported(trained, folder, options.templates)


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
    return _reported(first.run, folders.RunFolder(first.folder), options.templates)


def other_seeds(options: RunOptions, count: int) -> tuple[int, ...]:
    """Return the seeds that follow the one that a run has: `count` of them."""
    case = _runnable(options.case)
    seed = options.seed
    if seed is None:
        seed = training_arguments(case.card.claims.hyperparameters, where=case.card.target).get("seed", 0)
    return tuple(range(seed + 1, seed + 1 + count))


def _runnable(target: str) -> LoadedCase:
    """Load a case that can be run: one with a table to compare with."""
    from repro.audits.sources import is_remote

    if find_case(target) is None and (is_remote(target) or Path(target).is_file()):
        card = _card(target)
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


def _kit(options: RunOptions, torch: TorchChoice, observer: Observer) -> OpenKit | None:
    """The kit to run from, verified before anything is made."""
    if options.kit is None:
        return None
    if options.environment == "current" or options.relock or options.stream or torch:
        others = "--env current, --relock, --stream, --torch and --torch-backend"
        raise BadInput("--kit brings its own lock", f"leave {others} away")
    return environment_of_kit(options.case, options.kit, observer)


def _locked(
    case: LoadedCase, options: RunOptions, torch: TorchChoice, kit: OpenKit | None, observer: Observer
) -> _Ready:
    """The environment of the day, not yet built."""
    if kit is not None:
        environment, lock = kit.environment, kit.lock
        if options.strict:
            refuse_substitutes(environment)
    else:
        environment, lock = environment_of(
            options.case,
            relock=options.relock,
            stream=options.stream,
            strict=options.strict,
            torch=torch,
            observer=observer,
        )
    _foresee(environment, options.device, observer)
    record = RunEnvironment(
        documented=environment.documented,
        moment=environment.moment,
        moment_reason=environment.moment_reason,
        python_reason=environment.python_reason,
        lock_sha256=environment.lock_sha256,
        stream=environment.stream,
        inferred=environment.inferred,
        notes=environment.notes,
    )
    variables = child_environment()
    hardware = case.case.hardware
    if hardware is not None and hardware.kind == "cpu" and hardware.threads is not None:
        # Sums are split among the threads: as many as the published run had.
        variables["OMP_NUM_THREADS"] = str(hardware.threads)
    return _Ready(Path(), variables, record, lock, environment)


def _foresee(environment: Environment, device: str, observer: Observer) -> None:
    """Say before a large download that its torch will not run on a GPU here; refuse if one is asked for."""
    if device == "cpu" or lookup(environment) is not None:
        return
    gpus, _ = look_for_gpus()
    misfits = [foreseen_misfit(environment, gpu) for gpu in gpus]
    if not misfits or not all(misfits):
        return
    hint = ways_out(environment.locked["torch"], gpus[0].capability)
    if device == "cuda":
        raise EnvironmentFailed(misfits[0], hint)
    observer.say(f"{misfits[0]}: it will train on the CPU")
    observer.say(f"hint: {hint}")


def _current(case: LoadedCase) -> _Ready:
    """The user's own environment: the interpreter that runs this program."""
    python = Path(sys.executable)
    variables = dict(os.environ, PYTHONHASHSEED="0")
    with tempfile.TemporaryDirectory() as scratch:
        packages = local.call(python, "describe", Path(scratch), variables)["packages"]
    missing = [name for name in _NEEDED if name not in packages]
    if missing:
        raise EnvironmentFailed(
            f"this environment has no {', '.join(missing)}",
            "pip install 'repro-audit[train]', or --env locked",
        )
    text = "".join(f"{name}=={version}\n" for name, version in packages.items())
    record = RunEnvironment(
        documented=documented_versions(case.card.claims),
        lock_sha256=hashlib.sha256(text.encode()).hexdigest(),
        stream=stream(packages),
    )
    return _Ready(python, variables, record, None, None)


def _holding(ready: _Ready) -> AbstractContextManager[None]:
    """Hold the environment, so that nobody prunes it while it is built and trained in."""
    return nullcontext() if ready.environment is None else held(environment_folder(ready.environment))


def _built(ready: _Ready, kit: OpenKit | None, observer: Observer) -> _Ready:
    if ready.environment is None or ready.lock is None:
        return ready
    built = build_environment(ready.environment, ready.lock, observer, kit=kit)
    seconds = 0.0 if built.from_cache else built.seconds
    return _Ready(built.python, ready.variables, ready.record, ready.lock, ready.environment, seconds)


def _train(
    case: LoadedCase,
    identity: str,
    arguments: dict[str, Any],
    settings: Settings,
    prepared: inputs.Inputs,
    ready: _Ready,
    folder: folders.RunFolder,
    observer: Observer,
) -> Run:
    """Start or go on with the training, and write the record at every turn."""
    checkpoint = folder.last_checkpoint()
    earlier = folder.load() if folder.record.exists() else None
    begun = Run(
        id=identity,
        case=case.published(),
        settings=settings,
        environment=ready.record,
        arguments=arguments,
        timing=Timing(
            started=earlier.timing.started if earlier else _now(),
            environment_seconds=ready.seconds or (earlier.timing.environment_seconds if earlier else 0.0),
        ),
        deviations=(*(ready.environment.deviations if ready.environment else ()), *prepared.deviations),
    )
    compose = partial(
        run_so_far,
        begun,
        hardware=case.case.hardware,
        data=DataSource(git_blob=prepared.git_blob, origin=prepared.origin),
    )
    folder.save(compose(RunState(), None))
    if ready.lock is not None:
        write_atomic(folder.lock, ready.lock)
    peers = case.path("peers.csv")
    if peers.is_file():  # whose noise the run is judged by, wherever the case lies later
        write_atomic(folder.peers, read_text(peers))
    if checkpoint is not None:
        observer.say(f"going on from the checkpoint at step {checkpoint.step}")
    following = _Following(observer, rewind(folder.events, 0 if checkpoint is None else checkpoint.sequence))
    try:
        local.train(
            ready.python,
            {
                "recipe": case.case.task.kind.replace("-", "_"),
                "device": settings.device,
                "model": prepared.model,
                "data": {
                    "build": str(case.path(case.case.data.build).absolute()),
                    "file": str(prepared.data),
                },
                "sequence_length": case.case.task.sequence_length,
                "mask_probability": case.case.task.mask_probability,
                "arguments": arguments,
                "stop_after": settings.rehearse,
                "events": str(folder.events.absolute()),
                "checkpoints": str(folder.checkpoints.absolute()),
                "resume": None if checkpoint is None else str(checkpoint.path.absolute()),
            },
            folder.path.absolute(),
            ready.variables,
            after=following.state.sequence,
            on_event=following,
        )
    except Interrupted as error:
        with suppress(BadInput):
            folder.save(compose(following.state, None))
        raise Interrupted(
            f"stopped at step {following.state.step}; nothing that was checkpointed is lost",
            "the same command goes on from the last checkpoint",
        ) from error
    except (TrainingFailed, EnvironmentFailed) as error:
        with suppress(BadInput):  # a full disk must not hide the reason
            folder.save(compose(following.state, Failed(reason=error.message, hint=error.hint)))
        raise
    trained = compose(following.state, Completed())
    folder.save(trained)
    return trained


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# -------------------------------------------------------------------------------------------- results


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
        case Completed():
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
    return Outcome(found, _compared(found, folder, replicates), folder.path)


def report(name: str, out: Path = Path("reports"), templates: Path | None = None) -> Outcome:
    """Render a finished run again; `templates` is a folder whose templates replace the packaged ones."""
    found, folder = load_run(name, out)
    return _reported(found, folder, templates)


def _compared(run: Run, folder: folders.RunFolder, replicates: Path | None = None) -> Comparison:
    """Compare a run, with the case's public replicates and our own runs with other seeds as its noise."""
    from repro.comparison import compare

    own = folder.other_seeds(run) if run.settings.rehearse is None else ()
    return compare(run, folder.replicates(replicates), own)


def _reported(finished: Run, folder: folders.RunFolder, templates: Path | None) -> Outcome:
    from repro.reports import render  # matplotlib: only when something is rendered

    comparison = _compared(finished, folder)
    folder.save_comparison(comparison)
    render(finished, comparison, folder.path, templates=templates)
    return Outcome(finished, comparison, folder.path)


def doctor() -> Machine:
    """Look at what this machine can do, and whether it has what the bundled cases need."""
    from repro.machine import examine

    return examine([load_case(name) for name in bundled()])


def schemas() -> dict[str, Any]:
    """Return the records whose JSON Schema `repro schema` prints, by name."""
    from repro.records.case import Case

    return {
        "audit": Audit,
        "case": Case,
        "comparison": Comparison,
        "doctor": Machine,
        "environment": Environment,
        "event": AnyEvent,
        "kit": Kit,
        "matrix": Matrix,
        "peers": Peers,
        "prune": Pruned,
        "reference": Reference,
        "run": Run,
    }

"""The interpreter that a run trains in: the locked software of the day, or the user's own."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repro.cases.loader import LoadedCase, documented_versions
from repro.environments.build import child_environment
from repro.environments.cache import (
    environment_folder,
    held,
    lookup,
)
from repro.environments.substitutes import refuse_substitutes
from repro.environments.torch_choice import (
    TorchChoice,
)
from repro.errors import EnvironmentFailed
from repro.facts.streams import stream
from repro.records.environment import Environment
from repro.records.run import (
    RunEnvironment,
)
from repro.runs import local
from repro.runs.gpus import foreseen_misfit, look_for_gpus, ways_out
from repro.workflows.environments import build_environment, environment_of
from repro.workflows.observing import Observer
from repro.workflows.options import RunOptions

if TYPE_CHECKING:
    from repro.environments.kit import OpenKit

#: What a run in the user's own environment imports.
_NEEDED = ("transformers", "torch", "datasets", "scikit-multilearn")


@dataclass(frozen=True)
class Ready:
    """An interpreter to train in, and what the record says about it."""

    python: Path
    variables: dict[str, str]
    record: RunEnvironment
    lock: str | None
    environment: Environment | None
    seconds: float = 0.0


def locked(
    case: LoadedCase, options: RunOptions, torch: TorchChoice, kit: OpenKit | None, observer: Observer
) -> Ready:
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
    return Ready(Path(), variables, record, lock, environment)


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


def current(case: LoadedCase, *, modern: bool) -> Ready:
    """The user's own environment: the interpreter that runs this program; `modern` can have no other."""
    python = Path(sys.executable)
    variables = dict(os.environ, PYTHONHASHSEED="0")
    with tempfile.TemporaryDirectory() as scratch:
        packages = local.call(python, "describe", Path(scratch), variables)["packages"]
    missing = [name for name in _NEEDED if name not in packages]
    if missing:
        raise EnvironmentFailed(
            f"this environment has no {', '.join(missing)}",
            "pip install 'repro-audit[train]'" + ("" if modern else ", or --env locked"),
        )
    text = "".join(f"{name}=={version}\n" for name, version in packages.items())
    record = RunEnvironment(
        documented=documented_versions(case.card.claims),
        lock_sha256=hashlib.sha256(text.encode()).hexdigest(),
        stream=stream(packages),
    )
    return Ready(python, variables, record, None, None)


def holding(ready: Ready) -> AbstractContextManager[None]:
    """Hold the environment, so that nobody prunes it while it is built and trained in."""
    return nullcontext() if ready.environment is None else held(environment_folder(ready.environment))


def built_for_training(ready: Ready, kit: OpenKit | None, observer: Observer) -> Ready:
    """Build the environment of the day where it is not built yet."""
    if ready.environment is None or ready.lock is None:
        return ready
    built = build_environment(ready.environment, ready.lock, observer, kit=kit)
    seconds = 0.0 if built.from_cache else built.seconds
    return Ready(built.python, ready.variables, ready.record, ready.lock, ready.environment, seconds)

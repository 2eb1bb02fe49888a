"""What a run has that the published one had not, as far as device, settings, arguments and versions go.

Other deviations come from the code that causes them: the environment's lock, the inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from packaging.version import InvalidVersion, Version

from repro.errors import BadInput
from repro.facts.defaults import defaults
from repro.facts.streams import stream
from repro.records.case import Hardware
from repro.records.claims import Claims
from repro.records.environment import Deviation
from repro.records.event import FastPath, Started
from repro.records.run import Settings
from repro.runs.arguments import training_arguments
from repro.runs.micro_batch import DEFAULT_BATCH, deviation, split

_NOT_STATED = "not stated"
# What a batch is multiplied by on one device.
_TOTALS = {"train": "gradient_accumulation_steps", "eval": ""}


def observed_deviations(
    claims: Claims,
    hardware: Hardware | None,
    settings: Settings,
    started: Started,
    *,
    arguments: Mapping[str, Any],
) -> tuple[Deviation, ...]:
    """Return the deviations of seed, arguments, length, determinism, versions and hardware.

    Args:
        claims: What the card states.
        hardware: What the published run ran on, or None where nobody says.
        settings: What was asked for.
        started: What the worker found itself in.
        arguments: The TrainingArguments that were passed.
    """
    documented = {name: claim.text for name, claim in claims.versions.items()}
    installed = {**started.packages, "python": started.python}
    return (
        *_seed(claims, settings),
        *_micro_batch(claims, settings, started),
        *_arguments(claims, settings, arguments),
        *_length(settings),
        *_determinism(settings, started),
        *_versions(documented, installed),
        *_build(documented, installed, settings),
        *_what_versions_bring(documented, installed, arguments),
        *_hardware(hardware, started),
    )


def fast_deviation(fast: FastPath) -> Deviation:
    """Return the deviation that `--fast` is: each of its means, and what it does without."""
    without = "".join(f"; without {what}: {why}" for what, why in fast.left_out.items())
    return Deviation(
        what=f"fast {fast.mode}",
        published="the Trainer of the environment as it is",
        actual="; ".join(f"{what}: {how}" for what, how in fast.means.items()) or "nothing",
        reason=f"asked for with --fast {fast.mode}{without}",
    )


def _seed(claims: Claims, settings: Settings) -> Iterator[Deviation]:
    documented = claims.hyperparameters.get("seed")
    if documented is None or documented.value != settings.seed:
        yield Deviation(
            what="seed",
            published=_NOT_STATED if documented is None else documented.text,
            actual=str(settings.seed),
            reason="asked for with --seed, or by the case's arguments",
        )


def _arguments(claims: Claims, settings: Settings, arguments: Mapping[str, Any]) -> Iterator[Deviation]:
    """What the case's own arguments replaced, and a batch that took more devices than one."""
    stated = claims.hyperparameters
    try:
        printed = training_arguments(stated, where="")
        if settings.micro_batch is not None:  # a deviation of its own
            printed = split(printed, settings.micro_batch)
    except BadInput:  # refused before anything was trained
        return
    for name, value in printed.items():
        if name != "seed" and arguments.get(name) != value:
            yield Deviation(
                what=name,
                published=str(value),
                actual=str(arguments.get(name)),
                reason="the case's arguments say so",
            )
    for part, a_step in _TOTALS.items():
        total, batch = (
            stated.get(f"total_{part}_batch_size"),
            arguments.get(f"per_device_{part}_batch_size"),
        )
        actual = None if batch is None else batch * (arguments.get(a_step, 1) if a_step else 1)
        if total is not None and actual is not None and total.value != actual:
            yield Deviation(
                what=f"total {part} batch size",
                published=total.text,
                actual=str(actual),
                reason="one device: the other factors that the card prints make no more",
            )


def _length(settings: Settings) -> Iterator[Deviation]:
    if settings.rehearse is not None:
        yield Deviation(
            what="length",
            published="the whole training",
            actual=f"at most {settings.rehearse} steps",
            reason="a rehearsal",
        )


def _determinism(settings: Settings, started: Started) -> Iterator[Deviation]:
    if settings.determinism != "published":
        meant = "deterministic algorithms"
        if settings.determinism == "off":
            choice = "none on a CPU" if started.device.kind == "cpu" else "cuDNN's own choice"
            meant = f"the fastest algorithms: {choice}"
        yield Deviation(
            what="determinism",
            published="as the release's defaults are",
            actual=f"{settings.determinism}: {meant}",
            reason=f"asked for with --determinism {settings.determinism}",
        )


def _micro_batch(claims: Claims, settings: Settings, started: Started) -> Iterator[Deviation]:
    if settings.micro_batch is None:
        return
    stated = claims.hyperparameters.get("train_batch_size")
    batch = (
        int(stated.value) if stated is not None and isinstance(stated.value, int | float) else DEFAULT_BATCH
    )
    yield deviation(batch, settings.micro_batch, started.packages.get("transformers", ""))


def _versions(documented: Mapping[str, str], installed: Mapping[str, str]) -> Iterator[Deviation]:
    for name, text in documented.items():
        actual = installed.get(name)
        if actual is not None and not _same(name, text, actual):
            yield Deviation(
                what=name, published=text, actual=actual, reason="the environment has another version"
            )


def _same(name: str, printed: str, actual: str) -> bool:
    """Tell whether a version is the printed one; of Python a card may print no more than the minor."""
    if name == "python" and printed.count(".") < 2:
        return actual.startswith(f"{printed}.")
    return _public(actual) == _public(printed)


def _build(
    documented: Mapping[str, str], installed: Mapping[str, str], settings: Settings
) -> Iterator[Deviation]:
    """Another build of the documented torch in the user's own environment; elsewhere the lock tells it."""
    printed, actual = documented.get("torch", ""), installed.get("torch", "")
    if settings.environment == "current" and _public(printed) == _public(actual) and printed != actual:
        yield Deviation(
            what="torch build", published=printed, actual=actual, reason="the environment has another build"
        )


def _what_versions_bring(
    documented: Mapping[str, str], installed: Mapping[str, str], arguments: Mapping[str, Any]
) -> Iterator[Deviation]:
    """Another random stream and another default optimizer, where both versions tell theirs."""
    pairs = {"random stream": (stream(documented), stream(installed))}
    if "optim" not in arguments:
        pairs["optimizer"] = (_optimizer(documented), _optimizer(installed))
    for what, (published, actual) in pairs.items():
        if published is not None and actual is not None and published != actual:
            yield Deviation(
                what=what, published=published, actual=actual, reason="it follows from the versions"
            )


def _optimizer(packages: Mapping[str, str]) -> str | None:
    found = defaults(packages.get("transformers", ""), packages.get("torch"))
    return found.optimizer if found is not None else None


def _public(version: str) -> str:
    """Without the local tag, which names a build and is judged where the environment is locked."""
    try:
        return Version(version).public
    except InvalidVersion:
        return version


def _hardware(hardware: Hardware | None, started: Started) -> Iterator[Deviation]:
    device = started.device
    actual = f"{device.kind} ({device.name})"
    if hardware is None:
        reason = started.device_reason or "the card does not say what it was trained on"
        yield Deviation(what="device", published="not stated", actual=actual, reason=reason)
        return
    if hardware.kind != device.kind:
        reason = started.device_reason or "asked for, or all that this machine has"
        yield Deviation(what="device", published=hardware.kind, actual=actual, reason=reason)
        return
    if hardware.threads not in (None, device.threads):
        yield Deviation(
            what="threads",
            published=str(hardware.threads),
            actual=str(device.threads),
            reason="sums are split among the threads, which changes their last digits",
        )
    if hardware.capability not in (None, device.capability):
        yield Deviation(
            what="instruction set",
            published=str(hardware.capability),
            actual=device.capability,
            reason="other kernels round differently in the last digit",
        )

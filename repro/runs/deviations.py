"""What a run has that the published one had not, as far as device, seed and versions go.

Other deviations come from the code that causes them: the environment's lock, the inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from packaging.version import InvalidVersion, Version

from repro.records.case import Hardware
from repro.records.claims import Claims
from repro.records.environment import Deviation
from repro.records.event import Started
from repro.records.run import Settings
from repro.runs.micro_batch import DEFAULT_BATCH, deviation


def observed_deviations(
    claims: Claims, hardware: Hardware | None, settings: Settings, started: Started
) -> tuple[Deviation, ...]:
    """Return the deviations of seed, versions and hardware.

    Args:
        claims: What the card states.
        hardware: What the published run ran on, or None where nobody says.
        settings: What was asked for.
        started: What the worker found itself in.
    """
    documented = {name: claim.text for name, claim in claims.versions.items()}
    return (
        *_seed(claims, settings),
        *_micro_batch(claims, settings, started),
        *_versions(documented, started.packages),
        *_hardware(hardware, started),
    )


def _seed(claims: Claims, settings: Settings) -> Iterator[Deviation]:
    documented = claims.hyperparameters.get("seed")
    if documented is not None and documented.value != settings.seed:
        yield Deviation(
            what="seed", published=documented.text, actual=str(settings.seed), reason="asked for with --seed"
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
        if actual is not None and _public(actual) != _public(text):
            yield Deviation(
                what=name, published=text, actual=actual, reason="the environment has another version"
            )


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

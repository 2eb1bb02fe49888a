"""`--micro-batch N`: the documented batch in smaller pieces, by gradient accumulation, for less memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from packaging.version import InvalidVersion, Version

from repro.errors import BadInput
from repro.records.environment import Deviation

_BATCH = "per_device_train_batch_size"
_ACCUMULATION = "gradient_accumulation_steps"
DEFAULT_BATCH = 8  # the Trainer's own, where a card states none
_DRAWS = "masks and dropout are drawn for each micro batch, so they are others than the published run's"
_BY_ITSELF = "each micro batch's loss is averaged by itself, however few of its tokens are masked"
#: From which release on what is true of gradient accumulation, newest first.
_EFFECTS = (
    ("4.47", "the loss is averaged over all masked tokens of the batch where the model takes their number"),
    ("4.46", f"this release also reports another training loss (it was mended in 4.47); else {_BY_ITSELF}"),
    ("0", f"{_BY_ITSELF}, and a last, incomplete group of micro batches makes no step of its own"),
)


def split(arguments: Mapping[str, Any], micro_batch: int) -> dict[str, Any]:
    """Return the arguments with the documented batch split.

    Args:
        arguments: The documented TrainingArguments.
        micro_batch: Examples that are on the device at once.

    Raises:
        BadInput: The documented batch cannot be split so.
    """
    batch = documented_batch(arguments)
    if batch % micro_batch or micro_batch == batch:
        smaller = [str(size) for size in divisors(batch) if size < batch]
        raise BadInput(
            f"--micro-batch {micro_batch}: the documented batch of {batch} cannot be split into such",
            f"one of {', '.join(smaller)}" if smaller else "it has one example already",
        )
    accumulated = int(arguments.get(_ACCUMULATION, 1)) * (batch // micro_batch)
    return {**arguments, _BATCH: micro_batch, _ACCUMULATION: accumulated}


def deviation(batch: int, micro_batch: int, release: str) -> Deviation:
    """Return the deviation that splitting is.

    Args:
        batch: The documented batch.
        micro_batch: As in `split`.
        release: The release of transformers that trains.
    """
    return Deviation(
        what="micro batch",
        published=str(batch),
        actual=f"{batch // micro_batch} × {micro_batch} by gradient accumulation",
        reason=f"asked for with --micro-batch; {_DRAWS}; {_effect(release)}",
    )


def documented_batch(arguments: Mapping[str, Any]) -> int:
    """Return how many examples are on the device at once in the published training."""
    return int(arguments.get(_BATCH, DEFAULT_BATCH))


def divisors(batch: int) -> list[int]:
    """Return the sizes that a batch can be split into, itself included, smallest first.

    >>> divisors(12)
    [1, 2, 3, 4, 6, 12]
    """
    return [size for size in range(1, batch + 1) if batch % size == 0]


def _effect(release: str) -> str:
    try:
        version = Version(release)
    except InvalidVersion:
        version = Version("0")
    return next(effect for since, effect in _EFFECTS if version >= Version(since))

"""Steps, epochs and batches: what a card's hyperparameters state, and what its table implies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repro.cards.values import snake
from repro.records.claims import Claim

# An epoch is printed with two decimals up to transformers 4.39, with four from 4.40 on.
_HALF_A_CENT = 0.005
_SLACK = 1e-6
# sentence-transformers prints a hundred names, all of them plain.
_FEW = 30


@dataclass(frozen=True)
class Schedule:
    """What the hyperparameters state about the course of a training; None for what they do not.

    Attributes:
        batch: Examples for each optimizer step, over all devices and accumulated batches.
        accumulation: Batches for each optimizer step; 1 where a Trainer's list states none, because it prints
            every other number; None where it cannot be told.
        epochs, steps: Where the training was to end.
        rate: The learning rate.
    """

    batch: float | None = None
    accumulation: float | None = None
    epochs: float | None = None
    steps: float | None = None
    rate: float | None = None

    @property
    def streams(self) -> bool:
        """Whether the data may have been streamed: epochs are then counted by the steps stated."""
        return self.steps is not None and self.epochs is None


@dataclass(frozen=True)
class Pace:
    """How many optimizer steps an epoch has, as the rows of a table imply it.

    Attributes:
        low, high: The smallest and largest number that fits the most rows.
        outside: Indices of the rows that it does not fit.
        whole: The same for every row as printed, and a whole number; else None.
    """

    low: float
    high: float
    outside: tuple[int, ...] = ()
    whole: int | None = None

    def examples(self, batch: float, accumulation: float) -> tuple[int, int] | None:
        """Return the smallest and largest training set that has this pace, the last batch kept.

        With accumulation, releases of transformers round an epoch's steps down or up; both are allowed
        for.

        Args:
            batch: Examples for each optimizer step.
            accumulation: Batches for each optimizer step.
        """
        one = batch / accumulation
        if self.whole is not None:
            first = (self.whole - 1) * accumulation + 1
            last = (self.whole + 1) * accumulation - 1
        else:
            first = math.ceil(self.low * accumulation - _SLACK)
            last = math.floor(self.high * accumulation + _SLACK)
        if last < max(first, 1):
            return None
        return math.floor((max(first, 1) - 1) * one) + 1, math.floor(last * one)


def schedule(hyperparameters: Mapping[str, Claim]) -> Schedule:
    """Read the schedule off the hyperparameters, as the Trainer or sentence-transformers print them."""
    if "train_batch_size" not in hyperparameters and len(hyperparameters) <= _FEW:
        # Articles print names in words: `Train Batch Size`.
        hyperparameters = {snake(name): claim for name, claim in hyperparameters.items()}

    def positive(*names: str) -> float | None:
        for name in names:
            claim = hyperparameters.get(name)
            if claim is not None:
                value = claim.value
                usable = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
                return float(value) if usable and value < 1e15 else None  # type: ignore[arg-type, operator]
        return None

    accumulation: float | None = 1.0
    if "gradient_accumulation_steps" in hyperparameters:
        accumulation = positive("gradient_accumulation_steps")
    elif "train_batch_size" not in hyperparameters:
        accumulation = None
    batch = positive("total_train_batch_size")
    if batch is None and "total_train_batch_size" not in hyperparameters and accumulation is not None:
        each = positive("train_batch_size", "per_device_train_batch_size")
        if "distributed_type" in hyperparameters and "num_devices" not in hyperparameters:
            each = None  # on how many devices, nobody knows
        devices = positive("num_devices") if "num_devices" in hyperparameters else 1.0
        batch = each * devices * accumulation if each and devices else None
    return Schedule(
        batch=batch,
        accumulation=accumulation,
        epochs=positive("num_epochs", "num_train_epochs"),
        steps=positive("training_steps", "max_steps"),
        rate=positive("learning_rate"),
    )


def pace(
    points: Sequence[tuple[int, float, float]], decimals: int, accumulation: float | None
) -> Pace | None:
    """Return the steps an epoch that the rows imply, with the rounding of the epochs in the arithmetic.

    Args:
        points: (row index, step, epoch), epochs positive.
        decimals: The most decimals with which an epoch is printed; 0 where they are whole numbers.
        accumulation: Batches for each step, None where that is not known.

    Returns:
        None where there is nothing to say: no rows, or epochs that may have been cut to whole numbers.
    """
    points = [point for point in points if point[1] > 0]
    if not points:
        return None
    _, step, epoch = points[0]
    if len(points) > 1 and all(s * epoch == step * e and e % 1 == 0 for _, s, e in points):
        exact = step / epoch
        if exact % 1 == 0:
            return Pace(exact, exact, whole=int(exact))
    half = _HALF_A_CENT if decimals <= 2 else 0.5 * 10.0 ** -min(decimals, 9)
    exactly = accumulation == 1
    fits: list[tuple[float, float, int]] = []
    for row, s, e in points:
        # Each epoch's steps are rounded down or up by less than one where batches are accumulated.
        slack = 0.0 if exactly else (e + half) // 1 / e
        fits.append((s / (e + half) - slack, s / (e - half) + slack if e > half else math.inf, row))
    low, high = max(fits)[0], min(high for _, high, _ in fits)
    if low <= high + _SLACK:
        return Pace(low, max(low, high))
    return None if decimals == 0 else _most(fits)


def _most(fits: Sequence[tuple[float, float, int]]) -> Pace:
    """Return the pace that fits the most rows: the deepest overlap of their intervals."""
    edges = sorted([(low, 0, high) for low, high, _ in fits] + [(high, 1, high) for _, high, _ in fits])
    depth = best = 0
    at = 0.0
    for edge, closes, _ in edges:
        depth += -1 if closes else 1
        if depth > best:
            best, at = depth, edge
    inside = [(low, high) for low, high, _ in fits if low <= at <= high]
    outside = tuple(row for low, high, row in fits if not low <= at <= high)
    return Pace(max(low for low, _ in inside), min(high for _, high in inside), outside)

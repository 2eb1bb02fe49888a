"""Steps, epochs and batches: what a card's hyperparameters state, and what its table implies."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from operator import add, itemgetter, sub, truediv
from typing import NamedTuple, Protocol

from repro.cards.values import snake
from repro.records.claims import Claim

# An epoch is printed with two decimals up to transformers 4.39, with four from 4.40 on.
_HALF_A_CENT = 0.005
_SLACK = 1e-6
_NUMBERS = frozenset((float, int))
_STEP = itemgetter(1)  # of a point
# sentence-transformers prints a hundred names, all of them plain.
_FEW = 30


class Printed(Protocol):
    """A column as printed."""

    @property
    def decimals(self) -> int:
        """The most decimals with which a number is printed; 0 where all are whole numbers."""


class Schedule(NamedTuple):
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


class Pace(NamedTuple):
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
        elif not math.isfinite(self.high):
            return None
        else:
            first = math.ceil(self.low * accumulation - _SLACK)
            last = math.floor(self.high * accumulation + _SLACK)
        if last < max(first, 1):
            return None
        return math.floor((max(first, 1) - 1) * one) + 1, math.floor(last * one)


def schedule(hyperparameters: Mapping[str, Claim]) -> Schedule:
    """Read the schedule off the hyperparameters, as the Trainer or sentence-transformers print them."""
    if not hyperparameters:
        return Schedule()
    if "train_batch_size" not in hyperparameters and len(hyperparameters) <= _FEW:
        # Articles print names in words: `Train Batch Size`.
        hyperparameters = {snake(name): claim for name, claim in hyperparameters.items()}

    get = hyperparameters.get
    accumulation: float | None = 1.0
    if "gradient_accumulation_steps" in hyperparameters:
        accumulation = _positive(get("gradient_accumulation_steps"))
    elif "train_batch_size" not in hyperparameters:
        accumulation = None
    batch = None
    if "total_train_batch_size" in hyperparameters:
        batch = _positive(get("total_train_batch_size"))
    elif accumulation is not None:
        each = _positive(get("train_batch_size") or get("per_device_train_batch_size"))
        if "distributed_type" in hyperparameters and "num_devices" not in hyperparameters:
            each = None  # on how many devices, nobody knows
        devices = _positive(get("num_devices")) if "num_devices" in hyperparameters else 1.0
        batch = each * devices * accumulation if each and devices else None
    return Schedule(
        batch,
        accumulation,
        epochs=_positive(get("num_epochs") or get("num_train_epochs")),
        steps=_positive(get("training_steps") or get("max_steps")),
        rate=_positive(get("learning_rate")),
    )


def _positive(claim: Claim | None) -> float | None:
    value = claim.value if claim is not None else None
    if value.__class__ in _NUMBERS and 0 < value < 1e15:  # type: ignore[operator]
        return float(value)  # type: ignore[arg-type]
    return None


def pace(
    points: Sequence[tuple[int, float, float]], printed: Printed, accumulation: float | None
) -> Pace | None:
    """Return the steps an epoch that the rows imply, with the rounding of the epochs in the arithmetic.

    Args:
        points: (row index, step, epoch), epochs positive.
        printed: The column of epochs, which is asked for its decimals where these count.
        accumulation: Batches for each step, None where that is not known.

    Returns:
        None where there is nothing to say: no rows, or epochs that may have been cut to whole numbers.
    """
    if points and min(points, key=_STEP)[1] <= 0:
        points = [point for point in points if point[1] > 0]
    if not points:
        return None
    _, step, epoch = points[0]
    exact = step / epoch
    if len(points) > 1 and exact % 1 == 0 and epoch % 1 == 0 and _repeats(points, step, epoch):
        return Pace(exact, exact, whole=int(exact))
    decimals = printed.decimals
    half = _HALF_A_CENT if decimals <= 2 else 0.5 * 10.0 ** -min(decimals, 9)
    rows, steps, epochs = zip(*points, strict=True)
    lows = [*map(truediv, steps, map(half.__add__, epochs))]
    if min(epochs) > half:
        highs = [*map(truediv, steps, map((-half).__add__, epochs))]
    else:
        highs = [s / (e - half) if e > half else math.inf for s, e in zip(steps, epochs, strict=True)]
    if accumulation != 1:
        # Each epoch's steps are rounded down or up by less than one where batches are accumulated.
        slacks = [(e + half) // 1 / e for e in epochs]
        lows = [*map(sub, lows, slacks)]
        highs = [*map(add, highs, slacks)]
    low, high = max(lows), min(highs)
    if low <= high + _SLACK:
        return Pace(low, max(low, high))
    return None if decimals == 0 else _most(lows, highs, rows)


def streamed(
    points: Sequence[tuple[int, float, float]], printed: Printed, steps: float, accumulation: float | None
) -> Pace | None:
    """Return the steps an epoch as the Trainer counts streamed data, None where they do not fit all rows.

    Of data without a length it knows no steps an epoch, so that an epoch is the number of whole passes, and
    for the pass begun its steps as a fraction of the whole training's.

    Args:
        points: (row index, step, epoch), epochs positive.
        printed: The column of epochs.
        steps: The steps of the whole training.
        accumulation: Batches for each step, None where that is not known.
    """
    decimals = printed.decimals
    half = _HALF_A_CENT if decimals <= 2 else 0.5 * 10.0 ** -min(decimals, 9)
    slack = 0 if accumulation == 1 else 1  # each pass's steps are rounded where batches are accumulated
    low, high = 0.0, math.inf
    for _, step, epoch in points:
        passes = math.floor(epoch + _SLACK)
        least, most = max(0.0, (epoch - passes - half) * steps), (epoch - passes + half) * steps
        low = max(low, least - slack)  # no pass goes on beyond its end
        if passes:
            low = max(low, (step - most) / passes - slack)
            high = min(high, (step - least) / passes + slack)
        elif not least - slack <= step <= most + slack:
            return None
    return Pace(low, high) if low <= high < math.inf and high >= 1 else None


def _repeats(points: Sequence[tuple[int, float, float]], step: float, epoch: float) -> bool:
    for _, s, e in points:  # noqa: SIM110 - a generator takes twice as long
        if s * epoch != step * e or e % 1:
            return False
    return True


def _most(lows: Sequence[float], highs: Sequence[float], rows: Sequence[int]) -> Pace:
    """Return the pace that fits the most rows: the deepest overlap of their intervals."""
    begins, ends = sorted(lows), sorted(highs)
    # Where an interval begins, as many are open as have begun, without those that have ended.
    depths = [i - bisect_left(ends, low) for i, low in enumerate(begins)]
    at = begins[depths.index(max(depths))]
    fits = [*zip(lows, highs, rows, strict=True)]
    outside = tuple([row for low, high, row in fits if not low <= at <= high])
    # All begin at or before that place, and the last one of those that go on there begins at it.
    return Pace(at, min([high for low, high, _ in fits if low <= at <= high]), outside)

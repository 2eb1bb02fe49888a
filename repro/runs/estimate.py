"""From a few measured steps to what a whole run takes: pure functions.

Operations are counted after Kaplan et al. 2020 (arXiv 2001.08361, section 2.1) and Chowdhery et al. 2022
(PaLM, arXiv 2204.02311, appendix B); `docs/runs.md` has the formula and what it leaves out.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence

from msgspec.structs import replace

from repro.records.plan import (
    Compute,
    Lengths,
    MeasuredSteps,
    Measurement,
    Memory,
    ModelShape,
    PlannedSteps,
)
from repro.records.span import Span

#: However alike the measured steps are, the machine is not the same all day: benchmarks/plan_accuracy.py.
LEAST_SPREAD = 0.10
#: What was measured once may be this far off.
_SINGLE_SPREAD = 0.35
_CONFIDENCE = 0.95
#: Batches whose work differs by less say nothing about how time grows with work.
_SAME_WORK = 1.1
#: An epoch of more examples is planned from a sample of its batches.
_MOST_BATCHES = 20_000

#: Rows, and tokens a row with padding.
Shape = tuple[int, int]


def planned_steps(steps: MeasuredSteps, rehearse: int | None) -> PlannedSteps:
    """Return what a run will do: the whole training, or `rehearse` steps of it.

    A rehearsal keeps no checkpoint; a run keeps one at the end of each epoch. The end of the training counts
    as the end of an epoch, as the Trainer has it.
    """
    planned = steps.max_steps if rehearse is None else min(rehearse, steps.max_steps)
    an_epoch = max(1, round(steps.max_steps / steps.epochs))
    ends = math.ceil(planned / an_epoch)
    evaluations = 0
    if steps.evaluation == "epoch":
        evaluations = ends
    elif steps.evaluation == "steps" and steps.evaluation_every:
        every = steps.evaluation_every  # below 1 it is a share of the whole
        evaluations = int(planned // (every if every >= 1 else math.ceil(steps.max_steps * every)))
    return PlannedSteps(
        epochs=steps.epochs,
        an_epoch=an_epoch,
        whole=steps.max_steps,
        planned=planned,
        evaluations=evaluations,
        checkpoints=ends if rehearse is None else 0,
    )


def with_timed_checkpoints(steps: PlannedSteps, seconds: float, minutes: float) -> PlannedSteps:
    """Return the steps with the checkpoints inside epochs, which a run writes every so many minutes.

    Args:
        steps: With those at the ends of epochs.
        seconds: What all steps take.
        minutes: Minutes between two checkpoints; 0 for none inside an epoch.
    """
    if not steps.checkpoints or not minutes:
        return steps
    an_epoch = seconds / steps.planned * steps.an_epoch
    inside = int(an_epoch // (60 * minutes))
    return replace(steps, checkpoints=steps.checkpoints * (1 + inside))


def work(model: ModelShape, shape: Shape) -> float:
    """Return the operations of a forward pass over one batch: 2 N + 4 L d t for each of its tokens."""
    rows, tokens = shape
    return rows * tokens * (2.0 * model.multiplied + 4.0 * model.layers * model.hidden_size * tokens)


def epoch_batches(lengths: Sequence[int], batch: int, *, shuffled: bool, drop_last: bool) -> list[Shape]:
    """Return the shapes of an epoch's batches, each padded to its longest example.

    Args:
        lengths: Tokens of each example.
        batch: Examples a batch.
        shuffled: Whether the order is random; then this is *an* epoch, not the one that will be seen.
        drop_last: Whether an incomplete batch at the end is left out.
    """
    order = list(lengths)
    if shuffled:
        random.Random(0).shuffle(order)  # noqa: S311 - no secret
    order = order[: batch * _MOST_BATCHES] if shuffled else order
    batches = [order[at : at + batch] for at in range(0, len(order), batch)]
    if drop_last and batches and len(batches[-1]) < batch:
        batches.pop()
    return [(len(each), max(each)) for each in batches]


def lengths_of(lengths: Sequence[int], shapes: Sequence[Shape], sequence_length: int) -> Lengths:
    """Put the lengths of a data set and the padding of its batches into a few numbers."""
    ordered = sorted(lengths)
    if not ordered:
        return Lengths(
            examples=0, minimum=0, median=0, mean=0, p95=0, maximum=0, padding=0, padding_if_fixed=0
        )
    mean = statistics.fmean(ordered)
    computed = sum(rows * tokens for rows, tokens in shapes) / max(1, sum(rows for rows, _ in shapes))
    return Lengths(
        examples=len(ordered),
        minimum=ordered[0],
        median=statistics.median(ordered),
        mean=round(mean, 2),
        p95=ordered[math.ceil(0.95 * len(ordered)) - 1],
        maximum=ordered[-1],
        padding=round(max(0.0, 1 - mean / max(1.0, computed)), 4),
        padding_if_fixed=round(max(0.0, 1 - mean / max(1, sequence_length)), 4),
    )


def step_works(measurement: Measurement, steps: PlannedSteps, shapes: Sequence[Shape]) -> list[float]:
    """Return the operations of each step's forward passes, over as many steps as an epoch or the run has."""
    accumulation = measurement.steps.accumulation
    works = [work(measurement.model, each) for each in shapes]
    grouped = [sum(works[at : at + accumulation]) for at in range(0, len(works), accumulation)]
    return grouped[: max(1, min(steps.an_epoch, steps.planned))]


def steps_span(measurement: Measurement, steps: PlannedSteps, works: Sequence[float]) -> Span:
    """Return what all steps take: the measured ones, with the time that follows from other steps' work."""
    seconds = measurement.measured.steps
    measured = _measured_works(measurement)
    first, rest = seconds[0], seconds[1:] or seconds
    constant, slope = _line(measured[-len(rest) :], rest)
    a_step = constant + slope * statistics.fmean(works)
    left = [
        second - constant - slope * each for second, each in zip(rest, measured[-len(rest) :], strict=True)
    ]
    # What the first step takes more than another of its size comes once.
    warm_up = max(0.0, first - constant - slope * measured[0])
    return _span(warm_up + a_step * steps.planned, _share(left, a_step))


def series(seconds: Sequence[float], count: int, scale: float = 1.0) -> Span:
    """Return what `count` repetitions take, of which a few were measured; the first one may be slower.

    Args:
        seconds: What was measured.
        count: How many there will be.
        scale: How much more work each will have than the measured ones.
    """
    if not seconds or not count:
        return Span(estimate=0.0, low=0.0, high=0.0)
    rest = seconds[1:] or seconds
    mean = statistics.fmean(rest)
    estimate = (seconds[0] + mean * (count - 1)) * scale
    return _span(estimate, _share([each - mean for each in rest], mean))


def evaluation_scale(measurement: Measurement, whole: Sequence[Shape]) -> float:
    """Return how much more work an evaluation is than the part of it that was measured."""
    lengths = [measurement.lengths.evaluation[at] for at in measurement.measured.evaluated]
    batch = measurement.steps.evaluation_batch
    part = epoch_batches(lengths, batch, shuffled=False, drop_last=False)
    done = sum(work(measurement.model, each) for each in part)
    return sum(work(measurement.model, each) for each in whole) / done if done else 1.0


def together(*spans: Span) -> Span:
    """Return the sum; the ends are added, too, since a slow machine is slow at everything."""
    return Span(
        estimate=round(sum(each.estimate for each in spans), 3),
        low=round(sum(each.low for each in spans), 3),
        high=round(sum(each.high for each in spans), 3),
    )


def compute(
    measurement: Measurement,
    steps: PlannedSteps,
    works: Sequence[float],
    evaluated: Sequence[Shape],
    steps_seconds: float,
) -> Compute:
    """Return the operations: a backward pass has twice those of the forward pass."""
    model = measurement.model
    step = 3 * statistics.fmean(works)
    training = step * steps.planned
    return Compute(
        parameters=model.parameters,
        multiplied=model.multiplied,
        layers=model.layers,
        hidden_size=model.hidden_size,
        step=step,
        training=training,
        evaluation=steps.evaluations * sum(work(model, each) for each in evaluated),
        per_second=training / steps_seconds if steps_seconds else 0.0,
    )


def memory(measurement: Measurement, available: int | None) -> Memory:
    """Split the measured peak into what is known by size, and what is left."""
    seen = measurement.memory
    program = None if seen.before is None else max(0, seen.before - seen.weights)
    if seen.before == 0:  # on a GPU, whose allocator counts tensors alone
        program = 0
    known = None if program is None else program + seen.weights + seen.gradients + seen.optimizer
    left = None if seen.peak is None or known is None else max(0, seen.peak - known)
    return Memory(
        peak=seen.peak,
        program=program,
        weights=seen.weights,
        gradients=seen.gradients,
        optimizer=seen.optimizer,
        activations=left,
        available=available,
    )


def _measured_works(measurement: Measurement) -> list[float]:
    """Return the operations of each measured step."""
    accumulation = measurement.steps.accumulation
    works = [work(measurement.model, each) for each in measurement.measured.shapes]
    grouped = [sum(works[at : at + accumulation]) for at in range(0, len(works), accumulation)]
    return grouped[: len(measurement.measured.steps)]


def _line(works: Sequence[float], seconds: Sequence[float]) -> tuple[float, float]:
    """Return a constant and a slope: time grows with work, as far as the measured steps can tell it."""
    mean_work, mean = statistics.fmean(works), statistics.fmean(seconds)
    if len(works) > 2 and max(works) > _SAME_WORK * min(works):
        slope, constant = statistics.linear_regression(works, seconds)
        if slope > 0 and constant >= 0:
            return constant, slope
    return 0.0, mean / mean_work


def _share(deviations: Sequence[float], mean: float) -> float:
    """Return half the width of the range, as a share of the mean: Student's t, but no less than drift."""
    if len(deviations) < 2 or mean <= 0:
        return _SINGLE_SPREAD
    from scipy.special import stdtrit  # not where nothing is planned

    count = len(deviations)
    spread = math.sqrt(sum(each * each for each in deviations) / (count - 1))
    quantile = float(stdtrit(count - 1, (1 + _CONFIDENCE) / 2))
    return max(LEAST_SPREAD, quantile * spread / math.sqrt(count) / mean)


def _span(estimate: float, share: float) -> Span:
    return Span(
        estimate=round(estimate, 3),
        low=round(estimate * max(0.0, 1 - share), 3),
        high=round(estimate * (1 + share), 3),
    )

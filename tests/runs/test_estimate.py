"""From measured steps to a whole run."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from repro.records.plan import (
    MeasuredLengths,
    MeasuredMemory,
    MeasuredSteps,
    MeasuredTimes,
    Measurement,
    ModelShape,
)
from repro.runs import estimate

COUNTS = MeasuredSteps(
    max_steps=464, epochs=16, batch=32, accumulation=1, evaluation="epoch", evaluation_batch=8
)
MODEL = ModelShape(parameters=1_000, multiplied=500, layers=2, hidden_size=10)


def measured(seconds: tuple[float, ...], shapes: tuple[tuple[int, int], ...]) -> Measurement:
    """A measurement of these steps."""
    return Measurement(
        began=0.0,
        steps=COUNTS,
        lengths=MeasuredLengths(train=(10,) * 900, evaluation=(10,) * 60),
        measured=MeasuredTimes(
            steps=seconds,
            shapes=shapes,
            evaluations=(2.0,),
            evaluated=tuple(range(60)),
            digests=(0.1,),
            checkpoints=(0.2,),
            checkpoint_bytes=7,
        ),
        model=MODEL,
        memory=MeasuredMemory(before=100, peak=200, weights=40, gradients=30, optimizer=20),
    )


def test_steps_of_a_whole_run_and_of_a_rehearsal() -> None:
    """A run evaluates and keeps a checkpoint each epoch; a rehearsal evaluates at its end and keeps none."""
    whole = estimate.planned_steps(COUNTS, None)
    assert (whole.an_epoch, whole.planned, whole.evaluations, whole.checkpoints) == (29, 464, 16, 16)
    short = estimate.planned_steps(COUNTS, 20)
    assert (short.planned, short.evaluations, short.checkpoints) == (20, 1, 0)
    assert estimate.planned_steps(COUNTS, 30).evaluations == 2
    assert estimate.planned_steps(COUNTS, 9_999).planned == 464


def test_long_epochs_have_checkpoints_inside() -> None:
    """Every so many minutes a run keeps a checkpoint inside an epoch; a rehearsal never does."""
    steps = estimate.planned_steps(COUNTS, None)
    hours = 16 * 3600.0
    assert estimate.with_timed_checkpoints(steps, hours, 25).checkpoints == 16 * 3
    assert estimate.with_timed_checkpoints(steps, hours, 0).checkpoints == 16
    short = estimate.planned_steps(COUNTS, 20)
    assert estimate.with_timed_checkpoints(short, hours, 25).checkpoints == 0


@pytest.mark.parametrize(
    ("strategy", "every", "evaluations"), [("steps", 100, 4), ("steps", 0.25, 4), ("no", None, 0)]
)
def test_other_evaluation_strategies(strategy: str, every: float | None, evaluations: int) -> None:
    """Evaluations every so many steps, every such share of all, or never are counted as such."""
    counts = replace(COUNTS, evaluation=strategy, evaluation_every=every)
    assert estimate.planned_steps(counts, None).evaluations == evaluations


def test_operations_of_a_forward_pass() -> None:
    """A token costs two operations a multiplied weight, and four a layer, width and attended token."""
    assert estimate.work(MODEL, (32, 10)) == 320 * (2 * 500 + 4 * 2 * 10 * 10)


def test_dynamic_padding_is_less_than_fixed() -> None:
    """A batch is as long as its longest example, which wastes less than one length for all."""
    lengths = [10] * 6 + [20] * 2
    shapes = estimate.epoch_batches(lengths, 4, shuffled=False, drop_last=False)
    assert shapes == [(4, 10), (4, 20)]
    seen = estimate.lengths_of(lengths, shapes, 40)
    assert (seen.minimum, seen.median, seen.p95, seen.maximum) == (10, 10, 20, 20)
    assert seen.padding == pytest.approx(1 - 100 / 120, abs=1e-4)
    assert seen.padding_if_fixed == pytest.approx(1 - 100 / 320, abs=1e-4)


def test_an_incomplete_batch_can_be_left_out() -> None:
    """The Trainer's `dataloader_drop_last` leaves the incomplete batch at the end out."""
    assert len(estimate.epoch_batches([5] * 9, 4, shuffled=True, drop_last=False)) == 3
    assert len(estimate.epoch_batches([5] * 9, 4, shuffled=True, drop_last=True)) == 2


def test_the_first_step_counts_once() -> None:
    """What the first step takes more than the others is not taken for each step."""
    seen = measured((5.0, 1.0, 1.0, 1.0), ((32, 10),) * 4)
    steps = estimate.planned_steps(COUNTS, 100)
    span = estimate.steps_span(seen, steps, [estimate.work(MODEL, (32, 10))])
    assert span.estimate == pytest.approx(104.0)
    assert span.low < span.estimate < span.high


def test_steps_of_other_lengths_take_another_time() -> None:
    """Where the measured steps show how time grows with work, longer steps are planned to take more."""
    shapes = ((32, 10), (32, 10), (32, 20), (32, 30))
    works = [estimate.work(MODEL, each) for each in shapes]
    seconds = tuple(0.5 + each / works[0] for each in works)
    steps = estimate.planned_steps(COUNTS, 100)
    long = estimate.work(MODEL, (32, 40))
    span = estimate.steps_span(measured(seconds, shapes), steps, [long])
    assert span.estimate == pytest.approx(100 * (0.5 + long / works[0]), rel=1e-3)


def test_a_restless_machine_has_a_wider_range() -> None:
    """Steps that differ for no reason of their own make the range wide; equal ones leave drift."""
    steps = estimate.planned_steps(COUNTS, 100)
    works = [estimate.work(MODEL, (32, 10))]
    calm = estimate.steps_span(measured((1.0,) * 6, ((32, 10),) * 6), steps, works)
    wild = estimate.steps_span(measured((1.0, 0.5, 1.5, 0.4, 1.6, 1.0), ((32, 10),) * 6), steps, works)
    assert calm.high == pytest.approx(calm.estimate * (1 + estimate.LEAST_SPREAD))
    assert wild.high - wild.low > 2 * (calm.high - calm.low)


def test_repetitions() -> None:
    """Sixteen evaluations take the first one and fifteen of the others; of nothing there is nothing."""
    assert estimate.series((3.0, 1.0, 1.0), 16).estimate == pytest.approx(18.0)
    assert estimate.series((), 16).estimate == 0.0
    assert estimate.series((3.0,), 0).estimate == 0.0


def test_an_evaluation_of_which_a_part_was_measured() -> None:
    """A part of the evaluation set stands for all of it by its operations."""
    seen = measured((1.0, 1.0), ((32, 10),) * 2)
    half = replace(seen, measured=replace(seen.measured, evaluated=tuple(range(30))))
    whole = estimate.epoch_batches(seen.lengths.evaluation, 8, shuffled=False, drop_last=False)
    assert estimate.evaluation_scale(seen, whole) == pytest.approx(1.0)
    assert estimate.evaluation_scale(half, whole) == pytest.approx(2.0)


def test_what_is_left_of_the_peak_are_activations() -> None:
    """The peak is split into what is known by size; weights that were there before are counted once."""
    seen = estimate.memory(measured((1.0, 1.0), ((32, 10),) * 2), 1_000)
    assert (seen.program, seen.activations, seen.peak) == (60, 50, 200)
    silent = MeasuredMemory(before=None, peak=None, weights=4, gradients=4, optimizer=8)
    unknown = estimate.memory(replace(measured((1.0,), ((32, 10),)), memory=silent), None)
    assert unknown.activations is None

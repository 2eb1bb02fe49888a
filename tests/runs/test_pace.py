"""How fast a training is, and how long it will take."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from repro.records.event import AnyEvent, DataReady, EpochEnded, Step, TrainingBegan
from repro.runs.pace import Pace
from repro.runs.state import RunState

BEGAN = TrainingBegan(sequence=2, time=0.0, max_steps=100, epochs=4, resumed_from=0, samples_per_step=32)
DATA = DataReady(sequence=1, time=0.0, train_examples=800, eval_examples=96)


def told(events: Sequence[AnyEvent]) -> tuple[Pace, RunState]:
    """Pace and state after some events."""
    pace, state = Pace(), RunState()
    for event in [DATA, BEGAN, *events]:
        state = state.after(event)
        pace.take(event)
    return pace, state


def steps(first: int, last: int, begin: float, each: float = 1.0) -> list[AnyEvent]:
    """One event a step."""
    return [
        Step(sequence=9, time=begin + each * at, step=first + at, epoch=0) for at in range(last - first + 1)
    ]


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_nothing_is_said_in_the_first_seconds(count: int) -> None:
    """Before a few steps and seconds are measured, neither pace nor time left is told."""
    pace, state = told(steps(1, count, 20.0) if count else [])
    assert pace.samples_a_second is None
    assert pace.seconds_left(state) is None


def test_time_left_counts_steps_and_evaluations() -> None:
    """A slow first step does not count; an evaluation counts a third until one is measured."""
    pace, state = told(steps(1, 11, 60.0))
    assert pace.samples_a_second == pytest.approx(32)
    assert pace.seconds_left(state) == pytest.approx(89 + 4 * 96 / 32 / 3)


def test_a_measured_evaluation_takes_the_place_of_the_guess() -> None:
    """Between an epoch's last step and the next one's first lie the evaluation and the checkpoint."""
    ended = EpochEnded(sequence=9, time=50.0, epoch=1, step=25)
    pace, state = told([*steps(1, 25, 10.0), ended, *steps(26, 27, 55.0)])
    assert pace.evaluation == pytest.approx(55.0 - 34.0 - 1.0)
    assert pace.samples_a_second == pytest.approx(32)
    assert pace.seconds_left(state) == pytest.approx(73 + 3 * 20.0)


def test_going_on_measures_anew() -> None:
    """After a resume the time in between is no training."""
    again = TrainingBegan(sequence=9, time=9000.0, max_steps=100, epochs=4, resumed_from=25)
    pace, state = told([*steps(1, 25, 10.0), again, *steps(26, 27, 9100.0)])
    assert pace.seconds_left(state) is None

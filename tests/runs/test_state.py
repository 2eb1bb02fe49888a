"""The events of a run, folded: steps, epochs, and seconds without the time between two starts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.records.event import AnyEvent, DataReady, EpochEnded, Finished, Started, Step, TrainingBegan
from repro.records.run import Device
from repro.runs.state import RunState


def events(at: float, steps: int, resumed_from: int = 0, sequence: int = 0) -> list[AnyEvent]:
    """One start at a time: ready after 5 s, then a step a second."""
    device = Device(kind="cpu")
    return [
        Started(sequence=sequence + 1, time=at, python="3.10", packages={}, device=device),
        DataReady(sequence=sequence + 2, time=at + 1, train_examples=9, eval_examples=3),
        TrainingBegan(
            sequence=sequence + 3, time=at + 5, max_steps=100, epochs=2.0, resumed_from=resumed_from
        ),
        *(
            Step(sequence=sequence + 3 + n, time=at + 5 + n, step=resumed_from + n, epoch=0.1)
            for n in range(1, steps + 1)
        ),
    ]


def fold(of: list[AnyEvent]) -> RunState:
    state = RunState()
    for event in of:
        state = state.after(event)
    return state


def test_seconds_count_the_training_alone() -> None:
    """The seconds of a training count from where the Trainer began, not from the start of the worker."""
    state = fold(events(1000.0, 10))
    assert (state.seconds, state.step, state.resumes) == (10.0, 10, ())


@given(pause=st.floats(0, 1e6), first=st.integers(1, 40), second=st.integers(1, 40))
def test_the_time_between_two_starts_does_not_count(pause: float, first: int, second: int) -> None:
    """A run that lay stopped for a night took no longer for it, and remembers where it went on."""
    before = events(0.0, first)
    after = events(5 + first + pause, second, resumed_from=first, sequence=len(before))
    state = fold([*before, *after])
    assert state.seconds == pytest.approx(first + second)
    assert (state.step, state.resumes) == (first + second, (first,))
    assert state.sequence == len(before) + len(after)


def test_epochs_and_the_end() -> None:
    """Epochs stand in their order with what was measured; the end is remembered."""
    start = events(0.0, 1)
    state = fold(
        [
            *start,
            EpochEnded(sequence=5, time=9, epoch=1, step=29, training_loss=2.0, validation_loss="nan"),
            EpochEnded(sequence=6, time=12, epoch=2, step=58, training_loss=1.0, validation_loss=1.5),
            Finished(sequence=7, time=13, step=58, seconds=8.0),
        ]
    )
    assert [(each.epoch, each.validation_loss) for each in state.epochs] == [(1, "nan"), (2, 1.5)]
    assert state.finished is not None
    assert state.seconds == 8.0


@pytest.mark.parametrize(("stop_after", "last"), [(None, 4656), (2, 2), (9999, 4656)])
def test_a_rehearsal_ends_early(stop_after: int | None, last: int) -> None:
    """The last step of a rehearsal is its own, never beyond that of the whole training."""
    began = TrainingBegan(
        sequence=1, time=0, max_steps=4656, epochs=16.0, resumed_from=0, stop_after=stop_after
    )
    assert began.last_step == last

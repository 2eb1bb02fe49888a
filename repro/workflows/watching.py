"""A training as it happens: events folded, each finished epoch compared, and its end where that is wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from repro.comparison import compare
from repro.comparison.decision import decided
from repro.errors import BadInput
from repro.records.comparison import Comparison
from repro.records.event import AnyEvent, CheckpointSaved, EpochEnded
from repro.records.run import Completed, Result, Run, Stopped
from repro.runs.folders import RunFolder, is_finished
from repro.runs.state import RunState
from repro.workflows.observing import Observer
from repro.workflows.options import RunOptions


class Decided(Exception):
    """No later epoch can bring the training back within its bounds; the message says why."""


@dataclass
class Watching:
    """Folds events as they come, compares each finished epoch, and passes both on.

    Args:
        observer: Told everything.
        folder: The run's folder, for the replicates that bound the run's noise.
        compose: Gives the run's record from what the events say and how the run ended.
        stop_when_decided: Whether to raise `Decided`; done when the epoch's checkpoint is written.
    """

    observer: Observer
    folder: RunFolder
    compose: Callable[[RunState, Result | None], Run]
    stop_when_decided: bool = False
    state: RunState = field(default_factory=RunState)
    _reason: str = ""

    def __call__(self, event: AnyEvent) -> None:
        """Take one event.

        Raises:
            Decided: The training is to end here.
        """
        self.state = self.state.after(event)
        self.observer.event(event, self.state)
        if isinstance(event, EpochEnded) and (comparison := self._compared()) is not None:
            self.observer.measured(event, comparison)
            self._reason = decided(comparison) if self.stop_when_decided else ""
        at_end = self.state.training is not None and event_step(event) >= self.state.training.last_step
        if self._reason and isinstance(event, CheckpointSaved) and not at_end:
            raise Decided(self._reason)

    def _compared(self) -> Comparison | None:
        """Compare what there is so far, with the same code as at the end; None for a rehearsal."""
        run = self.compose(self.state, ended_early(self.state, ""))
        if run.settings.rehearse is not None:
            return None
        try:
            return compare(run, self.folder.replicates(), self.folder.other_seeds(replace(run, result=None)))
        except BadInput:  # told at the end; a training does not end for a table of replicates
            return None


def event_step(event: AnyEvent) -> int:
    """Return the step of an event that has one, else 0."""
    return int(getattr(event, "step", 0))


def epochs_of(state: RunState) -> int:
    """Return how many epochs are measured; where gradients accumulate one may seem to end a little early."""
    return round(state.epochs[-1].epoch) if state.epochs else 0


def ended_early(state: RunState, reason: str, *, decided: bool = False) -> Stopped:
    """Return that a training ended after the epochs it has."""
    whole = state.training.epochs if state.training is not None else 0.0
    return Stopped(epochs=epochs_of(state), of=whole, decided=decided, reason=reason)


def ended(state: RunState, until: int | None) -> Completed | Stopped:
    """Return how a training ended that went through as far as it was asked to."""
    if until is None or (state.training is not None and state.step >= state.training.max_steps):
        return Completed()
    return ended_early(state, f"asked for with --until-epoch {until}")


def nothing_to_train(run: Run, options: RunOptions) -> bool:
    """Tell whether a run has all that is asked for: its end, so many epochs, or an early answer."""
    if is_finished(run):
        return True
    if not isinstance(run.result, Stopped):
        return False
    enough = options.until_epoch is not None and run.result.epochs >= options.until_epoch
    return enough or (options.stop_when_decided and run.result.decided)

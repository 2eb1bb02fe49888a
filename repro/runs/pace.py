"""How fast a training is, and how long it will take: from its own steps and evaluations."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from repro.records.event import AnyEvent, EpochEnded, Step, TrainingBegan
from repro.runs.state import RunState

# The first steps are slower than the others, and a guess from a moment is none.
_LEAST_SECONDS = 3.0
_LEAST_STEPS = 3
_SPANS = 120  # about a minute of training: the pace of now, not that of the whole
# An evaluation has the forward pass alone, about a third of a training step.
_FORWARD = 1 / 3


@dataclass
class Pace:
    """Watches events; a span is the time between two of them with nothing but training steps between.

    Attributes:
        evaluation: Seconds of the last evaluation with its checkpoint; None before the first has ended.
    """

    evaluation: float | None = None
    _training: TrainingBegan | None = None
    _last: Step | None = None
    _ended: bool = False
    _spans: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=_SPANS))

    def take(self, event: AnyEvent) -> None:
        """Take the next event."""
        match event:
            case TrainingBegan():
                self._training, self._last, self._ended = event, None, False
                self._spans.clear()
            case EpochEnded():
                self._ended = True
            case Step():
                if self._last is not None and not self._ended:
                    self._spans.append((event.step - self._last.step, event.time - self._last.time))
                elif self._last is not None and (seconds := self.step_seconds) is not None:
                    trained = seconds * (event.step - self._last.step)
                    self.evaluation = max(0.0, event.time - self._last.time - trained)
                self._last, self._ended = event, False

    @property
    def step_seconds(self) -> float | None:
        """Seconds a step; None before it is measured."""
        steps, seconds = sum(each[0] for each in self._spans), sum(each[1] for each in self._spans)
        return seconds / steps if steps >= _LEAST_STEPS and seconds >= _LEAST_SECONDS else None

    @property
    def samples_a_second(self) -> float | None:
        """Training examples a second; None before it is measured."""
        samples = self._training and self._training.samples_per_step
        return samples / self.step_seconds if samples and self.step_seconds else None

    def seconds_left(self, state: RunState) -> float | None:
        """Return the seconds until the training ends; None before they can be told."""
        if self._training is None or self.step_seconds is None:
            return None
        left = max(0, self._training.last_step - state.step)
        evaluation = self.evaluation
        if evaluation is None:
            samples = self._training.samples_per_step or 0
            steps = state.data.eval_examples / samples if state.data is not None and samples else 0.0
            evaluation = steps * self.step_seconds * _FORWARD
        steps_an_epoch = self._training.max_steps / self._training.epochs
        evaluations = round(self._training.last_step / steps_an_epoch) - len(state.epochs)
        return left * self.step_seconds + max(0, evaluations) * evaluation

"""What the worker appends to `events.jsonl`: one JSON object a line, told apart by `event`."""

from __future__ import annotations

from repro.records.codec import Record
from repro.records.run import Device, Epoch, Measured


class Event(Record, frozen=True, kw_only=True, tag_field="event"):
    """An event; `sequence` counts from 1 without gaps, `time` is in seconds since 1970 UTC."""

    sequence: int
    time: float


class Started(Event, frozen=True, kw_only=True, tag="started"):
    """The worker runs, in this environment on this device.

    Attributes:
        device_reason: Why not on another one; empty where the wish was simply met.
        unused_gpu: The architecture of a GPU that is there and that this torch cannot use, e.g. `sm_90`.
        determinism: Settings of determinism that are in force, by the names that torch has for them.
    """

    python: str
    packages: dict[str, str]
    device: Device
    device_reason: str = ""
    unused_gpu: str = ""
    determinism: dict[str, str] = {}


class DataReady(Event, frozen=True, kw_only=True, tag="data"):
    """The data sets are built."""

    train_examples: int
    eval_examples: int


class FastPath(Event, frozen=True, kw_only=True, tag="fast"):
    """What `--fast` came to.

    Attributes:
        mode: `same-stream` or `modern`.
        means: What is done otherwise than in the published training, by its name.
        left_out: What is not, and why.
    """

    mode: str
    means: dict[str, str]
    left_out: dict[str, str] = {}


class TrainingBegan(Event, frozen=True, kw_only=True, tag="training"):
    """The Trainer starts: optimizer steps and epochs of the whole training, and the step gone on from.

    Attributes:
        stop_after: The step after which a rehearsal stops; None for the whole training.
        until_epoch: The epoch after which a prefix stops; None for the whole training.
        samples_per_step: Examples of one optimizer step; None where an earlier version did not say.
    """

    max_steps: int
    epochs: float
    resumed_from: int
    stop_after: int | None = None
    until_epoch: int | None = None
    samples_per_step: int | None = None

    @property
    def last_step(self) -> int:
        """The step after which this training ends."""
        ends = [self.max_steps]
        if self.stop_after is not None:
            ends.append(self.stop_after)
        if self.until_epoch is not None:
            ends.append(round(self.max_steps * self.until_epoch / self.epochs))
        return min(ends)


class Step(Event, frozen=True, kw_only=True, tag="step"):
    """How far the training is; said at most twice a second. `loss` is that of the last batch."""

    step: int
    epoch: float
    loss: Measured | None = None


class EpochEnded(Event, frozen=True, kw_only=True, tag="epoch"):
    """An epoch is trained and evaluated; fields as in `repro.records.run.Epoch`."""

    epoch: float
    step: int
    training_loss: Measured | None = None
    validation_loss: Measured | None = None
    digests: dict[str, str] = {}

    def record(self) -> Epoch:
        """Return the epoch as the run's record keeps it."""
        return Epoch(
            epoch=self.epoch,
            step=self.step,
            training_loss=self.training_loss,
            validation_loss=self.validation_loss,
            digests=self.digests,
        )


class CheckpointSaved(Event, frozen=True, kw_only=True, tag="checkpoint"):
    """A checkpoint is on disk; everything up to this event survives a kill."""

    step: int
    folder: str


class Finished(Event, frozen=True, kw_only=True, tag="finished"):
    """The training phase is over; `seconds` is its wall-clock time since the last (re)start."""

    step: int
    seconds: float


class Evaluating(Event, frozen=True, kw_only=True, tag="evaluation"):
    """So many texts of a pass, or of the file (`of` unknown), are done; `loss` ends a pass."""

    what: str
    done: int
    of: int | None = None
    loss: Measured | None = None


AnyEvent = (
    Started
    | DataReady
    | FastPath
    | TrainingBegan
    | Step
    | EpochEnded
    | CheckpointSaved
    | Finished
    | Evaluating
)

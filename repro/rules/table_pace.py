"""RT202 to RT204: steps, epochs and batches of the results table, and the training set they imply."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from repro.records.card import Card
from repro.rules.interface import Found, Rule, Severity, rule
from repro.rules.schedule import Pace, Schedule, streamed
from repro.rules.subject import Progress

# Nobody evaluates but once, and then at a step that is no multiple of this.
_ROUND = 50
# A range wider than this tells a reader nothing.
_WIDEST = 1.1
# No training set is larger; a table that implies it prints other numbers than steps.
_LARGEST = 10**13


@rule("RT202", "warning")
def steps_fit_epochs(card: Card, progress: Progress, pace: Pace, schedule: Schedule) -> Sequence[Found]:
    """Step and epoch do not belong together.

    Every epoch has the same number of steps, so step divided by epoch is the same in every row, within
    the rounding of the printed epoch and, where batches are accumulated, of each epoch's steps. Where
    most rows agree, the others are named. It is a note where the Trainer is known to count otherwise:
    data that are streamed (training_steps and no epochs are stated), batches that are sampled by another
    library, and accumulation across an interruption. Nothing is said where all rows fit the Trainer's count
    for streamed data: whole passes, and of the pass begun its steps as a fraction of training_steps.

    Why it matters:
        A step or an epoch was mistyped, or the rows come from trainings with other data or batch sizes
        than those that the card states.

    How to mend:
        Compare the row with trainer_state.json; where the training was resumed with other data or
        another batch size, say so.

    Before:
        - train_batch_size: 32
        - num_epochs: 4

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 291  | 1.4000          |
        | 1.2           | 2.0   | 582  | 1.3000          |
        | 1.1           | 3.0   | 837  | 1.2500          |
        | 1.0           | 4.0   | 1164 | 1.2300          |

    After:
        - train_batch_size: 32
        - num_epochs: 4

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 291  | 1.4000          |
        | 1.2           | 2.0   | 582  | 1.3000          |
        | 1.1           | 3.0   | 873  | 1.2500          |
        | 1.0           | 4.0   | 1164 | 1.2300          |
    """
    if not pace.outside or progress.epoch is None:
        return ()
    if not progress.epoch.rises and any(later[2] < row[2] for row, later in pairwise(progress.step_epoch)):
        return ()  # an epoch that goes back is RT206's
    if _streamed(progress, schedule) is not None:
        return ()
    settled = schedule.accumulation == 1 and schedule.epochs is not None and card.kind in ("trainer", "peft")
    severity: Severity | None = None if settled else "note"
    usual = _range(pace, schedule)
    rows, others = len(progress.step_epoch), len(progress.step_epoch) - len(pace.outside)
    if 4 * len(pace.outside) <= rows:
        few = frozenset(pace.outside[:20])
        return [
            Found(
                f"step {step:,.0f} at epoch {epoch:g} means {step / epoch:,.1f} steps an epoch, "
                f"the {others} other rows mean {usual}",
                progress.lines[row],
                {"step": step, "epoch": epoch, "steps_per_epoch": [pace.low, pace.high]},
                severity,
            )
            for row, step, epoch in progress.step_epoch
            if row in few
        ]
    each = [(step / epoch, row) for row, step, epoch in progress.step_epoch if step]
    (least, first), (most, last) = min(each), max(each)
    return [
        Found(
            f"no number of steps an epoch fits all rows: {least:,.1f} in line {progress.lines[first]}, "
            f"{most:,.1f} in line {progress.lines[last]}; {usual} fits {others} of {rows}",
            progress.lines[min(pace.outside)],
            {
                "least": least,
                "most": most,
                "steps_per_epoch": [pace.low, pace.high],
                "outside": len(pace.outside),
            },
            severity,
        )
    ]


@rule("RT203", "note")
def the_data_set_has_a_size(
    examples: Sequence[tuple[int, int | None]], progress: Progress, pace: Pace, schedule: Schedule
) -> Sequence[Found]:
    """The card does not say how many examples it was trained on; the table implies it.

    Steps an epoch times examples a step give the size of the training set, as it was fed to the Trainer
    (after chunking and filtering), up to the last, incomplete batch. With `dataloader_drop_last` it is
    up to one batch more. The row that ends the stated epochs is exact, however its epoch is rounded.

    Why it matters:
        The size is the quickest test whether a re-run uses the same data in the same split, and it is
        hardly ever stated.

    How to mend:
        State the number of training examples under "Training and evaluation data", e.g. "9,303 training
        examples".

    Before:
        - train_batch_size: 32
        - num_epochs: 2

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 291  | 1.4000          |
        | 1.2           | 2.0   | 582  | 1.3000          |

    After:
        The model was trained on 9,303 training examples.

        - train_batch_size: 32
        - num_epochs: 2

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 291  | 1.4000          |
        | 1.2           | 2.0   | 582  | 1.3000          |
    """
    size = None if examples else _size(progress, pace, schedule)
    if size is None:
        return ()
    least, most, pace = size
    accumulated = f" ({schedule.accumulation:g} batches each)" if schedule.accumulation != 1 else ""
    steps, each = _range(pace, schedule), f"{schedule.batch:g} examples a step{accumulated}"
    return [
        Found(
            f"{steps} steps an epoch at {each} imply {_numbers(least, most)} training examples",
            progress.lines[0],
            {"least": least, "most": most, "batch": schedule.batch, "steps_per_epoch": [pace.low, pace.high]},
        )
    ]


@rule("RT204", "note")
def the_size_fits(
    card: Card, examples: Sequence[tuple[int, int | None]], progress: Progress, pace: Pace, schedule: Schedule
) -> Sequence[Found]:
    """The stated number of training examples does not fit the table.

    Steps an epoch times examples a step give the size of the training set. None of the numbers of
    training examples that the card states lies within a batch of that. Documents that are cut into
    several chunks, or filtered, make it legitimate, hence a note; sentence-transformers feeds examples
    as they are, there it is a warning.

    Why it matters:
        Either the data, or the batch size, or the number of devices is not what the card says.

    How to mend:
        State what the Trainer was fed: its log prints `Num examples`. Check whether several devices
        trained.

    Before:
        The model was trained on 20,000 training examples.

        - train_batch_size: 32
        - num_epochs: 2

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 291  | 1.4000          |
        | 1.2           | 2.0   | 582  | 1.3000          |

    After:
        The model was trained on 9,303 training examples.

        - train_batch_size: 32
        - num_epochs: 2

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 291  | 1.4000          |
        | 1.2           | 2.0   | 582  | 1.3000          |
    """
    size = _size(progress, pace, schedule) if examples else None
    if size is None:
        return ()
    least, most, pace = size
    numbers = [number for number, _ in examples]
    for number in (*numbers, sum(numbers)):
        slack = max(schedule.batch or 0, _rounding(number))
        if least - slack <= number <= most + slack:
            return ()
    number, line = examples[0]
    found: list[Found] = []
    found.append(
        Found(
            f"{number:,} training examples are stated, but {_range(pace, schedule)} steps an epoch at "
            f"{schedule.batch:g} examples a step imply {_numbers(least, most)}",
            line or progress.lines[0],
            {"stated": number, "least": least, "most": most},
            "warning" if card.kind == "sentence-transformers" else None,
        )
    )
    return found


def _size(progress: Progress, pace: Pace, schedule: Schedule) -> tuple[int, int, Pace] | None:
    """Return the least and the most examples and the pace they follow from; None where nothing tells."""
    if schedule.batch is None or schedule.accumulation is None:
        return None
    if pace.outside:
        counted = _streamed(progress, schedule)
        if counted is None:
            return None
        pace = counted
    elif schedule.steps and schedule.streams:
        # Of streamed data the Trainer counts whole epochs and, as a fraction, steps of the whole training.
        most = pace.high / schedule.steps + 0.01
        if pace.low <= schedule.steps <= pace.high or all(e % 1 <= most for _, _, e in progress.step_epoch):
            return None
    elif pace.low < pace.high and schedule.accumulation == 1:
        pace = _at_the_end(progress, pace, schedule)
    size = pace.examples(schedule.batch, schedule.accumulation)
    if size is None or size[0] > _LARGEST:
        return None
    return (*size, pace) if size[1] <= _WIDEST * size[0] + schedule.batch else None


def _streamed(progress: Progress, schedule: Schedule) -> Pace | None:
    """Return the pace as the Trainer counts streamed data, None where it does not fit or nothing streams."""
    if not schedule.streams or schedule.steps is None or progress.epoch is None:
        return None
    return streamed(progress.step_epoch, progress.epoch, schedule.steps, schedule.accumulation)


def _at_the_end(progress: Progress, pace: Pace, schedule: Schedule) -> Pace:
    """Return the exact pace where the last row is the end of the stated epochs, however it is rounded."""
    points = progress.step_epoch
    _, step, epoch = points[-1]
    if epoch != schedule.epochs or epoch % 1 or step % epoch:
        return pace
    # An evaluation that came at its turn may have come a little before the end.
    if step % (points[0][1] if len(points) > 1 else _ROUND) == 0:
        return pace
    exact = step / epoch
    return Pace(exact, exact, whole=int(exact)) if pace.low <= exact <= pace.high else pace


def _rounding(number: int) -> float:
    """Return by how much a number that ends in zeros may have been rounded, up to 5 %."""
    zeros = len(str(number)) - len(str(number).rstrip("0"))
    return float(min(0.5 * 10**zeros, 0.05 * number))


def _range(pace: Pace, schedule: Schedule) -> str:
    """Return the steps an epoch for a message, as whole numbers where some fit, else as batches make them."""
    low, high = math.ceil(pace.low - 1e-6), math.floor(pace.high + 1e-6)
    if low <= high:
        return _numbers(low, high)
    times = schedule.accumulation or 1
    first, last = math.ceil(pace.low * times - 1e-6), math.floor(pace.high * times + 1e-6)
    return f"{first / times if first == last else (pace.low + pace.high) / 2:,.2f}"


def _numbers(least: int, most: int) -> str:
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


RULES: tuple[Rule, ...] = (
    steps_fit_epochs,
    the_data_set_has_a_size,
    the_size_fits,
)

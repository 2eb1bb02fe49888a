"""RT202 to RT204: steps, epochs and batches of the results table, and the training set they imply."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from repro.records.card import Card
from repro.rules.interface import Found, Rule, Severity, rule
from repro.rules.schedule import Pace, Schedule
from repro.rules.subject import Progress

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
    library, and accumulation across an interruption.

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
    settled = schedule.accumulation == 1 and schedule.epochs is not None and card.kind in ("trainer", "peft")
    severity: Severity | None = None if settled else "note"
    usual = _range(pace)
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
    up to one batch more.

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
    least, most = size
    accumulated = f" ({schedule.accumulation:g} batches each)" if schedule.accumulation != 1 else ""
    return [
        Found(
            f"{_range(pace)} steps an epoch at {schedule.batch:g} examples a step{accumulated} imply "
            f"{least:,} to {most:,} training examples",
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
    least, most = size
    numbers = [number for number, _ in examples]
    for number in (*numbers, sum(numbers)):
        slack = max(schedule.batch or 0, _rounding(number))
        if least - slack <= number <= most + slack:
            return ()
    number, line = examples[0]
    found: list[Found] = []
    found.append(
        Found(
            f"{number:,} training examples are stated, but {_range(pace)} steps an epoch at "
            f"{schedule.batch:g} examples a step imply {least:,} to {most:,}",
            line or progress.lines[0],
            {"stated": number, "least": least, "most": most},
            "warning" if card.kind == "sentence-transformers" else None,
        )
    )
    return found


def _size(progress: Progress, pace: Pace, schedule: Schedule) -> tuple[int, int] | None:
    """Return the least and the most examples, None where the table does not tell."""
    if pace.outside or schedule.batch is None or schedule.accumulation is None:
        return None
    if schedule.steps and schedule.streams:
        # Of streamed data the Trainer counts whole epochs and, as a fraction, steps of the whole training.
        most = pace.high / schedule.steps + 0.01
        if pace.low <= schedule.steps <= pace.high or all(e % 1 <= most for _, _, e in progress.step_epoch):
            return None
    size = pace.examples(schedule.batch, schedule.accumulation)
    if size is None or size[0] > _LARGEST:
        return None
    return size if size[1] <= _WIDEST * size[0] + schedule.batch else None


def _rounding(number: int) -> float:
    """Return by how much a number that ends in zeros may have been rounded, up to 5 %."""
    zeros = len(str(number)) - len(str(number).rstrip("0"))
    return float(min(0.5 * 10**zeros, 0.05 * number))


def _range(pace: Pace) -> str:
    """Return the steps an epoch for a message, as whole numbers where some fit."""
    low, high = math.ceil(pace.low - 1e-6), math.floor(pace.high + 1e-6)
    if low > high:
        return f"{(pace.low + pace.high) / 2:,.2f}"
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


RULES: tuple[Rule, ...] = (
    steps_fit_epochs,
    the_data_set_has_a_size,
    the_size_fits,
)

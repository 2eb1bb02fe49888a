"""RT24x: losses of the table that cannot be, or that hide what went wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median

from packaging.version import InvalidVersion, Version

from repro.records.card import Card
from repro.records.claims import Claim
from repro.rules.interface import Found, Rule, clip, rule
from repro.rules.schedule import Schedule
from repro.rules.subject import Progress, Series
from repro.rules.wording import place, printed, title

# Below this a loss printed with four decimals is mostly rounding.
_SMALL = 0.01
# A training loss that was at least this and becomes 0.0 did not get there by learning.
_ABRUPT = 0.05
# Where the training loss stays at 0.0 to the end, so does a validation loss that is at least this.
_HELD = 0.02
# Numbers of so many digits do not agree by chance in two columns.
_ENOUGH = 4
_NO_RESULTS = frozenset({"epoch", "step", "steps", "training_loss", "train_loss", "loss", "runtime"})
_INFLATED_SINCE = Version("4.46")
_LONGEST_VERSION = 64
# A model that gives every word of the largest common vocabulary the same chance has this loss.
_VOCABULARY = 262_144
_LANGUAGE = frozenset(
    {"text-generation", "fill-mask", "text2text-generation", "translation", "summarization"}
)


@rule("RT240", "warning")
def losses_are_finite(progress: Progress, schedule: Schedule) -> Sequence[Found]:
    """A loss is NaN or infinite.

    The training overflowed, or a batch had no label at all. The metrics of such rows are those of a
    model that answers at random.

    Why it matters:
        Weights that were updated with a NaN are NaN, and so is everything that is computed with them.

    How to mend:
        Train again with a smaller learning rate, with bf16 instead of fp16, or without mixed precision;
        look for batches whose labels are all -100; publish a checkpoint from before.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 0.0           | 2.0   | 200  | nan             |

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
    """
    found: list[Found] = []
    for series in (progress.training, progress.validation):
        if series is None or len(series.numbers) + series.values.count(None) == len(series.values):
            continue
        rows = [row for row, v in enumerate(series.values) if v is not None and not -math.inf < v < math.inf]
        if rows:
            rate = f", at learning rate {schedule.rate:g}" if schedule.rate else ""
            message = (
                f"the {title(series)} is {printed(series.cells[rows[0]])} in {len(rows)} of "
                f"{len(progress)} rows, first at {place(progress, rows[0])}{rate}"
            )
            evidence = {
                "column": series.name,
                "first_row": rows[0] + 1,
                "rows": len(rows),
                "of": len(progress),
            }
            found.append(Found(message, progress.lines[rows[0]], evidence))
    return found


@rule("RT241", "warning")
def losses_are_not_zero(progress: Progress) -> Sequence[Found]:
    """A loss is zero in every row.

    No loss of a model that predicts anything is exactly zero all along. The evaluation had no labels, or
    its loss was not computed; a training loss of zeros hides NaNs, which the Trainer leaves out when it
    logs.

    Why it matters:
        The column says that nothing was measured, and looks like perfection.

    How to mend:
        Pass labels to the evaluation (`label_names`, `remove_unused_columns`), and train with
        `logging_nan_inf_filter=False` to see what hides behind a zero.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 0.0             |
        | 1.2           | 2.0   | 200  | 0.0             |

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
    """
    return [
        Found(
            f"the {title(series)} is {printed(series.cells[series.points[0][0]])} in all "
            f"{len(series.points)} rows that have one",
            progress.lines[series.points[0][0]],
            {"column": series.name, "rows": len(series.points)},
        )
        for series in (progress.training, progress.validation)
        if series is not None and series.numbers and not any(series.numbers)
    ]


@rule("RT242", "note")
def zero_is_reached_slowly(losses: Progress) -> Sequence[Found]:
    """The training loss drops to exactly zero at once, while the validation loss does not.

    A loss that learns its way down passes through small numbers. The Trainer leaves NaNs out when it
    logs (`logging_nan_inf_filter`), and once every step is NaN, what is left to log is 0.0. Where it stays
    at zero to the last row, a validation loss of 0.02 is enough.

    Why it matters:
        From there on nothing was learned, and the table does not say so.

    How to mend:
        Log with `logging_nan_inf_filter=False` and look at the gradient norms of these steps; with
        quantised or fp16 weights try bf16.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 0.4321        | 1.0   | 100  | 0.4000          |
        | 0.0           | 2.0   | 200  | 0.3900          |

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 0.4321        | 1.0   | 100  | 0.4000          |
        | 0.2321        | 2.0   | 200  | 0.3900          |
    """
    training, validation = losses.training, losses.validation
    if training is None or validation is None or 0 not in training.numbers:
        return ()
    before = 0.0
    for row, value in training.points:
        other = validation.values[row]
        if value == 0 and before >= _ABRUPT and other is not None and other >= _least(training, row):
            return [
                Found(
                    f"the training loss drops from {before:g} to {printed(training.cells[row])} at "
                    f"{place(losses, row)}, where the validation loss is {printed(validation.cells[row])}",
                    losses.lines[row],
                    {"before": before, "row": row + 1, "validation": other},
                )
            ]
        before = value
    return ()


def _least(training: Series, row: int) -> float:
    """Return the validation loss from which on a training loss of zero in this row was not learned."""
    ends = not any(value for later, value in training.points if later > row)
    return _HELD if ends else _ABRUPT


@rule("RT243", "warning")
def validation_changes(progress: Progress) -> Sequence[Found]:
    """The validation loss is the same in every row.

    At least three evaluations agree in every printed digit while the training went on; or two do, and
    another result with them, each with four digits or more. The weights that were evaluated did not change:
    they were frozen, the learning rate was zero, every update was skipped for overflow, or always the same
    checkpoint was evaluated.

    Why it matters:
        The model is the one that the training began with, whatever the training loss says.

    How to mend:
        Check that parameters have `requires_grad`, that the learning rate is above zero, and that the
        evaluation uses the model that is trained.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.4000          |
        | 1.1           | 3.0   | 300  | 1.4000          |

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
        | 1.1           | 3.0   | 300  | 1.2500          |
    """
    validation = progress.validation
    if validation is None or len(validation.numbers) < 2:
        return ()
    first, second = validation.numbers[:2]
    if len(validation.numbers) == 2:
        return _both_the_same(progress, validation) if first == second and len(progress) == 2 else ()
    points = validation.points
    if first == second and validation.numbers.count(first) == len(points) and abs(first) >= _SMALL:
        return [
            Found(
                f"the validation loss is {printed(validation.cells[points[0][0]])} in all {len(points)} rows",
                progress.lines[points[0][0]],
                {"value": first, "rows": len(points)},
            )
        ]
    return ()


def _both_the_same(progress: Progress, validation: Series) -> Sequence[Found]:
    """Two evaluations that agree in several numbers of four digits or more."""
    steps = progress.step or progress.epoch
    if steps is None or not steps.rises:
        return ()
    above, below = progress.table.rows
    same = [
        (name, one.text)
        for name, one, other in zip(progress.table.columns, above.cells, below.cells, strict=False)
        if one.text == other.text and isinstance(one.value, float) and _digits(one.text) >= _ENOUGH
        if name not in _NO_RESULTS
    ]
    if len(same) < 2 or all(name != validation.name for name, _ in same):
        return ()
    shown = ", ".join(f"{clip(name.replace('_', ' '), 30)} {clip(text, 20)}" for name, text in same[:4])
    return [
        Found(
            f"both rows have the same results: {shown}",
            below.line,
            {"same": [name for name, _ in same[:20]], "rows": 2},
        )
    ]


def _digits(text: str) -> int:
    """Return how many digits a number is printed with, without the zeros that it begins with."""
    return len(text.strip("*`_-").partition("e")[0].replace(".", "").lstrip("0"))


@rule("RT246", "note")
def losses_have_one_scale(
    losses: Progress, schedule: Schedule, versions: Mapping[str, Claim]
) -> Sequence[Found]:
    """The training loss is the validation loss times the number of accumulated batches.

    Releases of transformers from 4.46 on add up, in some models and versions, the losses of accumulated
    batches where they should take the mean (issues 34511, 35207, 38837), so that the logged training
    loss is too large by their number. The card's ratio of training to validation loss is that number in
    every row.

    Why it matters:
        The columns cannot be compared with each other, nor with a re-run in another release; gradient
        clipping may have worked on too large gradients, too.

    How to mend:
        Say that the training loss is summed over the accumulated batches, or divide it by their number
        and say so.

    Before:
        - train_batch_size: 4
        - gradient_accumulation_steps: 8

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 12.5012       | 1.0   | 100  | 1.5000          |
        | 11.2102       | 2.0   | 200  | 1.4100          |
        | 10.7102       | 3.0   | 300  | 1.3900          |

        ### Framework versions

        - Transformers 4.46.1

    After:
        - train_batch_size: 4
        - gradient_accumulation_steps: 8

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5627        | 1.0   | 100  | 1.5000          |
        | 1.4013        | 2.0   | 200  | 1.4100          |
        | 1.3388        | 3.0   | 300  | 1.3900          |

        ### Framework versions

        - Transformers 4.46.1
    """
    times = schedule.accumulation
    if times is None or times < 4 or losses.training is None or losses.validation is None:
        return ()
    pairs = zip(losses.training.values, losses.validation.values, strict=True)
    ratios = [
        t / v for t, v in pairs if t is not None and v is not None and v > _SMALL and t > 0 and t < math.inf
    ]
    if len(ratios) < 3 or not (min(ratios) > 0.6 * times and max(ratios) < 1.6 * times):
        return ()
    if _older(versions.get("transformers")):
        return ()
    middle = median(ratios)
    return [
        Found(
            f"the training loss is {middle:.2g} times the validation loss in every row ({min(ratios):.2g} to "
            f"{max(ratios):.2g}), and {times:g} batches were accumulated",
            losses.lines[0],
            {"ratio": middle, "least": min(ratios), "most": max(ratios), "accumulation": times},
        )
    ]


def _older(transformers: Claim | None) -> bool:
    try:
        return transformers is not None and Version(transformers.text[:_LONGEST_VERSION]) < _INFLATED_SINCE
    except InvalidVersion:
        return False


@rule("RT247", "note")
def losses_beat_guessing(card: Card, progress: Progress) -> Sequence[Found]:
    """A language model's loss is higher than that of guessing among all words.

    The mean cross-entropy of a model that gives every word of a vocabulary of 262,144 the same chance is
    12.5; those of smaller vocabularies are lower. The table's last validation loss is above that, so it
    is no mean over words, or the model is broken.

    Why it matters:
        A sum cannot be compared with anything, and a broken model should not be published.

    How to mend:
        Divide the loss by the number of words (or accumulated batches) it was summed over; else lower
        the learning rate and look at the first batches.

    Before:
        ---
        pipeline_tag: fill-mask
        ---

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 41.5          | 1.0   | 100  | 44.2100         |
        | 39.2          | 2.0   | 200  | 43.1200         |

    After:
        ---
        pipeline_tag: fill-mask
        ---

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
    """
    if card.claims.task not in _LANGUAGE or progress.validation is None or not progress.validation.points:
        return ()
    row, last = progress.validation.points[-1]
    if last > math.log(_VOCABULARY):
        return [
            Found(
                f"the last validation loss is {printed(progress.validation.cells[row])}; guessing among "
                f"{_VOCABULARY:,} words gives {math.log(_VOCABULARY):.2f}",
                progress.lines[row],
                {"value": last, "guessing": math.log(_VOCABULARY)},
            )
        ]
    return ()


RULES: tuple[Rule, ...] = (
    losses_are_finite,
    losses_are_not_zero,
    zero_is_reached_slowly,
    validation_changes,
    losses_have_one_scale,
    losses_beat_guessing,
)

"""RT24x and RT25x: the losses of the table as curves: stuck, diverged, overfitted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import le
from statistics import median

from repro.rules.interface import Found, Rule, rule
from repro.rules.schedule import Schedule
from repro.rules.subject import Progress, Series
from repro.rules.wording import place, printed, title

# Below this a loss printed with four decimals is mostly rounding.
_SMALL = 0.01
# From a smaller loss than this on, a jump to a multiple of it is none.
_JUMP = 0.1
# The Trainer logs the training loss every 500 steps unless told otherwise.
_LOGGING = 500


@rule("RT244", "note")
def losses_fall(losses: Progress, schedule: Schedule) -> Sequence[Found]:
    """The training loss does not fall.

    Over at least four different logged values it never comes 2 % below its first one, and neither does
    the validation loss. The model had nothing left to learn, or could not: the learning rate is far too
    high or far too low, or labels and inputs do not belong together. A loss that stands at the logarithm
    of a small number of classes is that of a model that guesses.

    Why it matters:
        What is published is hardly another model than the one that the training began with, or a worse
        one.

    How to mend:
        Try a tenth and ten times the learning rate on a few hundred steps; look at ten examples with
        their labels; see whether the model can learn these ten by heart.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 0.6941        | 1.0   | 100  | 0.6935          |
        | 0.6938        | 2.0   | 200  | 0.6932          |
        | 0.6942        | 3.0   | 300  | 0.6931          |
        | 0.6933        | 4.0   | 400  | 0.6931          |

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 0.6941        | 1.0   | 100  | 0.6935          |
        | 0.5938        | 2.0   | 200  | 0.6132          |
        | 0.5142        | 3.0   | 300  | 0.5731          |
        | 0.4933        | 4.0   | 400  | 0.5631          |
    """
    if losses.training is None or losses.validation is None:
        return ()
    training, validation = losses.training.points, losses.validation.points
    if len(training) < 4 or len(validation) < 4:
        return ()
    first, least = training[0][1], losses.training.least
    start, lowest = validation[0][1], losses.validation.least
    if first < _SMALL or start < _SMALL or least < 0.98 * first or lowest < 0.98 * start:
        return ()
    span = training[-1][0] - training[0][0]
    steps = [step for _, step in losses.points("step")]
    distinct = len({v for _, v in training})
    # The same value again may be the last one logged, repeated; over many steps it is not.
    if distinct < 4 and not (span >= 3 and len(steps) > 1 and steps[-1] - steps[0] >= 4 * _LOGGING):
        return ()
    classes = next((k for k in range(2, 8) if abs(lowest - math.log(k)) < 0.01 * math.log(k)), None)
    guess = f", about ln {classes}, which guessing among {classes} classes gives" if classes else ""
    rate = f"; the learning rate is {schedule.rate:g}" if schedule.rate else ""
    return [
        Found(
            f"the training loss begins at {first:g} and never falls below {least:g}, the validation "
            f"loss begins at {start:g} and never falls below {lowest:g}{guess}{rate}",
            losses.lines[training[0][0]],
            {"training": [first, least], "validation": [start, lowest], "classes": classes},
        )
    ]


@rule("RT245", "warning")
def losses_stay_low(progress: Progress, schedule: Schedule) -> Sequence[Found]:
    """The loss jumps to a multiple and stays there: the training diverged.

    From one row to the next the training loss at least doubles, and no later row comes back to less than
    one and a half times what it was; or the validation loss does so while the training loss rises, too.
    A spike that heals is left alone, and so is a validation loss that climbs while the training loss
    falls (RT250).

    Why it matters:
        Everything behind the jump was trained from a wreck; the last row is not the model to publish.

    How to mend:
        Publish the checkpoint before the jump, or train again with a lower learning rate, a longer
        warmup, or gradients clipped at a smaller norm.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
        | 6.1           | 3.0   | 300  | 6.3000          |
        | 6.0           | 4.0   | 400  | 6.2000          |

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
        | 1.1           | 3.0   | 300  | 1.2000          |
        | 1.0           | 4.0   | 400  | 1.1800          |
    """
    training = progress.training
    found: list[Found] = []
    for series in (training, progress.validation):
        if series is None or max(series.gaps, default=0) < _JUMP or (jump := _jump(series)) is None:
            continue
        before, row, low, value = jump
        if series is not training:
            t = training.values if training is not None else ()
            above, here = (t[before], t[row]) if t else (None, None)
            if above is not None and here is not None and here <= 1.2 * above:
                continue
        rate = f"; the learning rate is {schedule.rate:g}" if schedule.rate else ""
        found.append(
            Found(
                f"the {title(series)} jumps from {low:g} to {value:g} at {place(progress, row)} and does not "
                f"come back{rate}",
                progress.lines[row],
                {"column": series.name, "row": row + 1, "from": low, "to": value},
            )
        )
        return found
    return found


def _jump(series: Series) -> tuple[int, int, float, float] | None:
    """Return (row before, row, value before, value) of the first jump that stays, None without one."""
    points, values = series.points, series.numbers
    if len(points) < 4 or not any(map(le, [2 * v for v in values], values[1:])):
        return None
    staying = math.inf  # the smallest value from here to the end
    found = None
    for i in range(len(points) - 1, 0, -1):
        value, before = values[i], values[i - 1]
        staying = min(staying, value)
        # The last row alone proves nothing unless it exploded.
        factor = 2 if i < len(points) - 1 else 4
        if before >= _JUMP and value >= factor * before and staying >= 1.5 * before:
            found = (points[i - 1][0], points[i][0], before, value)
    return found


@rule("RT250", "note")
def stops_in_time(losses: Progress) -> Sequence[Found]:
    """The model overfits: the training loss falls while the validation loss rises.

    From its lowest row on the validation loss rises by a tenth or more, clearly above its own noise, and
    the training loss goes on falling. The metric that matters may still improve, as accuracy and word
    error rate often do for a while, hence a note.

    Why it matters:
        Later checkpoints are surer of what they get wrong; the last row, which is the headline unless
        the best checkpoint was kept, is not the best model by this loss.

    How to mend:
        Keep the best checkpoint (`load_best_model_at_end=True`, `metric_for_best_model`), stop early
        (`EarlyStoppingCallback`), or train for fewer epochs.

        Against the cause: more data, a lower learning rate, more weight decay or dropout, fewer
        trainable weights. If another metric chose the checkpoint, say which.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.1           | 2.0   | 200  | 1.3000          |
        | 0.7           | 3.0   | 300  | 1.4500          |
        | 0.4           | 4.0   | 400  | 1.6200          |

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.1           | 2.0   | 200  | 1.3000          |
    """
    points, training = losses.points("validation"), losses.points("training")
    if len(points) < 3 or len(training) < 2 or losses.validation is None or losses.training is None:
        return ()
    values, least = losses.validation.numbers, losses.validation.least
    at = values.index(least)
    row = points[at][0]
    later = values[at + 1 :]
    if len(later) < 2 or least <= 0:
        return ()
    # One evaluation that came out low by chance is no level to rise from (the median of three is), nor is one
    # that came out high a level to end at (the mean of the last quarter is).
    inner = (sorted(three)[1] for three in zip(values, values[1:], values[2:], strict=False))
    level = min(values[0], values[-1], *inner)
    tail = later[-max(1, len(points) // 4) :]
    rise = sum(tail) / len(tail) - level
    if rise < 0.1 * level or rise < 0.0005 or values[-1] <= level:
        return ()
    monotone = all(b >= a for a, b in zip([least, *later], later, strict=False))
    if not monotone and rise < 2 * _noise(values):  # both are means, of less noise than one value
        return ()
    # Where no loss was logged up to the lowest row, the first one that was.
    since, before = next((point for point in reversed(training) if point[0] <= row), training[0])
    until, final = training[-1]
    if final > 0.95 * before or before < _SMALL / 10:
        return ()
    last, end = points[-1]
    cells, logged = losses.validation.cells, losses.training.cells
    begin = printed(logged[since]) + (f" ({place(losses, since)})" if since > row else "")
    return [
        Found(
            f"the validation loss is lowest at {place(losses, row)} ({printed(cells[row])}) and rises by "
            f"{end / least - 1:.0%} to {printed(cells[last])} at {place(losses, last)}, while the training "
            f"loss falls from {begin} to {printed(logged[until])}",
            losses.lines[row],
            {
                "row": row + 1,
                "lowest": least,
                "end": end,
                "rise": end / least - 1,
                "training": [before, final],
            },
        )
    ]


def _noise(values: Sequence[float]) -> float:
    """Return the noise of a curve: its second differences, robustly, as a standard deviation."""
    if len(values) < 4:
        return math.inf
    bends = [abs(a - 2 * b + c) for a, b, c in zip(values, values[1:], values[2:], strict=False)]
    return median(bends) / (0.6745 * math.sqrt(6))


RULES: tuple[Rule, ...] = (
    losses_fall,
    losses_stay_low,
    stops_in_time,
)

"""RT215 and RT216: where the table ends, against where the training was to end."""

from __future__ import annotations

from collections.abc import Sequence

from repro.rules.interface import Found, Rule, rule
from repro.rules.schedule import Pace, Schedule
from repro.rules.subject import Progress
from repro.rules.wording import printed

# An epoch is printed with two decimals up to transformers 4.39.
_HALF = 0.005


@rule("RT215", "warning")
def ends_where_stated(progress: Progress, schedule: Schedule) -> Sequence[Found]:
    """The table goes on behind the end that the hyperparameters state.

    `num_epochs` and `training_steps` are where the Trainer stops, so no evaluation comes later.

    Why it matters:
        The training was continued with other settings, and the learning rate's schedule, which ends
        where the training does, was another one than stated.

    How to mend:
        State the number of epochs or steps that led to the last row, and how the training was resumed.

    Before:
        - num_epochs: 2

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 291  | 1.4000          |
        | 1.2           | 2.0   | 582  | 1.3000          |
        | 1.1           | 3.0   | 873  | 1.2500          |

    After:
        - num_epochs: 3

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 291  | 1.4000          |
        | 1.2           | 2.0   | 582  | 1.3000          |
        | 1.1           | 3.0   | 873  | 1.2500          |
    """
    # Accumulated batches may carry the last step a little over the end.
    found: list[Found] = []
    for name, stated, slack in (("step", schedule.steps, 1.0), ("epoch", schedule.epochs, 1.01)):
        series = progress.step if name == "step" else progress.epoch
        if series is None or not stated:
            continue
        most, end = series.most, stated * slack + 2 * _HALF
        if most > end:
            beyond = [row for row, value in series.points if value > end]
            row = beyond[0]
            found.append(
                Found(
                    f"the table goes on to {name} {most:,g}, the training was to end at {stated:,g}: "
                    f"{len(beyond)} of {len(progress)} rows lie behind",
                    progress.lines[row],
                    {"last": most, "stated": stated, "rows": len(beyond), "unit": name},
                )
            )
    return found


@rule("RT216", "note")
def reaches_the_end(progress: Progress, pace: Pace, schedule: Schedule) -> Sequence[Found]:
    """The table ends before the training was to end.

    From its last row to the stated number of epochs or steps there was room for at least one more
    evaluation. Early stopping does this, and so do an interruption and a limit on the time. Releases of
    transformers that round the steps of an epoch down where batches are accumulated, and then count them
    up, end early, too (issues 31677, 33455, 35298).

    Why it matters:
        The learning rate's schedule was made for the longer training: a re-run that takes the last row's
        epoch for the whole has another schedule, and another result.

    How to mend:
        Say why it ended there, e.g. "early stopping with a patience of 3", and leave num_epochs as it
        was.

    Before:
        - num_epochs: 10

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 291  | 1.4000          |
        | 1.2           | 2.0   | 582  | 1.3000          |

    After:
        - num_epochs: 2

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 291  | 1.4000          |
        | 1.2           | 2.0   | 582  | 1.3000          |
    """
    if pace.outside:
        return ()
    found: list[Found] = []
    for name, stated, half in (("step", schedule.steps, 0.0), ("epoch", schedule.epochs, _HALF)):
        series = progress.step if name == "step" else progress.epoch
        if stated is None or series is None or not series.points:
            continue
        row, last = series.points[-1]
        gap = max(series.gaps, default=last) if last <= stated + half else 0
        if gap <= 0 or last <= 0 or last + gap > stated + half:
            continue
        floored = _floored(progress, pace, schedule) if name == "epoch" else None
        why = f", as it does when {pace.low:,.4g} steps an epoch are counted as {floored}" if floored else ""
        found.append(
            Found(
                f"the table ends at {name} {printed(series.cells[row])} of {stated:,g}{why}",
                progress.lines[row],
                {"last": last, "stated": stated, "unit": name, "counted_as": floored},
            )
        )
    return found


def _floored(progress: Progress, pace: Pace, schedule: Schedule) -> int | None:
    """Return the whole steps an epoch that lead to the last step, where accumulation explains the end."""
    steps = progress.points("step")
    if not schedule.epochs or (schedule.accumulation or 1) <= 1 or not steps:
        return None
    whole = int(pace.low + 1e-6)
    return whole if whole < pace.low - 1e-3 and abs(whole * schedule.epochs - steps[-1][1]) < 1 else None


RULES: tuple[Rule, ...] = (ends_where_stated, reaches_the_end)

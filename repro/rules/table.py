"""RT2xx: the rows of the results table; what else is said about it stands in the modules `table_…`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import attrgetter

from repro.rules.interface import Found, Rule, clip, rule
from repro.rules.schedule import Schedule
from repro.rules.subject import Progress, Series
from repro.rules.wording import at_most

# A gap in a table is one only where most rows stand at equal distances.
_FEWEST_GAPS = 4
_TEXT = attrgetter("text")


@rule("RT201", "warning")
def steps_go_on(progress: Progress) -> Sequence[Found]:
    """A step is not larger than the one above it.

    The Trainer counts optimizer steps from 1 and never goes back, so the column only rises. A step that
    repeats or falls means that rows were doubled, moved or pasted from another run.

    Why it matters:
        The losses of such rows cannot be laid beside those of a re-run: which came first is not known.

    How to mend:
        Take the table again from trainer_state.json of the run, in the order of its log history.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 2.0   | 200  | 1.4000          |
        | 1.2           | 1.0   | 100  | 1.3000          |

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
    """
    return () if progress.step is None or progress.step.rises else at_most(_steps_go_on(progress))


def _steps_go_on(progress: Progress) -> Iterator[Found]:
    rows = progress.table.rows
    for (before, above), (row, step) in pairwise(progress.points("step")):
        if step <= above and rows[row].cells != rows[before].cells:  # a doubled row is RT205's
            yield Found(
                f"step {step:g} stands below step {above:g}",
                progress.lines[row],
                {"step": step, "above": above},
            )


@rule("RT205", "warning")
def rows_stand_once(progress: Progress) -> Sequence[Found]:
    """A row stands twice.

    Two rows of the table agree in every cell, step and losses included. An evaluation is logged once; a
    second row of the same text was copied.

    Why it matters:
        Whoever counts rows to find an epoch is off by one from there on, and a row may have been
        overwritten.

    How to mend:
        Delete the second row, after a look at trainer_state.json whether another one belongs in its
        place.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
        | 1.2           | 2.0   | 200  | 1.3000          |

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
    """
    return () if progress.step is not None and progress.step.rises else at_most(_rows_stand_once(progress))


def _rows_stand_once(progress: Progress) -> Iterator[Found]:
    steps = progress.points("step") or progress.points("epoch")
    if len({step for _, step in steps}) == len(steps):
        return
    seen: dict[tuple[str, ...], int] = {}
    losses = [series.values for series in (progress.training, progress.validation) if series is not None]
    for row, _ in steps:
        texts = tuple(map(_TEXT, progress.table.rows[row].cells))
        first = seen.setdefault(texts, progress.lines[row])
        if first != progress.lines[row] and any(values[row] is not None for values in losses):
            yield Found(
                f"this row stands in line {first} already: {clip(' | '.join(texts))}",
                progress.lines[row],
                {"first_line": first},
            )


@rule("RT206", "warning")
def epochs_go_on(progress: Progress, schedule: Schedule) -> Sequence[Found]:
    """The epoch goes back while the step goes on.

    Step and epoch are counted together, so neither falls while the other rises. Where a card states
    training_steps and no epochs, the data may have been streamed or the training resumed, both of which
    confuse the Trainer's epochs: that is a note.

    Why it matters:
        From that row on the table tells of another pass over the data, or of another data set, than its
        hyperparameters say.

    How to mend:
        Say in the card that the training was resumed there, with what data and which number of epochs;
        or publish each run's table by itself.

    Before:
        - num_epochs: 4

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
        | 1.1           | 1.0   | 300  | 1.2500          |

    After:
        - num_epochs: 4

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
        | 1.1           | 3.0   | 300  | 1.2500          |
    """
    epoch = progress.epoch
    return () if epoch is None or epoch.rises else at_most(_epochs_go_on(progress, schedule))


def _epochs_go_on(progress: Progress, schedule: Schedule) -> Iterator[Found]:
    for (_, before, above), (row, step, epoch) in pairwise(progress.step_epoch):
        if epoch < above and step > before:
            yield Found(
                f"epoch {epoch:g} stands below epoch {above:g}, while the step goes on from {before:g} "
                f"to {step:g}",
                progress.lines[row],
                {"epoch": epoch, "above": above, "step": step},
                "note" if schedule.streams else None,
            )


@rule("RT207", "note")
def no_row_is_missing(progress: Progress) -> Sequence[Found]:
    """Rows are missing from a table that is otherwise regular.

    The evaluations stand at equal distances, but between two rows lie a whole number of these distances.
    A run that was interrupted, or a table that was shortened by hand, looks like this; so does one that
    skipped an evaluation, hence a note.

    Why it matters:
        What was left out is what a reader would have compared, and a table that was shortened once may
        have been changed elsewhere.

    How to mend:
        Put the missing rows back from trainer_state.json, or say why they are not there.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
        | 1.1           | 3.0   | 300  | 1.2500          |
        | 0.9           | 6.0   | 600  | 1.1900          |
        | 0.8           | 7.0   | 700  | 1.1800          |

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
        | 1.1           | 3.0   | 300  | 1.2500          |
        | 1.0           | 4.0   | 400  | 1.2200          |
        | 0.95          | 5.0   | 500  | 1.2000          |
        | 0.9           | 6.0   | 600  | 1.1900          |
        | 0.8           | 7.0   | 700  | 1.1800          |
    """
    for series in (progress.step, progress.epoch):
        if series is not None and series.points:
            usual = _usual(series.gaps)
            return at_most(_missing(progress, series, usual)) if usual else ()
    return ()


def _usual(gaps: Sequence[float]) -> float:
    """Return the interval of nearly all rows where it is not that of all, 0 where there is none."""
    if len(gaps) < _FEWEST_GAPS or len(set(gaps)) == 1:
        return 0
    usual = sorted(gaps)[len(gaps) // 2]  # what is so frequent stands in the middle
    return usual if usual > 0 and gaps.count(usual) >= 0.7 * len(gaps) else 0


def _missing(progress: Progress, series: Series, usual: float) -> Iterator[Found]:
    points, gaps = series.points, series.gaps
    name = "epoch" if series is progress.epoch else "step"
    # One interval all along, and back to it behind each gap: else the interval was changed, no row lost.
    for i, gap in enumerate(gaps):
        if gap > usual and gap % usual == 0 and gaps[i + 1 : i + 2] == [usual]:
            missing = round(gap / usual) - 1
            (_, before), (row, after) = points[i], points[i + 1]
            yield Found(
                f"{missing} row{'s' if missing > 1 else ''} missing between {name} {before:g} and {after:g}: "
                f"elsewhere a row stands every {usual:g}",
                progress.lines[row],
                {"missing": missing, "from": before, "to": after, "every": usual},
            )


@rule("RT211", "warning")
def rows_fit_the_header(progress: Progress) -> Sequence[Found]:
    """A row has more cells than the header.

    A row may have fewer cells, the Trainer itself writes such rows; one with more has a pipe too many,
    and all cells behind it stand one column too far to the right.

    Why it matters:
        The last cell belongs to no column and is not shown by most renderers, and the others may be
        misread.

    How to mend:
        Take the extra pipe out, or put a backslash before it where it belongs to a text.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   |      | 200  | 1.3000   |

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
    """
    width = len(progress.table.columns)
    if progress.widest <= width:
        return ()
    return at_most(
        Found(
            f"{len(row.cells)} cells in a row, under a header of {width}",
            row.line,
            {"cells": len(row.cells), "columns": width},
        )
        for row in progress.table.rows
        if len(row.cells) > width
    )


RULES: tuple[Rule, ...] = (
    steps_go_on,
    rows_stand_once,
    epochs_go_on,
    no_row_is_missing,
    rows_fit_the_header,
)

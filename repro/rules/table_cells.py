"""RT2xx: the cells of the results table, as they are printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from statistics import median

from repro.records.claims import Cell
from repro.rules.interface import Found, Rule, Severity, clip, rule
from repro.rules.subject import Progress, Series
from repro.rules.wording import at_most, place, printed, title

_DIGITS = frozenset("0123456789")
_FILLED, _LAST = frozenset("0*`_"), itemgetter(-1)  # how a text ends that was filled up, or is emphasised
# Two losses that agree in fewer digits than this agree by chance.
_LEAST_DIGITS = 1000
# One equal pair is mentioned where less than this many were to be expected by chance.
_BY_CHANCE = 0.02


@rule("RT208", "note")
def one_precision(progress: Progress) -> Sequence[Found]:
    """The digits of a loss change within its column.

    A program prints a column in one way. Training losses of releases up to 4.57 stand in their shortest
    form (`1.41`), evaluation losses and all losses of later releases are filled up with zeros
    (`1.4140`). A column that has filled-up cells of one length and others of another length was put
    together from two sources, for example a card and a notebook, whose tables print six digits.

    Why it matters:
        Pasted rows often come from another run, and "equal as printed" cannot be judged across the seam.

    How to mend:
        Take all rows from one source, best from trainer_state.json; where the rows are of two runs, say
        so.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5231        | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
        | 1.142100      | 3.0   | 300  | 1.2500          |

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5231        | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
        | 1.1421        | 3.0   | 300  | 1.2500          |
    """
    found: list[Found] = []
    for series in (progress.training, progress.validation):
        # All cells are of one length, or none is filled up: nearly every column.
        if series is not None and len(set(map(len, series.decimals_printed))) > 1:
            found += _one_precision(progress, series)
    return found


def _one_precision(progress: Progress, series: Series) -> Iterator[Found]:
    texts = [text for text in series.texts if "." in text]
    if _FILLED.isdisjoint(map(_LAST, texts)) or not any(
        text[-1] in _FILLED and text[-2:] != ".0" for text in texts
    ):
        return
    digits = [
        (row, text, len(text) - text.find(".") - 1)
        for row, value in series.points
        if (cell := series.cells[row]) is not None
        # Zeros, whole numbers and exponents look alike in all formats, and so do losses of half precision.
        if value * 4096 % 1 and (text := cell.text.strip("*`_")).count(".") == 1 and text[-1].isdigit()
        if "e" not in text and "E" not in text
    ]
    if len({length for _, _, length in digits}) < 2:
        return
    filled = Counter(length for _, text, length in digits if text[-1] == "0")
    if not filled:
        return
    usual = filled.most_common(1)[0][0]
    full = next((row, text) for row, text, length in digits if text[-1] == "0" and length == usual)
    others = [(row, text) for row, text, length in digits if length != usual]
    if len(others) > len(digits) - len(others):
        (row, text), (other, shown) = full, others[0]
    else:
        (row, text), (other, shown) = others[0], full
    yield Found(
        f"the {title(series)} is filled up to {usual} digits in {len(digits) - len(others)} cells and "
        f"has other digits in {len(others)}: {text} here, {shown} in line {progress.lines[other]}",
        progress.lines[row],
        {"column": series.name, "digits": usual, "others": len(others), "text": text, "elsewhere": shown},
    )


@rule("RT209", "warning")
def numbers_are_numbers(progress: Progress) -> Sequence[Found]:
    """A cell of a number's column is no number.

    The cell holds digits but cannot be read as one number: a blank inside it, a decimal comma, two cells
    that lost the pipe between them, a tensor's name. `No log`, dashes and empty cells are left alone.
    Where no cell of the column is a number, somebody chose that form: a note.

    Why it matters:
        Programs skip such a cell, so the value is lost to every comparison, and what was meant is a
        guess.

    How to mend:
        Write the number as the Trainer printed it, with a point and without blanks.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 0 .254000     | 2.0   | 200  | 1.3000          |

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 0.2540        | 2.0   | 200  | 1.3000          |
    """
    found: list[Found] = []
    for series in (progress.training, progress.epoch, progress.step, progress.validation):
        if series is None or series.is_whole or None not in series.values:
            continue
        odd = [
            (row, cell.text)
            for row, (cell, value) in enumerate(zip(series.cells, series.values, strict=True))
            if value is None and cell is not None and cell.value is not None
            if not _DIGITS.isdisjoint(cell.text[:200])
        ]
        if odd:
            row, text = odd[0]
            message = (
                f"{len(odd)} of {len(progress)} cells of the {title(series)} "
                f"{'are' if len(odd) > 1 else 'is'} no number: {clip(text, 40)}"
            )
            evidence = {"column": series.name, "cells": len(odd), "text": clip(text), "row": row + 1}
            severity: Severity | None = None if series.points else "note"
            found.append(Found(message, progress.lines[row], evidence, severity))
    return found


@rule("RT212", "note")
def columns_differ(losses: Progress) -> Iterable[Found]:
    """Training and validation loss are the same number.

    Both are printed with four decimals, so they hardly agree in one row by chance; in several rows, or
    in one column that repeats the other a row later, cells were copied. One equal pair is a note and
    only mentioned where the columns lie far apart; several are a warning.

    Why it matters:
        One of the two values is not what its header says, and the true one is nowhere.

    How to mend:
        Take the row again from trainer_state.json, where `loss` and `eval_loss` are entries of their
        own.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5231        | 1.0   | 100  | 1.7012          |
        | 1.2734        | 2.0   | 200  | 1.5094          |
        | 1.0940        | 3.0   | 300  | 1.0940          |

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5231        | 1.0   | 100  | 1.7012          |
        | 1.2734        | 2.0   | 200  | 1.5094          |
        | 1.0940        | 3.0   | 300  | 1.4441          |
    """
    training, validation = losses.training, losses.validation
    if training is None or validation is None:
        return ()
    same = any(set(training.numbers).intersection(validation.numbers))
    return _same(losses, training, validation) if same else ()


def _same(losses: Progress, training: Series, validation: Series) -> Iterator[Found]:
    pairs = [
        (row, t, v)
        for row, (t, v) in enumerate(zip(training.values, validation.values, strict=True))
        if t is not None and v is not None and t == t and v == v
    ]
    unit = 10.0 ** -min(validation.decimals, 4)
    least = _LEAST_DIGITS * unit
    same = [row for row, t, v in pairs if t == v and abs(t) >= least]
    if same:
        expected = len(pairs) * unit / (2 * median(abs(t - v) for _, t, v in pairs) or unit)
        if len(same) > 1 and len(same) >= 0.1 * len(pairs):
            yield Found(
                f"training and validation loss are the same in {len(same)} of {len(pairs)} rows: "
                f"{printed(validation.cells[same[0]])} at {place(losses, same[0])}",
                losses.lines[same[0]],
                {"rows": [row + 1 for row in same[:100]], "of": len(pairs)},
                "warning",
            )
        elif expected < _BY_CHANCE:
            yield Found(
                f"training and validation loss are both {printed(validation.cells[same[0]])} at "
                f"{place(losses, same[0])}",
                losses.lines[same[0]],
                {"rows": [same[0] + 1], "of": len(pairs)},
            )
    for shift in (-1, 1):
        yield from _copied(losses, training, validation, shift, least)


def _copied(
    losses: Progress, training: Series, validation: Series, shift: int, least: float
) -> Iterator[Found]:
    """A column that repeats the other one, a row above or below."""
    later = training.values[shift:] if shift > 0 else training.values[:shift]
    earlier = validation.values[:-shift] if shift > 0 else validation.values[-shift:]
    both = [(i, t) for i, (t, v) in enumerate(zip(later, earlier, strict=True)) if t is not None and v == t]
    rows = [i + max(-shift, 0) for i, t in both if abs(t) >= least]
    distinct = {training.values[row + shift] for row in rows}
    if len(distinct) >= 3 and 2 * len(rows) >= len(losses) - 1:
        yield Found(
            f"{len(rows)} validation losses stand in the training column too, "
            f"a row {'below' if shift > 0 else 'above'}: "
            f"{printed(validation.cells[rows[0]])} at {place(losses, rows[0])} is the first",
            losses.lines[rows[0]],
            {"rows": [row + 1 for row in rows[:100]], "shift": shift},
            "warning",
        )


@rule("RT213", "note", profiles=("strict",))
def a_training_loss_was_logged(progress: Progress) -> Sequence[Found]:
    """No row has a training loss.

    The Trainer logs the training loss every 500 steps unless told otherwise, and prints `No log` until
    it has one. A training that ends before step 500 has none at all.

    Why it matters:
        Without a training loss nobody can tell whether the model learned too little or too much.

    How to mend:
        Train with `logging_strategy="epoch"`, or with `logging_steps` well below the number of steps.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | No log        | 1.0   | 100  | 1.4000          |
        | No log        | 2.0   | 200  | 1.3000          |

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
    """
    cells = progress.training.cells if progress.training else ()
    if cells and all(_is_no_log(cell) for cell in cells):
        steps = progress.points("step")
        until = f" up to step {steps[-1][1]:g}" if steps else ""
        return [Found(f"No log in all {len(cells)} rows{until}", progress.lines[0], {"rows": len(cells)})]
    return ()


@rule("RT214", "warning")
def a_logged_loss_stays(progress: Progress) -> Sequence[Found]:
    """`No log` stands below a logged training loss.

    The Trainer repeats the last training loss that it logged, so `No log` only stands above the first
    one. Below it, the row was moved, or belongs to another run.

    Why it matters:
        Two runs in one table have two seeds, two courses and one description.

    How to mend:
        Take the table again from trainer_state.json of one run.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 500  | 1.4000          |
        | No log        | 2.0   | 1000 | 1.3000          |

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | No log        | 0.5   | 250  | 1.4000          |
        | 1.5           | 1.0   | 500  | 1.3000          |
    """
    training = progress.training
    return () if training is None or training.is_whole else at_most(_a_logged_loss_stays(progress))


def _a_logged_loss_stays(progress: Progress) -> Iterator[Found]:
    series = progress.training
    if series is None or not series.points or None not in series.values:
        return
    logged, value = series.points[0]
    line = progress.lines[logged]
    message = f"No log stands below the training loss {printed(series.cells[logged])} of line {line}"
    for row in range(logged + 1, len(progress)):
        if _is_no_log(series.cells[row]):
            yield Found(message, progress.lines[row], {"logged": value, "logged_line": line})


def _is_no_log(cell: Cell | None) -> bool:
    return cell is not None and cell.value is None and cell.text.strip("*`_").lower() == "no log"


RULES: tuple[Rule, ...] = (
    one_precision,
    numbers_are_numbers,
    columns_differ,
    a_training_loss_was_logged,
    a_logged_loss_stays,
)

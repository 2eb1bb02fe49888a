"""What printed texts and repeats alone say about the two loss columns; without numpy."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from functools import lru_cache
from operator import eq

from repro.comparison.exchange_readings import NO_LOG, Readable

# How often a number is printed as its generator would not have printed it: an edited cell.
_EDITED = 0.003
# A notebook rounds training losses to so many decimals, and pads them.
_ROUNDED = 4
# A cell repeats the one above by chance: of steps with a median of s, about a share of unit / 3 s is printed
# as none (a Gaussian's 0.27, a Cauchy's 0.32, a Laplace distribution's 0.35), but never fewer than this, as
# losses also settle. The last training loss does so where the last evaluation comes before the next logging:
# in two of the 24 tables of the study in which it is not logged rarely.
_STEPS = 3.0
_CHANCE, _CHANCE_LAST = 0.001, 0.05

# Evaluations lie at least so far apart where they are counted in steps, and not in epochs.
_STEPS_APART = 10
# Intervals of logging that people choose: so many times a power of ten, so many evaluations.
_ROUND = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)
_FEW = (1, 2, 3, 4)


def decimals(text: str) -> int:
    """Return how many decimals a text prints; a number with an exponent prints as many as it needs."""
    return 0 if "e" in text or "E" in text else len(text.partition(".")[2])


def places(table: Readable, column: int) -> int:
    """Return the decimals of a column's cells that print all of them; a few edited ones may have more."""
    n = len(table.rows)
    cells = range(column * n, (column + 1) * n)
    own = [decimals(table.texts[cell]) for cell in cells if table.values[cell] is not None]
    return max((each for each in set(own) if own.count(each) >= 0.25 * len(own)), default=4)


def forms(table: Readable, full: int) -> list[tuple[float, float, float]]:
    """Return the log probability of each cell's printed form by style, in a column of `full` decimals.

    The styles: in shortest form, as the Trainer prints a training loss up to transformers 4.57; with a fixed
    number of decimals, as it prints an evaluation loss; rounded to four decimals and then padded, as a
    notebook prints a training loss. A final zero is one digit in ten.
    """
    return [
        (0.0, 0.0, 0.0) if value is None else _form(own := decimals(text), own and _zeros(text), full)
        for text, value in zip(table.texts, table.values, strict=True)
    ]


def _zeros(text: str) -> int:
    return len(text) - len(text.rstrip("0"))


@lru_cache(maxsize=256)  # few decimals, few zeros
def _form(own: int, zeros: int, full: int) -> tuple[float, float, float]:
    if own < full:
        shortest, fixed = (_EDITED if zeros and own > 1 else 0.1), _EDITED
    elif own > full:
        shortest = fixed = _EDITED
    else:
        shortest, fixed = (_EDITED, 0.1) if zeros else (0.9, 0.9)
    padded = fixed
    if own == full > 4:
        rounded = zeros >= full - 4
        fixed = 0.1 ** (full - 4) if rounded else 0.9
        padded = 1.0 if rounded else _EDITED
    return math.log(shortest), math.log(fixed), math.log(padded)


def odd_rows(table: Readable) -> list[int]:
    """Return the rows in which a loss is printed as those of the other column are, and few of its own.

    A validation loss that is `No log`, or shorter than most; a training loss that ends in zero where more of
    them are in shortest form; where more than four decimals are printed, as notebooks do, a validation loss
    that is padded to them, and a training loss that is not.
    """
    n = len(table.rows)
    joined = "".join(table.texts)
    exponents = "e" in joined or "E" in joined
    lengths = [decimals(text) if exponents else len(text.partition(".")[2]) for text in table.texts]
    above, below = lengths[:n], lengths[n:]
    full = max(below)
    odd: set[int] = set()
    if min(below) < full:
        low = table.texts[n:]
        odd = {row for row, text in enumerate(low) if text == NO_LOG}
        short = [own < full and text not in ("", NO_LOG) for own, text in zip(below, low, strict=True)]
        odd.update(_few(short))
    if full > _ROUNDED:
        padded = [text.endswith("0" * (full - _ROUNDED)) for text in table.texts]
        if 2 * sum(padded[:n]) >= n:
            odd.update(_few([not each for each in padded[:n]]))
            odd.update(_few(padded[n:]))
    elif min(above) < full:
        zeros = [row for row, text in enumerate(table.texts[:n]) if text[-1:] == "0" and above[row] == full]
        if zeros and 2 * len(zeros) <= sum([own < full for own in above]):
            odd.update(zeros)
    return sorted(odd)


def _few(flags: Sequence[bool]) -> list[int]:
    """Return where flags are set; nowhere, where most of them are."""
    found = [row for row, flag in enumerate(flags) if flag]
    return found if 2 * len(found) <= len(flags) else []


def stairs(table: Readable) -> bool:
    """Whether training losses are logged more rarely than evaluated: `No log` first, or repeats."""
    own = table.values[: len(table.rows)]
    return own[0] is None or sum(map(eq, own, own[1:])) > (len(own) - 1) / 4


def even(values: Sequence[float | None], position: Sequence[float]) -> bool:
    """Whether a training loss changes where logging at some fixed interval changes it.

    Without positions nothing contradicts it.
    """
    return not position or bool(_intervals(values, position))


def usual(values: Sequence[float | None], position: Sequence[float]) -> bool:
    """Whether it does so at an interval that people choose: 500 steps (the default), or a round number.

    Of a position that counts no steps, any interval will do.
    """
    if not position:
        return True
    found = _intervals(values, position)
    gap = (position[-1] - position[0]) / (len(position) - 1)
    return any(gap < _STEPS_APART or _usual_between(above, to, gap) for above, to in found)


def _intervals(values: Sequence[float | None], position: Sequence[float]) -> list[tuple[float, float]]:
    """Return the intervals of logging that explain where a column changes, as pairs: above this, up to that.

    With one logging every i, the loss that stands at position p is number floor(p / i), or one more when the
    first step was logged too; some i must fit every row.
    """
    found = []
    for first in (0,) if values[0] is None else (0, -1):
        count, last = first, None
        above, to = 0.0, math.inf
        for value, at in zip(values, position, strict=True):
            if value is not None and value != last:
                count, last = count + 1, value
            above = max(above, at / (count + 1))
            if count:
                to = min(to, at / count)
            if above >= to:
                break
        else:
            found.append((above, to))
    return found


def _usual_between(above: float, to: float, gap: float) -> bool:
    """Whether a round number lies there, or a few of the gaps between evaluations."""
    if to == math.inf:
        return True
    power = 10.0 ** math.floor(math.log10(to))
    return any(
        above < number <= to
        for number in (*[digits * power for digits in _ROUND], *[few * gap for few in _FEW])
    )


def usual_but_for_one(values: Sequence[float | None], position: Sequence[float]) -> bool:
    """Whether a training loss would be `usual` but for one cell, or two loggings that are printed alike."""
    n = len(values)
    for row in range(1, n):
        above, own = values[row - 1], values[row]
        tries = [(*values[:row], above, *values[row + 1 :]), (*values[: row - 1], own, *values[row:])]
        if own is not None and above == own:
            end = next((end for end in range(row, n) if values[end] != own), n)
            tries = [(*values[:row], *[math.inf] * (end - row), *values[end:])]
        if any(usual(each, position) for each in tries):
            return True
    return False


def chance(values: Sequence[float | None], row: int, unit: float, column: int) -> float:
    """How likely a cell is printed like the one above: the printed unit over the steps around it."""
    steps = [
        abs(right - left)
        for at in range(max(1, row - 3), min(len(values), row + 4))
        if at != row and (right := values[at]) is not None and (left := values[at - 1]) is not None
    ]
    step = statistics.median(steps) if steps else 0.0
    least = _CHANCE_LAST if column == 0 and row == len(values) - 1 else _CHANCE
    return max(unit / (unit + _STEPS * step), least)

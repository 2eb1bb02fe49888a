"""What printed texts and repeats alone say about the two loss columns; without numpy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from repro.comparison.exchange_readings import NO_LOG, Readable

# How often a number is printed as its generator would not have printed it: an edited cell.
_EDITED = 0.003


def decimals(text: str) -> int:
    """Return how many decimals a text prints; a number with an exponent prints as many as it needs."""
    return 0 if "e" in text.lower() else len(text.partition(".")[2])


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


def swapped_text(table: Readable) -> bool:
    """Whether validation losses are printed as training losses are: `No log`, or some shorter than others."""
    n = len(table.rows)
    if NO_LOG in table.texts[n:]:
        return True
    own = [
        decimals(text)
        for text, value in zip(table.texts[n:], table.values[n:], strict=True)
        if value is not None
    ]
    return 0 < len(own) - own.count(max(own, default=0)) <= len(own) / 2


def stairs(table: Readable) -> bool:
    """Whether training losses are logged more rarely than evaluated: `No log` first, or repeats."""
    own = table.values[: len(table.rows)]
    repeats = sum(above is not None and above == below for above, below in pairwise(own))
    return own[0] is None or repeats > (len(own) - 1) / 4


def even(values: Sequence[float | None], position: Sequence[float]) -> bool:
    """Whether a training loss changes where logging at a fixed interval changes it.

    With r loggings to one unit of position, the loss that stands at position p is number floor(p r), or one
    more when the first step was logged too; some r must fit every row. Without positions nothing
    contradicts it.
    """
    if not position:
        return True
    for first in (0,) if values[0] is None else (0, -1):
        count, above = first, None
        least, most = -math.inf, math.inf
        for value, at in zip(values, position, strict=True):
            if value is not None and value != above:
                count, above = count + 1, value
            least, most = max(least, count / at), min(most, (count + 1) / at)
            if least >= most:
                break
        else:
            return True
    return False

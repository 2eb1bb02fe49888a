"""Other ways to read a table's two loss columns, and which of them are worth weighing; without numpy.

Cells are numbered: row `i` of the printed training column is cell `i`, of the validation column cell `n + i`.
A column is a byte string of such numbers, one for each row: quickly cut and joined, and for numpy an array.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import attrgetter, eq
from typing import Literal, NamedTuple, TypeGuard

from repro.records.claims import Cell

Column = Literal["training_loss", "validation_loss"]
Kind = Literal["printed", "exchanged", "shifted", "exchanged and shifted"]

#: What a training loss reads until the first was logged.
NO_LOG = "No log"
#: No cell: the reading does not know the value of this row.
UNKNOWN = 255
#: A longer table is read through windows of this many rows, whose cells can be numbered in a byte.
WINDOW = 96

# How the readings share the prior odds. Four kinds of accident are as likely as each other: from some row on
# the columns were pasted the wrong way round; one row was; one column, either one, either way, slipped by a
# row; a digit is wrong. Others are rarer. Every place of one kind is as likely as another.
_TO_THE_END = _ONE_ROW = _SHIFTED = _ONE_DIGIT = 0.35
_FROM_THE_START, _BETWEEN, _ALL = 0.05, 0.10, 0.02
_EXCHANGED_AND_SHIFTED, _ROTATED, _UNEVEN_STAIRS = 0.05, 0.005, 0.35
# More boundaries than these are only nominated where the two curves cannot be told apart; in many rows, they
# would also take long to weigh.
_MOST_BOUNDARIES = 20
_MOST_BOUNDARY_ROWS = 640
# So many times the median of its second differences is out of a column's line.
_OUT_OF_LINE = 3.0
# Where more cells of a column repeat the one above, none of them is odd.
_MOST_REPEATS = 8
_FEWEST_FOR_BOTH = 8
_UNKNOWN = bytes([UNKNOWN])
_TEXT, _VALUE = attrgetter("text"), attrgetter("value")


class Readable(NamedTuple):
    """The rows of a table that can be weighed.

    Attributes:
        rows: Their 0-based places in the table.
        texts: The printed text of the 2n cells.
        values: Their numbers, None for `No log`, blank and not finite ones.
        ends_early: Whether the last evaluation came sooner after the one before than others do, so that no
            training loss need have been logged between: the last may stand there twice.
    """

    rows: tuple[int, ...]
    texts: tuple[str, ...]
    values: tuple[float | None, ...]
    ends_early: bool = False


class Reading(NamedTuple):
    """One way to read the table.

    Attributes:
        kind: What would have happened to the table.
        training: The number of the cell that is the training loss of each row.
        validation: The same for the validation loss.
        first: The first row that reads differently.
        last: The last one.
        weight: Its share of the prior odds.
        moved: The column (as mended) whose values stand in other rows, or None.
        shift: How many rows below their own the printed values stand: -1 is one row too early.
        spare: A cell that this reading has no place for, or UNKNOWN.
    """

    kind: Kind
    training: bytes
    validation: bytes
    first: int
    last: int
    weight: float
    moved: Column | None = None
    shift: int = 0
    spare: int = UNKNOWN


def readable(
    training: Sequence[Cell | None], validation: Sequence[Cell | None], position: Sequence[float] = ()
) -> Readable:
    """Take the rows that say something about both columns.

    One row with a blank is kept, as a shift leaves one behind; several are how a table looks that was not
    evaluated at every row, and are left out. So is a row that repeats the one above, step and all: that is
    another finding.
    """
    n = len(training)
    cells = (*training, *validation)
    if len(cells) == 2 * n and all(cells):
        # As nearly every table is: numbers, and `No log` at most.
        values = tuple(map(_VALUE, cells))
        if _are_numbers(values):
            texts = tuple(map(str.strip, map(_TEXT, cells)))
            if _whole(texts, values, n):
                return Readable(tuple(range(n)), texts, values)
    found: list[tuple[int, _Read, _Read]] = []
    blanks = 0
    above: tuple[int, _Read | None, _Read | None] = (-1, None, None)
    for row, (one, other) in enumerate(zip(training, validation, strict=False)):
        right = _read(other)
        if right is None:
            continue
        left = _read(one)
        if left is None or not (left[0] or right[0]):
            continue
        if right == above[2] and left == above[1]:
            known = row < len(position)
            if not known or position[row] == position[above[0]]:
                continue
        if not (left[0] and right[0]):
            blanks += 1
        above = row, left, right
        found.append(above)
    if blanks > 1:
        found = [each for each in found if each[1][0] and each[2][0]]
    if not found:
        return Readable((), (), ())
    both = [left for _, left, _ in found] + [right for _, _, right in found]
    return Readable(
        tuple([row for row, _, _ in found]),
        tuple([text for text, _ in both]),
        tuple([value for _, value in both]),
    )


def _are_numbers(values: tuple[object, ...]) -> TypeGuard[tuple[float | None, ...]]:
    return {*map(type, values)} <= {float, type(None)}


def _whole(texts: Sequence[str], values: Sequence[float | None], n: int) -> bool:
    """Whether every cell holds a number or `No log`, and no row is printed twice."""
    if "" in texts:
        return False
    known = [value for value in values if value is not None]
    logs = len(values) - len(known)
    if logs and sum([text == NO_LOG for text in texts]) != logs:
        return False
    rows = [*zip(values, values[n:], strict=False)]
    return math.isfinite(sum(known)) and not any(map(eq, rows, rows[1:]))


_Read = tuple[str, float | None]


def _read(cell: Cell | None) -> _Read | None:
    """Return text and number of a cell; None where it holds neither a loss nor `No log` nor nothing."""
    text = "" if cell is None else cell.text.strip()
    if cell is None or not text:
        return "", None
    value = cell.value
    if type(value) is float:
        return (text, value) if math.isfinite(value) else None
    if value is None:
        return (NO_LOG if text.lower() == "no log" else ""), None
    if isinstance(value, str):
        return None  # words, and what is not finite
    try:
        number = float(value)
    except OverflowError:
        return None
    return (text, number) if math.isfinite(number) else None


def printed(n: int) -> Reading:
    """The table as it stands."""
    return Reading("printed", bytes(range(n)), bytes(range(n, 2 * n)), 0, n - 1, 1.0)


def others(table: Readable, odd: Sequence[int], even_stairs: bool | None) -> list[Reading]:
    """List the other readings that the table gives a reason to weigh; none for most tables.

    Args:
        table: The rows.
        odd: The rows in which a loss is printed as those of the other column are.
        even_stairs: Where the training loss is logged more rarely than the model is evaluated: whether it
            repeats as logging at a fixed interval does. Else None.
    """
    n = len(table.rows)
    every = bool(odd) and n <= _MOST_BOUNDARIES
    boundaries = list(range(1, n)) if every else boundaries_of(table.values, n)
    if odd and not every:
        changes = [row for row in range(1, n) if (row in odd) != (row - 1 in odd)]
        boundaries = sorted({*boundaries, *changes[:_MOST_BOUNDARIES]})
    found = list(_exchanges(boundaries, n)) if boundaries else []
    for boundary in boundaries:
        found.extend(shifts(table, boundary, exchanged=True))
    found.extend(shifts_alone(table, even_stairs))
    return found


def boundaries_of(values: Sequence[float | None], n: int) -> list[int]:
    """Rows at which the columns may have been exchanged: where their difference changes its sign.

    With d the difference of the columns, an exchange at row k lowers the sum of both columns' squared steps
    into that row by -2 d[k-1] d[k]: it can only make them smoother where d changes its sign, or is too small
    to tell.
    """
    low = values[n:]
    d = [
        math.nan if a is None or b is None else (a - b) / (abs(a) + abs(b) or 1.0)
        for a, b in zip(values[:n], low, strict=True)
    ]
    steps = sorted([step for x, y in pairwise(d) if (step := abs(x - y)) >= 0])
    near = 0.5 * steps[len(steps) // 2] ** 2 if steps else 0.0
    gains: list[tuple[float, int]] = []
    # Where the curves cross at that very row, going straight on from either side changes the sign; at the
    # ends there is nothing to go on.
    for k, (before, left, right, after) in enumerate(
        zip((d[0], *d), d, d[1:], (*d[2:], d[-1]), strict=False), start=1
    ):
        gain = left * right
        from_above, from_below = (2 * left - before) * right, left * (2 * right - after)
        if from_above < gain:
            gain = from_above
        if from_below < gain:
            gain = from_below
        if gain < near:
            gains.append((gain, k))
    told = _out_of_line(values, n)
    if len({*low}) < n or None in values:
        told |= _told_below(values, n)
    if told:
        gains = [each for each in gains if each[1] not in told] + [(0.0, k) for k in told]
    gains.sort()
    most = min(_MOST_BOUNDARIES, _MOST_BOUNDARY_ROWS // n)
    return sorted([k for _, k in gains[:most]])


def _out_of_line(values: Sequence[float | None], n: int) -> set[int]:
    """Return the rows at which one column leaves its line, and the other's value lies nearer to that line.

    Where one column is much the smoother, its squares count more than the other's, and an exchange may make
    it smoother where the difference of the columns keeps its sign.
    """
    losses = [value for value in values if value is not None]
    found: set[int] = set()
    if len(losses) < len(values):
        return found
    for own, other in ((losses[:n], losses[n:]), (losses[n:], losses[:n])):
        bends = [x - 2 * y + z for x, y, z in zip(own, own[1:], own[2:], strict=False)]
        most = _OUT_OF_LINE * sorted(map(abs, bends))[(n - 2) // 2]
        for row, bend in enumerate(bends):
            if not -most <= bend <= most:
                # Of three rows the last leaves the line of the first two, or the first that of the others
                # (that of the table does always, as curves fall steeply there).
                if 0 < (own[row + 2] - other[row + 2]) / bend < 2:
                    found.add(row + 2)
                if row and 0 < (own[row] - other[row]) / bend < 2:
                    found.add(row + 1)
    return found


def _told_below(values: Sequence[float | None], n: int) -> set[int]:
    """Return the rows at which the validation column alone says that something may begin or end."""
    low = values[n:]
    # Validation losses hardly ever repeat; training losses that are logged rarely do.
    again = [row for row, repeats in enumerate(map(eq, low, low[1:])) if repeats and low[row] is not None]
    found = {row for row in (*again, *[row + 1 for row in again]) if row}
    if None in values:
        for k in range(1, n):
            above, own, other = low[k - 1], low[k], values[k]
            if own is None or other is None or above is None or values[k - 1] is not None:
                continue
            if abs(other - above) < abs(own - above):
                found.add(k)
    return found


def prior_of(k: int, m: int, n: int) -> float:
    """Return the logarithm of the prior odds that rows k to m of n are exchanged, and no others."""
    if k == 0 and m == n:
        return math.log(_ALL)
    if m == n:
        return math.log((_TO_THE_END + (_ONE_ROW if k == n - 1 else 0)) / n)
    if m == k + 1:
        return math.log(_ONE_ROW / n)
    return math.log(_FROM_THE_START / n if k == 0 else _BETWEEN / (n * n / 2))


def prior_of_a_digit(n: int) -> float:
    """Return the logarithm of the prior odds that a digit is wrong in one of the 2n cells."""
    return math.log(_ONE_DIGIT / (2 * n))


def _exchanges(boundaries: Sequence[int], n: int) -> Iterator[Reading]:
    a, b = bytes(range(n)), bytes(range(n, 2 * n))
    ends = [0, *boundaries, n]
    for at, k in enumerate(ends[:-1]):
        for m in ends[at + 1 :]:
            weight = math.exp(prior_of(k, m, n))
            training, validation = a[:k] + b[k:m] + a[m:], b[:k] + a[k:m] + b[m:]
            yield Reading("exchanged", training, validation, k, m - 1, weight)


def shifts_alone(table: Readable, even_stairs: bool | None) -> Iterator[Reading]:
    """One column moved by one row: it leaves a repeated cell, a blank, or its end in the wrong place."""
    n = len(table.rows)
    for offset in (0, n):
        values = table.values[offset : offset + n]
        if even_stairs is not None and not offset:
            for k in range(1, 1 if even_stairs else n - 1):
                yield from shifts(table, k, column="training_loss", share=_UNEVEN_STAIRS)
            continue
        logged = next((row for row, value in enumerate(values) if value is not None), n)
        column: Column = "validation_loss" if offset else "training_loss"
        if values[-1] is None or (values[-1] == values[-2] and (offset or not table.ends_early)):
            for k in range(logged, n - 1):
                yield from shifts(table, k, column=column, directions=(-1,))
        repeats = [k for k in range(logged + 1, n - 1) if values[k] is None or values[k] == values[k - 1]]
        for k in repeats if len(repeats) <= _MOST_REPEATS else ():
            yield from shifts(table, k, column=column, directions=(1,))
        if logged == 0:
            yield from rotations(table, column)


def shifts(
    table: Readable,
    k: int,
    *,
    exchanged: bool = False,
    column: Column | None = None,
    directions: Sequence[int] = (-1, 1),
    share: float | None = None,
) -> Iterator[Reading]:
    """Readings in which the values of one column stand one row too early or too late from row `k` on."""
    n = len(table.rows)
    # Where few rows are exchanged, one of them is lost and one left over, another reading fits anything.
    if k > n - (3 if exchanged else 2) or (exchanged and n < _FEWEST_FOR_BOTH):
        return
    a, b = bytes(range(n)), bytes(range(n, 2 * n))
    if exchanged:
        a, b = a[:k] + b[k:], b[:k] + a[k:]
    columns: tuple[tuple[Column, bytes], ...] = (("training_loss", a), ("validation_loss", b))
    for name, own in columns:
        if column not in (None, name):
            continue
        weight = (share or (_EXCHANGED_AND_SHIFTED if exchanged else _SHIFTED)) / (4 * n)
        for shift in directions:
            if shift < 0:
                mended, spare = own[:k] + _UNKNOWN + own[k:-1], own[-1]
            else:
                mended, spare = own[:k] + own[k + 1 :] + _UNKNOWN, own[k]
            training, validation = (mended, b) if name == "training_loss" else (a, mended)
            kind: Kind = "exchanged and shifted" if exchanged else "shifted"
            yield Reading(kind, training, validation, k, n - 1, weight, name, shift, spare)


def prior_of_rotation(n: int) -> float:
    """Return the logarithm of the prior odds that a column of n rows is rotated at one of them."""
    return math.log(_ROTATED / (4 * n))


def rotations(table: Readable, column: Column) -> Iterator[Reading]:
    """A shift that put the value pushed out at one end of the rows back in at the other: nothing is lost."""
    n = len(table.rows)
    offset = n if column == "validation_loss" else 0
    values = [value for value in table.values[offset : offset + n] if value is not None]
    if len(values) < n:
        return
    end = values[-1]
    steps = [abs(y - x) for x, y in pairwise(values)]
    tail = steps[-1]
    if 4 * min([abs(value - end) for value in values[:-2]]) >= max(steps):
        return
    own = bytes(range(offset, offset + n))
    other = bytes(range(n - offset, 2 * n - offset))
    above = math.inf
    for k in range(n - 2):
        # The cell where the rotation begins and ends lies nearer to the far end than to its neighbours.
        near, below = 4 * abs(values[k] - end), abs(values[k] - values[k + 1])
        if near < below and near < above:
            mended = own[:k] + own[k + 1 :] + own[k : k + 1]
            yield _rotation(mended, other, column, k, 1)
        if near < tail and (k == 0 or 4 * abs(values[k - 1] - end) < tail):
            yield _rotation(own[:k] + own[-1:] + own[k:-1], other, column, k, -1)
        above = below


def _rotation(mended: bytes, other: bytes, column: Column, k: int, shift: int) -> Reading:
    n = len(mended)
    training, validation = (other, mended) if column == "validation_loss" else (mended, other)
    return Reading("shifted", training, validation, k, n - 1, math.exp(prior_of_rotation(n)), column, shift)

"""A first look at a table's loss columns: is there anything that weighing could find? Without numpy.

Weighing takes a millisecond and comes to nothing for nearly every table. Here a reading counts for what it
saves in squares, each column's around a cubic in log(row) and of its steps, the largest left out; that of a
shift for what a repeated cell is worth. Both are weighed against the reading's prior, as there. The
thresholds lie below what is reported; they were set on the accidents of `benchmarks/exchange_study.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, combinations, pairwise
from operator import add, eq, mul, sub

from repro.comparison.exchange_readings import (
    UNKNOWN,
    Readable,
    Reading,
    prior_of,
    rotations,
    shifts,
    shifts_alone,
)
from repro.comparison.exchange_text import chance, decimals

# A reading is weighed that comes, by this measure, so near to being reported.
_MARGIN = 2.0
# More than this in log odds, a cubic does not count against a shift: it fits long curves badly.
_NO_WORSE = 1.0
# What a copy of the other column's cell counts for.
_ACROSS = 5.0
# What a text costs in a column whose texts are printed otherwise, and from how many of each it is known.
_MISPRINT, _FEWEST_FORMS = 3.0, 2
# The noise's scale before anything is seen, as that of the curves.
_SCALE = 0.003
# The same as that of the curves.
_FLOOR = 1e-3
# So many boundaries are tried as both ends of an exchange.
_MOST_PAIRED = 6


def levels_of(values: Sequence[float | None]) -> list[float]:
    """Return the logarithms of losses (see `exchange_curves.FLOOR`); nan where there is none, or no loss."""
    return [math.nan if value is None or value < 0 else math.log(value + _FLOOR) for value in values]


def worth_weighing(
    table: Readable, levels: Sequence[float], boundaries: Sequence[int], rarely: bool, least: float
) -> bool:
    """Whether another reading of a table may be better than the printed one.

    Args:
        table: The rows; their texts are what the generator prints.
        levels: The logarithm of each cell; nan where there is none.
        boundaries: The rows at which an exchange may begin or end.
        rarely: Whether training losses are logged more rarely than evaluated, and repeat evenly.
        least: The log odds from which a reading is reported.
    """
    n = len(table.rows)
    values = table.values
    training, low = values[:n], values[n:]
    if any(map(math.isnan, levels if not rarely else levels[n:])):
        return True
    if boundaries and _saves(table, levels, boundaries, least, alone=rarely):
        return True
    again = len({*low}) < n or (not rarely and len({*training}) < n)
    # A cell that a shift left over may also be a copy of the other column's.
    aside = boundaries and (
        training[-1] == low[-1] or any(map(eq, training, low[1:])) or any(map(eq, low, training[1:]))
    )
    if (again or aside) and _shifts(table, levels, boundaries, least, alone=rarely):
        return True
    return not rarely and any(_rotates(levels, each, least) for each in rotations(table))


def _unit(texts: Sequence[str]) -> float:
    return 10.0 ** -max(map(decimals, texts))


def _shifts(
    table: Readable, levels: Sequence[float], boundaries: Sequence[int], least: float, *, alone: bool
) -> bool:
    """Whether a column reads better when it is moved by one row, for a cell that is there twice."""
    n = len(table.rows)
    values = table.values
    unit = 10.0 ** -min(4, max(map(decimals, table.texts)))
    columns: list[list[float | None]] = [list(values[:n]), list(values[n:])]
    around = [_around(levels[:n]), _around(levels[n:])]
    odds = 0.0
    readings = [*shifts_alone(table, True if alone else None)]
    for k in boundaries:
        readings += shifts(table, k, exchanged=True)
    for each in readings:
        cell = each.spare
        if cell == UNKNOWN:
            continue
        column, row = divmod(cell, n)
        beside = values[(cell + n) % (2 * n)]
        mended = each.training if each.moved == "training_loss" else each.validation
        printed = around[0] * around[1]
        if row and values[cell] == values[cell - 1]:
            score = -math.log(chance(columns[column], row, unit, column))
            printed = _around(levels[column * n : column * n + n], row) * around[1 - column]
        elif values[cell] == beside or (each.first and values[cell] == values[mended[each.first - 1]]):
            score = _ACROSS
        else:
            continue
        score += math.log(each.weight)
        found = 1.0
        for cells in (each.training, each.validation):
            missing = cells.find(UNKNOWN)
            found *= _around([0.0 if c == UNKNOWN else levels[c] for c in cells], missing)
        odds += math.exp(score + max(-_NO_WORSE, n / 2 * math.log(printed / found)))
    return odds > 0 and math.log(odds) > least - _MARGIN


def _around(column: Sequence[float], missing: int = -1) -> float:
    """Return the squares around a cubic in log(row); without a row that is missing."""
    basis = _cubics(len(column))
    parts = [sum(map(mul, column, own)) for own in basis]
    squares = sum(map(mul, column, column)) - sum(map(mul, parts, parts))
    if missing >= 0:
        own = [each[missing] for each in basis]
        squares -= (column[missing] - sum(map(mul, own, parts))) ** 2 / (1 - sum(map(mul, own, own)))
    return max(squares, 0.0) + _SCALE**2


def _rotates(levels: Sequence[float], reading: Reading, least: float) -> bool:
    """Whether the steps of a column that was rotated become smaller."""
    columns = (reading.training, reading.validation)
    mended = [_squares([levels[cell] for cell in column]) for column in columns]
    n = len(levels) // 2
    most = _squares(levels[:n]) * _squares(levels[n:])
    return math.prod(mended) <= most * math.exp(2 / n * (math.log(reading.weight) - least + _MARGIN))


def _squares(levels: Sequence[float]) -> float:
    return sum([(y - x) ** 2 for x, y in pairwise(levels)]) + _SCALE**2


@lru_cache(maxsize=128)
def _cubics(n: int) -> tuple[tuple[float, ...], ...]:
    """Return an orthonormal basis of the cubics in log(row)."""
    rows = [math.log(row) for row in range(1, n + 1)]
    found: list[tuple[float, ...]] = []
    for power in range(min(4, n - 2)):
        own = [row**power for row in rows]
        for _ in range(2):  # twice is enough
            for other in found:
                by = sum(map(mul, own, other))
                own = [x - by * y for x, y in zip(own, other, strict=True)]
        length = math.sqrt(sum(map(mul, own, own)))
        found.append(tuple([x / length for x in own]))
    return tuple(found)


class _Cubic:
    """The columns' squares around a cubic in log(row), and what an exchange makes of them."""

    def __init__(self, a: Sequence[float], b: Sequence[float]) -> None:
        apart = [x - y for x, y in zip(a, b, strict=True)]
        basis = _cubics(len(a))
        self._parts = [[sum(map(mul, column, own)) for own in basis] for column in (a, b)]
        self.squares = tuple(
            sum(map(mul, column, column)) - sum(map(mul, own, own)) + _SCALE**2
            for column, own in zip((a, b), self._parts, strict=True)
        )
        factors = (*basis, a, b, apart)
        self._sums = [[0.0, *accumulate(map(mul, apart, factor))] for factor in factors]

    def exchanged(self, k: int, m: int) -> tuple[float, float]:
        """Return the squares of both columns where rows k to m stand in the other one."""
        *parts, across, along, own = [sums[m] - sums[k] for sums in self._sums]
        own -= sum(map(mul, parts, parts))
        across -= sum(map(mul, parts, self._parts[0]))
        along -= sum(map(mul, parts, self._parts[1]))
        return self.squares[0] - 2 * across + own, self.squares[1] + 2 * along + own


class _Steps:
    """The squares of the columns' steps but for the largest, and what an exchange makes of them."""

    def __init__(self, a: Sequence[float], b: Sequence[float]) -> None:
        # Nothing steps into the first row, nor out of the last.
        self._squares, self._crossing = (
            [[0.0, *[(y - x) ** 2 for x, y in zip(above, below[1:], strict=False)], 0.0] for above, below in pairs]
            for pairs in (((a, a), (b, b)), ((a, b), (b, a)))
        )
        self._sums = [[0.0, *accumulate(squares)] for squares in self._squares]
        self._above = [[0.0, *accumulate(squares, max)] for squares in self._squares]
        self._below = [[0.0, *accumulate(reversed(squares), max)][::-1] for squares in self._squares]
        self.squares = self.exchanged(0, 0)

    def exchanged(self, k: int, m: int) -> tuple[float, float]:
        """Return the squares of both columns where rows k to m stand in the other one."""
        found = []
        for own, other in ((0, 1), (1, 0)):
            sums, inner, enters, leaves = self._sums[own], self._sums[other], self._crossing[own][k], 0.0
            total, largest = sums[-1], self._below[own][0]
            if m > k:
                leaves = self._crossing[other][m]
                total = sums[k] + enters + inner[m] - inner[k + 1] + leaves + sums[-1] - sums[m + 1]
                within = max(self._squares[other][k + 1 : m], default=0.0)
                largest = max(self._above[own][k], enters, within, leaves, self._below[own][m + 1])
            found.append(total - largest + _SCALE**2)
        return found[0], found[1]


def _misplaced(table: Readable) -> list[int]:
    """Count, up to each row, the texts that an exchange would bring out of place, less those it puts right.

    Where training losses are printed in shortest form and validation losses are not, a short text belongs to
    the first, and one that ends in zero to the second.
    """
    n = len(table.rows)
    full = max(map(len, table.texts))
    short = [len(text) < full for text in table.texts]
    zeros = [text[-1:] == "0" for text in table.texts]
    if sum(short[:n]) < _FEWEST_FORMS or sum(zeros[n:]) < _FEWEST_FORMS:
        return [0] * (n + 1)
    own = map(add, short[:n], zeros[n:])
    return [0, *accumulate(map(sub, own, map(add, short[n:], zeros[:n])))]


def _saves(
    table: Readable, levels: Sequence[float], boundaries: Sequence[int], least: float, *, alone: bool
) -> bool:
    """Whether an exchange makes both columns smoother (`alone`: the validation column)."""
    n = len(levels) // 2
    a, b = levels[:n], levels[n:]
    first = 0
    if alone:
        # Nothing is exchanged where no training loss was logged.
        first = max((row for row in range(n) if math.isnan(a[row])), default=-1) + 1
        a = [*b[:first], *a[first:]]
    ends = [k for k in (0, *boundaries) if k >= first]
    odd = _misplaced(table)
    measures = [_Cubic(a, b), _Steps(a, b)]
    ones = [(k, m) for k, m in pairwise((*ends, n)) if m == k + 1 < n]
    wrong = math.exp(-2 / n * _MISPRINT)
    likely = ends[-_MOST_PAIRED:]
    between = [(k, m) for k, m in combinations(likely, 2) if m > k + 1]
    for pairs in ([(k, n) for k in ends if k], ones, between):
        if pairs:
            # The longer, the larger the odds of the same saving.
            ratio = math.exp(2 / n * (prior_of(*pairs[0], n) - least + _MARGIN))
            for measure in measures:
                one, other = measure.squares
                most = (other if alone else one * other) * ratio
                for k, m in pairs:
                    one, other = measure.exchanged(k, m)
                    if (other if alone else one * other) <= most * wrong ** (odd[m] - odd[k]):
                        return True
    return False

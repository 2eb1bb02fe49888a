"""A first look at a table's loss columns: is there anything that weighing could find? Without numpy.

Weighing takes a millisecond and comes to nothing for nearly every table. Here a reading counts for what it
saves in squares, each column's around a cubic in log(row) and of its steps, the largest left out; that of a
shift for what a repeated cell is worth. Both are weighed against the reading's prior, as there. The
thresholds lie below what is reported; they were set on the accidents of `benchmarks/exchange_study.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate, combinations, pairwise
from operator import add, eq, mul, sub
from typing import NamedTuple

from repro.comparison.exchange_readings import (
    UNKNOWN,
    Column,
    Readable,
    Reading,
    prior_of,
    prior_of_rotation,
    rotations,
    shifts,
    shifts_alone,
)
from repro.comparison.exchange_text import chance, decimals

# Readings are weighed that come, by these measures, so near to being reported: exchanges, shifts.
_MARGIN, _MARGIN_SHIFTED = 1.5, 0.5
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
_MOST_PAIRED = 5


def levels_of(values: Sequence[float | None]) -> list[float]:
    """Return the logarithms of losses (see `exchange_curves.FLOOR`); nan where there is none, or no loss."""
    return [math.nan if value is None or value < 0 else math.log(value + _FLOOR) for value in values]


def worth_weighing(
    table: Readable,
    levels: Sequence[float],
    boundaries: Sequence[int],
    rarely: bool,
    least: float,
    least_shifted: float,
) -> bool:
    """Whether another reading of a table may be better than the printed one.

    Args:
        table: The rows; their texts are what the generator prints.
        levels: The logarithm of each cell; nan where there is none.
        boundaries: The rows at which an exchange may begin or end.
        rarely: Whether training losses are logged more rarely than evaluated, and repeat evenly.
        least: The log odds from which a reading is reported in which the columns are exchanged.
        least_shifted: The same of one in which a column is shifted.
    """
    n = len(table.rows)
    if math.isnan(sum(levels[n:] if rarely else levels)):
        return True
    if boundaries and _exchanges(table, levels, boundaries, least, alone=rarely):
        return True
    found = _left_over(table, boundaries, rarely)
    if found and _shifts(table, levels, found, least_shifted):
        return True
    return not rarely and _rotates(table, levels, least_shifted)


class _Measure(NamedTuple):
    """The squares of both columns, and what they are with rows k to m exchanged."""

    training: float
    validation: float
    exchanged: Callable[[int, int], tuple[float, float]]


@lru_cache(maxsize=128)
def _cubics(n: int) -> tuple[tuple[float, ...], ...]:
    """Return an orthonormal basis of the cubics in log(row)."""
    rows = [math.log(row) for row in range(1, n + 1)]
    found: list[tuple[float, ...]] = []
    for power in range(min(4, n // 3 + 1)):
        own = [row**power for row in rows]
        for _ in range(2):  # twice is enough
            for other in found:
                by = sum(map(mul, own, other))
                own = [x - by * y for x, y in zip(own, other, strict=True)]
        length = math.sqrt(sum(map(mul, own, own)))
        found.append(tuple([x / length for x in own]))
    return tuple(found)


def _cubic(a: Sequence[float], b: Sequence[float], ends: Sequence[int]) -> _Measure:
    """Measure the columns by their squares around a cubic in log(row)."""
    apart = [*map(sub, a, b)]
    basis = _cubics(len(a))
    above, below = ([sum(map(mul, column, own)) for own in basis] for column in (a, b))
    one = sum(map(mul, a, a)) - sum(map(mul, above, above)) + _SCALE**2
    other = sum(map(mul, b, b)) - sum(map(mul, below, below)) + _SCALE**2
    running = [[0.0, *accumulate(map(mul, apart, factor))] for factor in (*basis, a, b, apart)]
    # What stands in front of each end: its part in the cubics, its product with both residuals, its square.
    before = {}
    for k in ends:
        *parts, across, along, own = [sums[k] for sums in running]
        across -= sum(map(mul, parts, above))
        along -= sum(map(mul, parts, below))
        before[k] = parts, across, along, own

    def exchanged(k: int, m: int) -> tuple[float, float]:
        parts, across, along, own = before[k]
        until, across_until, along_until, own_until = before[m]
        within = [*map(sub, until, parts)]
        own = own_until - own - sum(map(mul, within, within))
        return one - 2 * (across_until - across) + own, other + 2 * (along_until - along) + own

    return _Measure(one, other, exchanged)


def _steps(a: Sequence[float], b: Sequence[float]) -> _Measure:
    """Measure the columns by the squares of their steps but for the largest."""
    # Nothing steps into the first row, nor out of the last.
    above, below, down, up = (
        [0.0, *[(y - x) ** 2 for x, y in zip(upper, lower[1:], strict=False)], 0.0]
        for upper, lower in ((a, a), (b, b), (a, b), (b, a))
    )
    first, second = [0.0, *accumulate(above)], [0.0, *accumulate(below)]
    rest = first[-1] + _SCALE**2, second[-1] + _SCALE**2

    def exchanged(k: int, m: int) -> tuple[float, float]:
        inner_above, inner_below = first[m] - first[k + 1], second[m] - second[k + 1]
        one = rest[0] - first[m + 1] + first[k] + inner_below + down[k] + up[m]
        other = rest[1] - second[m + 1] + second[k] + inner_above + up[k] + down[m]
        one -= max(*above[:k], down[k], *below[k + 1 : m], up[m], *above[m + 1 :])
        other -= max(*below[:k], up[k], *above[k + 1 : m], down[m], *below[m + 1 :])
        return one, other

    return _Measure(rest[0] - max(above), rest[1] - max(below), exchanged)


def _misplaced(table: Readable) -> list[int] | None:
    """Count, up to each row, the texts that an exchange would bring out of place, less those it puts right.

    Where training losses are printed in shortest form and validation losses are not, a short text belongs to
    the first, and one that ends in zero to the second. None where neither is known.
    """
    n = len(table.rows)
    lengths = [*map(len, table.texts)]
    full = max(lengths)
    if n * full == sum(lengths[:n]):
        return None
    zeros = [text[-1:] == "0" for text in table.texts]
    if sum(zeros[n:]) < _FEWEST_FORMS:
        return None
    short = [own < full for own in lengths]
    if sum(short[:n]) < _FEWEST_FORMS:
        return None
    own = map(add, short[:n], zeros[n:])
    return [0, *accumulate(map(sub, own, map(add, short[n:], zeros[:n])))]


def _likeliest(a: Sequence[float], b: Sequence[float], ends: Sequence[int]) -> Sequence[int]:
    """Choose the rows at which exchanging the columns saves most in squares of steps."""
    if len(ends) <= _MOST_PAIRED:
        return ends
    likely = sorted(ends, key=lambda k: (a[k - 1] - b[k - 1]) * (a[k] - b[k]) if k else 0.0)
    return sorted(likely[:_MOST_PAIRED])


def _exchanges(
    table: Readable, levels: Sequence[float], boundaries: Sequence[int], least: float, *, alone: bool
) -> bool:
    """Whether an exchange makes both columns smoother (`alone`: the validation column)."""
    n = len(levels) // 2
    a, b = levels[:n], levels[n:]
    first = 0
    if alone:
        # Nothing is exchanged where no training loss was logged.
        first = max((row for row in range(n) if a[row] != a[row]), default=-1) + 1
        a = [*b[:first], *a[first:]]
    ends = [k for k in (0, *boundaries) if k >= first]
    if not ends:
        return False
    odd = _misplaced(table)
    wrong = math.exp(-2 / n * _MISPRINT)
    # How many times smaller the squares must be to make up for the prior: to the end, one row, between.
    ratios = [math.exp(2 / n * (prior_of(*rows, n) - least + _MARGIN)) for rows in ((1, n), (1, 2), (1, 3))]
    groups = (
        [(k, n) for k in ends if k],
        [(k, m) for k, m in pairwise(ends) if m == k + 1],
        [(k, m) for k, m in combinations(_likeliest(a, b, ends), 2) if m > k + 1],
    )
    for measure in (_cubic(a, b, (*ends, n)), _steps(a, b)):
        exchanged = measure.exchanged
        printed = measure.validation if alone else measure.training * measure.validation
        for pairs, ratio in zip(groups, ratios, strict=True):
            most = printed * ratio
            for k, m in pairs:
                one, other = exchanged(k, m)
                squares = other if alone else one * other
                if squares <= (most if odd is None else most * wrong ** (odd[m] - odd[k])):
                    return True
    return False


def _left_over(table: Readable, boundaries: Sequence[int], rarely: bool) -> list[Reading]:
    """List the shifts that leave a cell over which is there twice."""
    n = len(table.rows)
    a, b = table.values[:n], table.values[n:]
    found: list[Reading] = []
    if True in map(eq, b, b[1:]) or (not rarely and True in map(eq, a, a[1:])):
        found += shifts_alone(table, True if rarely else None)
    if boundaries:
        # Training losses that are logged rarely are there twice anyway.
        early = a[-1] == b[-1] or b[-1] == b[-2] or (a[-1] == a[-2] and not rarely)
        for k in boundaries:
            one, other, above, below = a[k], b[k], a[k - 1], b[k - 1]
            late = other in (one, above, below) or one == below or (one == above and not rarely)
            if early or late:
                ways = (-1, 1) if early and late else (1,) if late else (-1,)
                found += shifts(table, k, exchanged=True, directions=ways)
    return found


def _shifts(table: Readable, levels: Sequence[float], readings: Sequence[Reading], least: float) -> bool:
    """Whether a column reads better when it is moved by one row, for a cell that is there twice."""
    n = len(table.rows)
    values = table.values
    unit = 10.0 ** -min(4, max(map(decimals, table.texts)))
    # Where no training loss was logged, none is moved.
    levels = [0.0 if math.isnan(level) else level for level in levels]
    printed = [_around(levels[:n]), _around(levels[n:])]
    odds, enough = 0.0, math.exp(least - _MARGIN_SHIFTED)
    for each in readings:
        if each.spare == UNKNOWN:
            continue
        column, row = divmod(each.spare, n)
        mended = each.training if each.moved == "training_loss" else each.validation
        value = values[each.spare]
        before = printed[0] * printed[1]
        if row and value == values[each.spare - 1]:
            own = slice(column * n, column * n + n)
            score = -math.log(chance(values[own], row, unit, column))
            before = _around(levels[own], row) * printed[1 - column]
        elif value == values[(each.spare + n) % (2 * n)] or (
            each.first and value == values[mended[each.first - 1]]
        ):
            score = _ACROSS
        else:
            continue
        score += math.log(each.weight)
        after = 1.0
        for cells in (each.training, each.validation):
            missing = cells.find(UNKNOWN)
            after *= _around([0.0 if cell == UNKNOWN else levels[cell] for cell in cells], missing)
        odds += math.exp(score + max(-_NO_WORSE, n / 2 * math.log(before / after)))
        if odds > enough:
            return True
    return False


def _around(column: Sequence[float], missing: int = -1) -> float:
    """Return the squares around a cubic in log(row); without a row that is missing."""
    basis = _cubics(len(column))
    parts = [sum(map(mul, column, own)) for own in basis]
    squares: float = sum(map(mul, column, column)) - sum(map(mul, parts, parts))
    if missing >= 0:
        own = [each[missing] for each in basis]
        squares -= (column[missing] - sum(map(mul, own, parts))) ** 2 / (1 - sum(map(mul, own, own)))
    return max(squares, 0.0) + _SCALE**2


def _rotates(table: Readable, levels: Sequence[float], least: float) -> bool:
    """Whether the steps of a column become smaller when it is rotated."""
    n = len(table.rows)
    ratio = math.exp(2 / n * (prior_of_rotation(n) - least + _MARGIN))
    columns: tuple[tuple[Column, Sequence[float]], ...]
    columns = ("training_loss", levels[:n]), ("validation_loss", levels[n:])
    for name, own in columns:
        squares = sorted([(y - x) ** 2 for x, y in pairwise(own)])
        most = (sum(squares) + _SCALE**2) * ratio
        # It takes two steps away, and adds others.
        if sum(squares[:-2]) > most:
            continue
        for each in rotations(table, name):
            column = each.training if name == "training_loss" else each.validation
            if sum([(levels[y] - levels[x]) ** 2 for x, y in pairwise(column)]) <= most:
                return True
    return False

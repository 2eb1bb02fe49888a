"""A first look at a table's loss columns: is there anything that weighing could find? Without numpy.

Weighing takes a millisecond and comes to nothing for nearly every table. Here a reading counts for what it
saves in bends (how far each loss lies from the line, in log(row), through its neighbours) and in steps, which
an exchange changes only where it begins and ends; a shift leaves a cell twice. The thresholds lie far below
what is reported; they were set on the accidents of `benchmarks/exchange_study.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations, pairwise
from operator import eq

from repro.comparison.exchange_readings import Readable, rotated
from repro.comparison.exchange_text import decimals

# What an exchange saves at least in bends and in steps, as log odds.
_LEAST_BENDS, _LEAST_STEPS = 1.0, 2.0
_ODDS = math.exp(_LEAST_BENDS)
# A cell that a rotation pushed in stands out from its neighbours by as many times the usual bend.
_LEAST_SPIKE = 12.0
# Bends smaller than this, in log units, are none.
_LEAST_NOISE = 1e-4
# More boundaries than this in a column of stairs are not looked at in every pair.
_MOST_PAIRED = 8
# The same as that of the curves.
_FLOOR = 1e-3


def worth_weighing(table: Readable, boundaries: Sequence[int], rarely: bool) -> bool:
    """Whether another reading of a table may be better than the printed one.

    Args:
        table: The rows; their texts are what the generator prints.
        boundaries: The rows at which an exchange may begin or end.
        rarely: Whether training losses are logged more rarely than evaluated, and repeat evenly.
    """
    n = len(table.rows)
    training, low = table.values[:n], table.values[n:]
    known = [value for value in table.values if value is not None]
    if min(known) < 0 or None in low or (not rarely and len(known) < 2 * n):
        return True
    unit = 10.0 ** -min(4, max(map(decimals, table.texts)))
    if _repeats(low, unit):
        return True
    if rarely:
        return bool(boundaries) and (len(boundaries) > _MOST_PAIRED or _smoother(training, low, boundaries))
    # A cell that a shift left over may also be a copy of the other column's.
    aside = training[-1] == low[-1] or any(map(eq, training, low[1:])) or any(map(eq, low, training[1:]))
    if aside or _repeats(training, unit):
        return True
    floor = max(_LEAST_NOISE, 0.3 * unit / (sorted(known)[n] + _FLOOR))
    return _saves(table, boundaries, floor)


def _repeats(column: Sequence[float | None], unit: float) -> bool:
    """Whether a cell repeats the one above where losses move."""
    for row in range(1, len(column)):
        if column[row] == column[row - 1] is not None:
            steps = [
                abs(y - x)
                for x, y in pairwise(column[max(0, row - 4) : row + 4])
                if x is not None and y is not None and x != y
            ]
            if steps and sorted(steps)[len(steps) // 2] > 0.9 * unit:
                return True
    return False


@lru_cache(maxsize=64)
def _shares(n: int) -> tuple[float, ...]:
    """How much the row above counts in the line through a row's neighbours; nothing in the first row."""
    return (0.0, *(math.log((row + 2) / (row + 1)) / math.log((row + 2) / row) for row in range(1, n - 1)))


def _levels(column: Sequence[float | None]) -> list[float]:
    return [math.nan if value is None else math.log(value + _FLOOR) for value in column]


def _bends(levels: Sequence[float]) -> list[float]:
    inner = zip(levels, levels[1:], levels[2:], _shares(len(levels))[1:], strict=False)
    return [0.0, *(y - z + share * (z - x) for x, y, z, share in inner), 0.0]


def _steps(levels: Sequence[float]) -> list[float]:
    return [0.0, *((y - x) * row for row, (x, y) in enumerate(pairwise(levels), start=1))]


def _smoother(
    training: Sequence[float | None], validation: Sequence[float | None], boundaries: Sequence[int]
) -> bool:
    """Whether an exchange makes the validation column smoother."""
    a, b = _levels(training), _levels(validation)
    n = len(b)
    least = [
        (sum(x * x for x in of(b)) + 1e-6) * math.exp(-2 * saved / n) - 1e-6
        for of, saved in ((_bends, _LEAST_BENDS), (_steps, _LEAST_STEPS))
    ]
    for k, m in combinations((0, *boundaries, n), 2):
        if m - k < n and None not in training[k:m]:
            mended = b[:k] + a[k:m] + b[m:]
            if sum(x * x for x in _bends(mended)) < least[0] or sum(x * x for x in _steps(mended)) < least[1]:
                return True
    return False


def _saves(table: Readable, boundaries: Sequence[int], floor: float) -> bool:
    """Whether an exchange makes both columns smoother, by and large or but for a few odd rows."""
    n = len(table.rows)
    a, b, share = _levels(table.values[:n]), _levels(table.values[n:]), _shares(n)
    left, right = _bends(a), _bends(b)
    usual = [max(floor, sorted(map(abs, bends[1:-1]))[(n - 2) // 2]) for bends in (left, right)]
    spiked = max(map(abs, left)) > _LEAST_SPIKE * usual[0] or max(map(abs, right)) > _LEAST_SPIKE * usual[1]
    if spiked and rotated(table):
        return True
    if not boundaries:
        return False
    noise = min(usual) ** 2
    scale = 3 * noise

    def odd(x: float, y: float) -> float:
        return (1 + x * x / scale) * (1 + y * y / scale)

    saved = []
    by_bends, by_steps = [], []
    for k in boundaries:
        here, above = a[k] - b[k], a[k - 1] - b[k - 1]
        gain, x, y = 1.0, 0.0, 0.0
        if k > 1:
            off, p, q = (1 - share[k - 1]) * here, left[k - 1], right[k - 1]
            gain = odd(p, q) / odd(p + off, q - off)
            x, y = off * (off + 2 * p), off * (off - 2 * q)
        if k < n - 1:
            off, p, q = share[k] * above, left[k], right[k]
            before = odd(p, q)
            if k + 1 in boundaries:  # exchanged in this row alone
                alone = gain * before / odd(p - here, q + here)
                if k < n - 2:
                    by, r, s = share[k + 1] * here, left[k + 1], right[k + 1]
                    alone *= odd(r, s) / odd(r + by, s - by)
                if alone >= _ODDS:
                    return True
            gain *= before / odd(q - off, p + off)
            x, y = x + (q - off) ** 2 - p * p, y + (p + off) ** 2 - q * q
        saved.append(gain)
        by_bends.append((x, y))
        up, down = a[k] - a[k - 1], b[k] - b[k - 1]
        by_steps.append((k * k * here * (here - 2 * up), k * k * here * (here + 2 * down)))
    best = sorted((max(1.0, gain) for gain in saved), reverse=True)[:2]
    return (
        math.prod(best) >= _ODDS
        or _less((left, right), by_bends, noise, 2 * _LEAST_BENDS / n)
        or _less((_steps(a), _steps(b)), by_steps, noise, 2 * _LEAST_STEPS / n)
    )


def _less(
    columns: tuple[Sequence[float], Sequence[float]],
    changes: list[tuple[float, float]],
    noise: float,
    least: float,
) -> bool:
    """Whether one change or two of those to the sums of squares make their product as much smaller."""
    one, other = (sum(x * x for x in column) + noise for column in columns)
    most = one * other * math.exp(-least)
    best = sorted(changes, key=sum)[:4]
    return any(
        max(one + x + u, noise) * max(other + y + v, noise) <= most
        for (x, y), (u, v) in combinations([(0.0, 0.0), *best], 2)
    )

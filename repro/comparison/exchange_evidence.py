"""What speaks for each reading of a table's loss columns: curves, digits, and repeated or missing cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from repro.comparison.exchange_curves import BREADTH, FLOOR, NONE, Clock, Floats, densities, evaluations
from repro.comparison.exchange_readings import UNKNOWN, Readable, Reading, prior_of_a_digit
from repro.comparison.exchange_text import chance, even, forms, places, stairs, usual, usual_but_for_one

Cells = NDArray[np.intp]

# How the cell that a shift leaves over looks: a copy of its neighbour, of the other column, blank, anything.
_COPY, _COPY_ACROSS, _BLANK, _ANY = 0.9, 0.45, 0.2, 0.05
# Log odds against what no generator prints: `No log` after a logged loss or in the validation column; a
# blank; a training loss that is repeated otherwise than logging at a usual interval repeats it, less where an
# unusual one explains it (one table in ten, and then this one of many), a single cell that was mistyped, or
# two loggings that are printed alike.
_NO_LOG, _HOLE, _MISTYPED, _UNEVEN = 8.0, 5.0, 6.0, 8.0
# Of so many digits, nine others for each can be numbered in a byte, behind the cells.
_MOST_DIGITS = 7
# A training loss that is logged rarely differs from the one before by about this (half of a Cauchy's mass, in
# log units), and goes down three times as often as up.
_LOGGED, _DOWN = 0.3, 0.75


class Weights(NamedTuple):
    """What speaks for each reading, as logarithms; the printed one stands first."""

    curves: Floats
    digits: Floats
    repeats: Floats
    prior: Floats

    @property
    def total(self) -> Floats:
        """The sum."""
        return self.curves + self.digits + self.repeats + self.prior


class _Scale(NamedTuple):
    """The 2n cells as levels that curves are fitted to; each array has 256 places, with nothing in the last.

    Attributes:
        values: The losses; None where a cell holds no number.
        levels: `log(loss + FLOOR)`, about zero; relative to the largest where a loss is negative.
        unit: The last printed decimal.
        resolution: Logarithm of that unit in each cell's level: what a copied cell saves over a drawn one.
    """

    values: Sequence[float | None]
    levels: Floats
    unit: float
    resolution: Floats


def weigh(
    table: Readable, readings: Sequence[Reading], position: Sequence[float], shortest: bool | None
) -> Weights:
    """Weigh the readings of one table; the first must be the printed one."""
    full = places(table, 0), places(table, 1)
    scale = _scale(table, full[1])
    clock = evaluations(position, len(table.rows))
    # Readings share columns: with few of them moved, most stand as printed, or as the other's do.
    columns: dict[bytes, int] = {}
    own = [columns.setdefault(each.validation, len(columns)) for each in readings]
    rarely = stairs(table)
    others = {} if rarely else columns
    other = [others.setdefault(each.training, len(others)) for each in readings]
    fitted = _fit(table, list(columns), scale, clock)
    if rarely:
        above, repeats = _stairs(table, readings, scale, position)
    else:
        above, repeats = _column(other, fitted, scale, 0)
    below, holes = _column(own, fitted, scale, 1)
    return Weights(
        curves=above + below,
        digits=_digits(table, readings, full, shortest, (_cells(list(others))[other], fitted.numbers[own])),
        repeats=repeats + holes + _spares(table, readings, scale),
        prior=np.log([each.weight for each in readings]),
    )


def mistyped(table: Readable, row: int, position: Sequence[float]) -> float:
    """Return the log odds, against the printed reading, that one digit is wrong in this row: no exchange.

    It competes with the exchange of that row alone: a wrong digit may well take a cell to where the other
    column's would be.
    """
    n = len(table.rows)
    clock = evaluations(position, n)
    odds = -math.inf
    for column in (0, 1) if not stairs(table) else (1,):
        cells = range(column * n, column * n + n)
        meant = _other_digits(table.texts[cells[row]])
        if not meant or None in [table.values[cell] for cell in cells]:
            continue
        # What may have been meant is numbered behind the cells.
        scale = _scale(table, places(table, 1), meant)
        numbers = [cells[row], *range(2 * n, 2 * n + len(meant))]
        columns = [bytes([*cells[:row], number, *cells[row + 1 :]]) for number in numbers]
        density, _ = _column(range(len(columns)), _fit(table, columns, scale, clock), scale, column)
        likely = density + scale.resolution[numbers]
        likely -= likely[0] + math.log(len(meant))
        odds = np.logaddexp(odds, np.logaddexp.reduce(likely[1:]) + prior_of_a_digit(n))
    return float(odds)


def _other_digits(text: str) -> list[float]:
    """Return what a number may have been before one of its digits was changed."""
    digits = text.replace(".", "", 1)
    if len(digits) > _MOST_DIGITS or not digits.isascii() or not digits.isdigit():
        return []
    return [
        float(text[:at] + other + text[at + 1 :])
        for at, digit in enumerate(text)
        if digit != "."
        for other in "0123456789"
        if other != digit
    ]


def _scale(table: Readable, full: int, more: Sequence[float] = ()) -> _Scale:
    values = [*table.values, *more, *[None] * (256 - len(table.values) - len(more))]
    losses = np.array(values, dtype=float)
    known = [value for value in table.values if value is not None]
    unit = 10.0 ** -min(full, 4)
    if min(known) < 0:
        largest = max(map(abs, known))
        levels, resolution = losses / largest, np.full(len(losses), unit / largest)
    else:
        levels, resolution = np.log(losses + FLOOR), unit / (losses + FLOOR)
    return _Scale(values, levels - levels[~np.isnan(levels)].mean(), unit, np.log(resolution))


def _cells(columns: Sequence[bytes]) -> Cells:
    """Return columns as an array of cells (columns, n)."""
    return np.frombuffer(b"".join(columns), np.uint8).reshape(len(columns), -1).astype(np.intp)


class _Fitted(NamedTuple):
    """Columns weighed by their curves.

    Attributes:
        cells: The numbers of each column's cells.
        numbers: The same as an array.
        density: Of each column.
        without: Of each column without one of its rows.
        holes: What cells cost that hold no number.
    """

    cells: Sequence[bytes]
    numbers: Cells
    density: Floats
    without: Floats
    holes: Floats


def _fit(table: Readable, columns: Sequence[bytes], scale: _Scale, clock: Clock) -> _Fitted:
    cells = _cells(columns)
    curve = scale.levels.take(cells)
    away = cells == UNKNOWN
    unknown = np.where(away.any(axis=1), away.argmax(axis=1), NONE)
    penalty = np.zeros(len(cells))
    if None in table.values:
        holes = np.isnan(curve) & ~away
        for at in np.flatnonzero(holes.any(axis=1)):
            rows = np.flatnonzero(holes[at])
            penalty[at] = -sum(_NO_LOG if table.texts[cells[at, row]] else _HOLE for row in rows)
            known = np.flatnonzero(~holes[at] & ~away[at])
            if len(rows) == 1 and unknown[at] < 0:
                unknown[at] = rows[0]
            elif len(known):
                # More holes than can be left out in closed form: what the penalty says is enough.
                curve[at, rows] = np.interp(rows, known, curve[at, known])
    # Left out in closed form; but where another row is left out, it stands there, and far off.
    curve[away] = scale.levels[0] if table.values[0] is not None else 0.0
    curve[np.isnan(curve)] = 0.0
    return _Fitted(columns, cells, *densities(curve, unknown, clock), penalty)


def _column(at: Sequence[int], fitted: _Fitted, scale: _Scale, column: int) -> tuple[Floats, Floats]:
    """Weigh one column of each reading, which is number `at` of the fitted; return curves, and holes."""
    density = fitted.density.copy()
    levels = scale.levels.take(fitted.numbers)
    repeated = levels[:, 1:] == levels[:, :-1]
    if repeated.any():
        # A repeated cell may also be one by chance: where the curve hardly moves, chance is not rare.
        # Readings differ in few rows: the same surroundings are met again and again.
        known: dict[tuple[int, bytes], float] = {}
        asked = set(at)
        numbers, rows = np.nonzero(repeated)
        chances = np.full(len(numbers), -math.inf)
        for i, (number, above) in enumerate(zip(numbers.tolist(), rows.tolist(), strict=True)):
            if number in asked:
                row, cells = above + 1, fitted.cells[number]
                key = (min(row, 4), cells[max(0, row - 4) : row + 4])
                if key not in known:
                    values = [scale.values[cell] for cell in key[1]]
                    known[key] = math.log(chance(values, key[0], scale.unit, column))
                chances[i] = known[key]
        rows += 1
        chances += fitted.without[numbers, rows] - scale.resolution[fitted.numbers[numbers, rows]]
        np.logaddexp.at(density, numbers, chances)
    return density[at], fitted.holes[at]


def _spares(table: Readable, readings: Sequence[Reading], scale: _Scale) -> Floats:
    """What the cell says that a shift leaves over."""
    n = len(table.rows)
    found = np.zeros(len(readings))
    for at, each in enumerate(readings):
        if each.spare == UNKNOWN:
            continue
        value = table.values[each.spare]
        # Copied from the row above: where it is printed, or where its column stood before the exchange.
        mended = each.training if each.moved == "training_loss" else each.validation
        above = [each.spare - 1] if each.spare % n else []
        if each.shift > 0 and each.first > 0:
            above.append(mended[each.first - 1])
        if value is None:
            found[at] = math.log(_BLANK)
        elif any(value == table.values[cell] for cell in above):
            found[at] = math.log(_COPY) - scale.resolution[each.spare]
        elif value == table.values[(each.spare + n) % (2 * n)]:
            found[at] = math.log(_COPY_ACROSS) - scale.resolution[each.spare]
        else:
            found[at] = math.log(_ANY) - BREADTH
    return found


def _stairs(
    table: Readable, readings: Sequence[Reading], scale: _Scale, position: Sequence[float]
) -> tuple[Floats, Floats]:
    """Weigh the training column of each reading where it is logged more rarely than evaluated."""
    density, repeats = np.zeros(len(readings)), np.zeros(len(readings))
    known: dict[bytes, tuple[float, float]] = {}
    levels, resolution = scale.levels.tolist(), scale.resolution.tolist()
    own = table.values[: len(table.rows)]
    uneven = _MISTYPED if even(own, position) or usual_but_for_one(own, position) else _UNEVEN
    for at, each in enumerate(readings):
        column = each.training
        if each.kind == "shifted" and each.moved == "training_loss":
            # Moved against itself the column keeps its steps: where they stand is all that tells.
            density[at], repeats[at] = known[readings[0].training]
            if each.spare != UNKNOWN and table.values[each.spare] is not None:
                repeats[at] -= math.log(_COPY) - resolution[each.spare]
        else:
            if column not in known:
                known[column] = _climb(table, column, levels, resolution)
            density[at], repeats[at] = known[column]
        repeats[at] -= 0.0 if _fits(table, column, position) else uneven
    return density, repeats


def _fits(table: Readable, column: bytes, position: Sequence[float]) -> bool:
    """Whether a training column repeats as logging at a fixed interval repeats it."""
    fills = [column]
    if UNKNOWN in column:
        # A lost value repeats the one above, or the one below repeats it.
        lost = column.index(UNKNOWN)
        beside = column[max(lost - 1, 0) : lost + 2]
        fills = [column[:lost] + bytes([cell]) + column[lost + 1 :] for cell in beside if cell != UNKNOWN]
    return any(usual([table.values[cell] for cell in fill], position) for fill in fills)


def _climb(
    table: Readable, column: bytes, levels: Sequence[float], resolution: Sequence[float]
) -> tuple[float, float]:
    """Log likelihood of a training column that stands still between loggings: of its steps, its repeats."""
    steps = repeats = 0.0
    above = None
    for cell in column:
        if cell == UNKNOWN:
            continue
        if table.values[cell] is None:
            repeats -= 0.0 if above is None else _NO_LOG
            continue
        if above is None:
            steps -= BREADTH
        elif table.values[cell] == table.values[above]:
            repeats += math.log(0.5) - resolution[cell]
        else:
            step = (levels[cell] - levels[above]) / _LOGGED
            way = _DOWN if step < 0 else 1 - _DOWN
            steps += math.log(2 * way / (math.pi * _LOGGED * (1 + step * step)))
        above = cell
    return steps, repeats


# Which of the styles in `exchange_text.forms` the two columns are printed in, and how often by what is known
# of the release (a table may have been formatted anew); the last line where a column prints more than four
# decimals, as a notebook's table does.
_STYLES = ((0, 1), (1, 1), (0, 0), (2, 1), (1, 0))
_SHORTEST = {
    True: (0.75, 0.2, 0.03, 0.01, 0.001),
    False: (0.05, 0.9, 0.03, 0.01, 0.001),
    None: (0.5, 0.36, 0.1, 0.03, 0.001),
}
_NOTEBOOK = (0.2, 0.3, 0.1, 0.4, 0.001)


def _digits(
    table: Readable,
    readings: Sequence[Reading],
    full: tuple[int, int],
    shortest: bool | None,
    columns: tuple[Cells, Cells],
) -> Floats:
    """Log likelihoods of the printed forms, averaged over how the two columns may be printed."""
    n = len(table.rows)
    spare = np.array([each.spare for each in readings])
    sums = []
    for column, (cells, own) in enumerate(zip(columns, full, strict=True)):
        styles = np.zeros((UNKNOWN + 1, 3))  # a cell that is not known has no form
        styles[: 2 * n] = forms(table, own)
        # A cell left over was printed, too, in its column.
        left = np.where((spare >= n) == bool(column), spare, UNKNOWN)
        sums.append(np.ones(n) @ styles.take(cells, axis=0) + styles.take(left, axis=0))
    odds = _NOTEBOOK if max(full) > 4 else _SHORTEST[shortest]
    pairs = zip(_STYLES, odds, strict=True)
    logs = np.stack([sums[0][:, i] + sums[1][:, j] + math.log(p) for (i, j), p in pairs])
    digits: Floats = np.logaddexp.reduce(logs, axis=0)
    return digits

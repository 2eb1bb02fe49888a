"""What speaks for each reading of a table's loss columns: curves, digits, and repeated or missing cells."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from repro.comparison.exchange_curves import BREADTH, FLOOR, Clock, Floats, densities, evaluations
from repro.comparison.exchange_readings import UNKNOWN, Readable, Reading
from repro.comparison.exchange_text import even, forms, places, stairs

# A cell repeats the one above by chance: never more rarely than this, by column, as losses also settle; a
# training loss does so too when the last evaluation comes before the next logging.
_CHANCE = (0.002, 0.0005)
_CHANCE_LAST = 0.05
# How the cell that a shift leaves over looks: a copy of its neighbour, of the other column, blank, anything.
_COPY, _COPY_ACROSS, _BLANK, _ANY = 0.9, 0.45, 0.2, 0.05
# Log odds against what no generator prints: `No log` after a logged loss or in the validation column, a
# blank, a training loss that is repeated otherwise than logging at a fixed interval repeats it.
_NO_LOG, _HOLE, _UNEVEN = 8.0, 5.0, 6.0
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
    """The 2n cells as levels that curves are fitted to.

    Attributes:
        levels: `log(loss + FLOOR)`, about zero; relative to the largest where a loss is negative.
        unit: The last printed decimal.
        resolution: Logarithm of that unit in each cell's level: what a copied cell saves over a drawn one.
    """

    levels: Floats
    unit: float
    resolution: Floats


def weigh(
    table: Readable, readings: Sequence[Reading], position: Sequence[float], shortest: bool | None
) -> Weights:
    """Weigh the readings of one table; the first must be the printed one."""
    n = len(table.rows)
    full = places(table, 0), places(table, 1)
    scale = _scale(table, full[1])
    clock = evaluations(position, n)
    # Readings share columns: with few of them moved, most stand as printed, or as the other's do.
    columns: dict[tuple[int, ...], int] = {}
    own = [columns.setdefault(each.validation, len(columns)) for each in readings]
    if stairs(table):
        above, repeats = _stairs(table, readings, scale, position)
        fitted = _fit(table, list(columns), scale, clock)
    else:
        other = [columns.setdefault(each.training, len(columns)) for each in readings]
        fitted = _fit(table, list(columns), scale, clock)
        above, repeats = _column(table, other, fitted, scale, 0)
    below, holes = _column(table, own, fitted, scale, 1)
    return Weights(
        curves=above + below,
        digits=_digits(table, readings, full, shortest),
        repeats=repeats + holes + _spares(table, readings, scale),
        prior=np.log([each.weight for each in readings]),
    )


def _scale(table: Readable, full: int) -> _Scale:
    values = np.array([math.nan if value is None else value for value in table.values])
    unit = 10.0 ** -min(full, 4)
    if np.nanmin(values) < 0:
        largest = np.nanmax(np.abs(values))
        levels, resolution = values / largest, np.full(len(values), unit / largest)
    else:
        levels, resolution = np.log(values + FLOOR), unit / (values + FLOOR)
    return _Scale(levels - np.nanmean(levels), unit, np.log(resolution))


class _Fitted(NamedTuple):
    """Columns weighed by their curves.

    Attributes:
        cells: The numbers of each column's cells.
        density: Of each column.
        without: Of each column without one of its rows.
        holes: What cells cost that hold no number.
    """

    cells: Sequence[tuple[int, ...]]
    density: Floats
    without: Floats
    holes: Floats


def _fit(table: Readable, columns: Sequence[tuple[int, ...]], scale: _Scale, clock: Clock) -> _Fitted:
    cells = np.array(columns)
    curve = scale.levels[np.maximum(cells, 0)]
    away = cells < 0
    unknown = np.where(away.any(axis=1), away.argmax(axis=1), UNKNOWN)
    penalty = np.zeros(len(cells))
    holes = np.isnan(curve)
    if holes.any():
        holes &= ~away
        for at in np.flatnonzero(holes.any(axis=1)):
            rows = np.flatnonzero(holes[at])
            penalty[at] = -sum(_NO_LOG if table.texts[cells[at, row]] else _HOLE for row in rows)
            known = np.flatnonzero(~holes[at] & ~away[at])
            if len(rows) == 1 and unknown[at] < 0:
                unknown[at] = rows[0]
            elif len(known):
                # More holes than can be left out in closed form: what the penalty says is enough.
                curve[at, rows] = np.interp(rows, known, curve[at, known])
        curve[np.isnan(curve)] = 0.0
    return _Fitted(columns, *densities(curve, unknown, clock), penalty)


def _column(
    table: Readable, at: Sequence[int], fitted: _Fitted, scale: _Scale, column: int
) -> tuple[Floats, Floats]:
    """Weigh one column of each reading, which is number `at` of the fitted; return curves, and holes."""
    density = fitted.density.copy()
    if len(set(table.values)) < len(table.values):
        # A repeated cell may also be one by chance: where the curve hardly moves, chance is not rare.
        # Readings differ in few rows: the same surroundings are met again and again.
        known: dict[tuple[int | bool | float | None, ...], float] = {}
        for number in set(at):
            cells = fitted.cells[number]
            values = [None if cell < 0 else table.values[cell] for cell in cells]
            for row in range(1, len(values)):
                if values[row] is not None and values[row] == values[row - 1]:
                    key = (min(row, 4), row == len(values) - 1, *values[max(0, row - 4) : row + 4])
                    if key not in known:
                        known[key] = math.log(_chance(values, row, scale.unit, column))
                    chance = known[key] - scale.resolution[cells[row]]
                    density[number] = np.logaddexp(density[number], fitted.without[number, row] + chance)
    return density[at], fitted.holes[at]


def _chance(values: Sequence[float | None], row: int, unit: float, column: int) -> float:
    """How likely a cell is printed like the one above: the printed unit over the steps around it."""
    steps = [
        abs(right - left)
        for at in range(max(1, row - 3), min(len(values), row + 4))
        if at != row and (right := values[at]) is not None and (left := values[at - 1]) is not None
    ]
    step = statistics.median(steps) if steps else 0.0
    least = _CHANCE_LAST if column == 0 and row == len(values) - 1 else _CHANCE[column]
    return max(unit / (unit + step), least)


def _spares(table: Readable, readings: Sequence[Reading], scale: _Scale) -> Floats:
    """What the cell says that a shift leaves over."""
    n = len(table.rows)
    found = np.zeros(len(readings))
    for at, each in enumerate(readings):
        if each.spare < 0:
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
    kept = 0.0
    for at, each in enumerate(readings):
        column = list(each.training)
        fills = [column]
        if UNKNOWN in column:
            # A lost value repeats the one above, or the one below repeats it.
            lost = column.index(UNKNOWN)
            fills = [
                [*column[:lost], cell, *column[lost + 1 :]] for cell in column[max(lost - 1, 0) : lost + 2]
            ]
        fits = any(
            even([table.values[cell] for cell in fill], position) for fill in fills if UNKNOWN not in fill
        )
        density[at], repeats[at] = _climb(table, column, scale)
        if each.kind == "shifted" and each.moved == "training_loss":
            # Moved against itself the column keeps its steps: where they stand is all that tells.
            density[at], repeats[at] = density[0], kept
            if each.spare >= 0 and table.values[each.spare] is not None:
                repeats[at] -= math.log(_COPY) - scale.resolution[each.spare]
        elif at == 0:
            kept = repeats[0]
        repeats[at] -= 0.0 if fits else _UNEVEN
    return density, repeats


def _climb(table: Readable, column: Sequence[int], scale: _Scale) -> tuple[float, float]:
    """Log likelihood of a training column that stands still between loggings: of its steps, its repeats."""
    steps = repeats = 0.0
    above = UNKNOWN
    for cell in column:
        if cell < 0:
            continue
        if table.values[cell] is None:
            repeats -= _NO_LOG if above >= 0 else 0.0
            continue
        if above < 0:
            steps -= BREADTH
        elif table.values[cell] == table.values[above]:
            repeats += math.log(0.5) - scale.resolution[cell]
        else:
            step = (scale.levels[cell] - scale.levels[above]) / _LOGGED
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
    table: Readable, readings: Sequence[Reading], full: tuple[int, int], shortest: bool | None
) -> Floats:
    """Log likelihoods of the printed forms, averaged over how the two columns may be printed."""
    n = len(table.rows)
    # A cell that is not known has no form: the last line.
    styles = [np.array([*forms(table, own), (0.0, 0.0, 0.0)]) for own in full]
    # A cell left over was printed, too, in its column.
    above = [(*each.training, each.spare if each.spare < n else UNKNOWN) for each in readings]
    below = [(*each.validation, each.spare if each.spare >= n else UNKNOWN) for each in readings]
    training, validation = styles[0][np.array(above)].sum(axis=1), styles[1][np.array(below)].sum(axis=1)
    odds = _NOTEBOOK if max(full) > 4 else _SHORTEST[shortest]
    pairs = zip(_STYLES, odds, strict=True)
    logs = np.stack([training[:, i] + validation[:, j] + math.log(p) for (i, j), p in pairs])
    digits: Floats = np.logaddexp.reduce(logs, axis=0)
    return digits

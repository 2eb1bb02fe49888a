"""Were the two loss columns of a table exchanged, or one of them moved? From the table alone.

A training loss and a validation loss each continue their own past. Every other reading of the table (the
columns exchanged in some rows, one of them a row too early or too late, both) is weighed against the printed
one: by how well the curves continue, by the digits that each column's generator prints, by the cells that a
shift leaves behind (`exchange_evidence`). Nothing is mended: the result is a hypothesis, with what speaks for
it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import lt
from typing import NamedTuple

from repro.comparison.exchange_readings import (
    NO_LOG,
    UNKNOWN,
    WINDOW,
    Column,
    Kind,
    Readable,
    Reading,
    boundaries_of,
    others,
    printed,
    readable,
)
from repro.comparison.exchange_result import Exchange, Indistinct, Lost
from repro.comparison.exchange_screen import levels_of, worth_weighing
from repro.comparison.exchange_text import odd_rows, stairs, usual
from repro.records.claims import Cell

__all__ = ["Exchange", "Indistinct", "Lost", "find_exchange"]

#: Fewer rows, or fewer different losses, say nothing about how a curve continues.
FEWEST_ROWS = 5
#: Logarithm of the odds against the printed reading from which another one is reported: where it is likelier.
#: No table that nobody has touched comes near: `benchmarks/exchange_study.py`.
LEAST_SCORE = 0.0
#: The same where a table has fewer than eight rows, and of an exchange where the curves cannot be told apart:
#: much fits them by chance.
LEAST_SCORE_IN_DOUBT = 3.0
FEWEST_ROWS_FOR_A_CURVE = 8
#: Curves nearer than this (median distance over the noise of the smoother one) cannot be told apart: two
#: draws of one curve lie at 1.1, and below 2 in nine of ten tables.
LEAST_SEPARATION = 2.0
#: What stands below is not read: no training writes as many rows, and a hostile card shall not cost seconds.
MOST_ROWS = 20_000
# The most suspicious windows of a longer table.
_WINDOWS = 2


def find_exchange(
    training: Sequence[Cell | None],
    validation: Sequence[Cell | None],
    position: Sequence[float] = (),
    *,
    shortest: bool | None = None,
) -> Exchange | Indistinct | None:
    """Weigh other readings of a table's two loss columns against the printed one.

    Args:
        training: The training loss's cells, row by row.
        validation: The validation loss's cells.
        position: Step or epoch of each row, rising; without it (or where it does not rise) nobody knows when
            training losses were logged.
        shortest: Whether this release prints training losses in their shortest form (up to transformers 4.57
            it does, from 5.0 it does not); None where it is not known.

    Returns:
        The better reading, if there is one; that the curves cannot be told apart; or None.
    """
    if len(training) < FEWEST_ROWS:
        return None
    table = readable(training[:MOST_ROWS], validation[:MOST_ROWS], position)
    n = len(table.rows)
    if n < FEWEST_ROWS or (len({*table.values} - {None}) < FEWEST_ROWS and NO_LOG not in table.texts[n:]):
        return None
    if table.values[n - 1] == table.values[n - 2] and _ends_early(table, position):
        table = table._replace(ends_early=True)
    levels = levels_of(table.values)
    separation = _separation(levels, LEAST_SEPARATION)
    least = least_score(n, separation, "exchanged"), least_score(n, separation, "shifted")
    # In order: what an exchange leaves behind at its end looks like another that runs on from there.
    for start in _windows(table):
        part, own = table, levels
        if n > WINDOW:
            stop = start + WINDOW
            part, own = _part(table, start, stop), levels[start:stop] + levels[n + start : n + stop]
        # How many losses were logged before a later window is not known, nor is then when they change.
        found = _weigh(part, own, None if start else position, shortest, least)
        if found is not None:
            return _result(table, (training, validation), start, found)
    return Indistinct(separation) if separation < LEAST_SEPARATION else None


def least_score(rows: int, separation: float, kind: Kind) -> float:
    """Return the score from which a reading is reported.

    Args:
        rows: Of the table; of a long one, only the most suspicious windows are read.
        separation: How far its curves lie apart (see `Indistinct`): to a column that was moved against
            itself, it is all the same.
        kind: What would have happened.
    """
    doubt = rows < FEWEST_ROWS_FOR_A_CURVE or (kind != "shifted" and separation < LEAST_SEPARATION)
    return (LEAST_SCORE_IN_DOUBT if doubt else LEAST_SCORE) + math.log(max(1.0, rows / WINDOW))


def reported(score: float, least: float) -> bool:
    """Return whether a reading is reported: the study asks this itself, when it has read everything."""
    return score >= least


class _Found(NamedTuple):
    """The best reading of one window, where it may begin, and what speaks for it."""

    score: float
    reading: Reading
    first_rows: tuple[int, int]
    parts: dict[str, float]


def _positions(table: Readable, position: Sequence[float] | None) -> tuple[float, ...]:
    """Return the rows' positions, or none where they do not rise from above 0: of a damaged table, say."""
    if position is not None and len(position) > table.rows[-1]:
        at = tuple([float(position[row]) for row in table.rows])
        if at[0] > 0 and at[-1] < math.inf and all(map(lt, at, at[1:])):
            return at
    return ()


def _ends_early(table: Readable, position: Sequence[float]) -> bool:
    """Whether no training loss need have been logged between the last two evaluations.

    One was before the first, so that the interval is no longer than it took to get there.
    """
    at = _positions(table, position)
    return bool(at) and at[-1] - at[-2] < at[0]


def _windows(table: Readable) -> list[int]:
    """Return where the windows begin: at the first row, or around what is most suspicious in a long table."""
    n = len(table.rows)
    if n <= WINDOW:
        return [0]
    found: list[tuple[float, int]] = []
    for row in range(1, n):
        a, b, c, d = (table.values[at] for at in (row - 1, row, n + row - 1, n + row))
        if d is None:
            found.append((-math.inf, row))
        elif a is not None and b is not None and c is not None:
            size = abs(a) + abs(b) + abs(c) + abs(d) or 1.0
            if (a - c) / size * ((b - d) / size) < 0:
                found.append(((a - c) / size * ((b - d) / size), row))
            elif c == d:
                found.append((0.0, row))
    starts: list[int] = []
    for _, row in sorted(found):
        start = max(0, min(row - WINDOW // 2, n - WINDOW))
        if all(abs(start - other) >= WINDOW // 2 for other in starts):
            starts.append(start)
        if len(starts) == _WINDOWS:
            break
    return sorted(starts)


def _part(table: Readable, start: int, stop: int) -> Readable:
    n = len(table.rows)
    return Readable(
        table.rows[start:stop],
        table.texts[start:stop] + table.texts[n + start : n + stop],
        table.values[start:stop] + table.values[n + start : n + stop],
        table.ends_early and stop == n,
    )


def _weigh(
    table: Readable,
    levels: Sequence[float],
    position: Sequence[float] | None,
    shortest: bool | None,
    least: tuple[float, float],
) -> _Found | None:
    n = len(table.rows)
    if table.values.count(None) == 2 * n:
        return None
    rows: Sequence[float] = ()
    even_stairs = None
    if stairs(table):
        rows = _positions(table, position)
        even_stairs = n < FEWEST_ROWS_FOR_A_CURVE or usual(table.values[:n], rows)
    odd = odd_rows(table)
    if not odd and even_stairs is not False:
        boundaries = boundaries_of(table.values, n)
        if not worth_weighing(table, levels, boundaries, even_stairs is not None, *least):
            return None
    readings = others(table, odd, even_stairs)
    if not readings:
        return None
    # Only here: most tables are done with before, and importing numpy takes as long as reading fifty cards.
    from repro.comparison.exchange_evidence import mistyped, weigh

    readings.insert(0, printed(n))
    rows = rows or _positions(table, position)
    weights = weigh(table, readings, rows, shortest)
    total = weights.total.tolist()
    score = _log_sum(total[1:]) - total[0]
    if not reported(score, least[1]):
        return None
    families: dict[tuple[str, Column | None, int], list[int]] = {}
    for at, each in enumerate(readings[1:], start=1):
        families.setdefault((each.kind, each.moved, each.shift), []).append(at)
    family = max(families.values(), key=lambda members: _log_sum([total[at] for at in members]))
    best = max(family, key=total.__getitem__)
    if readings[best].kind == "exchanged" and readings[best].first == readings[best].last:
        # The table as printed but for one digit explains a single odd row as well.
        score -= _log_sum([0.0, mistyped(table, readings[best].first, rows)])
    if not reported(score, least[readings[best].kind == "shifted"]):
        return None
    parts = {
        name: float(getattr(weights, name)[best] - getattr(weights, name)[0])
        for name in ("curves", "digits", "repeats")
    }
    return _Found(
        score, readings[best], _likely_rows([(readings[at].first, total[at]) for at in family]), parts
    )


def _log_sum(logs: Sequence[float]) -> float:
    top = max(logs)
    return top + math.log(sum(math.exp(each - top) for each in logs))


def _likely_rows(firsts: Sequence[tuple[int, float]]) -> tuple[int, int]:
    """Return the first and last of the likeliest rows that have 90 % of the odds together."""
    top = max(log for _, log in firsts)
    odds: dict[int, float] = {}
    for row, log in firsts:
        odds[row] = odds.get(row, 0.0) + math.exp(log - top)
    enough, rows = 0.9 * sum(odds.values()), []
    for row in sorted(odds, key=odds.__getitem__, reverse=True):
        rows.append(row)
        enough -= odds[row]
        if enough <= 0:
            break
    return min(rows), max(rows)


def _result(
    table: Readable, columns: tuple[Sequence[Cell | None], Sequence[Cell | None]], start: int, found: _Found
) -> Exchange:
    """Turn a window's reading into one of the whole table, row by row of the card."""
    from repro.comparison.exchange_curves import scatter

    n = len(table.rows)
    length = min(WINDOW, n)
    reading = found.reading
    # From the window's cells to the table's; in front of it and behind it, the columns stand as printed.
    cells = [list(range(n)), list(range(n, 2 * n))]
    for column, own in zip(cells, (reading.training, reading.validation), strict=True):
        for row, cell in enumerate(own):
            known = cell if cell < length else cell - length + n
            column[start + row] = _NOWHERE if cell == UNKNOWN else start + known
    last = start + reading.last
    if reading.last == length - 1:
        last = _carry_on(table, cells, reading, last)
    mended: list[list[str | None]] = [
        [cell.text.strip() if cell is not None and cell.text.strip() else None for cell in column]
        for column in columns
    ]
    for texts, numbers in zip(mended, cells, strict=True):
        for row, cell in zip(table.rows, numbers, strict=True):
            texts[row] = None if cell < 0 else table.texts[cell] or None
    lost = next(
        (
            Lost(name, table.rows[numbers.index(_NOWHERE)])
            for name, numbers in zip(_COLUMNS, cells, strict=True)
            if _NOWHERE in numbers
        ),
        None,
    )
    spare = _NOWHERE
    if reading.spare != UNKNOWN:
        spare = start + (reading.spare if reading.spare < length else reading.spare - length + n)
    both = reading.kind != "shifted"
    apart = [
        abs(a / b - 1)
        for row in range(start + reading.first, last + 1)
        if (a := table.values[row]) is not None and (b := table.values[n + row])
    ]
    losses = [[None if cell < 0 else table.values[cell] for cell in column] for column in cells]
    return Exchange(
        kind=reading.kind,
        columns=_COLUMNS if both or reading.moved is None else (reading.moved,),
        first_row=table.rows[start + reading.first],
        last_row=table.rows[last],
        first_rows=(table.rows[start + found.first_rows[0]], table.rows[start + found.first_rows[1]]),
        moved=reading.moved,
        shift=reading.shift,
        lost=lost,
        repeated=None if spare < 0 else (table.rows[spare % n], table.texts[spare]),
        training=tuple(mended[0]),
        validation=tuple(mended[1]),
        score=found.score,
        printed_scatter=(scatter(table.values[:n]), scatter(table.values[n:])),
        mended_scatter=(scatter(losses[0]), scatter(losses[1])),
        gap=_median(apart) if apart else 0.0,
        **found.parts,
    )


_COLUMNS: tuple[Column, Column] = ("training_loss", "validation_loss")
# A value that stands in no cell of the whole table.
_NOWHERE = -1


def _carry_on(table: Readable, cells: list[list[int]], reading: Reading, last: int) -> int:
    """Read an exchange on from the end of its window, to where the columns next change places."""
    n = len(table.rows)
    if reading.kind == "exchanged":
        for row in range(last + 1, n):
            a, b, c, d = (table.values[at] for at in (row - 1, row, n + row - 1, n + row))
            if a is None or b is None or c is None or d is None or (a - c) * (b - d) < 0:
                break
            cells[0][row], cells[1][row] = n + row, row
            last = row
    return last


def _separation(levels: Sequence[float], clear: float) -> float:
    """Return how far the curves lie apart, in standard deviations of the smoother one's noise.

    It is infinite where nothing can be said, and where it is at least `clear`.

    That is how exchanged cells stand out in the smoother column. The noise is read off second differences (a
    straight line has none; independent noise makes them sqrt(6) times as large); all by medians, so that a
    few exchanged or odd rows do not matter.
    """
    n = len(levels) // 2
    one, other = levels[:n], levels[n:]
    apart = [abs(a - b) for a, b in zip(one, other, strict=True)]
    if math.isnan(sum(apart)):
        known = [row for row, far in enumerate(apart) if not math.isnan(far)]
        one, other, apart = ([column[row] for row in known] for column in (one, other, apart))
    if len(apart) < FEWEST_ROWS:
        return math.inf
    distance = _median(apart)
    noise = math.inf
    for column in (one, other):
        bends = [abs(x - 2 * y + z) for x, y, z in zip(column, column[1:], column[2:], strict=False)]
        # A column that does not move, or moves once in a while, has no noise to tell.
        bend = _median(bends)
        if bend > 0:
            noise = min(noise, bend / (0.6745 * math.sqrt(6)))
            if distance >= clear * noise:
                return math.inf
    return distance / noise if noise < math.inf else math.inf


def _median(numbers: list[float]) -> float:
    """As `statistics.median`, which looks at each number's type, and is looked for in every table."""
    numbers.sort()
    half = len(numbers) // 2
    return numbers[half] if len(numbers) % 2 else (numbers[half - 1] + numbers[half]) / 2

"""What a failed assertion says: why, the table with its worst row, likely causes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from repro.records.comparison import Cause
from repro.reports.formats import MINUS, MISSING, line, loss

#: Rows of a table in a message; of a longer one the outer ends and the rows outside are shown.
MOST_ROWS = 40
_ENDS = 5
_MOST_CAUSES = 3
_MARKS = {True: "within", False: "OUTSIDE", None: ""}


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table: its cells, whether within (None where nothing was compared), whether worst."""

    cells: tuple[str, ...]
    within: bool | None
    worst: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The cells and the mark."""
        return (*self.cells, _MARKS[self.within] + (" <- worst" if self.worst else ""))


def failure(
    first: str,
    tables: Sequence[tuple[str, tuple[str, ...], Sequence[Line]]],
    causes: Sequence[Cause],
    last: Sequence[str] = (),
) -> str:
    """Return a message.

    Args:
        first: The verdict and why, in one line.
        tables: Title, header and rows of each.
        causes: Most likely first.
        last: Lines below.
    """
    parts = [line(first)]
    for title, header, rows in tables:
        parts += ["", line(title), *(table(header, rows) if rows else ["no rows"])]
    told = [f"likely cause: {each.cause} ({each.evidence}); to test it: {each.test}" for each in causes]
    parts += ["", *map(line, told[:_MOST_CAUSES])] if told else [""]
    return "\n".join([*parts, *map(line, last)]).rstrip()


def table(header: tuple[str, ...], rows: Sequence[Line]) -> list[str]:
    """Return the lines of a table, columns that are empty left out, and a note where rows are."""
    kept = _kept(rows)
    words = [(*header, ""), *(rows[at].words for at in kept)]
    columns = [at for at in range(len(words[0])) if any(row[at] for row in words[1:])]
    cells = [[line(row[at]) for at in columns] for row in words]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join([*(c.rjust(w) for c, w in zip(row[:-1], widths, strict=False)), row[-1]]).rstrip()
        for row in cells
    ]
    if len(kept) < len(rows):
        lines.append(f"({len(kept)} of {len(rows)} rows are shown)")
    return lines


def _kept(rows: Sequence[Line]) -> list[int]:
    if len(rows) <= MOST_ROWS:
        return list(range(len(rows)))
    outside = [at for at, row in enumerate(rows) if row.within is False][: MOST_ROWS - 2 * _ENDS - 1]
    worst = [at for at, row in enumerate(rows) if row.worst]
    return sorted({*range(_ENDS), *range(len(rows) - _ENDS, len(rows)), *outside, *worst})


def number(value: float, bound: float, *, signed: bool = False) -> str:
    """Return a number with four decimals, or as many more as its bound needs to be seen.

    >>> number(0.0541, 0.02, signed=True), number(2e-7, 1e-6)
    ('+0.0541', '0.0000002')
    """
    places = 4 if bound >= 0.001 or bound <= 0 else min(8, 1 - math.floor(math.log10(bound)))
    text = f"{abs(value):.{max(4, places)}f}" if abs(value) < 1e6 else f"{abs(value):.4e}"
    sign = MINUS if value < 0 else "+" if signed and value > 0 else ""
    return (sign if text.strip("0.") else "") + text


def value_text(value: float | None, bound: float) -> str:
    """Return a value of a curve as `number` does; what is missing or not finite in its own word."""
    if value is None:
        return MISSING
    return number(value, bound) if math.isfinite(value) else loss(value if math.isinf(value) else "nan")

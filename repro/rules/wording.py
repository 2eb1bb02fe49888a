"""What rules on tables share when they say something: where, how often, and as printed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from repro.records.claims import Cell
from repro.rules.interface import Found, clip
from repro.rules.subject import Progress, Series

#: A rule says at most this many times the same about one card.
MOST = 20


def at_most(found: Iterable[Found], most: int = MOST) -> Iterator[Found]:
    """Pass on the first findings of a rule; what is left over becomes one more, which counts it."""
    found = iter(found)
    yield from islice(found, most)
    first = next(found, None)
    if first is not None:
        rest = 1 + sum(1 for _ in found)
        yield Found(f"and {rest} more like these, from here on", first.line, {"more": rest}, first.severity)


def printed(cell: Cell | None) -> str:
    """Return a cell's text for a message."""
    return "" if cell is None else clip(cell.text)


def title(series: Series) -> str:
    """Return a column's name for a message: `training loss`."""
    return series.name.replace("_", " ")


def place(progress: Progress, row: int) -> str:
    """Return where a row stands, for a message: its epoch, else its step, else its number."""
    for name, series in (("epoch", progress.epoch), ("step", progress.step)):
        if series is not None and series.values[row] is not None:
            return f"{name} {printed(series.cells[row])}"
    return f"row {row + 1}"

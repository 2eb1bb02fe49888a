"""What rules, most of them on tables, share when they say something: where, how often, and as printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from repro.records.claims import Cell
from repro.rules.interface import Found, clip
from repro.rules.subject import Progress, Series

#: A rule says at most this many times the same about one card.
MOST = 20


def at_most(found: Iterable[Found], most: int = MOST) -> Sequence[Found]:
    """Pass on the first findings of a rule; what is left over becomes one more, which counts it."""
    found = iter(found)
    few = [*islice(found, most + 1)]
    if len(few) > most:
        first, rest = few[most], 1 + sum(1 for _ in found)
        more = f"and {rest} more like these, from here on"
        few[most] = Found(more, first.line, {"more": rest}, first.severity)
    return few


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

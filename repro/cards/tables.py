"""Pipe tables, cell by cell as printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from repro.cards.values import snake, value
from repro.records.claims import Cell, Row, Table

_PIPE = re.compile(r"(?<!\\)\|")


def find_tables(lines: Sequence[str]) -> Iterator[tuple[int, Table]]:
    """Find the tables: a header, a row of dashes, and the rows up to the first line without a pipe.

    Args:
        lines: The visible lines of a whole card.

    Yields:
        The index of the header's line, and the table.
    """
    done = 0
    for i, line in enumerate(lines):
        if i > done and "|" in line and _is_delimiter(line) and "|" in lines[i - 1]:
            done = _end(lines, i + 1)
            header = tuple(_cells(lines[i - 1]))
            rows = (
                Row(
                    line=at + 1, cells=tuple(Cell(text=text, value=value(text)) for text in _cells(lines[at]))
                )
                for at in range(i + 1, done)
            )
            yield i - 1, Table(columns=tuple(map(snake, header)), header=header, rows=tuple(rows))


def _is_delimiter(line: str) -> bool:
    return "-" in line and not line.strip("|:- \t")


def _end(lines: Sequence[str], start: int) -> int:
    """Return the index after the last row; a row above a row of dashes is the next table's header."""
    for i in range(start, len(lines)):
        if "|" not in lines[i]:
            return i
        # `| - | - |` is a row: some generators print a dash for what they have not measured.
        if (
            i + 1 < len(lines)
            and "|" in lines[i + 1]
            and "--" in lines[i + 1]
            and _is_delimiter(lines[i + 1])
        ):
            return i
    return len(lines)


def _cells(line: str) -> list[str]:
    """Split a row at its pipes; those at the very ends may be missing."""
    cells = [cell.strip() for cell in _PIPE.split(line.strip())]
    if cells[0] == "":
        del cells[0]
    if len(cells) > 1 and cells[-1] == "" and line.rstrip().endswith("|"):
        del cells[-1]
    return cells

"""Tables, cell by cell as printed: with pipes, and the aligned columns that articles print."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from repro.cards.values import snake, value
from repro.records.claims import Cell, Row, Table

_PIPE = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"[-=\u2500\u2014][-=+\u2500\u2014 \t]*+")
_GAP = re.compile(r"\t+| {2,}")
#: A value of an aligned row; `No log` is the only one that a generator prints with a space in it.
_VALUE = re.compile(
    r"(?i:no log|[+-]?(?:nan|inf)|-|\*{0,2}[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:e[+-]?\d++)?%?\*{0,2})"
)
_PLAIN_VALUES = frozenset("0123456789. \t")
_VALUES = re.compile(rf"(?:{_VALUE.pattern})(?=\s|$)|(\S)")
#: Column names of more than one word, for headers whose columns stand one space apart.
_NAMES = re.compile(
    r"(?i:(?:training|train|validation|valid|val|evaluation|eval|test) (?:loss|accuracy|f1|wer|perplexity)"
    r"|gen len|\S+)"
)
_LOG = frozenset({"epoch", "epochs", "step", "steps"})
_MAX_ALIGNED = 2_000  # characters in a line of aligned columns


def table(header: Sequence[str], rows: Iterator[tuple[int, Sequence[str]]]) -> Table:
    """Return a table.

    Args:
        header: The column names as printed.
        rows: The 1-based line of each row, and its cells as printed.
    """
    return Table(
        columns=tuple([snake(name) for name in header]),
        header=tuple(header),
        rows=tuple(
            [Row(line=line, cells=tuple([Cell(text, value(text)) for text in cells])) for line, cells in rows]
        ),
    )


def moved(table: Table, origin: Sequence[int]) -> Table:
    """Return a table whose rows give lines of the source, of which `origin` has an index for each line."""
    return replace(table, rows=tuple([replace(row, line=origin[row.line - 1] + 1) for row in table.rows]))


def find_tables(lines: Sequence[str]) -> Iterator[tuple[int, Table]]:
    """Find the pipe tables: a header, a row of dashes, and the rows up to the first line without a pipe.

    Args:
        lines: The visible lines of a whole card.

    Yields:
        The index of the header's line, and the table.
    """
    delimiters = [i for i, line in enumerate(lines) if "|" in line and "-" in line and _is_delimiter(line)]
    done = 0
    for at, i in enumerate(delimiters):
        if i > done and "|" in lines[i - 1]:
            done = _end(lines, i + 1, delimiters, at + 1)
            rows = ((row + 1, _cells(lines[row])) for row in range(i + 1, done))
            yield i - 1, table(_cells(lines[i - 1]), rows)


def _is_delimiter(line: str) -> bool:
    return not line.strip("|:- \t")


def _end(lines: Sequence[str], start: int, delimiters: Sequence[int], at: int) -> int:
    """Return the index after the last row; a row above a row of dashes is the next table's header."""
    for i in range(start, len(lines)):
        if "|" not in lines[i]:
            return i
        while at < len(delimiters) and delimiters[at] <= i:
            at += 1
        # `| - | - |` is a row: some generators print a dash for what they have not measured.
        if at < len(delimiters) and delimiters[at] == i + 1 and "--" in lines[i + 1]:
            return i
    return len(lines)


def _cells(line: str) -> list[str]:
    """Split a row at its pipes; those at the very ends may be missing."""
    line = line.strip()
    cells = _PIPE.split(line) if "\\|" in line else line.split("|")
    if cells[0] == "":
        del cells[0]
    if len(cells) > 1 and cells[-1] == "":
        del cells[-1]
    return [cell.strip() for cell in cells]


def find_aligned(lines: Sequence[str]) -> Iterator[tuple[int, Table]]:
    """Find the training logs that are printed without pipes: a header with `Epoch` or `Step`, rows of values.

    A row of dashes may stand above or below the header. Columns are told apart by tabs or by two spaces and
    more; where they stand one space apart, by the names that training logs have, if that gives as many
    columns as the first row has values. A header that cannot be divided so is no table: nothing is guessed.

    Args:
        lines: The visible lines of a whole card.

    Yields:
        The index of the header's line, and the table.
    """
    done = 0
    for i, line in enumerate(lines):
        if i < done or len(line) > _MAX_ALIGNED or ("poch" not in line and "tep" not in line):
            continue
        if "|" in line or not _LOG.intersection(line.lower().split()):
            continue
        start = _next(lines, i)
        if ruled := start < len(lines) and bool(_RULE.fullmatch(lines[start].strip())):
            start = _next(lines, start)
        header = _divide(line.strip(), len(_values(lines, start)), known=ruled or "loss" in line.lower())
        if header:
            rows: list[tuple[int, list[str]]] = []
            at = start
            while 1 < len(values := _values(lines, at)) <= len(header):
                rows.append((at + 1, values))
                at = _next(lines, at)
            done = rows[-1][0]
            yield i, table(header, iter(rows))


def _next(lines: Sequence[str], i: int) -> int:
    """Return the index of the line below `i`; one blank line between is passed over."""
    return i + 2 if i + 1 < len(lines) and not lines[i + 1].strip() else i + 1


def _values(lines: Sequence[str], i: int) -> list[str]:
    """Return the values of an aligned row; none where the line prints anything else."""
    line = lines[i].strip() if i < len(lines) and len(lines[i]) <= _MAX_ALIGNED else ""
    if _PLAIN_VALUES.issuperset(line):
        return line.split()
    found: list[str] = []
    for match in _VALUES.finditer(line):
        if match[1]:
            return []
        found.append(match[0])
    return found


def _divide(header: str, count: int, *, known: bool) -> list[str] | None:
    """Divide a header into `count` names, None where that is not clear."""
    if count > 1:
        for names in (_GAP.split(header), _NAMES.findall(header) if known else []):
            if len(names) == count:
                return names
    return None

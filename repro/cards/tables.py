"""Tables, cell by cell as printed: with pipes, and the aligned columns that articles print."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from string import ascii_letters

from msgspec.structs import replace

from repro.cards.values import numbers, snake, value
from repro.records.claims import Cell, Row, Table

_PIPE = re.compile(r"(?<!\\)\|")
_DELIMITER = re.compile(r"[|:\- \t]*")
_RULE = re.compile(r"[-=\u2500\u2014][-=+\u2500\u2014 \t]*+")
_GAP = re.compile(r"\t+| {2,}")
#: A value of an aligned row; `No log` is the only one that a generator prints with a space in it.
_VALUE = re.compile(
    r"(?i:no log|[+-]?(?:nan|inf)|-|\*{0,2}[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:e[+-]?\d++)?%?\*{0,2})"
)
_BEGINS_PROSE = frozenset(ascii_letters) - frozenset("nNiI")  # `No log`, `nan` and `inf` are values
_PLAIN_VALUES = frozenset("0123456789. \t")
_VALUES = re.compile(rf"({_VALUE.pattern})(?=\s|$)|\S")
#: Column names of more than one word, for headers whose columns stand one space apart.
_NAMES = re.compile(
    r"(?i:(?:training|train|validation|valid|val|evaluation|eval|test) (?:loss|accuracy|f1|wer|perplexity)"
    r"|gen len|\S+)"
)
_LOG = frozenset({"epoch", "epochs", "step", "steps"})
_MANY = 4  # rows or cells that are read sooner together than each by itself
_MAX_KEPT = 5  # characters of a cell that is kept in memory
_UNLOGGED = Cell("No log")
_MAX_HEADER = 200  # characters of a header that is kept in memory
_MAX_ALIGNED = 2_000  # characters in a line of aligned columns


def table(header: Sequence[str], lines: Iterable[int], rows: Sequence[Sequence[str]]) -> Table:
    """Return a table.

    Args:
        header: The column names as printed.
        lines: The 1-based line of each row.
        rows: The cells of each row as printed.
    """
    width = len(rows[0]) if rows else 0
    if width < len(rows) and all(len(row) == width for row in rows):
        return _of_columns(header, lines, zip(*rows, strict=True))
    cells = iter(
        _read([text for row in rows for text in row])
    )  # at once: there may be thousands of short ones
    return _of_rows(header, lines, [tuple(islice(cells, len(row))) for row in rows])


def _of_columns(header: Sequence[str], lines: Iterable[int], columns: Iterable[Sequence[str]]) -> Table:
    return _of_rows(header, lines, zip(*[_read(column) for column in columns], strict=True))


def _of_rows(header: Sequence[str], lines: Iterable[int], rows: Iterable[tuple[Cell, ...]]) -> Table:
    return Table(
        columns=tuple([snake(name) for name in header]),
        header=tuple(header),
        rows=tuple(map(Row, lines, rows)),
    )


def _read(texts: Sequence[str]) -> list[Cell]:
    """Return the cells of a column or a row, at once where all are decimals or integers."""
    if texts and texts[0] == _UNLOGGED.text:  # as in the rows above the first one with a loss
        above = next((at for at, text in enumerate(texts) if text != _UNLOGGED.text), len(texts))
        if above < len(texts):
            return [_UNLOGGED] * above + _read(texts[above:])
    if len(texts) >= _MANY and (read := numbers(texts)) is not None:
        return list(map(Cell, texts, read))
    return [_kept(text) if len(text) <= _MAX_KEPT else Cell(text, value(text)) for text in texts]


@lru_cache(maxsize=10_000)  # cards print the same epochs, steps and words
def _kept(text: str) -> Cell:
    return Cell(text, value(text))


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
    piped = [i for i, line in enumerate(lines) if "|" in line]
    delimiters = [(i, at) for at, i in enumerate(piped) if "-" in lines[i] and _DELIMITER.fullmatch(lines[i])]
    if not delimiters:
        return
    runs = [i - at for at, i in enumerate(piped)]  # the same number for lines without a gap between them
    done = 0
    for nth, (i, at) in enumerate(delimiters):
        if i > done and "|" in lines[i - 1]:
            done = piped[bisect_right(runs, runs[at], at) - 1] + 1
            for later in range(nth + 1, len(delimiters)):
                below = delimiters[later][0]
                if below >= done:
                    break
                # A row above a row of dashes is the next table's header. But `| - | - |` is a row: some
                # generators print a dash for what they have not measured.
                if below > i + 1 and "--" in lines[below]:
                    done = below - 1
                    break
            header, printed, body = _cells(lines[i - 1]), range(i + 2, done + 1), lines[i + 1 : done]
            columns = _columns(body) if len(body) >= _MANY else None
            yield (
                i - 1,
                _of_columns(header, printed, columns)
                if columns
                else table(header, printed, [_cells(line) for line in body]),
            )


def _columns(lines: Sequence[str]) -> list[list[str]] | None:
    """Return the columns of some rows at once, None where these are not all of one form."""
    text = "\n".join(lines)
    if "\\|" in text:
        return None
    pipes = lines[0].count("|")
    parts = text.split("|")
    if not _is_regular(parts, pipes, len(lines)):
        # Space around the rows, and the pipes at both ends that may be missing, if they are from all rows.
        text = "\n".join(map(str.strip, lines))
        opened, closed, more = text.startswith("|"), text.endswith("|"), len(lines) - 1
        if (text.count("\n|"), text.count("|\n")) != (opened * more, closed * more):
            return None
        pipes += (not opened) + (not closed)
        if not opened:
            text = "|" + text.replace("\n", "\n|")
        if not closed:
            text = text.replace("\n", "|\n") + "|"
        parts = text.split("|")
        if not _is_regular(parts, pipes, len(lines)):
            return None
    return [list(map(str.strip, parts[at::pipes])) for at in range(1, pipes)]


def _is_regular(parts: list[str], pipes: int, rows: int) -> bool:
    """Tell whether a table, divided at its pipes, has as many in each row, and at the ends of each."""
    return len(parts) == pipes * rows + 1 and parts[::pipes] == ["", *["\n"] * (rows - 1), ""]


def _cells(line: str) -> list[str]:
    """Split a row at its pipes; those at the very ends may be missing."""
    line = line.strip()
    cells = _PIPE.split(line) if "\\|" in line else line.split("|")
    if not cells[0]:
        del cells[0]
    if len(cells) > 1 and not cells[-1]:
        del cells[-1]
    return list(map(str.strip, cells))


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
        if not (_heads_log(line) if len(line) <= _MAX_HEADER else _heads_log.__wrapped__(line)):
            continue
        start = _next(lines, i)
        if ruled := start < len(lines) and bool(_RULE.fullmatch(lines[start].strip())):
            start = _next(lines, start)
        values = _values(lines, start)
        if len(values) < 2:
            continue
        divide = _divide if len(line) <= _MAX_HEADER else _divide.__wrapped__
        header = divide(line, len(values), ruled)
        if header:
            printed: list[int] = []
            rows: list[list[str]] = []
            at = start
            while 1 < len(values) <= len(header):
                printed.append(at + 1)
                rows.append(values)
                at = _next(lines, at)
                values = _values(lines, at)
            done = printed[-1]
            yield i, table(header, printed, rows)


@lru_cache(maxsize=1_000)  # logs print the same few headers
def _heads_log(line: str) -> bool:
    """Tell whether a line may be the header of an aligned log."""
    return "|" not in line and not _LOG.isdisjoint(line.lower().split())


def _next(lines: Sequence[str], i: int) -> int:
    """Return the index of the line below `i`; one blank line between is passed over."""
    i += 1
    return i + 1 if i < len(lines) and (not lines[i] or lines[i].isspace()) else i


def _values(lines: Sequence[str], i: int) -> list[str]:
    """Return the values of an aligned row; none where the line prints anything else."""
    line = lines[i].strip() if i < len(lines) and len(lines[i]) <= _MAX_ALIGNED else ""
    if not line:
        return []
    if _PLAIN_VALUES.issuperset(line):
        return line.split()
    if line[0] in _BEGINS_PROSE:  # soon told
        return []
    found = _VALUES.findall(line)
    return found if all(found) else []


@lru_cache(maxsize=1_000)
def _divide(line: str, count: int, ruled: bool) -> tuple[str, ...] | None:
    """Divide a header, with a row of dashes or without, into `count` names; None where that is not clear."""
    header = line.strip()
    names = _GAP.split(header)
    if len(names) != count and (ruled or "loss" in line.lower()):
        names = _NAMES.findall(header)
    return tuple(names) if len(names) == count else None

"""Texts of a user's own file, one after the other: plain lines, JSON lines, CSV, Parquet.

The file is never held as a whole. What cannot be read is an `UnreadableTexts` that names the line and never
quotes the file.
"""

import csv
import json

#: Suffix to kind; a file without one of them is refused, not guessed at.
KINDS = {
    ".txt": "text",
    ".text": "text",
    ".jsonl": "json-lines",
    ".ndjson": "json-lines",
    ".json": "json-lines",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
}
_LONGEST_LINE = 16_000_000  # bytes; a binary file may have no end of a line at all
_COLUMNS_NAMED = 12


class UnreadableTexts(ValueError):
    """A file that is not what its suffix says, or lacks the column; `hint` says what to do."""

    def __init__(self, message, hint):
        super().__init__(message)
        self.hint = hint


def read(path, kind, column):
    """Yield the texts of a file in their order; one that is missing (`null`, a short row) is empty.

    Args:
        path: The file.
        kind: One of the values of `KINDS`.
        column: The column that has the texts; plain lines have none.

    Raises:
        UnreadableTexts: Not UTF-8, not of that kind, or without the column.
    """
    if kind == "parquet":
        return _parquet(path, column)
    if kind == "text":
        return _lines(path)
    if kind == "json-lines":
        return _json_lines(path, column)
    return _csv(path, column, "\t" if kind == "tsv" else ",")


def _lines(path):
    """Yield the lines of a UTF-8 file without their ends."""
    with open(path, "rb") as file:
        number = 0
        while True:
            raw = file.readline(_LONGEST_LINE + 1)
            if not raw:
                return
            number += 1
            if b"\0" in raw:
                raise UnreadableTexts(
                    "line %d has a zero byte: a binary file, or UTF-16" % number, "save it as UTF-8 text"
                )
            if len(raw) > _LONGEST_LINE:
                raise UnreadableTexts(
                    "line %d is longer than %d MB" % (number, _LONGEST_LINE // 1_000_000),
                    "one text a line is expected",
                )
            try:
                yield raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError:
                raise UnreadableTexts("line %d is not UTF-8" % number, "save it as UTF-8 text") from None


def _json_lines(path, column):
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise UnreadableTexts(
                "line %d is no JSON object" % number, "one JSON object a line is expected (JSON lines)"
            )
        if column not in row:
            raise _no_column(column, list(row), "line %d" % number)
        yield _text(row[column], column, "line %d" % number)


def _csv(path, column, delimiter):
    csv.field_size_limit(_LONGEST_LINE)
    rows = csv.reader((line + "\n" for line in _lines(path)), delimiter=delimiter)
    try:
        header = next(rows, [])
        if column not in header:
            raise _no_column(column, header, "the first line")
        at = header.index(column)
        for row in rows:
            if row:
                yield row[at] if at < len(row) else ""
    except csv.Error as error:
        raise UnreadableTexts("line %d: %s" % (rows.line_num, error), "is it a CSV file?") from None


def _parquet(path, column):
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UnreadableTexts(
            "the run's environment has no pyarrow to read Parquet with", "save the texts as JSON lines"
        ) from None
    try:
        file = pyarrow.parquet.ParquetFile(path)
        names = list(file.schema_arrow.names)
        if column not in names:
            raise _no_column(column, names, "the table")
        for batch in file.iter_batches(batch_size=1024, columns=[column]):
            for value in batch.column(0).to_pylist():
                yield _text(value, column, "a row")
    except (pyarrow.ArrowException, OSError) as error:
        kind = type(error).__name__
        raise UnreadableTexts("no Parquet file that this pyarrow reads (%s)" % kind, "is it whole?") from None


def _text(value, column, where):
    if value is None or isinstance(value, str):
        return value or ""
    raise UnreadableTexts(
        "%s: %s holds %s, a text is expected" % (where, column, type(value).__name__),
        "name another column with --column",
    )


def _no_column(column, there, where):
    names = ", ".join(str(name)[:60] for name in there[:_COLUMNS_NAMED]) or "none"
    more = ", …" if len(there) > _COLUMNS_NAMED else ""
    return UnreadableTexts(
        "%s has no column %s" % (where, column), "name one with --column; there: %s%s" % (names, more)
    )

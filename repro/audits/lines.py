"""Tables of cards in JSON lines: one object a line, plain or compressed by gzip.

The parent splits a file into lines and decodes none of them; a worker decodes the card's column alone.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from repro.audits.sources import CHUNK_BYTES, CHUNK_CARDS, LONGEST, Chunk, Source, decoded
from repro.errors import BadInput

_LOOK = 100  # rows that say which columns there are


@dataclass(frozen=True, slots=True)
class Rows(Chunk):
    """Some lines of a file; an item is the 1-based line number, and the line or why there is none."""

    file: str = ""
    column: str = "card"

    def read(self) -> Iterator[Source]:
        """Decode the card of each line."""
        decode = _decoder(self.column)
        for number, line in self.items:
            target = f"{self.file}#{number}"
            if isinstance(line, str):
                yield Source(target, problem=line)
                continue
            try:
                yield Source(target, decode(line).text)
            except (ValueError, RecursionError):  # msgspec.DecodeError and UnicodeDecodeError among them
                yield _slowly(target, line, self.column)


def line_chunks(path: str, column: str) -> Iterator[Rows]:
    """Split a file into chunks of lines; blank lines are no rows.

    Raises:
        BadInput: The file cannot be read, or none of its first rows has the column (names those there are).
    """
    share = _Share(path)
    first = True
    for batch in _batches(path, share):
        if first:
            _check_column(path, batch, column)
        first = False
        yield Rows(tuple(batch), share.since_last(), path, column)


def _batches(path: str, share: _Share) -> Iterator[list[tuple[int, bytes | str]]]:
    batch: list[tuple[int, bytes | str]] = []
    held = number = 0
    try:
        with ExitStack() as stack:
            raw: IO[bytes] = stack.enter_context(Path(path).open("rb", buffering=CHUNK_BYTES))
            share.position = raw.tell
            file: IO[bytes] = raw
            if path.lower().endswith(".gz"):
                file = cast("IO[bytes]", stack.enter_context(gzip.open(raw)))
            while line := file.readline(LONGEST):
                number += 1
                if len(line) == LONGEST and not line.endswith(b"\n"):
                    while (rest := file.readline(CHUNK_BYTES)) and not rest.endswith(b"\n"):
                        pass
                    batch.append((number, f"the row is longer than {LONGEST // 2**20} MiB"))
                elif line.isspace():
                    continue
                else:
                    batch.append((number, line))
                    held += len(line)
                if len(batch) >= CHUNK_CARDS or held >= CHUNK_BYTES:
                    yield batch
                    batch, held = [], 0
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:  # BadGzipFile is an OSError
        batch.append((number + 1, f"the file is broken from here on: {error}"))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}", "check its permissions") from error
    if batch:
        yield batch


class _Share:
    """Which part of a file was read since it was asked last."""

    def __init__(self, path: str) -> None:
        self.position: Callable[[], int] = lambda: 0
        self._size = max(1, Path(path).stat().st_size)
        self._last = 0

    def since_last(self) -> float:
        try:
            position = self.position()
        except ValueError:  # closed: this is the last chunk
            position = self._size
        share, self._last = (position - self._last) / self._size, position
        return share


@cache
def _decoder(column: str) -> Callable[[bytes], Any]:
    """Return the fast way: one column of an object, the others skipped without being decoded."""
    row = msgspec.defstruct("Row", [("text", str)], rename={"text": column})
    return msgspec.json.Decoder(row).decode


def _slowly(target: str, line: bytes, column: str) -> Source:
    """Read a row that the fast way refuses: it says why, and reads what only the standard library accepts."""
    text, undecodable = decoded(line)
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Source(target, problem=f"the row is no JSON: {error}")
    if not isinstance(row, dict):
        return Source(target, problem="the row is no JSON object")
    if column not in row:
        return Source(target, problem=f"the row has no {column!r}")
    card = row[column]
    if not isinstance(card, str):
        kind = "null" if card is None else type(card).__name__
        return Source(target, problem=f"{column!r} is no text but {kind}")
    # Bytes that are no UTF-8 may stand in other columns; what is left of them here is what counts.
    return Source(target, card, min(undecodable, card.count("\ufffd")))


def _check_column(path: str, batch: list[tuple[int, bytes | str]], column: str) -> None:
    names: dict[str, None] = {}
    for _, line in islice(batch, _LOOK):
        try:
            row = json.loads(decoded(line)[0]) if isinstance(line, bytes) else None
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            if column in row:
                return
            names |= dict.fromkeys(row)
    if names:
        raise no_column(path, column, list(names))


def no_column(path: str, column: str, names: list[str]) -> BadInput:
    """Return the error that a table has no such column."""
    shown = ", ".join(name[:40] for name in names[:20])
    return BadInput(f"{path}: no column {column!r}", f"--card-column takes one of: {shown}")

"""Tables of cards in Parquet, of which only the card's column is read, a few hundred rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from repro.audits.lines import no_column
from repro.audits.sources import CHUNK_BYTES, CHUNK_CARDS, Chunk, Source, source_of
from repro.errors import BadInput


@dataclass(frozen=True, slots=True)
class Cells(Chunk):
    """Some rows of a file; an item is the 1-based row and the card's bytes, None, or why there are none."""

    file: str = ""

    def read(self) -> Iterator[Source]:
        """Decode the card of each row."""
        for number, cell in self.items:
            target = f"{self.file}#{number}"
            if isinstance(cell, bytes):
                yield source_of(target, cell)
            else:
                yield Source(target, problem=cell or "the card is null")


def column_chunks(path: str, column: str) -> Iterator[Cells]:
    """Split a Parquet file into chunks of rows.

    A row group that is broken counts as one row that cannot be read, and the next one is gone on with.

    Raises:
        BadInput: No Parquet, no such column (names those there are), no column of text, or no pyarrow.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise BadInput(f"{path}: pyarrow is not installed", "pip install 'repro-audit[parquet]'") from error
    try:
        file: Any = parquet.ParquetFile(path, pre_buffer=False)
    except (pyarrow.ArrowException, OSError) as error:
        first = (str(error).splitlines() or [""])[0]
        raise BadInput(f"{path}: no Parquet file: {first}", "is the file whole?") from error
    with file:
        schema = file.schema_arrow
        if column not in schema.names:
            raise no_column(path, column, schema.names)
        kind = schema.field(column).type
        kind = kind.value_type if pyarrow.types.is_dictionary(kind) else kind
        binary = pyarrow.large_binary()
        if not any(
            check(kind)
            for check in (
                pyarrow.types.is_string,
                pyarrow.types.is_large_string,
                pyarrow.types.is_string_view,
                pyarrow.types.is_binary,
                pyarrow.types.is_large_binary,
            )
        ):
            raise BadInput(f"{path}: column {column!r} is no text but {kind}", "--card-column names another")
        rows = max(1, file.metadata.num_rows)
        number = 1
        for group in range(file.num_row_groups):
            after = number + file.metadata.row_group(group).num_rows
            try:
                for batch in file.iter_batches(CHUNK_CARDS, [group], [column], use_threads=False):
                    # As bytes: a text that is no UTF-8 must not stop the others.
                    cells = batch.column(0).cast(kind).cast(binary).to_pylist()
                    for some in _bounded(list(enumerate(cells, number))):
                        yield Cells(tuple(some), len(some) / rows, path)
                    number += len(cells)
            except (pyarrow.ArrowException, OSError) as error:
                first = (str(error).splitlines() or [""])[0]
                problem = f"{after - number} rows from here on are broken: {first}"
                yield Cells(((number, problem),), (after - number) / rows, path)
            number = after


def _bounded(items: list[tuple[int, bytes | None]]) -> Iterator[list[tuple[int, bytes | None]]]:
    some: list[tuple[int, bytes | None]] = []
    held = 0
    for item in items:
        some.append(item)
        held += len(item[1] or b"")
        if held >= CHUNK_BYTES:
            yield some
            some, held = [], 0
    if some:
        yield some

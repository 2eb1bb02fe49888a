"""Tables of cards: JSON lines, plain and compressed, and Parquet."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from repro.audits import lines
from repro.audits.columns import column_chunks
from repro.audits.lines import line_chunks
from repro.audits.sources import CHUNK_CARDS, Chunk, Source
from repro.errors import BadInput

TEXT = st.text(max_size=20)
ROW = st.one_of(
    st.fixed_dictionaries({"card": TEXT, "modelId": TEXT}),
    st.fixed_dictionaries({"modelId": TEXT}),
    st.dictionaries(TEXT, st.one_of(st.none(), st.integers(), TEXT), max_size=3),
    st.lists(st.integers(), max_size=2),
)
LINE = st.one_of(
    ROW.map(lambda row: json.dumps(row).encode()),
    ROW.map(lambda row: json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    st.binary(max_size=30).map(lambda data: data.replace(b"\n", b"")),
)
FIRST = json.dumps({"card": "# first"}).encode()


def read(chunks: Any) -> list[Source]:
    """All sources of chunks."""
    found: list[Chunk] = list(chunks)
    assert all(0 < len(chunk) <= CHUNK_CARDS for chunk in found)
    if found:
        assert sum(chunk.share for chunk in found) == pytest.approx(1)
    return [source for chunk in found for source in chunk.read()]


def expected(line: bytes) -> str | None:
    """The card of a line, None where there is none, as the standard library reads it."""
    try:
        row = json.loads(line.decode("utf-8", "repro.bytes"))
    except (ValueError, RecursionError):
        return None
    card = row.get("card") if isinstance(row, dict) else None
    return card if isinstance(card, str) else None


@given(st.lists(LINE, max_size=150))
@example(
    [
        b'{"card": "a\xffb"}',
        b'{"card": "\\ud800"}',
        b"[" * 3000,
        b'{"card": 1e999}',
        b"\x00",
        b'{"card":null}',
    ]
)
def test_every_row_is_a_card_or_a_problem(rows: list[bytes]) -> None:
    """Each line that is not blank gives one source, in order, under its number: its card, or why not."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.jsonl")
        path.write_bytes(b"\n".join([FIRST, *rows]))
        found = read(line_chunks(str(path), "card"))
    numbered = [(i, row) for i, row in enumerate([FIRST, *rows], 1) if row.strip(b" \t\n\r\x0b\x0c")]
    assert [each.target for each in found] == [f"{path}#{i}" for i, _ in numbered]
    for source, (_, row) in zip(found, numbered, strict=True):
        card = expected(row)
        assert (source.text if not source.problem else None) == card
        assert source.undecodable <= row.count(b"\xff") + sum(byte > 127 for byte in row)


def test_bytes_that_are_no_text_are_counted(tmp_path: Path) -> None:
    """A card in a row with bytes that are no UTF-8 is read, and its bad bytes are counted."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"other": "\xfe", "card": "a\xffb\xff"}\n')
    (source,) = read(line_chunks(str(path), "card"))
    assert (source.text, source.undecodable) == ("a\ufffdb\ufffd", 2)


def test_a_row_that_is_too_long_is_passed_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row beyond the limit is one problem, and the rows behind it keep their numbers."""
    monkeypatch.setattr(lines, "LONGEST", 1_000)
    path = tmp_path / "rows.jsonl"
    path.write_bytes(FIRST + b"\n" + json.dumps({"card": "x" * 5_000_000}).encode() + b"\n\n" + FIRST + b"\n")
    found = read(line_chunks(str(path), "card"))
    assert [each.target.partition("#")[2] for each in found] == ["1", "2", "4"]
    assert "longer" in found[1].problem
    assert found[2].text == "# first"


def test_compressed_lines(tmp_path: Path) -> None:
    """Lines compressed by gzip are read alike; where the file is cut off, what is whole is read."""
    path = tmp_path / "rows.jsonl.gz"
    data = gzip.compress(b"".join(json.dumps({"card": f"# {i}"}).encode() + b"\n" for i in range(5_000)))
    path.write_bytes(data)
    assert [each.text for each in read(line_chunks(str(path), "card"))][4_999] == "# 4999"
    path.write_bytes(data[: len(data) // 2])
    *whole, last = read(line_chunks(str(path), "card"))
    assert 100 < len(whole) < 5_000
    assert not any(each.problem for each in whole)
    assert "broken from here on" in last.problem


def test_a_column_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    """Where no row has the column, the error names the columns there are, for both kinds of table."""
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "# a", "modelId": "u/m"}\n' * 3)
    with pytest.raises(BadInput, match="no column 'card'") as raised:
        read(line_chunks(str(path), "card"))
    assert "text, modelId" in raised.value.hint
    assert [each.text for each in read(line_chunks(str(path), "text"))] == ["# a"] * 3


# ------------------------------------------------------------------------------------------- Parquet


def parquet(path: Path, **columns: Any) -> Any:
    """Write a Parquet file with row groups of 100; return pyarrow."""
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(columns), path, row_group_size=100)
    return pyarrow


def test_parquet_is_read_row_by_row(tmp_path: Path) -> None:
    """Each row gives its card under its 1-based number; a null is a problem."""
    path = tmp_path / "cards.parquet"
    cards = [None if i == 7 else f"# {i}" for i in range(250)]
    parquet(path, card=cards, other=list(range(250)))
    found = read(column_chunks(str(path), "card"))
    assert [each.target for each in found] == [f"{path}#{i}" for i in range(1, 251)]
    assert [each.text or None for each in found] == cards
    assert "null" in found[7].problem


@pytest.mark.parametrize("kind", ["string", "large_string", "binary", "dictionary"])
def test_parquet_of_every_kind_of_text(kind: str, tmp_path: Path) -> None:
    """Text is text, however the file keeps it; bytes that are no UTF-8 are counted."""
    pyarrow = pytest.importorskip("pyarrow")
    values: list[Any] = ["# a", "# b", "# a"]
    if kind == "dictionary":
        array = pyarrow.array(values).dictionary_encode()
    else:
        array = pyarrow.array(
            [b"# \xff", b"# b", b"# a"] if kind == "binary" else values, getattr(pyarrow, kind)()
        )
    path = tmp_path / "cards.parquet"
    parquet(path, card=array)
    found = read(column_chunks(str(path), "card"))
    assert found[1].text == "# b"
    assert found[0].undecodable == (kind == "binary")


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    """A file that is no Parquet, a missing column and a column of numbers are errors with a hint."""
    path = tmp_path / "cards.parquet"
    parquet(path, number=[1, 2])
    with pytest.raises(BadInput, match="no column") as raised:
        read(column_chunks(str(path), "card"))
    assert "number" in raised.value.hint
    with pytest.raises(BadInput, match="no text but int64"):
        read(column_chunks(str(path), "number"))
    path.write_bytes(b"PAR1 but no more")
    with pytest.raises(BadInput, match="no Parquet"):
        read(column_chunks(str(path), "card"))


def test_a_broken_row_group_does_not_stop_the_others(tmp_path: Path) -> None:
    """Where a row group's pages are broken, it is one problem, and the next row group is read."""
    path = tmp_path / "cards.parquet"
    pytest.importorskip("pyarrow")
    parquet(path, card=[f"# card {i} " + "x" * 50 for i in range(300)])
    from pyarrow.parquet import ParquetFile

    column = ParquetFile(path).metadata.row_group(1).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    data = bytearray(path.read_bytes())
    data[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    path.write_bytes(bytes(data))
    found = read(column_chunks(str(path), "card"))
    assert [each.target for each in found if each.problem] == [f"{path}#101"]
    assert "100 rows from here on are broken" in found[100].problem
    assert found[-1].text.startswith("# card 299")
    assert len(found) == 201

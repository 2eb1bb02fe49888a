"""A user's file, text by text: what is read of each kind, and one line for what cannot be."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from worker_modules import load

from repro.workflows import evaluating

texts = load("texts")


def read(path: Path, column: str | None = "text") -> list[str]:
    """Read a file as its suffix says."""
    return list(texts.read(str(path), texts.KINDS[path.suffix], column))


def test_both_sides_know_the_same_kinds() -> None:
    """What the program takes a suffix for is what the worker reads."""
    assert texts.KINDS == evaluating.KINDS


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_plain_lines(tmp_path: Path, end: str) -> None:
    """A text a line, without its end and without a byte order mark; the last line needs no end."""
    path = tmp_path / "own.txt"
    path.write_bytes(("\ufeff" + end.join(["Größe", "", "a\u2028b", "last"])).encode())
    assert read(path) == ["Größe", "", "a\u2028b", "last"]


def test_json_lines(tmp_path: Path) -> None:
    """The named column of each object; `null` is an empty text, an empty line is none."""
    path = tmp_path / "own.jsonl"
    rows = [{"text": "a\nb", "body": "x"}, {"text": None, "body": "y"}]
    path.write_text("\n\n".join(map(json.dumps, rows)))
    assert read(path) == ["a\nb", ""]
    assert read(path, "body") == ["x", "y"]


@pytest.mark.parametrize(("suffix", "by"), [(".csv", ","), (".tsv", "\t")])
def test_tables(tmp_path: Path, suffix: str, by: str) -> None:
    """The named column of a table; a quoted cell may have lines, a short row is an empty text."""
    path = tmp_path / f"own{suffix}"
    path.write_text(f'id{by}text\n1{by}"two\nlines"\n2\n\n3{by}x{by}too much\n')
    assert read(path) == ["two\nlines", "", "x"]


def test_parquet(tmp_path: Path) -> None:
    """The named column of a Parquet file; `null` is an empty text."""
    path = tmp_path / "own.parquet"
    table = pyarrow.table({"text": ["a", None, "b"], "n": [1, 2, 3]})
    pyarrow.parquet.write_table(table, path)
    assert read(path) == ["a", "", "b"]
    with pytest.raises(texts.UnreadableTexts, match="holds int"):
        read(path, "n")


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("a.txt", b"fine\n\xff\xfe\n", "line 2 is not UTF-8"),
        ("a.txt", "utf-16".encode("utf-16-le"), "zero byte"),
        ("a.csv", b"text\n\0\n", "zero byte"),
        ("a.jsonl", b'{"text": "a"}\n["text"]\n', "line 2 is no JSON object"),
        ("a.jsonl", b'{"text": "a"', "line 1 is no JSON object"),
        ("a.jsonl", b"[" * 100_000, "line 1 is no JSON object"),
        ("a.jsonl", b'{"text": 3}', "text holds int"),
        ("a.jsonl", b'{"body": "a"}', "no column text"),
        ("a.csv", b"id,body\n1,a\n", "no column text"),
        ("a.csv", b"", "no column text"),
        ("a.parquet", b"PAR1 but not really", "no Parquet file"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, name: str, content: bytes, part: str) -> None:
    """Another encoding, a broken line and a missing column are told with the line's number and a hint."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(texts.UnreadableTexts, match=part) as caught:
        read(path)
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_a_file_without_an_end_of_a_line(tmp_path: Path) -> None:
    """A file that is one line without end is refused before it fills the memory."""
    path = tmp_path / "long.txt"
    with path.open("wb") as file:
        for _ in range(17):
            file.write(b"x" * 1_000_000)
    with pytest.raises(texts.UnreadableTexts, match="longer than 16 MB"):
        read(path)


def test_the_columns_that_are_there_are_named(tmp_path: Path) -> None:
    """Who named no column is told which there are, a dozen at most."""
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"c{number}" for number in range(100)) + "\n")
    with pytest.raises(texts.UnreadableTexts) as caught:
        read(path)
    assert caught.value.hint.endswith("c10, c11, …")


def test_a_million_lines_stream(tmp_path: Path) -> None:
    """A file of a million lines is read with little memory."""
    path = tmp_path / "many.txt"
    path.write_text("a short text of a user\n" * 1_000_000)
    tracemalloc.start()
    try:
        assert sum(1 for _ in texts.read(str(path), "text", None)) == 1_000_000
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()

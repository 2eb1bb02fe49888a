"""What holds for pipe tables."""

from __future__ import annotations

import pytest

from repro.cards.tables import find_tables
from repro.records.claims import Table


def tables(text: str) -> list[Table]:
    return [table for _, table in find_tables(text.split("\n"))]


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_rows_may_be_ragged() -> None:
    """Fewer or more cells than columns, and missing outer pipes, are read as they stand."""
    (table,) = tables("|A|B|C|\n|---|---|---|\n|1|2|\n|1|2|3|4|\n1 | 2 | 3\n|1|2|3\n| 1\t|2 | |")
    assert texts(table) == [
        ["1", "2"],
        ["1", "2", "3", "4"],
        ["1", "2", "3"],
        ["1", "2", "3"],
        ["1", "2", ""],
    ]
    assert [row.line for row in table.rows] == [3, 4, 5, 6, 7]


def test_merged_cell_stays_one_text() -> None:
    """A missing pipe merges two cells; the row is not mended."""
    (table,) = tables("| Epoch | Step | Loss |\n|:--:|:--:|:--:|\n| 1.0 | 291 1.6578 |")
    assert texts(table) == [["1.0", "291 1.6578"]]
    assert table.rows[0].cells[1].value == "291 1.6578"


def test_table_ends_at_the_first_line_without_a_pipe() -> None:
    """Text directly below a table is no row."""
    (table,) = tables("|A|B|\n|-|-|\n|1|2|\n(*weakly labelled)\n|3|4|")
    assert texts(table) == [["1", "2"]]


def test_tables_may_follow_each_other_directly() -> None:
    """A second header and its dashes begin a second table."""
    first, second = tables("|A|\n|---|\n|1|\n|B|\n|---|\n|2|")
    assert (texts(first), second.header, texts(second)) == ([["1"]], ("B",), [["2"]])


def test_dashes_may_be_cells() -> None:
    """A row of single dashes is a row of what was not measured."""
    (table,) = tables("|A|B|\n|---|---|\n|1|2|\n| - | - |\n|3|4|")
    assert texts(table)[1] == ["-", "-"]


def test_escaped_pipe_belongs_to_its_cell() -> None:
    """`\\|` does not end a cell."""
    (table,) = tables("|A|B|\n|---|---|\n|a \\| b|2|")
    assert texts(table) == [["a \\| b", "2"]]


def test_dashes_without_a_header_are_no_table() -> None:
    """A row of dashes at the top, or below a line without pipes, begins no table."""
    assert tables("|---|---|\n|1|2|") == []
    assert tables("text\n|---|---|\n|1|2|") == []
    assert tables("a | b\n---\nc | d") == []


def test_header_without_rows_is_an_empty_table() -> None:
    """A table of nothing is still stated."""
    (table,) = tables("| Training Loss | Epoch |\n|:---:|:---:|")
    assert (table.columns, table.rows) == (("training_loss", "epoch"), ())


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1.5", ".5", "-2.", "1.0e-05"], [1.5, 0.5, -2.0, 1e-05]),
        (["1.5", "..", "2.5"], [1.5, "..", 2.5]),
        (["1.5", "1.0e999", "2.5"], [1.5, "1.0e999", 2.5]),
        (["1_0.5", "1.5", "2.5"], ["1_0.5", 1.5, 2.5]),
        (["10", "007", "9" * 18], [10, 7, 10**18 - 1]),
        (["10", "", "9" * 19], [10, None, 1e19]),
    ],
)
def test_a_column_means_what_its_cells_mean(cells: list[str], values: list[object]) -> None:
    """Columns are read at once where they hold numbers alone, with the same meaning as cell by cell."""
    ((_, table),) = find_tables(["| a |", "|---|", *[f"| {cell} |" for cell in cells]])
    assert [(row.cells[0].text, row.cells[0].value) for row in table.rows] == list(
        zip(cells, values, strict=True)
    )


def test_a_row_with_a_pipe_more_is_no_row_of_columns() -> None:
    """Rows are divided at once only where each prints every cell between two pipes."""
    rows = ["| 1 | 2 |", "| 3 | 4 || 5 |", "| 6 |", "7 | 8"]
    ((_, table),) = find_tables(["| a | b |", "|---|---|", *rows])
    assert texts(table) == [["1", "2"], ["3", "4", "", "5"], ["6"], ["7", "8"]]

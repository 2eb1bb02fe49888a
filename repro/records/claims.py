"""What a card states: claims with their printed text, value and line, and the audit that wraps them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from repro.records.codec import Record

Kind = Literal[
    "trainer",
    "keras",
    "peft",
    "trl",
    "sentence-transformers",
    "setfit",
    "spanmarker",
    "autotrain",
    "article",
    "other",
]
Value = float | int | str | bool | None


class Claim(Record, frozen=True, kw_only=True, gc=False):
    """One thing that a card states.

    Attributes:
        text: The text exactly as printed.
        value: What the text means; a string where it is no number, None for `No log`.
        line: The 1-based line in the whole file.
    """

    text: str
    value: Value = None
    line: int


class Cell(Record, frozen=True, kw_only=False, gc=False):
    """One table cell: the printed text and its value (None for `No log` and empty cells)."""

    text: str
    value: Value = None


class Row(Record, frozen=True, kw_only=False, gc=False):
    """One table row; `cells` stand in the order of the table's columns and may be fewer."""

    line: int
    cells: tuple[Cell, ...]


class Table(Record, frozen=True, kw_only=True):
    """A table as printed.

    Attributes:
        columns: Lower snake case names, e.g. `training_loss`, `epoch`, `step`, `validation_loss`.
        header: The same as printed.
        rows: The rows in the order of the card.
    """

    columns: tuple[str, ...]
    header: tuple[str, ...]
    rows: tuple[Row, ...]

    def column(self, name: str) -> tuple[Cell | None, ...]:
        """Return the cells of one column, None where a row has no such cell.

        Raises:
            KeyError: The table has no column of that name.
        """
        if name not in self.columns:
            raise KeyError(name)
        at = self.columns.index(name)
        return tuple(row.cells[at] if at < len(row.cells) else None for row in self.rows)


class Claims(Record, frozen=True, kw_only=True):
    """All that one card states.

    Attributes:
        name: The model's name, from model-index or the first heading.
        base_model: What was fine-tuned, as the card names it.
        datasets: Names of the data sets as printed.
        license: The licence's identifier as printed.
        task: The pipeline tag or task.
        hyperparameters: By their printed name.
        versions: By package: `transformers`, `torch`, `datasets`, `tokenizers`, `tensorflow`, `peft`.
        evaluation: The headline results, by metric in lower snake case.
        results: The training results table, or None.
        tables: Further tables of the card.
    """

    name: str | None = None
    base_model: str | None = None
    datasets: tuple[str, ...] = ()
    license: str | None = None
    task: str | None = None
    hyperparameters: dict[str, Claim] = {}
    versions: dict[str, Claim] = {}
    evaluation: dict[str, Claim] = {}
    results: Table | None = None
    tables: tuple[Table, ...] = ()


class Finding(Record, frozen=True, kw_only=True):
    """One thing that a rule found."""

    rule: str
    severity: Literal["error", "warning", "note"]
    message: str
    line: int | None = None
    help: str = ""
    evidence: dict[str, Any] = {}


class Suppressed(Record, frozen=True, kw_only=True):
    """A finding that was asked not to be shown; it is counted, never lost.

    Attributes:
        rule: The rule's id.
        line: Where it was found.
        by: `card` for an exception written in the card, `baseline` for one that was there before.
        reason: The reason given in the card.
    """

    rule: str
    line: int | None = None
    by: Literal["card", "baseline"]
    reason: str = ""


class Audit(Record, frozen=True, kw_only=True, tag_field="schema", tag="repro.audit/1"):
    """A card's claims and the findings on them; one JSON object for each target.

    Attributes:
        target: The card: a path, an address, `hub:user/model`, or `file#row`.
        kind: Whose card it is.
        claims: What it states.
        findings: In the order of their lines, those on the whole card first.
        suppressed: Findings that the card's own exceptions or the baseline hold back.
        skipped: Why rules could not apply to this card, and their ids.
    """

    target: str
    kind: Kind
    claims: Claims
    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    skipped: dict[str, tuple[str, ...]] = {}


def decimal(text: str) -> Decimal | None:
    """Return the exact decimal that `text` prints, or None where it prints no finite number.

    >>> decimal("1.4100"), decimal("No log")
    (Decimal('1.4100'), None)
    """
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None

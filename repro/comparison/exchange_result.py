"""What weighing a table's loss columns comes to: another reading, or that the curves are too near."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from repro.comparison.exchange_readings import Column, Kind

# Characters of a cell, and the number from which on its digits say nothing.
_MOST_SHOWN, _ANY_LARGER = 40, 1e6


@dataclass(frozen=True)
class Indistinct:
    """Two curves that lie too near for an exchange to be seen.

    Attributes:
        separation: The median distance of the curves, in standard deviations of the smoother one's noise.
    """

    separation: float

    def explain(self) -> str:
        """Say so in a sentence."""
        return (
            f"The two loss columns cannot be told apart: they lie {self.separation:.1f} times the noise "
            "of the smoother one from each other, so that exchanged cells would often not show."
        )


def _short(number: float, form: str) -> str:
    """Return a number in a form for people, where it is one that people meet; tables hold any number."""
    return format(number, form if number < _ANY_LARGER else ".1e")


@dataclass(frozen=True)
class Lost:
    """A value that stands nowhere in the printed table: of which column, in which 0-based row."""

    column: Column
    row: int


@dataclass(frozen=True)
class Exchange:
    """Another reading of the table, which fits better than the printed one; a hypothesis.

    Attributes:
        kind: `exchanged` (some rows have the two columns the wrong way round), `shifted` (the values of one
            column stand in the wrong rows), or both.
        columns: The columns that read differently.
        first_row: The first 0-based row that reads differently.
        last_row: The last one.
        first_rows: The rows in which it may have begun, at 90 %.
        moved: The column, as mended, whose values stand in the wrong rows, or None.
        shift: How many rows below their own they are printed: -1 is one row too early, 1 one too late.
        lost: The value that is nowhere.
        repeated: The 0-based row and the text of a cell that has no place in the mended table, or None.
        training: The mended training losses as printed; None where unknown.
        validation: The mended validation losses.
        score: Natural logarithm of the odds of this kind of reading against the printed one.
        curves: What the curves contribute to it.
        digits: What the printed digits contribute.
        repeats: What repeated, missing and misplaced cells contribute.
        printed_scatter: Relative standard deviation of the two printed columns around smooth curves.
        mended_scatter: The same of the two mended ones.
        gap: How far the curves lie apart where they read differently: the median of their ratio, less one.
    """

    kind: Kind
    columns: tuple[Column, ...]
    first_row: int
    last_row: int
    first_rows: tuple[int, int]
    moved: Column | None
    shift: int
    lost: Lost | None
    repeated: tuple[int, str] | None
    training: tuple[str | None, ...]
    validation: tuple[str | None, ...]
    score: float
    curves: float
    digits: float
    repeats: float
    printed_scatter: tuple[float, float]
    mended_scatter: tuple[float, float]
    gap: float

    @property
    def shrinks(self) -> float:
        """How many times smaller the scatter of the mended reading is: the geometric mean of both columns."""
        mended = math.prod(self.mended_scatter)
        return math.sqrt(math.prod(self.printed_scatter) / mended) if mended > 0 else math.inf

    def explain(self, epochs: Sequence[str] | None = None) -> str:
        """Say what was found, in a sentence or two.

        Args:
            epochs: The printed epochs of the rows; without them, rows are counted from 1.
        """

        def at(row: int) -> str:
            return str(row + 1) if epochs is None else epochs[row]

        unit = "row" if epochs is None else "epoch"
        where = (
            f"in {unit} {at(self.first_row)}"
            if self.first_row == self.last_row
            else f"in {unit}s {at(self.first_row)} to {at(self.last_row)}"
        )
        parts = []
        if self.kind != "shifted":
            parts.append(f"the two loss columns appear to be exchanged {where}")
        if self.moved is not None:
            name = self.moved.replace("_", " ")
            way = "early" if self.shift < 0 else "late"
            where = f" {where}" if self.kind == "shifted" else ""
            parts.append(f"the {name} values stand one row too {way}{where}")
        if self.lost is not None:
            parts.append(f"the {self.lost.column.replace('_', ' ')} of {unit} {at(self.lost.row)} is lost")
        if self.repeated is not None and self.repeated[1]:
            parts.append(
                f"the cell {self.repeated[1][:_MOST_SHOWN]} of {unit} {at(self.repeated[0])} is left over"
            )
        text = ", ".join(parts)
        less = _short(self.shrinks, ".1f")
        (was_above, was_below), (above, below) = (
            [_short(each, ".2%") for each in pair] for pair in (self.printed_scatter, self.mended_scatter)
        )
        return (
            f"{text[0].upper()}{text[1:]}. Read that way, the curves scatter {less} times less around smooth "
            f"ones (training losses by {above} instead of {was_above}, validation losses by {below} instead "
            f"of {was_below}); the log odds are {self.score:.1f} (curves {self.curves:+.1f}, digits "
            f"{self.digits:+.1f}, repeated cells {self.repeats:+.1f})."
        )

    def evidence(self, epochs: Sequence[float | int | None]) -> dict[str, Any]:
        """Return the JSON of a finding: rows are counted from 1, unknown values are null.

        Args:
            epochs: The epoch of each row of the table.
        """
        lost = None if self.lost is None else {"column": self.lost.column, "epoch": epochs[self.lost.row]}
        repeated = None
        if self.repeated is not None:
            repeated = {"row": self.repeated[0] + 1, "text": self.repeated[1]}
        return {
            "kind": self.kind,
            "columns": list(self.columns),
            "first_epoch": epochs[self.first_row],
            "last_epoch": epochs[self.last_row],
            "first_row": self.first_row + 1,
            "last_row": self.last_row + 1,
            "first_row_between": [self.first_rows[0] + 1, self.first_rows[1] + 1],
            "shift": self.shift,
            "shifted": self.moved,
            "lost": lost,
            "repeated": repeated,
            "mended": {
                "training_loss": [_number(text) for text in self.training],
                "validation_loss": [_number(text) for text in self.validation],
            },
            "score": {
                "log_odds": _rounded(self.score),
                "curves": _rounded(self.curves),
                "digits": _rounded(self.digits),
                "repeats": _rounded(self.repeats),
                "scatter_printed": [_rounded(each, 5) for each in self.printed_scatter],
                "scatter_mended": [_rounded(each, 5) for each in self.mended_scatter],
                "shrinks": _rounded(self.shrinks),
                "gap": _rounded(self.gap, 4),
            },
        }


def _rounded(value: float, places: int = 2) -> float | None:
    """Round for JSON, which has no infinity."""
    return round(value, places) if math.isfinite(value) else None


def _number(text: str | None) -> float | None:
    try:
        number = None if text is None else float(text)
    except ValueError:
        return None
    return number if number is not None and math.isfinite(number) else None

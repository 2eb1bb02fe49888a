"""What rules look at: a card, read once into the shapes that they ask for by name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from repro.records.card import Card, FrontMatter
from repro.records.claims import Cell, Claim, Claims, Table

#: What the absence of an input means, in words.
ABSENT = {
    "front_matter": "the card has no front matter",
    "progress": "the card has no table of training results",
    "losses": "the card has no table with training and validation losses",
    "hyperparameters": "the card states no hyperparameters",
    "versions": "the card states no versions",
    "evaluation": "the card states no evaluation results",
    "peers": "no replicates were given (--replicates)",
    "base": "nothing is known about the base model (--online asks the Hub)",
    "published": "when the card was published is not known",
    "index": "the front matter has no model-index",
}

_TRAINING = ("training_loss", "train_loss", "loss")
_VALIDATION = ("validation_loss", "val_loss", "eval_loss", "evaluation_loss", "valid_loss")


@dataclass(frozen=True)
class Series:
    """One column of the results table, in numbers.

    Attributes:
        name: The column, in lower snake case.
        cells: As printed, None where a row is too short.
        values: As numbers, NaN and infinity included; None for `No log`, words and missing cells.
    """

    name: str
    cells: tuple[Cell | None, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Progress:
    """The results table in numbers, row by row.

    Attributes:
        table: The table as printed; it has at least one row.
        lines: The 1-based line of each row.
        epoch, step, training, validation: Its columns, None where it has no such column.
    """

    table: Table
    lines: tuple[int, ...]
    epoch: Series | None
    step: Series | None
    training: Series | None
    validation: Series | None

    def __len__(self) -> int:
        return len(self.lines)

    def points(self, name: str) -> list[tuple[int, float]]:
        """Return (row index, finite number) of a column, `epoch`, `step`, `training` or `validation`."""
        series: Series | None = getattr(self, name)
        if series is None:
            return []
        return [(i, v) for i, v in enumerate(series.values) if v is not None and math.isfinite(v)]

    @cached_property
    def step_epoch(self) -> list[tuple[int, float, float]]:
        """(row index, step, epoch) of the rows that state both, with a positive epoch."""
        if self.step is None or self.epoch is None:
            return []
        return [
            (i, s, e)
            for i, (s, e) in enumerate(zip(self.step.values, self.epoch.values, strict=True))
            if s is not None and e is not None and 0 < e < math.inf and 0 <= s < math.inf
        ]


@dataclass(frozen=True)
class Context:
    """What is known beside the card.

    Attributes:
        today: The day that counts as today.
        published: When the card was published, where that is known (a Hub commit).
        peers: Public replicates of the same recipe, as `comparison` reads them from a CSV file.
        base: What the Hub says about the base model (`license`, `pipeline_tag`, …), where it was asked.
    """

    today: date | None = None
    published: datetime | None = None
    peers: Sequence[Any] | None = None
    base: Mapping[str, Any] | None = None


class Subject:
    """A card, its context, and what follows from both; each property is worked out once, when asked for.

    A property that is None means that a rule which asks for it does not apply.
    """

    def __init__(self, card: Card, context: Context) -> None:
        self.card = card
        self.context = context
        self.claims: Claims = card.claims

    @cached_property
    def front_matter(self) -> FrontMatter | None:
        """The front matter."""
        return self.card.front_matter

    @cached_property
    def index(self) -> Mapping[str, Any] | None:
        """The first entry of the front matter's model-index (`model_index` in cards of 4.7 to 4.9)."""
        meta = self.card.front_matter.data if self.card.front_matter else {}
        node = meta.get("model-index") or meta.get("model_index")
        return node[0] if isinstance(node, list) and node and isinstance(node[0], dict) else None

    @cached_property
    def hyperparameters(self) -> Mapping[str, Claim] | None:
        """The stated hyperparameters by printed name, None where there are none."""
        return self.claims.hyperparameters or None

    @cached_property
    def versions(self) -> Mapping[str, Claim] | None:
        """The stated versions by package."""
        return self.claims.versions or None

    @cached_property
    def evaluation(self) -> Mapping[str, Claim] | None:
        """The headline results by metric."""
        return self.claims.evaluation or None

    @cached_property
    def progress(self) -> Progress | None:
        """The results table in numbers."""
        table = self.claims.results
        if table is None or not table.rows:
            return None
        return Progress(
            table=table,
            lines=tuple(row.line for row in table.rows),
            epoch=_series(table, ("epoch",)),
            step=_series(table, ("step", "steps")),
            training=_series(table, _TRAINING),
            validation=_series(table, _VALIDATION),
        )

    @cached_property
    def losses(self) -> Progress | None:
        """The same, where it has both a training and a validation loss."""
        progress = self.progress
        return progress if progress and progress.training and progress.validation else None

    @property
    def peers(self) -> Sequence[Any] | None:
        """Public replicates of the same recipe."""
        return self.context.peers

    @property
    def base(self) -> Mapping[str, Any] | None:
        """What is known about the base model."""
        return self.context.base

    @property
    def published(self) -> datetime | None:
        """When the card was published."""
        return self.context.published


def _series(table: Table, names: Sequence[str]) -> Series | None:
    name = next((name for name in names if name in table.columns), None)
    if name is None:
        return None
    cells = table.column(name)
    return Series(name, cells, tuple(map(number, cells)))


def number(cell: Cell | Claim | None) -> float | None:
    """Return what a cell or claim says as a number; `nan` and `inf` are numbers, words are None."""
    if cell is None:
        return None
    value = cell.value
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    return float(value) if value in ("nan", "inf", "-inf") else None

"""Curves: what was published and what was measured, laid side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from repro.records.claims import Cell, Table, decimal
from repro.records.run import Epoch, Measured

#: An evaluation loss of the card may be called by either name.
METRICS = {
    "training_loss": ("training_loss", "train_loss"),
    "validation_loss": ("validation_loss", "eval_loss"),
}

# A loss that is this many times the first of its curve did not merely stop falling: it exploded.
_EXPLODED = 2.0
# Other units (bits for nats, a sum for a mean) show as one factor over the whole curve.
_OTHER_SCALE = 2.0
_CONSTANT_RATIO = 1.1


@dataclass(frozen=True)
class Pair:
    """One evaluation point of one metric.

    Attributes:
        published: The cell as printed, or None where the card has none (or `No log`).
        measured: The value measured, or None.
    """

    epoch: float
    step: int
    published: Cell | None
    measured: Measured | None

    @property
    def both(self) -> tuple[float, float] | None:
        """Published and measured as numbers, or None where one is missing."""
        if self.published is None or self.measured is None:
            return None
        published = as_number(self.published)
        return None if published is None else (published, float(self.measured))


def as_number(cell: Cell) -> float | None:
    """Return a cell's number; `nan` and `inf` are numbers too, `No log` and other words are None."""
    if isinstance(cell.value, int | float):
        return float(cell.value)
    return float(cell.value) if cell.value in ("nan", "inf", "-inf") else None


def pairs(metric: str, table: Table, epochs: Sequence[Epoch]) -> tuple[Pair, ...]:
    """Lay one metric of the table and the run side by side, row by row.

    Args:
        metric: A key of `METRICS`.
        table: The published results.
        epochs: The measured epochs; as many as the table has rows (see `evaluation_points`).

    Returns:
        One pair for each row; empty where the table has no such column.
    """
    names = [name for name in METRICS[metric] if name in table.columns]
    if not names:
        return ()
    cells = table.column(names[0])
    return tuple(
        Pair(each.epoch, each.step, cell if cell and cell.text else None, getattr(each, metric))
        for cell, each in zip(cells, epochs, strict=True)
    )


def evaluation_points(table: Table, epochs: Sequence[Epoch]) -> str:
    """Return why the two were not evaluated at the same points, or an empty text when they were."""
    if len(table.rows) != len(epochs):
        return f"the card has {len(table.rows)} evaluations, the run {len(epochs)}"
    for name in ("step", "epoch"):
        if name not in table.columns:
            continue
        for row, cell, each in zip(table.rows, table.column(name), epochs, strict=True):
            measured = getattr(each, name)
            if cell is None or not isinstance(cell.value, int | float):
                return f"line {row.line} of the card has no {name}"
            # A card prints an epoch with two decimals up to 4.39.
            if abs(cell.value - measured) > (0 if name == "step" else 0.0051):
                return f"line {row.line} of the card is at {name} {cell.text}, the run at {measured:g}"
    return ""


def equal_as_printed(pairs: Sequence[Pair]) -> bool:
    """Whether every measured value, printed as the card generator prints it, is the printed one.

    The generator prints at most four decimals and drops none that it has (`f"{v:.4f}"`), the Trainer rounds
    the training loss to four before; a column that was shortened by hand is compared as short as it is.
    """
    exact = [(decimal(pair.published.text), pair.measured) for pair in pairs if pair.published is not None]
    places = max((-int(text.as_tuple().exponent) for text, _ in exact if text is not None), default=0)
    return bool(exact) and all(
        text is not None
        and measured is not None
        and math.isfinite(float(measured))
        and Decimal(f"{float(measured):.{places}f}") == text
        for text, measured in exact
    )


def diverged(pairs: Sequence[Pair]) -> str:
    """Return how exactly one of the two curves diverged, or an empty text.

    A curve diverged when it holds a value that is not finite, or one of more than twice its first.
    """
    known = [both for pair in pairs if (both := pair.both) is not None]
    published, measured = _divergence([p for p, _ in known]), _divergence([m for _, m in known])
    if measured and not published:
        return f"the run {measured}, the published curve did not"
    if published and not measured:
        return f"the published curve {published}, the run did not"
    return ""


def _divergence(values: Sequence[float]) -> str:
    for value in values:
        if not math.isfinite(value):
            return f"reached {value}"
        if value > _EXPLODED * values[0] > 0:
            return f"exploded from {values[0]:.4g} to {value:.4g}"
    return ""


def other_scale(pairs: Sequence[Pair]) -> str:
    """Return the factor between the curves where it is nearly constant and far from 1, or an empty text."""
    ratios = [
        measured / published for published, measured in _finite(pairs) if published > 0 and measured > 0
    ]
    if len(ratios) < 2 or max(ratios) > _CONSTANT_RATIO * min(ratios):
        return ""
    middle = sorted(ratios)[len(ratios) // 2]
    if 1 / _OTHER_SCALE <= middle <= _OTHER_SCALE:
        return ""
    return f"the measured values are {middle:.3g} times the published ones at every epoch"


def _finite(pairs: Sequence[Pair]) -> list[tuple[float, float]]:
    known = [both for pair in pairs if (both := pair.both) is not None]
    return [(p, m) for p, m in known if math.isfinite(p) and math.isfinite(m)]

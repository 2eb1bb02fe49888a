"""What two curves show when they are laid side by side: equal as printed, diverged, on another scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from repro.comparison.curve import Point, number
from repro.records.claims import Cell, decimal
from repro.records.run import Measured

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

    epoch: float | None
    step: int | None
    published: Cell | None
    measured: Measured | None

    @property
    def both(self) -> tuple[float, float] | None:
        """Published and measured as numbers, or None where one is missing."""
        if self.published is None or self.measured is None:
            return None
        published = number(self.published)
        return None if published is None else (published, float(self.measured))


def pairs(metric: str, published: Sequence[Point], measured: Sequence[Point | None]) -> tuple[Pair, ...]:
    """Lay one metric of two curves side by side, point by point."""
    return tuple(
        Pair(
            here.epoch if here.epoch is not None or there is None else there.epoch,
            here.step if here.step is not None or there is None else there.step,
            here.cells.get(metric),
            None if there is None else _measured(there.cells.get(metric)),
        )
        for here, there in zip(published, measured, strict=True)
    )


def _measured(cell: Cell | None) -> Measured | None:
    value = None if cell is None else number(cell)
    if value is None or math.isfinite(value):
        return value
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


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
    published, measured = divergence([p for p, _ in known]), divergence([m for _, m in known])
    if measured and not published:
        return f"the run {measured}, the published curve did not"
    if published and not measured:
        return f"the published curve {published}, the run did not"
    return ""


def divergence(values: Sequence[float]) -> str:
    """Return how a curve of losses diverged, or an empty text."""
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

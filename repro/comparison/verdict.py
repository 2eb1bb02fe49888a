"""The verdict: of one metric, and over all."""

from __future__ import annotations

import math
from collections.abc import Sequence

from repro.comparison import curves
from repro.comparison.bounds import Bounds
from repro.comparison.levels import lower_is_better
from repro.records.comparison import (
    VERDICTS,
    ComparedRow,
    Convergence,
    Level,
    Metric,
    Stream,
    Verdict,
)


def judge(
    name: str,
    pairs: Sequence[curves.Pair],
    bounds: Bounds,
    stream: Stream,
    *,
    wider: Bounds | None = None,
    levels: tuple[Level, ...] = (),
    convergence: Convergence | None = None,
    prefix: bool = False,
) -> Metric:
    """Compare one metric.

    Args:
        name: The metric.
        pairs: The evaluation points; at least one of them with both values, else it is incomparable.
        bounds: The bounds on each difference.
        stream: Whether both curves come from one random stream.
        wider: In one stream: the bounds for runs of any stream, which a run may still be within.
        levels: How the curves end.
        convergence: How soon they get there.
        prefix: Whether the measured curve ends early: what has no measured value yet is not asked.

    Returns:
        The rows, the verdict, and the sentence why.
    """
    rows = _rows(pairs, bounds)
    met = [pair for pair in pairs if pair.measured is not None] if prefix else pairs
    verdict, reason = _verdict(name, met, rows, bounds, stream, levels)
    if verdict == "different" and wider is not None:
        broad = _rows(pairs, wider)
        if all(row.within is not False and row.in_band is not False for row in broad):
            verdict = "consistent"
            reason = f"{reason}; but no further than runs of other random streams lie apart"
    return Metric(
        verdict=verdict,
        reason=reason,
        bound_source=bounds.source,
        bound_reason=bounds.reason,
        rows=rows,
        levels=levels,
        convergence=convergence,
    )


def overall(metrics: dict[str, Metric]) -> tuple[Verdict, str]:
    """Return the worst verdict, and the sentences of the metrics that it comes from."""
    worst = max((metric.verdict for metric in metrics.values()), key=VERDICTS.index)
    names: dict[str, list[str]] = {}
    for name, metric in metrics.items():
        if metric.verdict == worst:
            names.setdefault(metric.reason, []).append(name.replace("_", " "))
    return worst, "; ".join(f"{' and '.join(of)}: {reason}" for reason, of in names.items())


def _rows(pairs: Sequence[curves.Pair], bounds: Bounds) -> tuple[ComparedRow, ...]:
    each = zip(pairs, bounds.differences.tolist(), bounds.low.tolist(), bounds.high.tolist(), strict=True)
    return tuple(_row(pair, bound, low, high) for pair, bound, low, high in each)


def _row(pair: curves.Pair, bound: float, low: float, high: float) -> ComparedRow:
    both = pair.both
    difference = None if both is None else both[1] - both[0]
    if difference is not None and not math.isfinite(difference):
        difference = None
    banded = math.isfinite(low) and math.isfinite(high)
    return ComparedRow(
        epoch=pair.epoch,
        step=pair.step,
        published=None if pair.published is None else pair.published.text,
        measured=pair.measured,
        difference=difference,
        bound=bound,
        within=None if both is None else difference is not None and abs(difference) <= bound,
        band=(low, high) if banded else None,
        in_band=low <= both[1] <= high if banded and both is not None else None,
    )


def _verdict(
    name: str,
    pairs: Sequence[curves.Pair],
    rows: Sequence[ComparedRow],
    bounds: Bounds,
    stream: Stream,
    levels: Sequence[Level],
) -> tuple[Verdict, str]:
    compared = [row for row in rows if row.within is not None]
    if not compared:
        return "incomparable", "no epoch has both a published and a measured number"
    if curves.equal_as_printed(pairs):
        return "identical", f"all {len(compared)} values are the printed ones"
    if lower_is_better(name) and (how := curves.diverged(pairs)):
        return "diverged", how
    if lower_is_better(name) and (how := curves.other_scale(pairs)):
        return "incomparable", how
    # Nearest to its bound, or furthest beyond it; a difference that is not finite is larger than any other.
    worst = max(compared, key=lambda row: math.inf if row.difference is None else _share(row))
    size = "not finite" if worst.difference is None else f"{abs(worst.difference):.4f}"
    at = f"{size} at {_place(worst)}"
    if outside := [row for row in compared if not row.within]:
        many = f"{len(outside)} of {len(compared)} values lie outside {_bound(bounds, worst)}"
        return "different", f"{many}; the largest difference is {at}"
    if strayed := [row for row in compared if row.in_band is False]:
        many = f"{len(strayed)} of {len(compared)} measured values lie outside the band of the replicates"
        return "different", f"{many}, the first at {_place(strayed[0])}"
    largest = f"the largest of {len(compared)} differences is {at}, within {_bound(bounds, worst)}"
    if stream.match == "same":
        return "matching", largest
    for level in levels:
        if level.how == "equivalence" and not level.within:
            apart = f"the {level.of} is not equivalent: it differs by {level.low:.4f} to {level.high:.4f}"
            return "different", f"{apart}, more than ±{level.margin:.4f} cannot be ruled out"
    return "consistent", f"{largest}, though {stream.reason}"


def _bound(bounds: Bounds, row: ComparedRow) -> str:
    """Name the bound: one number where it is the same everywhere, else that of the row."""
    if bounds.source == "assumed":
        return f"±{row.bound:g}"
    return f"the replicates' bounds (±{row.bound:.4f} there)"


def _place(row: ComparedRow) -> str:
    if row.epoch is not None:
        return f"epoch {row.epoch:g}"
    return f"step {row.step}" if row.step is not None else "an unnumbered evaluation"


def _share(row: ComparedRow) -> float:
    return abs(row.difference or 0.0) / max(row.bound, 1e-12)

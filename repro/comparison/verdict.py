"""The verdict: of one metric, and over all."""

from __future__ import annotations

import math
from collections.abc import Sequence

from repro.comparison import curves
from repro.comparison.tolerances import Bound
from repro.records.comparison import VERDICTS, ComparedRow, Metric, Stream, Verdict


def judge(pairs: Sequence[curves.Pair], bound: Bound, stream: Stream) -> Metric:
    """Compare one metric.

    Args:
        pairs: The evaluation points; at least one of them with both values, else it is incomparable.
        bound: The bound on each difference.
        stream: Whether both curves come from one random stream.

    Returns:
        The rows, the verdict, and the sentence why.
    """
    rows = tuple(_row(pair, bound) for pair in pairs)
    verdict, reason = _verdict(pairs, rows, stream)
    return Metric(
        verdict=verdict, reason=reason, bound_source=bound.source, bound_reason=bound.reason, rows=rows
    )


def overall(metrics: dict[str, Metric]) -> tuple[Verdict, str]:
    """Return the worst verdict, and the sentences of the metrics that it comes from."""
    worst = max((metric.verdict for metric in metrics.values()), key=VERDICTS.index)
    names: dict[str, list[str]] = {}
    for name, metric in metrics.items():
        if metric.verdict == worst:
            names.setdefault(metric.reason, []).append(name.replace("_", " "))
    return worst, "; ".join(f"{' and '.join(of)}: {reason}" for reason, of in names.items())


def _row(pair: curves.Pair, bound: Bound) -> ComparedRow:
    both = pair.both
    difference = None if both is None else both[1] - both[0]
    if difference is not None and not math.isfinite(difference):
        difference = None
    return ComparedRow(
        epoch=pair.epoch,
        step=pair.step,
        published=None if pair.published is None else pair.published.text,
        measured=pair.measured,
        difference=difference,
        bound=bound.value,
        within=None if both is None else difference is not None and abs(difference) <= bound.value,
    )


def _verdict(
    pairs: Sequence[curves.Pair], rows: Sequence[ComparedRow], stream: Stream
) -> tuple[Verdict, str]:
    compared = [row for row in rows if row.within is not None]
    if not compared:
        return "incomparable", "no epoch has both a published and a measured number"
    if curves.equal_as_printed(pairs):
        return "identical", f"all {len(compared)} values are the printed ones"
    if how := curves.diverged(pairs):
        return "diverged", how
    if how := curves.other_scale(pairs):
        return "incomparable", how
    # A difference that is not finite is larger than any other.
    worst = max(compared, key=lambda row: math.inf if row.difference is None else abs(row.difference))
    size = "not finite" if worst.difference is None else f"{abs(worst.difference):.4f}"
    at = f"{size} at epoch {worst.epoch:g}"
    if outside := [row for row in compared if not row.within]:
        many = f"{len(outside)} of {len(compared)} values lie outside ±{worst.bound:g}"
        return "different", f"{many}; the largest difference is {at}"
    largest = f"the largest of {len(compared)} differences is {at}, within ±{worst.bound:g}"
    if stream.match == "same":
        return "matching", largest
    return "consistent", f"{largest}, though {stream.reason}"

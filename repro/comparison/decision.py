"""Whether the first epochs of a training already say how the whole will be judged."""

from __future__ import annotations

from collections.abc import Mapping

from repro.records.comparison import Comparison, Metric


def decided(comparison: Comparison) -> str:
    """Return why no later epoch can bring a training back within its bounds; empty where one still could.

    Args:
        comparison: Of the first epochs, which have the bounds of the whole. Where the published table has two
            readings, the training must lie outside in both.
    """
    readings = [comparison.metrics, *(each.metrics for each in comparison.readings)]
    reasons = [_outside(metrics) for metrics in readings]
    return reasons[0] if all(reasons) else ""


def _outside(metrics: Mapping[str, Metric]) -> str:
    return "; ".join(
        f"{name.replace('_', ' ')}: {metric.reason}" for name, metric in metrics.items() if metric.decided
    )

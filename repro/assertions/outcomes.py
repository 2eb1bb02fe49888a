"""Whether a run came out at least as well as asked, and what to say where it did not."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repro.assertions import Checked
from repro.assertions.causes import likely_causes
from repro.assertions.closeness import Closeness, Row
from repro.assertions.curves import Point
from repro.assertions.messages import Line, failure, number, value_text
from repro.errors import BadInput
from repro.records.comparison import VERDICTS, Cause, ComparedRow, Comparison, Metric, Verdict
from repro.records.run import Measured, Run
from repro.reports.formats import epoch, metric_title, prefix_words

if TYPE_CHECKING:
    from repro.workflows import Outcome

_HEADER = ("epoch", "step", "published", "measured", "difference", "bound")


@dataclass(frozen=True)
class Judged:
    """A comparison, the name of what was compared, and the folder it lies in, where it lies in one."""

    comparison: Comparison
    name: str
    folder: str = ""

    def checked(self, *, good: bool = True) -> Checked:
        """Return what to say of it in a summary."""
        prefix = self.comparison.prefix
        detail = f"{prefix_words(prefix)}; " if prefix else ""
        return Checked(
            self.comparison.verdict, self.name, detail + largest(self.comparison), self.folder, good
        )


def judged(run: Outcome | Comparison | Run | str | Path) -> Judged:
    """Return the comparison of whatever stands for a run.

    Raises:
        BadInput: No such run, or it is not finished.
    """
    match run:
        case Comparison():
            return Judged(run, f"run {run.run}" if run.run else "comparison", run.folder or "")
        case Run():
            from repro.comparison import compare

            return Judged(compare(run), run.case.name)
        case str() | Path():
            from repro import workflows

            return judged(workflows.check(str(run)))
        case _ if isinstance(getattr(run, "comparison", None), Comparison):
            return Judged(run.comparison, run.run.case.name, str(run.folder))
    raise BadInput(
        f"{type(run).__name__} is no run",
        "give what `repro_run` returned, a run, a comparison, or a run's folder",
    )


def problem_with(seen: Judged, at_least: Verdict, *, prefix: bool = False) -> str:
    """Return why the verdict is not good enough, with all that helps; empty where it is.

    Raises:
        BadInput: `at_least` is no verdict.
    """
    if at_least not in VERDICTS:
        raise BadInput(f"{at_least!r} is no verdict", f"one of {', '.join(VERDICTS)}")
    comparison = seen.comparison
    part = f" ({prefix_words(comparison.prefix)})" if comparison.prefix else ""
    if part and not prefix:
        return failure(
            f"{seen.name}{part}: {comparison.verdict}, but only of the first epochs",
            [],
            [],
            ["hint: train the rest, or accept a prefix with prefix=True"],
        )
    if VERDICTS.index(comparison.verdict) <= VERDICTS.index(at_least):
        return ""
    far = {
        name: metric
        for name, metric in comparison.metrics.items()
        if VERDICTS.index(metric.verdict) > VERDICTS.index(at_least)
    }
    worst = _worst(far.values())
    return failure(
        f"{seen.name}{part}: {comparison.verdict}, not at least {at_least}: {comparison.reason}",
        [
            (_heading(name, metric), _HEADER, [_line(row, row is worst) for row in metric.rows])
            for name, metric in far.items()
        ],
        comparison.causes or [cause for name, metric in far.items() for cause in _by_shape(name, metric)],
        [f"run: {seen.folder}"] if seen.folder else [],
    )


def _by_shape(name: str, metric: Metric) -> tuple[Cause, ...]:
    """What the differences themselves speak for, where the comparison knows of no cause."""
    rows = tuple(
        Row(place, _point(_published(row), row), _point(row.measured, row), row.bound)
        for place, row in enumerate(metric.rows, 1)
    )
    return likely_causes(Closeness(name, metric.rows[0].bound if metric.rows else 0.0, rows))


def _published(row: ComparedRow) -> float | None:
    """The published number; a text that is finite but no plain number is known by its difference."""
    if row.within is None or row.measured is None:
        return None
    if row.difference is not None:
        return float(row.measured) - row.difference
    # The difference is no number because one of the two is not finite.
    return math.nan if math.isfinite(float(row.measured)) else 0.0


def _point(value: Measured | None, row: ComparedRow) -> Point:
    return Point(None if value is None else float(value), step=row.step, epoch=row.epoch)


def largest(comparison: Comparison) -> str:
    """Return the largest difference in words, or why there is none."""
    known = [
        (abs(row.difference), name, row)
        for name, metric in comparison.metrics.items()
        for row in metric.rows
        if row.difference is not None
    ]
    if not known:
        return comparison.reason
    size, name, row = max(known, key=lambda each: each[0])
    at = f"epoch {epoch(row.epoch)}"
    return f"largest difference {number(size, row.bound)} ({name.replace('_', ' ')}, {at})"


def _worst(metrics: Iterable[Metric]) -> ComparedRow | None:
    rows = [row for metric in metrics for row in metric.rows if row.within is not None]
    return max(rows, key=_excess, default=None)


def _excess(row: ComparedRow) -> tuple[bool, float]:
    """How far outside a row lies: in units of its bound, infinite where the difference is no number."""
    if row.difference is None:
        return row.within is False, math.inf if row.within is False else 0.0
    return row.within is False, abs(row.difference) / row.bound if row.bound > 0 else abs(row.difference)


def _heading(name: str, metric: Metric) -> str:
    because = f" ({metric.bound_reason})" if metric.bound_reason else ""
    return f"{metric_title(name)}: {metric.verdict}; bound {metric.bound_source}{because}"


def _line(row: ComparedRow, worst: bool) -> Line:
    return Line(
        (
            epoch(row.epoch),
            str(row.step),
            row.published or "–",
            value_text(None if row.measured is None else float(row.measured), row.bound),
            "–" if row.difference is None else number(row.difference, row.bound, signed=True),
            f"±{number(row.bound, row.bound)}",
        ),
        row.within,
        worst,
    )

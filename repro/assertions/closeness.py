"""Two curves, point by point, within a stated tolerance; `repro.comparison` has the verdicts on runs."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repro.assertions import Checked
from repro.assertions.causes import likely_causes
from repro.assertions.curves import DEFAULT_METRIC, Curves, Point, read_curves
from repro.assertions.messages import Line, failure, number, value_text
from repro.assertions.references import ReferenceFile
from repro.comparison.curve import canonical
from repro.errors import BadInput
from repro.reports.formats import epoch, line, metric_title

#: A card prints an epoch with two decimals.
_EPOCH_ROUNDING = 0.0051
_Pair = tuple[Point | None, Point | None]


@dataclass(frozen=True, slots=True)
class Row:
    """One point of both curves; either may be missing. `within` is None where nothing was published."""

    place: int
    published: Point | None
    measured: Point | None
    bound: float

    @property
    def difference(self) -> float | None:
        """How far measured lies above published; None where that is no finite number."""
        published, measured = _value(self.published), _value(self.measured)
        if published is None or measured is None:
            return None
        difference = measured - published
        return difference if math.isfinite(difference) else None

    @property
    def within(self) -> bool | None:
        """Whether both agree; two values that are not finite agree where they are the same."""
        published, measured = _value(self.published), _value(self.measured)
        if published is None:
            return None
        if measured is None:
            return False
        if not math.isfinite(published):
            return str(published) == str(measured)
        # Differences of decimals carry a rounding error of their own.
        return abs(measured - published) <= self.bound + 4 * math.ulp(max(abs(published), abs(measured)))

    @property
    def excess(self) -> float:
        """How far apart, to find the worst row: in units of the bound, infinite where there is no number."""
        if self.within is None:
            return -1.0
        if self.difference is None:
            return 0.0 if self.within else math.inf
        return abs(self.difference) / self.bound if self.bound else abs(self.difference)

    @property
    def epoch(self) -> str:
        """The epoch in words; empty where the curves have none."""
        known = (self.published, self.measured)
        return next((epoch(each.epoch) for each in known if each and each.epoch is not None), "")

    @property
    def step(self) -> str:
        """The step in words; empty where the curves have none."""
        known = (self.published, self.measured)
        return next((str(each.step) for each in known if each and each.step is not None), "")

    @property
    def where(self) -> str:
        """The point in words."""
        words = [f"epoch {self.epoch}"] if self.epoch else []
        return ", ".join(words + [f"step {self.step}"] * bool(self.step)) or f"point {self.place}"


@dataclass(frozen=True, slots=True)
class Closeness:
    """One metric: its rows, and what hinders a comparison as a whole (empty where nothing does)."""

    metric: str
    tolerance: float
    rows: tuple[Row, ...]
    problem: str = ""

    @property
    def compared(self) -> list[Row]:
        """The rows that have a published value."""
        return [row for row in self.rows if row.within is not None]

    @property
    def outside(self) -> list[Row]:
        """The rows that do not agree."""
        return [row for row in self.rows if row.within is False]

    @property
    def worst(self) -> Row | None:
        """The row that lies furthest apart; of several the first."""
        return max(self.compared, key=lambda row: row.excess, default=None)

    @property
    def reason(self) -> str:
        """Why it is not close; empty where it is."""
        if self.problem:
            return self.problem
        if not self.compared:
            return "no point has a published value"
        outside, worst = self.outside, self.worst
        if not outside or worst is None:
            return ""
        if worst.difference is None:
            size = "not measured" if _value(worst.measured) is None else "not finite"
        else:
            size = number(worst.difference, worst.bound, signed=True)
        many = f"{len(outside)} of {len(self.compared)} values lie outside ±{self.tolerance:g}"
        return f"{many}; the worst is {size} at {worst.where}"


def compare_curves(
    measured: Any,
    published: Any,
    tolerance: float | Mapping[str, float],
    metric: str | Sequence[str] | None,
) -> tuple[str, Checked]:
    """Compare; arguments as in `repro.assertions.assert_close_curve`.

    Returns:
        The message of the failure, empty where all is close, and what to say in a summary.
    """
    asked = [canonical(each) for each in ([metric] if isinstance(metric, str) else metric or ())]
    alone = asked[0] if len(asked) == 1 else DEFAULT_METRIC
    left = read_curves(measured, alone)
    if isinstance(published, ReferenceFile):
        if published.update:
            return _updated(published, left, asked)
        if not published.path.exists():
            return _missing(published)
        right = read_curves(published.path, alone)
    else:
        right = read_curves(published, alone)
    named = right if right.named else left
    metrics = asked or (list(named.metrics) if named.named else [DEFAULT_METRIC])
    results = [_close(each, left, right, _tolerance(tolerance, each)) for each in metrics]
    return _told(results, left, right)


def _tolerance(tolerance: float | Mapping[str, float], metric: str) -> float:
    if isinstance(tolerance, Mapping):
        stated = {canonical(each): value for each, value in tolerance.items()}
        if metric not in stated:
            raise BadInput(f"no tolerance for {metric}", f"there is one for {', '.join(stated) or 'nothing'}")
        tolerance = stated[metric]
    if not 0 <= tolerance < math.inf:  # NaN fails here, too
        raise BadInput(f"a tolerance of {tolerance} for {metric}", "a finite number, 0 or above")
    return float(tolerance)


# ---------------------------------------------------------------------------------------- point by point


def _close(metric: str, measured: Curves, published: Curves, tolerance: float) -> Closeness:
    for curves, side in ((published, "published"), (measured, "measured")):
        if not curves.metrics.get(metric):
            there = f"there: {', '.join(curves.metrics) or 'nothing'}"
            return Closeness(metric, tolerance, (), f"no {metric} was {side} ({there})")
    left, right = measured.metrics[metric], published.metrics[metric]
    pairs, problem = aligned(left, right)
    rows = tuple(
        Row(place, there, here, tolerance + sum(point.slack for point in (there, here) if point is not None))
        for place, (there, here) in enumerate(pairs, 1)
    )
    return Closeness(metric, tolerance, rows, problem)


def aligned(measured: Sequence[Point], published: Sequence[Point]) -> tuple[list[_Pair], str]:
    """Lay two curves side by side, published first.

    Returns:
        The pairs, and why they do not fit, where they do not.
    """
    if all(point.step is not None for point in (*measured, *published)):
        by_step = {point.step: point for point in reversed(measured)}
        pairs: list[_Pair] = [(point, by_step.get(point.step)) for point in published]
        return pairs, _nothing_in_common(pairs, "step")
    if all(point.epoch is not None for point in (*measured, *published)):
        ordered = sorted(measured, key=lambda point: point.epoch or 0.0)
        pairs = [(point, _at_epoch(ordered, point.epoch or 0.0)) for point in published]
        return pairs, _nothing_in_common(pairs, "epoch")
    longest = max(len(measured), len(published))
    filled = [[*side, *[None] * (longest - len(side))] for side in (published, measured)]
    problem = ""
    if len(measured) != len(published):
        problem = f"{len(published)} values are published, {len(measured)} were measured"
    return list(zip(*filled, strict=True)), problem


def _at_epoch(ordered: Sequence[Point], wanted: float) -> Point | None:
    at = bisect_left(ordered, wanted - _EPOCH_ROUNDING, key=lambda point: point.epoch or 0.0)
    near = ordered[at : at + 2]
    fits = [point for point in near if abs((point.epoch or 0.0) - wanted) <= _EPOCH_ROUNDING]
    return min(fits, key=lambda point: abs((point.epoch or 0.0) - wanted), default=None)


def _nothing_in_common(pairs: Sequence[_Pair], what: str) -> str:
    return "" if any(here is not None for _, here in pairs) else f"the curves have no {what} in common"


def _value(point: Point | None) -> float | None:
    return None if point is None else point.value


# ------------------------------------------------------------------------------------------- in words


def _told(results: Sequence[Closeness], measured: Curves, published: Curves) -> tuple[str, Checked]:
    far = [each for each in results if each.reason]
    title = " and ".join(each.metric.replace("_", " ") for each in results)
    between = " against ".join(line(each.source) for each in (measured, published) if each.source)
    if not far:
        worst = max((row for each in results if (row := each.worst)), key=lambda row: row.excess)
        detail = f"largest difference {_size(worst)} at {worst.where}"
        return "", Checked("close", title, detail, between)
    reason = "; ".join(f"{each.metric.replace('_', ' ')}: {each.reason}" for each in far)
    message = failure(
        f"not close: {reason}",
        [(_heading(each), _HEADER, _lines(each)) for each in far],
        [cause for each in far for cause in likely_causes(each)],
        [f"compared: {between}"] if between else [],
    )
    shown = far[0].reason if len(results) == 1 else reason
    return message, Checked("apart", title, shown, between, good=False)


def _size(row: Row) -> str:
    return "none" if row.difference is None else number(abs(row.difference), row.bound)


_HEADER = ("point", "epoch", "step", "published", "measured", "difference", "bound")


def _heading(each: Closeness) -> str:
    return f"{metric_title(each.metric)}: tolerance ±{each.tolerance:g}"


def _lines(each: Closeness) -> list[Line]:
    worst = each.worst if each.outside else None
    return [
        Line(
            (
                "" if row.epoch or row.step else str(row.place),
                row.epoch,
                row.step,
                (row.published.text if row.published else "") or value_text(_value(row.published), row.bound),
                value_text(_value(row.measured), row.bound),
                "–" if row.difference is None else number(row.difference, row.bound, signed=True),
                f"±{number(row.bound, row.bound)}",
            ),
            row.within,
            row is worst,
        )
        for row in each.rows
    ]


# ------------------------------------------------------------------------------------------ references


def _missing(reference: ReferenceFile) -> tuple[str, Checked]:
    message = f"{reference.path}: no such file of reference values\nhint: {reference.hint}"
    return message, Checked("missing", "reference values", "no such file", str(reference.path), good=False)


def _updated(reference: ReferenceFile, measured: Curves, asked: Sequence[str]) -> tuple[str, Checked]:
    metrics = asked or reference.metrics() or (list(measured.metrics) if measured.named else [DEFAULT_METRIC])
    curves = {each: measured.metrics.get(each, ()) for each in metrics}
    for metric, points in curves.items():
        if not points or any(point.value is None or not math.isfinite(point.value) for point in points):
            what = "nothing was measured" if not points else "not all values are finite numbers"
            message = f"{reference.path}: not updated: {metric.replace('_', ' ')}: {what}"
            return message, Checked("refused", "reference values", what, str(reference.path), good=False)
    changed = reference.write(curves)
    title = " and ".join(each.replace("_", " ") for each in metrics)
    if not changed:
        return "", Checked("close", title, "the reference holds these very values", str(reference.path))
    return "", Checked("updated", title, changed, str(reference.path))

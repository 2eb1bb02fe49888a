"""From two curves, or a run's record, to their comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np

from repro.comparison import bounds, curve, curves, levels
from repro.comparison.causes import likely_causes
from repro.comparison.curve import Curve, Point
from repro.comparison.exchanges import Exchange, find_exchange
from repro.comparison.noise import FEWEST, Array, Noise, estimate, outlying
from repro.comparison.replicates import Peer
from repro.comparison.streams import decide, labels
from repro.comparison.verdict import judge, overall
from repro.records.case import Tolerance
from repro.records.claims import Cell, decimal
from repro.records.comparison import (
    REPRODUCED,
    Comparison,
    LeftOut,
    Metric,
    Prefix,
    Reading,
    Replicates,
    Stream,
    Verdict,
)
from repro.records.run import Result, Run, Stopped

_FEWEST_TO_BE_THE_SAME = 3
_FINE = 0.0011


@dataclass(frozen=True)
class _Beside:
    """The replicates that are used, at the published points."""

    curves: tuple[Curve, ...]
    streams: tuple[int, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def record(self) -> Replicates:
        return Replicates(
            used=tuple(each.name for each in self.curves),
            streams=len(set(self.streams)),
            left_out=self.left_out,
        )


def compare_run(run: Run, peers: Sequence[Peer] = (), own: Sequence[Run] = ()) -> Comparison:
    """Compare a run with the table as its card prints it; nothing in the table is mended.

    Args:
        run: A completed run or a rehearsal; its record holds the published claims and tolerances.
        peers: Public replicates of the recipe; the published run may be among them.
        own: Runs of the same case with other seeds.

    Returns:
        The verdict for each metric and over all. A rehearsal, and a run that was evaluated at other points
        than the published one, is `incomparable`, and says why.
    """
    claims = run.case.claims
    versions = {name: claim.text for name, claim in claims.versions.items()}
    published = Curve(f"the card of {run.case.name}", (), {**versions, **run.environment.documented})
    measured = curve.of_run(run)
    if run.settings.micro_batch is not None:
        measured = curve.by_epoch(measured)
    if run.settings.rehearse is not None:
        stream = decide(published, measured, (), ())
        reason = "a rehearsal: it proves that the recipe runs, and cannot be compared"
        return _incomparable(stream, reason, rehearsal=True, run=run.id)
    if claims.results is None or not claims.results.rows:
        stream = decide(published, measured, (), ())
        return _incomparable(stream, "the card has no table of results", run=run.id)
    seed = claims.hyperparameters.get("seed")
    published = replace(
        curve.of_table(published.name, claims.results, published.versions),
        seed=int(seed.value) if seed is not None and isinstance(seed.value, int | float) else None,
    )
    found = compare_curves(
        published,
        measured,
        [*map(curve.of_peer, peers), *[replace(curve.of_run(each), own=True) for each in own]],
        tolerances=run.case.tolerances,
        metrics=curve.LOSSES,
        run=run,
        prefix=isinstance(run.result, Stopped),
    )
    return _with(found, run=run.id, **_as_prefix(run.result))


def compare_curves(
    published: Curve,
    measured: Curve,
    replicates: Sequence[Curve] = (),
    *,
    tolerances: Mapping[str, Tolerance] | None = None,
    metrics: Sequence[str] | None = None,
    interpolate: bool = False,
    run: Run | None = None,
    prefix: bool = False,
) -> Comparison:
    """Compare two curves.

    Args:
        published: The curve that is to be reproduced; only its evaluation points count.
        measured: The other one.
        replicates: Further curves of the same recipe, of either side; one that is one of the two compared is
            left out.
        tolerances: Stated bounds by metric, for what replicates do not bound.
        metrics: Which metrics; all that both have, by default.
        interpolate: Whether measured values may be interpolated where the two were evaluated at other points.
        run: The run that was measured, where its record tells more about likely causes.
        prefix: Whether the measured curve is the beginning of one: what lies behind its end is still to come.

    Returns:
        The comparison of the published curve as printed; where its two loss columns look exchanged (rule
        RT210), `readings` holds that of the other reading.
    """
    how = {"interpolate": interpolate, "prefix": prefix}
    comparison = _judged(published, measured, replicates, tolerances or {}, metrics, **how)
    if comparison.metrics and comparison.verdict != "identical" and (exchange := _exchange(published)):
        other = _judged(
            _mended(published, exchange),
            measured,
            replicates,
            tolerances or {},
            metrics,
            **how,
        )
        comparison = _with_reading(comparison, other, published, exchange)
    return _with(comparison, causes=likely_causes(comparison, published, measured, run))


def _judged(
    published: Curve,
    measured: Curve,
    replicates: Sequence[Curve],
    tolerances: Mapping[str, Tolerance],
    metrics: Sequence[str] | None,
    *,
    interpolate: bool,
    prefix: bool,
) -> Comparison:
    """Compare with the published curve as it stands."""
    laid = curve.laid_on(measured, published.points, interpolate=interpolate)
    beside = _beside(published, measured, laid, replicates)
    stream = decide(published, measured, beside.curves, beside.streams)
    wanted = published.metrics if metrics is None else metrics
    common = [name for name in published.metrics if name in measured.metrics and name in wanted]
    found: dict[str, Metric] = {}
    verdict: Verdict = "incomparable"
    reason = _apart(published, measured, laid, prefix=prefix)
    if not reason and not common:
        theirs, ours = ", ".join(published.metrics) or "none", ", ".join(measured.metrics) or "none"
        reason = f"no metric in common: the published curve has {theirs}, the measured one {ours}"
    if not reason:
        found = _metrics(published, laid, beside, stream, common, tolerances, prefix=prefix)
        verdict, reason = overall(found)
    return Comparison(
        verdict=verdict,
        reproduced=verdict in REPRODUCED,
        reason=reason,
        stream=stream,
        metrics=found,
        notes=_notes(measured, laid),
        replicates=beside.record,
    )


def _incomparable(stream: Stream, reason: str, *, run: str, rehearsal: bool = False) -> Comparison:
    return Comparison(
        verdict="incomparable",
        reproduced=False,
        reason=reason,
        stream=stream,
        metrics={},
        rehearsal=rehearsal,
        run=run,
    )


def _with(comparison: Comparison, **changes: Any) -> Comparison:
    return msgspec.structs.replace(comparison, **changes)


def _as_prefix(result: Result | None) -> dict[str, Any]:
    """Return what a comparison says of a training that was ended on purpose: it is never a reproduction."""
    if not isinstance(result, Stopped):
        return {}
    stopped = result.reason if result.decided else ""
    return {"reproduced": False, "prefix": Prefix(epochs=result.epochs, of=result.of, stopped=stopped)}


def _apart(published: Curve, measured: Curve, laid: Sequence[Point | None], *, prefix: bool) -> str:
    """Return why the two were not evaluated at the same points, or an empty text."""
    if not published.points or not measured.points:
        return f"{(measured if published.points else published).name} has no evaluation"
    if not any(point.step is not None or point.epoch is not None for point in published.points):
        if len(published.points) == len(measured.points):
            return ""
        return f"the card has {len(published.points)} evaluations, the run {len(measured.points)}"
    lost = [point for point, there in zip(published.points, laid, strict=True) if there is None]
    if prefix:
        end = measured.points[-1]
        lost = [point for point in lost if not _behind(point, end)]
        if not any(laid):
            return "no published evaluation lies in what was trained"
    if not lost:
        return ""
    if len(published.points) != len(measured.points):
        return (
            f"the card has {len(published.points)} evaluations, the run {len(measured.points)}; "
            f"the run has none at {_where(lost[0])}"
        )
    other = measured.points[published.points.index(lost[0])]
    at = lost[0].line
    line = f"line {at} of the card" if at else "the published curve"
    key = "step" if lost[0].step is not None and other.step is not None else "epoch"
    return f"{line} is at {key} {getattr(lost[0], key)}, the run at {getattr(other, key)}"


def _behind(point: Point, end: Point) -> bool:
    if point.step is not None and end.step is not None:
        return point.step > end.step
    return point.epoch is not None and end.epoch is not None and point.epoch > end.epoch


def _where(point: Point) -> str:
    return f"step {point.step}" if point.step is not None else f"epoch {point.epoch:g}"


def _notes(measured: Curve, laid: Sequence[Point | None]) -> tuple[str, ...]:
    notes = []
    own = {id(point) for point in measured.points}
    made = [point for point in laid if point is not None and id(point) not in own]
    if made:
        notes.append(f"{len(made)} of {len(laid)} measured points are interpolated between their neighbours")
    unused = len(measured.points) - sum(1 for point in laid if point is not None and id(point) in own)
    if unused and any(laid):
        notes.append(f"{unused} measured evaluations have no published counterpart and are not compared")
    return tuple(notes)


# ------------------------------------------------------------------------------------------ replicates


def _beside(
    published: Curve, measured: Curve, laid: Sequence[Point | None], replicates: Sequence[Curve]
) -> _Beside:
    """Choose the replicates that say how far runs lie apart."""
    kept: list[Curve] = []
    left_out: list[LeftOut] = []
    run = replace(measured, points=tuple(point or Point(None, None, {}) for point in laid))
    for replicate in replicates:
        there = curve.laid_on(replicate, published.points)
        placed = replace(replicate, points=tuple(point or Point(None, None, {}) for point in there))
        if reason := _unusable(placed, published, run):
            left_out.append(LeftOut(name=replicate.name, reason=reason))
        else:
            kept.append(placed)
    for metric in published.metrics:
        strays = outlying(_values(kept, metric), _places(published)) if kept else ()
        for at, strayed in reversed(list(enumerate(strays))):
            if strayed:
                left_out.append(LeftOut(name=kept[at].name, reason=_outlier(metric, float(strayed))))
                del kept[at]
    # Grouped by where they were evaluated, published points or not: their names, versions and seeds are the
    # same.
    named = {each.name: each for each in replicates}
    whole = [named.get(each.name, each) for each in kept]
    return _Beside(tuple(kept), labels(whole), tuple(left_out))


def _unusable(placed: Curve, published: Curve, run: Curve) -> str:
    if all(not point.cells for point in placed.points):
        return "it was evaluated at other points"
    for other, name in ((published, "the published run itself"), (run, "the measured run itself")):
        if _is_same(placed, other):
            return f"it is {name}: equal in every value"
    for metric in placed.metrics:
        values = [value for point in placed.points if (value := point.value(metric)) is not None]
        if levels.lower_is_better(metric) and (how := curves.divergence(values)):
            return f"it diverged: its {metric.replace('_', ' ')} {how}"
    return ""


def _is_same(one: Curve, other: Curve) -> bool:
    """Tell whether two curves are one: every common value equal as the coarser of both prints it."""
    common = 0
    for metric in one.metrics:
        units = one.unit(metric), other.unit(metric)
        unit = max(units)
        if unit > _FINE and units[0] != units[1]:
            return False  # rounded so far, other runs of the recipe would be equal as well
        for mine, theirs in zip(one.points, other.points, strict=True):
            first, second = mine.value(metric), theirs.value(metric)
            if first is None or second is None:
                continue
            if abs(first - second) > 0.5001 * unit:
                return False
            common += 1
    return common >= _FEWEST_TO_BE_THE_SAME


def _outlier(metric: str, strayed: float) -> str:
    name = metric.replace("_", " ")
    if math.isinf(strayed):
        return f"its {name} is not finite"
    return f"its whole {name} lies {strayed:.1f} times the usual zigzag away from the others'"


def _values(replicates: Sequence[Curve], metric: str) -> Array:
    rows = [[_number(point.value(metric)) for point in each.points] for each in replicates]
    return np.array(rows, dtype=np.float64).reshape(len(replicates), -1)


def _places(published: Curve) -> list[float]:
    """Return the epoch or step of each point; its number where neither is above 0 everywhere."""
    for places in ([p.epoch for p in published.points], [p.step for p in published.points]):
        known = [float(place) for place in places if place is not None and place > 0]
        if len(known) == len(published.points):
            return known
    return [float(at) for at, _ in enumerate(published.points, 1)]


def _number(value: float | None) -> float:
    """Return a value as an array holds it: NaN is nothing, and what was not finite is infinite."""
    if value is None:
        return math.nan
    return value if math.isfinite(value) else math.inf


# --------------------------------------------------------------------------------------------- metrics


def _metrics(
    published: Curve,
    laid: Sequence[Point | None],
    beside: _Beside,
    stream: Stream,
    names: Sequence[str],
    tolerances: Mapping[str, Tolerance],
    *,
    prefix: bool,
) -> dict[str, Metric]:
    paired = {name: curves.pairs(name, published.points, laid) for name in names}
    run = replace(published, name="the run", points=tuple(point or Point(None, None, {}) for point in laid))
    run = replace(run, printed=False)
    asked = {
        # The bounds of a prefix are those of the whole: what is outside now will be outside at the end.
        name: np.array([_asked(pair, prefix=prefix) for pair in pairs])
        for name, pairs in paired.items()
    }
    rounding = {name: published.unit(name) / 2 for name in names}
    noises = _noises(beside, names)
    one_stream = bounds.of_one_stream(noises, asked, rounding) if stream.match == "same" or prefix else {}
    narrow = one_stream if stream.match == "same" else {}
    wide = bounds.of_all_streams(noises, asked, rounding)
    found = {}
    for name, pairs in paired.items():
        assumed = bounds.stated(name, tolerances, len(pairs))
        chosen = narrow.get(name) if stream.match == "same" else wide.get(name)
        metric = judge(
            name,
            pairs,
            assumed if chosen is None else _filled(chosen, assumed),
            stream,
            wider=_filled(wide[name], assumed)
            if chosen is not None and stream.match == "same" and name in wide
            else None,
            # How a curve ends is not known of its beginning.
            levels=() if prefix else levels.levels(name, published, run, beside.curves, beside.streams),
            convergence=None if prefix else levels.convergence(name, published, run, beside.curves),
            prefix=prefix,
        )
        possible = [assumed, *(each[name] for each in (one_stream, wide) if name in each)]
        found[name] = _with_decision(metric, possible) if prefix else metric
    return found


def _with_decision(metric: Metric, possible: Sequence[bounds.Bounds]) -> Metric:
    """Say whether a value lies outside whichever bounds the whole will be judged by.

    Later epochs can show another random stream, and with it other bounds; a value within one of them is open.
    """
    largest = np.fmax.reduce([each.differences for each in possible])
    outside = [
        row.within is False and (row.difference is None or abs(row.difference) > bound)
        for row, bound in zip(metric.rows, largest.tolist(), strict=True)
    ]
    return msgspec.structs.replace(metric, decided=any(outside))


def _asked(pair: curves.Pair, *, prefix: bool) -> bool:
    if prefix and pair.measured is None:
        published = None if pair.published is None else curve.number(pair.published)
        return published is not None and math.isfinite(published)
    return pair.both is not None and bool(np.isfinite(pair.both).all())


def _noises(beside: _Beside, names: Sequence[str]) -> dict[str, Noise]:
    """Estimate the noise of each metric that three replicates have."""
    found: dict[str, Noise] = {}
    if len(beside.curves) < FEWEST:
        return found
    for name in names:
        values = _values(beside.curves, name)
        if np.isfinite(values).any(axis=1).sum() >= FEWEST:
            unit = max(each.unit(name) for each in beside.curves)
            # Rounding alone has this standard deviation: identical replicates are known no better.
            found[name] = estimate(values, beside.streams, floor=max(unit, 1e-9) / math.sqrt(12))
    return found


def _filled(known: bounds.Bounds, assumed: bounds.Bounds) -> bounds.Bounds:
    """Let the stated bound stand where the replicates have no value."""
    unknown = ~np.isfinite(known.differences)
    if not unknown.any():
        return known
    return replace(
        known,
        differences=np.where(unknown, assumed.differences, known.differences),
        reason=f"{known.reason}; {int(unknown.sum())} values without replicates have the stated bound",
    )


# -------------------------------------------------------------------------------------- other readings


def _with_reading(
    comparison: Comparison, other: Comparison, published: Curve, exchange: Exchange
) -> Comparison:
    """Add the comparison with the other reading; the verdict stays that of the printed table."""
    places = [
        f"{point.epoch:g}" if point.epoch is not None else str(point.step) for point in published.points
    ]
    what = exchange.explain(places).partition(". Read that way")[0]
    reading = Reading(
        rule="RT210",
        reading=what[0].lower() + what[1:],
        verdict=other.verdict,
        reproduced=other.reproduced,
        reason=other.reason,
        metrics=other.metrics,
    )
    suspect = f"The table itself is suspect (RT210: {reading.reading}); read that way: {other.verdict}"
    reason = f"{comparison.reason}. {suspect}"
    return _with(comparison, readings=(reading,), reason=reason)


def _exchange(published: Curve) -> Exchange | None:
    if not set(curve.LOSSES) <= set(published.metrics):
        return None
    training, validation = (
        [point.cells.get(metric) for point in published.points] for metric in curve.LOSSES
    )
    places = [point.step if point.step is not None else point.epoch for point in published.points]
    position = [float(place) for place in places if place is not None]
    major = published.versions.get("transformers", "").lstrip("v").partition(".")[0]
    found = find_exchange(
        training,
        validation,
        position if len(position) == len(places) else (),
        shortest=int(major) < 5 if major.isdecimal() and len(major) < 3 else None,
    )
    return found if isinstance(found, Exchange) else None


def _mended(published: Curve, exchange: Exchange) -> Curve:
    points = []
    for point, training, validation in zip(
        published.points, exchange.training, exchange.validation, strict=True
    ):
        cells = {name: cell for name, cell in point.cells.items() if name not in curve.LOSSES}
        for metric, text in zip(curve.LOSSES, (training, validation), strict=True):
            if text is not None:
                value = decimal(text)
                cells[metric] = Cell(text, None if value is None else float(value))
        points.append(replace(point, cells=cells))
    return replace(published, name=f"{published.name}, read as RT210 proposes", points=tuple(points))

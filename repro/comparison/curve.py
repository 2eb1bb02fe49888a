"""A curve: what one training measured at its evaluation points, as printed or as logged."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from repro.comparison.replicates import Peer
from repro.records.claims import Cell, Table, decimal
from repro.records.run import Epoch, Run

#: One metric may be called by several names.
ALIASES = {
    "train_loss": "training_loss",
    "loss": "training_loss",
    "eval_loss": "validation_loss",
    "val_loss": "validation_loss",
    "valid_loss": "validation_loss",
    "evaluation_loss": "validation_loss",
}
#: The losses that every run measures.
LOSSES = ("training_loss", "validation_loss")
# Columns that say where a row stands, or what it took; no metric of the model.
_PLACES = frozenset({"epoch", "step", "learning_rate", "grad_norm", "total_flos", "input_tokens_seen"})
_COSTS = ("runtime", "per_second", "flos")
_EPOCH_PRINTED = 0.0051  # a card prints an epoch with two decimals up to 4.39


@dataclass(frozen=True)
class Point:
    """One evaluation.

    Attributes:
        cells: By metric, with the printed text where there is one; a metric without a value is left out.
    """

    epoch: float | None
    step: int | None
    cells: Mapping[str, Cell]
    line: int | None = None

    def value(self, metric: str) -> float | None:
        """Return a metric as a number, NaN and infinity included; None where there is none."""
        cell = self.cells.get(metric)
        return None if cell is None else number(cell)


@dataclass(frozen=True)
class Curve:
    """One training's curve.

    Attributes:
        name: What to call it in messages.
        points: In the order of their steps.
        versions: Package to version, as far as known.
        seed: The training's seed, where known.
        stream: The random stream, where it is known otherwise than by the versions.
        printed: Whether the numbers are rounded as a card prints them.
        own: Whether it is a replicate of the measuring side: a run of ours with another seed.
    """

    name: str
    points: tuple[Point, ...]
    versions: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None
    stream: str | None = None
    printed: bool = True
    own: bool = False

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that have a number somewhere, losses first."""
        names = dict.fromkeys(name for point in self.points for name in point.cells)
        known = [name for name in names if any(point.value(name) is not None for point in self.points)]
        return tuple(sorted(known, key=lambda name: LOSSES.index(name) if name in LOSSES else len(LOSSES)))

    @cached_property
    def _units(self) -> dict[str, float]:
        return {}

    def unit(self, metric: str) -> float:
        """Return one unit of the last digit that the metric is printed with; 0 where it is not rounded."""
        if metric not in self._units:
            self._units[metric] = self._unit(metric)
        return self._units[metric]

    def _unit(self, metric: str) -> float:
        if not self.printed:
            return 0.0
        texts = [decimal(cell.text) for point in self.points if (cell := point.cells.get(metric)) is not None]
        places = [-int(text.as_tuple().exponent) for text in texts if text is not None]
        return 10.0 ** -max(places) if places else 0.0


def number(cell: Cell) -> float | None:
    """Return a cell's number; `nan` and `inf` are numbers too, `No log` and other words are None."""
    if isinstance(cell.value, int | float) and not isinstance(cell.value, bool):
        return float(cell.value)
    return float(cell.value) if cell.value in ("nan", "inf", "-inf") else None


def canonical(name: str) -> str:
    """Return the name under which a metric is compared.

    >>> canonical("eval_loss"), canonical("eval_accuracy"), canonical("Validation Loss")
    ('validation_loss', 'accuracy', 'validation_loss')
    """
    name = "_".join(name.lower().split())
    return ALIASES.get(name) or name.removeprefix("eval_")


def is_metric(name: str) -> bool:
    """Tell whether a column says something about the model, not where the row stands or what it cost."""
    return name not in _PLACES and not any(cost in name for cost in _COSTS)


def of_table(name: str, table: Table, versions: Mapping[str, str], seed: int | None = None) -> Curve:
    """Return the curve that a card prints; a row without step and epoch stays where it stands."""
    names = [canonical(column) for column in table.columns]
    points = []
    for row in table.rows:
        cells = dict(zip(names, row.cells, strict=False))
        points.append(
            Point(
                epoch=_finite(cells.get("epoch")),
                step=_whole(cells.get("step")),
                cells={key: cell for key, cell in cells.items() if is_metric(key) and cell.text},
                line=row.line,
            )
        )
    return Curve(name, tuple(points), dict(versions), seed)


def of_epochs(name: str, epochs: Sequence[Epoch]) -> Curve:
    """Return the curve of a run's epochs."""
    return Curve(
        name,
        tuple(
            Point(
                epoch=each.epoch,
                step=each.step,
                cells={
                    metric: Cell(str(value), value)
                    for metric in LOSSES
                    if (value := getattr(each, metric)) is not None
                },
            )
            for each in epochs
        ),
        printed=False,
    )


def of_run(run: Run) -> Curve:
    """Return what a run measured."""
    curve = of_epochs(run.id, run.epochs)
    environment = run.environment
    return replace(
        curve, versions=dict(environment.packages), seed=run.settings.seed, stream=environment.stream
    )


def by_epoch(curve: Curve) -> Curve:
    """Return a curve whose points stand at whole epochs.

    Where gradient accumulation splits a batch, old Trainers make no step of the last, incomplete group of
    micro batches, so that an epoch has other steps than documented and seems to end a little early.
    """
    places = [None if point.epoch is None else float(round(point.epoch)) for point in curve.points]
    points = zip(curve.points, places, strict=True)
    return replace(curve, points=tuple(replace(point, epoch=at, step=None) for point, at in points))


def of_peer(peer: Peer) -> Curve:
    """Return a public replicate's curve."""
    return Curve(
        peer.name,
        tuple(
            Point(
                epoch=each.epoch,
                step=each.step,
                cells={
                    metric: Cell(f"{value:.4f}", value)
                    for metric in LOSSES
                    if (value := getattr(each, metric)) is not None
                },
            )
            for each in peer.evaluations
        ),
        dict(peer.versions),
    )


def _finite(cell: Cell | None) -> float | None:
    value = None if cell is None else number(cell)
    return value if value is not None and math.isfinite(value) else None


def _whole(cell: Cell | None) -> int | None:
    value = _finite(cell)
    return int(value) if value is not None and value % 1 == 0 else None


def same_place(one: Point, other: Point) -> bool:
    """Tell whether two points are one evaluation: the same step, or the same epoch as printed."""
    if one.step is not None and other.step is not None:
        return one.step == other.step
    if one.epoch is None or other.epoch is None:
        return False
    return abs(one.epoch - other.epoch) <= _EPOCH_PRINTED


def laid_on(curve: Curve, places: Sequence[Point], *, interpolate: bool = False) -> tuple[Point | None, ...]:
    """Return a curve's points at the places of another one.

    Args:
        curve: The curve.
        places: Where values are asked for.
        interpolate: Whether values between two evaluations may be interpolated, linearly in steps (or in
            epochs where there are no steps); never outside.

    Returns:
        One for each place, None where the curve has nothing.
    """
    if not any(point.step is not None or point.epoch is not None for point in places):
        # A table without either is laid beside another by its order, where they are as long as each other.
        return curve.points if len(curve.points) == len(places) else (None,) * len(places)
    # Of two evaluations at one step the first counts: a second one is `evaluate()` after the training.
    by_step = {point.step: point for point in reversed(curve.points) if point.step is not None}
    by_epoch = sorted((point for point in curve.points if point.epoch is not None), key=_epoch)
    found: list[Point | None] = []
    for place in places:
        point = by_step.get(place.step) if place.step is not None and by_step else _near(by_epoch, place)
        found.append(_between(curve, place) if point is None and interpolate else point)
    return tuple(found)


def _epoch(point: Point) -> float:
    return point.epoch or 0.0


def _near(points: Sequence[Point], place: Point) -> Point | None:
    from bisect import bisect_left

    if place.epoch is None:
        return None
    at = bisect_left(points, place.epoch - _EPOCH_PRINTED, key=_epoch)
    return (
        points[at] if at < len(points) and abs(_epoch(points[at]) - place.epoch) <= _EPOCH_PRINTED else None
    )


def _between(curve: Curve, place: Point) -> Point | None:
    """Return the point that a straight line between two neighbours gives."""
    key = "step" if place.step is not None and all(p.step is not None for p in curve.points) else "epoch"
    at = getattr(place, key)
    known = [point for point in curve.points if getattr(point, key) is not None]
    if at is None:
        return None
    before = [point for point in known if getattr(point, key) < at]
    after = [point for point in known if getattr(point, key) > at]
    if not before or not after:
        return None
    left, right = before[-1], after[0]
    share = (at - getattr(left, key)) / (getattr(right, key) - getattr(left, key))
    cells = {}
    for metric in left.cells:
        ends = left.value(metric), right.value(metric)
        if ends[0] is not None and ends[1] is not None:
            value = ends[0] + share * (ends[1] - ends[0])
            cells[metric] = Cell(f"{value:.6g}", value)
    return Point(place.epoch, place.step, cells)

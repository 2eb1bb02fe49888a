"""A file of reference values: read as any curve, and written only where somebody asks for it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from repro.assertions.curves import Curves, Point, read_curves
from repro.errors import BadInput
from repro.records.codec import to_json, write_atomic
from repro.records.reference import Reference, ReferencePoint

ENDINGS = (".json", ".csv")


@dataclass(frozen=True)
class ReferenceFile:
    """A file of reference curves under review.

    Attributes:
        path: The file; its ending says what it is.
        update: Whether what is measured is written into it instead of compared with it.
        lock: A file to lock while it is updated, where several processes may.
        hint: How to make the file.
    """

    path: Path
    update: bool = False
    lock: Path | None = None
    hint: str = "pass ReferenceFile(path, update=True) once"

    def __post_init__(self) -> None:
        if self.path.suffix.lower() not in ENDINGS:
            raise BadInput(
                f"{self.path}: reference values end in {' or '.join(ENDINGS)}", "give it one of these endings"
            )

    def metrics(self) -> list[str]:
        """The metrics that it holds so far."""
        return list(read_curves(self.path).metrics) if self.path.exists() else []

    def write(self, curves: Mapping[str, Sequence[Point]]) -> str:
        """Put these curves in the place of those of the same names; others stay.

        Returns:
            What changed, in words; nothing, and nothing is written, where all values are there already.

        Raises:
            BadInput: The file cannot be written, or what stands there cannot be read.
        """
        with self._alone():
            before = read_curves(self.path) if self.path.exists() else Curves({})
            after = {**before.metrics, **{name: tuple(each) for name, each in curves.items()}}
            told = _changes(before.metrics, curves)
            if told:
                write_atomic(self.path, _as_csv(after) if self._is_csv else _as_json(after))
        return told

    @property
    def _is_csv(self) -> bool:
        return self.path.suffix.lower() == ".csv"

    def _alone(self) -> AbstractContextManager[object]:
        if self.lock is None:
            return nullcontext()
        from filelock import FileLock

        return FileLock(self.lock)


def _changes(before: Mapping[str, Sequence[Point]], after: Mapping[str, Sequence[Point]]) -> str:
    told = []
    for metric, points in after.items():
        old = {_place(at, point): point.value for at, point in enumerate(before.get(metric, ()))}
        new = {_place(at, point): point.value for at, point in enumerate(points)}
        if old == new:
            continue
        changed = sum(old.get(place) != value for place, value in new.items())
        gone = len(old.keys() - new.keys())
        name = f"{metric.replace('_', ' ')}: " if len(after) > 1 else ""
        how = (
            f"{changed} of {len(new)} values changed"
            if old
            else f"{len(new)} new value{'s' * (len(new) != 1)}"
        )
        told.append(f"{name}{how}" + (f", {gone} removed" if gone else ""))
    return "; ".join(told)


def _place(at: int, point: Point) -> tuple[int, float | None]:
    """Where a point stands: by step, else by epoch, else by its number."""
    if point.step is not None:
        return point.step, point.epoch
    return (-1, point.epoch) if point.epoch is not None else (at, None)


def _as_json(curves: Mapping[str, Sequence[Point]]) -> str:
    reference = Reference(
        metrics={
            metric: tuple(
                ReferencePoint(step=each.step, epoch=each.epoch, value=each.value)
                for each in points
                if each.value is not None
            )
            for metric, points in curves.items()
        }
    )
    return to_json(reference) + "\n"


def _as_csv(curves: Mapping[str, Sequence[Point]]) -> str:
    """Return a row for each place, a column for each metric; no number loses a digit."""
    rows: dict[tuple[int, float | None], dict[str, object]] = {}
    for metric, points in curves.items():
        for at, point in enumerate(points):
            row = rows.setdefault(_place(at, point), {})
            row |= {"epoch": point.epoch, "step": point.step, metric: point.text or point.value}
    columns = [
        name for name in ("epoch", "step", *curves) if any(row.get(name) is not None for row in rows.values())
    ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows.values():
        writer.writerow(["" if row.get(name) is None else row[name] for name in columns])
    return text.getvalue()

"""Whatever holds a curve, to points: numbers, logs of a Trainer, files, cards, runs."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.comparison.curve import Curve, canonical, of_run
from repro.comparison.curve import Point as Evaluation
from repro.curve_sources import of_history, read_curve
from repro.errors import BadInput
from repro.records.claims import decimal
from repro.records.codec import from_json, read_text
from repro.records.reference import Reference
from repro.records.run import Run

DEFAULT_METRIC = "validation_loss"
_HINT = "numbers, a mapping of steps or metrics, a log_history, a run, or a trainer_state.json, card or CSV"


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a curve.

    Attributes:
        value: The number; None where nothing was logged.
        text: It as printed; empty where it never was text.
        slack: Half a unit of the last printed digit; 0 where the number is exact.
    """

    value: float | None
    text: str = ""
    step: int | None = None
    epoch: float | None = None
    slack: float = 0.0


@dataclass(frozen=True, slots=True)
class Curves:
    """The curves of one source; `named` where the source is about these metrics and no others."""

    metrics: Mapping[str, tuple[Point, ...]]
    source: str = ""
    named: bool = False


def read_curves(given: Any, alone: str = DEFAULT_METRIC) -> Curves:
    """Read the curves that something holds.

    Args:
        given: See `repro.assertions.assert_close_curve`.
        alone: What a curve without a name is.

    Raises:
        BadInput: It holds none, or cannot be read.
    """
    if isinstance(given, str | Path):
        return _file(Path(given), alone)
    if isinstance(given, Run):
        return _of_run(given)
    if isinstance(getattr(given, "run", None), Run):
        return _of_run(given.run)
    history = getattr(given, "log_history", None)
    if history is None:
        history = getattr(getattr(given, "state", None), "log_history", None)
    if history is not None:
        return Curves(_log(history))
    if isinstance(given, Mapping):
        return _mapping(given, alone)
    if isinstance(given, Iterable):
        values = list(given)
        if values and all(isinstance(each, Mapping) for each in values):
            return Curves(_log(values))
        return Curves({alone: _numbers(values)})
    raise BadInput(f"{type(given).__name__} is no curve", f"give {_HINT}")


# ------------------------------------------------------------------------------------------ in memory


def _mapping(given: Mapping[Any, Any], alone: str) -> Curves:
    if not given:
        raise BadInput("an empty mapping is no curve", f"give {_HINT}")
    if all(isinstance(key, str) and not key.isdecimal() for key in given):
        metrics = {}
        for key, curve in given.items():
            name = canonical(key)
            inner = _mapping(curve, name) if isinstance(curve, Mapping) else Curves({name: _numbers(curve)})
            metrics[name] = inner.metrics[name]
        return Curves(metrics, named=True)
    points = []
    for key, value in given.items():
        at = _number(key)
        if at is None or not math.isfinite(at):
            raise BadInput(f"{key!r} is no step", "all keys are steps, epochs, or names of metrics")
        is_epoch = isinstance(key, float)
        step, epoch = (None, at) if is_epoch else (int(at), None)
        points.append(Point(_number(value), _text(value), step, epoch, _slack([value])))
    return Curves({alone: tuple(sorted(points, key=_place))})


def _place(point: Point) -> float:
    return point.epoch or 0.0 if point.step is None else point.step


def _numbers(values: Any) -> tuple[Point, ...]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise BadInput(f"{values!r:.80} is no curve", f"give {_HINT}")
    listed = list(values)
    slack = _slack(listed)
    return tuple(Point(_number(each), _text(each), slack=slack) for each in listed)


def _number(value: Any) -> float | None:
    if value is None or (isinstance(value, str) and value.strip().lower() in ("", "no log", "–", "-")):
        return None
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"{value!r:.80} is no number", "a curve holds numbers; None where none was logged"
        ) from (error)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _slack(values: Iterable[Any]) -> float:
    """Half a unit of the last digit that a column prints: the generator drops final zeros in single cells."""
    printed = [exact for each in values if isinstance(each, str) and (exact := decimal(each)) is not None]
    places = [-int(each.as_tuple().exponent) for each in printed]
    return 0.5 * 10.0 ** -max(places) if places else 0.0


def _log(history: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Point, ...]]:
    return _points(Curve("", of_history(history), printed=False))


def _of_run(run: Run) -> Curves:
    return Curves(_points(of_run(run)), f"run {run.id}")


def _points(curve: Curve) -> dict[str, tuple[Point, ...]]:
    """Return each metric of a curve as `repro compare` reads it, by itself."""
    return {
        metric: tuple(
            Point(each.value(metric), _printed(each, metric), each.step, each.epoch, 0.5 * curve.unit(metric))
            for each in curve.points
        )
        for metric in curve.metrics
    }


def _printed(point: Evaluation, metric: str) -> str:
    cell = point.cells.get(metric)
    return "" if cell is None else cell.text


# ---------------------------------------------------------------------------------------------- files


def _file(path: Path, alone: str) -> Curves:
    if path.is_dir():
        names = ("run.json", "trainer_state.json", "README.md")
        found = [path / name for name in names if (path / name).is_file()]
        if not found:
            raise BadInput(f"{path}: a folder without {', '.join(names[:-1])} or {names[-1]}", "name a file")
        path = found[0]
    text = read_text(path)
    match path.suffix.lower():
        case ".json":
            curves = _json(text, path, alone)
        case ".csv":
            curves = csv_curves(text, path.name)
        case _:
            curves = Curves(_points(read_curve(str(path))))
    return Curves(curves.metrics, str(path), curves.named)


def _json(text: str, path: Path, alone: str) -> Curves:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path.name}: not JSON: {error}", "is the file whole?") from error
    if isinstance(document, dict):
        if document.get("schema") == "repro.reference/1":
            return of_reference(from_json(text, Reference, source=path.name))
        if document.get("schema") == "repro.run/1":
            return _of_run(from_json(text, Run, source=path.name))
        history = document.get("log_history")
        if isinstance(history, list) and all(isinstance(each, dict) for each in history):
            return Curves(_log(history))
    if not isinstance(document, dict | list):
        raise BadInput(f"{path.name}: {type(document).__name__} is no curve", f"give {_HINT}")
    try:
        return read_curves(document, alone)
    except BadInput as error:
        raise BadInput(f"{path.name}: {error.message}", error.hint) from error


def of_reference(reference: Reference) -> Curves:
    """Return the curves of a file of references."""
    return Curves(
        {
            canonical(metric): tuple(
                Point(_number(each.value), step=each.step, epoch=each.epoch) for each in points
            )
            for metric, points in reference.metrics.items()
        },
        named=True,
    )


def csv_curves(text: str, name: str) -> Curves:
    """Read a table with a column for each metric, and `step` and `epoch` where it has them.

    Raises:
        BadInput: No header, no metric, a row of another length, or a cell that is no number.
    """
    try:
        rows = [row for row in csv.reader(text.splitlines(), strict=True) if row]
    except csv.Error as error:
        raise BadInput(f"{name}: not CSV: {error}", "is the file whole?") from error
    columns = [canonical(each) for each in rows[0]] if rows else []
    metrics = [each for each in columns if each not in ("step", "epoch", "")]
    if not metrics or len(set(columns)) < len(columns):
        raise BadInput(f"{name}: no header that names metrics, each once", "e.g. epoch,step,validation_loss")
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(columns):
            raise BadInput(
                f"{name}: row {number} has {len(row)} cells, the header {len(columns)}", "fill it up"
            )
    cells = {each: [row[at] for row in rows[1:]] for at, each in enumerate(columns)}
    try:
        return Curves(_columns(cells, metrics), named=True)
    except BadInput as error:
        raise BadInput(f"{name}: {error.message}", error.hint) from error


def _columns(cells: Mapping[str, list[str]], metrics: Iterable[str]) -> dict[str, tuple[Point, ...]]:
    """Return a curve for each metric; a column with words in it is none, and is left out where others are."""
    count = len(next(iter(cells.values()), []))
    steps = [None if at is None else int(at) for at in _places(cells.get("step"), count)]
    epochs = _places(cells.get("epoch"), count)
    curves: dict[str, tuple[Point, ...]] = {}
    wrong = None
    for metric in metrics:
        texts = cells[canonical(metric)]
        slack = _slack(texts)
        try:
            curves[canonical(metric)] = tuple(
                Point(_number(text), text.strip(), step, epoch, slack)
                for text, step, epoch in zip(texts, steps, epochs, strict=True)
            )
        except BadInput as error:
            wrong = error
    if not curves and wrong is not None:
        raise wrong
    return curves


def _places(texts: list[str] | None, count: int) -> list[float | None]:
    numbers = [_number(text.replace(",", "")) for text in texts] if texts else [None] * count
    return [None if each is None or not math.isfinite(each) else each for each in numbers]

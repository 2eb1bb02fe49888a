"""Where curves come from: cards, run folders, CSV tables and `trainer_state.json`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from repro.audits.sources import one_source
from repro.cards import read_card
from repro.comparison.curve import Curve, Point, canonical, is_metric, of_peer, of_run, of_table
from repro.comparison.replicates import read_replicates
from repro.errors import BadInput
from repro.records.claims import Cell, Claims, decimal
from repro.records.codec import from_json, read_text
from repro.records.run import Run

_MOST_BYTES = 64 * 1024 * 1024
_HINT = "a card, a run's folder or run.json, a CSV table with a column step or epoch, or a trainer_state.json"


def read_curve(target: str) -> Curve:
    """Read one curve.

    Args:
        target: A card in any form that `repro audit` takes, a run's folder or `run.json`, a CSV table, or a
            `trainer_state.json`. Of a CSV table with several runs one is named as `FILE#model_id`.

    Raises:
        BadInput: Nothing of the kind, or no table of results in it.
    """
    named, _, wanted = target.partition("#")
    path = Path(target)
    if path.is_dir() and (path / "run.json").is_file():
        return _run(path / "run.json", target)
    if path.is_file() and path.suffix == ".json":
        return _json(path)
    if path.suffix == ".csv" or Path(named).suffix == ".csv":
        whole = path if path.is_file() else Path(named)
        curves = read_curves(whole)
        if whole is path and len(curves) == 1:
            return curves[0]
        found = [
            curve
            for curve in curves
            if wanted and (curve.name == wanted or curve.name.split("@")[0] == wanted)
        ]
        if len(found) != 1:
            names = ", ".join(curve.name[:80] for curve in curves[:3]) + (", …" if len(curves) > 3 else "")
            problem = (
                f"{len(curves)} runs in it" if not wanted else f"{len(found)} runs of the name {wanted[:80]}"
            )
            raise BadInput(f"{whole}: {problem}", f"name one as {whole}#NAME: {names}")
        return found[0]
    source = one_source(target)
    claims = read_card(source.text, target=source.target, undecodable=source.undecodable).claims
    if claims.results is None or not claims.results.rows:
        raise BadInput(f"{target}: no table of results in this card", _HINT)
    return _card(target, claims)


def _card(target: str, claims: Claims) -> Curve:
    assert claims.results is not None  # noqa: S101 - the caller looked
    seed = claims.hyperparameters.get("seed")
    number = seed.value if seed is not None and isinstance(seed.value, int) else None
    return of_table(
        target, claims.results, {name: claim.text for name, claim in claims.versions.items()}, number
    )


def read_curves(path: Path) -> tuple[Curve, ...]:
    """Read all curves of a CSV table: of replicates (with a column model_id), or of one run.

    Raises:
        BadInput: No such file, no such table, or a value that is none.
    """
    text = read_text(path)
    try:
        header = next(csv.reader(io.StringIO(text, newline="")), [])
    except csv.Error as error:
        raise BadInput(f"{path}:1: no CSV: {error}", _HINT) from error
    if "model_id" in header:
        return tuple(of_peer(peer) for peer in read_replicates(text, source=str(path)))
    return (_table(path, text),)


def _table(path: Path, text: str) -> Curve:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    names = [canonical(name or "") for name in reader.fieldnames or ()]
    if not {"epoch", "step"} & set(names) or not any(name and is_metric(name) for name in names):
        raise BadInput(f"{path}:1: no column epoch or step beside a metric", _HINT)
    points = []
    try:
        for row in reader:
            cells = {
                name: cell
                for name, text in zip(names, row.values(), strict=False)
                if name and isinstance(text, str) and (cell := _cell(text)) is not None
            }
            where = f"{path}:{reader.line_num}"
            points.append(_point(cells, where, reader.line_num))
    except csv.Error as error:
        raise BadInput(f"{path}:{reader.line_num + 1}: no CSV: {error}", _HINT) from error
    if not points:
        raise BadInput(f"{path}: no row below the header", _HINT)
    return Curve(str(path), tuple(points))


def _cell(text: str) -> Cell | None:
    text = text.strip()
    if not text:
        return None
    value = decimal(text)
    if value is not None:
        return Cell(text, float(value))
    low = text.lower()
    return Cell(text, {"nan": "nan", "inf": "inf", "infinity": "inf", "-inf": "-inf"}.get(low))


def _point(cells: Mapping[str, Cell], where: str, line: int) -> Point:
    places: dict[str, float] = {}
    for name in ("epoch", "step"):
        cell = cells.get(name)
        if cell is None:
            continue
        if not isinstance(cell.value, float) or cell.value < 0:
            raise BadInput(f"{where}: {name}: expected a number, found {cell.text[:40]!r}", _HINT)
        places[name] = cell.value
    step = places.get("step")
    return Point(
        epoch=places.get("epoch"),
        step=int(step) if step is not None and step % 1 == 0 else None,
        cells={name: cell for name, cell in cells.items() if is_metric(name)},
        line=line,
    )


def _run(path: Path, target: str) -> Curve:
    run = from_json(path.read_bytes(), Run, source=str(path))
    if not run.epochs:
        raise BadInput(f"{target}: this run has no epoch yet", "`repro run` goes on with it")
    return of_run(run)


def _json(path: Path) -> Curve:
    if path.stat().st_size > _MOST_BYTES:
        raise BadInput(f"{path}: larger than 64 MiB", _HINT)
    try:
        body = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not JSON: {error}", _HINT) from error
    if isinstance(body, dict) and str(body.get("schema", "")).startswith("repro.run/"):
        return _run(path, str(path))
    history = body.get("log_history") if isinstance(body, dict) else body
    if not isinstance(history, list):
        raise BadInput(f"{path}: no log_history in it", _HINT)
    points = of_history([each for each in history if isinstance(each, dict)])
    if not points:
        raise BadInput(f"{path}: its log_history has neither losses nor evaluations", _HINT)
    return Curve(str(path), points, printed=False)


def of_history(history: Sequence[Mapping[str, Any]]) -> tuple[Point, ...]:
    """Return a Trainer's evaluations, each with the training loss logged last, as its card generator does.

    Evaluations of several data sets at one step are one point. Of two of one metric there the first counts:
    the second is `evaluate()` after the training, perhaps of another checkpoint. Without any evaluation
    the logged training losses are the curve.
    """
    evaluated = any(name.startswith("eval_") for entry in history for name in entry)
    points: dict[float | None, Point] = {}
    logged: dict[str, Cell] = {}
    for entry in history:
        if "train_runtime" in entry:  # the summary at the end; its train_loss is a mean over the training
            continue
        epoch, step = _place(entry.get("epoch")), _whole(entry.get("step"))
        if (loss := _number(entry.get("loss"))) is not None:
            logged = {"training_loss": loss}
        cells = logged if not evaluated and "loss" in entry else {}
        metrics = {
            canonical(name): cell
            for name, value in entry.items()
            if name.startswith("eval_") and is_metric(name) and (cell := _number(value)) is not None
        }
        if metrics:
            cells = {**logged, **metrics}
        if cells:
            place = epoch if step is None else step
            earlier = points.get(place)
            points[place] = Point(epoch, step, {**cells, **(earlier.cells if earlier is not None else {})})
    return tuple(points.values())


def _number(value: object) -> Cell | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = float(value)
    special = "nan" if number != number else "inf" if number == float("inf") else None
    return Cell(repr(value), special or ("-inf" if number == float("-inf") else number))


def _place(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: object) -> int | None:
    place = _place(value)
    return int(place) if place is not None and place % 1 == 0 else None

"""The card's metadata for the Hub: only what is known, and only what the Hub takes."""

from __future__ import annotations

import math
import re
from typing import Any

from repro.records.comparison import Comparison
from repro.records.energy import Energy
from repro.records.run import Run
from repro.reports import formats

_TASKS = {"masked-language-modelling": "fill-mask", "masked-language-modeling": "fill-mask"}


def metadata(run: Run, comparison: Comparison, model: str, *, rehearsal: bool) -> dict[str, Any]:
    """Return the front matter of the run's card.

    Args:
        run: The run.
        comparison: Its comparison.
        model: The model's name, for the model index.
        rehearsal: Whether the run was a rehearsal; those have no results to index.
    """
    claims = run.case.claims
    judged = "rehearsal" if rehearsal else "reproduced" if comparison.reproduced else "not-reproduced"
    if comparison.prefix is not None:
        judged = "prefix"
    base = claims.base_model or run.case.model
    datasets = [name for name in claims.datasets if _is_repository(name)]
    task = _task(claims.task or run.case.task)
    data: dict[str, Any] = {}
    if claims.license and re.fullmatch(r"[a-z0-9][a-z0-9.-]*", claims.license):
        data["license"] = claims.license
    data["library_name"] = "transformers"
    if task:
        data["pipeline_tag"] = task
    data["tags"] = ["repro-audit", judged]
    if _is_repository(base):
        data["base_model"] = base
    if datasets:
        data["datasets"] = datasets
    if run.energy is not None and run.energy.co2_kg is not None and not rehearsal:
        data["co2_eq_emissions"] = _emissions(run.energy, run)
    losses = [float(at.validation_loss) for at in run.epochs if at.validation_loss is not None]
    if task and not rehearsal and comparison.prefix is None and losses and math.isfinite(losses[-1]):
        data["model-index"] = [
            {"name": model, "results": [_result(run, task, datasets[0] if datasets else "", losses[-1])]}
        ]
    return data


def _emissions(energy: Energy, run: Run) -> dict[str, Any]:
    """Return the emissions as the Hub takes them: in grams."""
    found: dict[str, Any] = {
        "emissions": round(1000 * (energy.co2_kg or 0), 6),
        "source": formats.line(energy.tool),
    }
    if run.case.claims.base_model:
        found["training_type"] = "fine-tuning"
    found["geographical_location"] = formats.line(energy.country)
    if run.device is not None:
        found["hardware_used"] = formats.line(run.device.name or run.device.kind)
    return found


def _result(run: Run, task: str, dataset: str, value: float) -> dict[str, Any]:
    case = formats.line(run.case.name)
    result: dict[str, Any] = {
        "task": {"type": task},
        # Where the card names no data set, the case is the only name that its data have.
        "dataset": {"type": dataset or case, "name": dataset or f"evaluation split of the case {case}"},
        "metrics": [{"type": "loss", "value": value, "name": "Validation loss"}],
    }
    if address := formats.web_address(run.case.source):  # the Hub takes a source with an address only
        name = f"repro-audit run {formats.line(run.id)}, reproducing what this page claims"
        result["source"] = {"name": name, "url": address}
    return result


def _task(text: str) -> str:
    """Return the Hub's name of a task, or nothing where `text` cannot be one."""
    slug = formats.line(text).lower().replace(" ", "-")
    return _TASKS.get(slug, slug) if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) else ""


def _is_repository(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", name, re.ASCII) is not None

"""The public re-runs of `issues-128` that the bundled case carries, and curves drawn like them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from repro.cases.loader import load_case
from repro.comparison.curve import Curve, Point, of_table
from repro.curve_sources import read_curves
from repro.records.claims import Cell

PEERS = read_curves(Path(str(files("repro.cases"))) / "issues-128" / "peers.csv")


def published() -> Curve:
    """The published table of the case, as printed."""
    claims = load_case("issues-128").card.claims
    assert claims.results is not None
    return of_table(
        "issues-128", claims.results, {name: claim.text for name, claim in claims.versions.items()}
    )


def curve(
    name: str,
    values: Sequence[float | None],
    *,
    metric: str = "validation_loss",
    every: int = 100,
    seed: int | None = None,
    versions: dict[str, str] | None = None,
    own: bool = False,
) -> Curve:
    """A curve of one metric, printed with four decimals, an evaluation an epoch."""
    points = tuple(
        Point(float(at), every * at, {} if value is None else {metric: _cell(value)})
        for at, value in enumerate(values, 1)
    )
    return Curve(name, points, versions or {}, seed, own=own)


def _cell(value: float) -> Cell:
    if np.isfinite(value):
        return Cell(f"{value:.4f}", round(value, 4))
    return Cell(str(value), "nan" if np.isnan(value) else "inf")


def drawn(count: int, points: int, *, seed: int = 0, spread: float = 0.02) -> list[Curve]:
    """Replicates that have nothing in common but their mean curve: each a random stream of its own."""
    random = np.random.default_rng(seed)
    mean = 2.0 - 0.3 * np.log(np.arange(1, points + 1))
    return [curve(f"peer {at}", (mean + random.normal(0, spread, points)).tolist()) for at in range(count)]

"""Reference curves of somebody's own training: what `pytest --repro-update` writes, for a review."""

from __future__ import annotations

from repro.records.codec import Record
from repro.records.run import Measured


class ReferencePoint(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One value of a curve; where it stands by step, by epoch, or, with neither, by its place in the list."""

    step: int | None = None
    epoch: float | None = None
    value: Measured


class Reference(Record, frozen=True, kw_only=True, tag_field="schema", tag="repro.reference/1"):
    """A file of reference curves, by metric in lower snake case."""

    metrics: dict[str, tuple[ReferencePoint, ...]]

"""An estimate with its range."""

from __future__ import annotations

from repro.records.codec import Record


class Span(Record, frozen=True, kw_only=True):
    """Seconds: what is expected, and between what it is expected to lie."""

    estimate: float
    low: float
    high: float

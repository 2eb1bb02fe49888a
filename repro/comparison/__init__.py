"""Published against measured: pure functions from a run's record to a comparison."""

from repro.comparison.compare import compare

__all__ = ["compare"]

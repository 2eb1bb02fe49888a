"""Published against measured: pure functions from curves to a comparison.

An audit reads parts of this package without numpy, so nothing is imported here before it is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repro.comparison.replicates import Peer
    from repro.records.comparison import Comparison
    from repro.records.run import Run

__all__ = ["compare"]


def compare(run: Run, peers: Sequence[Peer] = (), own: Sequence[Run] = ()) -> Comparison:
    """Compare a run with the table of its card; see `repro.comparison.judgement.compare_run`."""
    from repro.comparison.judgement import compare_run

    return compare_run(run, peers, own)

"""Where two runs part; either may be of another laboratory."""

from __future__ import annotations

from pathlib import Path

from repro.errors import BadInput
from repro.records.codec import load
from repro.records.difference import Difference
from repro.records.run import Run
from repro.runs import folders
from repro.runs.listing import MOST_BYTES


def diff(a: str, b: str, out: Path = Path("reports")) -> Difference:
    """Compare two runs, finished or not.

    Args:
        a: A run's folder, its record (`run.json`, under any name), or its id.
        b: Another.
        out: Where ids are looked up.

    Raises:
        BadInput: No such run, or a file that is none.
    """
    from repro.comparison.parting import part

    return part(_record(a, out), _record(b, out), names=(a, b))


def _record(name: str, out: Path) -> Run:
    """Read a run's record; it may have come by mail, so it is measured before it is read."""
    path = Path(name)
    try:
        record = path if path.is_file() else folders.find_run(name, out).record
        size = record.stat().st_size
    except (OSError, ValueError) as error:  # a name that is too long, or holds a zero
        raise BadInput(f"{name[:80]}: no run there", "name a run's folder, its run.json or its id") from error
    if size > MOST_BYTES:
        raise BadInput(
            f"{record}: {size / 1e6:.0f} MB, more than a run's record ever has", "is it a run.json?"
        )
    return load(record, Run)

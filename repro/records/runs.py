"""The runs in a folder, and what a removal of some of them did."""

from __future__ import annotations

from typing import Literal

from repro.records.codec import Record
from repro.records.comparison import Verdict


class ListedRun(Record, frozen=True, kw_only=True):
    """One run.

    Attributes:
        folder: Its folder.
        run: Its id; the folder's name where the record is broken.
        state: `running`: a process holds it now. `broken`: its record cannot be read.
        reason: Why it failed, or what is wrong with its record.
        epoch: How far it came; None where nothing says.
        verdict: Of its last comparison; None without one, and for a rehearsal.
        rehearsal: Whether it is a rehearsal.
        changed: When something last happened in it, RFC 3339 UTC.
        age_seconds: How long ago that is.
        total_bytes: What the folder takes.
        checkpoint_bytes: What of it are checkpoints.
    """

    folder: str
    run: str
    case: str
    seed: int | None = None
    state: Literal["finished", "stopped", "unfinished", "failed", "skipped", "running", "broken"]
    reason: str = ""
    epoch: float | None = None
    verdict: Verdict | None = None
    reproduced: bool | None = None
    rehearsal: bool = False
    changed: str
    age_seconds: float
    total_bytes: int
    checkpoint_bytes: int


class Runs(Record, frozen=True, kw_only=True, tag_field="schema", tag="repro.runs/1"):
    """What `repro runs` lists, newest first."""

    out: str
    runs: tuple[ListedRun, ...]
    total_bytes: int
    checkpoint_bytes: int


class RemovedRun(Record, frozen=True, kw_only=True):
    """A run that was looked at, and why it was kept; empty where it was removed."""

    folder: str
    freed_bytes: int
    kept: str = ""


class Removal(Record, frozen=True, kw_only=True, tag_field="schema", tag="repro.removal/1"):
    """What `repro runs rm` did.

    Attributes:
        checkpoints: Only checkpoints were removed.
        freed_bytes: What the disk has more of.
    """

    checkpoints: bool
    runs: tuple[RemovedRun, ...]
    freed_bytes: int

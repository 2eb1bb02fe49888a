"""Runs in folders of their own; nothing here was trained."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from repro.records.claims import Claims
from repro.records.run import Epoch, PublishedCase, Result, Run, Settings
from repro.runs.folders import RunFolder


def a_run(identity: str, result: Result | None, *, rehearse: int | None = None) -> Run:
    case = PublishedCase(name="c", title="c", digest="0", model="m", claims=Claims())
    epochs = (Epoch(epoch=1.0, step=29, validation_loss=1.0),)
    return Run(
        id=identity, case=case, settings=Settings(seed=7, rehearse=rehearse), epochs=epochs, result=result
    )


def put(out: Path, identity: str, result: Result | None = None, *, hours: float = 0) -> RunFolder:
    """A run's folder in which nothing happened for some hours."""
    folder = RunFolder(out / "c" / identity)
    folder.save(a_run(identity, result))
    then = (datetime.now(UTC) - timedelta(hours=hours)).timestamp()
    os.utime(folder.record, (then, then))
    return folder

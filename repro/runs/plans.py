"""Plans that are kept, so that a run can be held against what was expected of it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from repro.environments.cache import cache_folder
from repro.errors import BadInput
from repro.records.codec import load, save
from repro.records.plan import Plan
from repro.records.run import Run, Settings
from repro.runs.folders import run_id


def keep(plan: Plan, case_digest: str, lock_sha256: str) -> None:
    """Keep a plan in the cache, in place of an earlier one of the same case, lock and settings.

    Raises:
        BadInput: The cache cannot be written.
    """
    save(_place(case_digest, lock_sha256, plan.settings), plan)


def with_plan(run: Run) -> Run:
    """Return a run that went through with what was planned for it; on another device that says nothing."""
    with suppress(BadInput):  # there is none, or one of another release
        plan = load(_place(run.case.digest, run.environment.lock_sha256, run.settings), Plan)
        if plan.device == run.device:
            return replace(run, timing=replace(run.timing, planned=plan.times.training))
    return run


def _place(case_digest: str, lock_sha256: str, settings: Settings) -> Path:
    """Return the file of the plan of a run; the seed changes nothing about what it takes."""
    return cache_folder() / "plans" / f"{run_id(case_digest, lock_sha256, replace(settings, seed=0))}.json"

"""The wiring, and the public Python API: audit, environment, run, check and report."""

from repro.runs.listing import list_runs
from repro.runs.removal import choose_runs, remove_runs
from repro.workflows.cards import audit
from repro.workflows.differing import diff
from repro.workflows.environments import (
    build_environment,
    environment_of,
    environment_of_kit,
    prune,
    write_kit_of,
)
from repro.workflows.machine import doctor, schemas
from repro.workflows.observing import Observer, Silent
from repro.workflows.options import REHEARSAL_STEPS, RunOptions
from repro.workflows.planning import plan
from repro.workflows.proving import prove_determinism
from repro.workflows.results import Outcome, check, load_run, report
from repro.workflows.running import other_seeds, run, run_replicates

__all__ = [
    "REHEARSAL_STEPS",
    "Observer",
    "Outcome",
    "RunOptions",
    "Silent",
    "audit",
    "build_environment",
    "check",
    "choose_runs",
    "diff",
    "doctor",
    "environment_of",
    "environment_of_kit",
    "list_runs",
    "load_run",
    "other_seeds",
    "plan",
    "prove_determinism",
    "prune",
    "remove_runs",
    "report",
    "run",
    "run_replicates",
    "schemas",
    "write_kit_of",
]

"""`--report-to`: whether the environment's Trainer knows where to report to, and what it needs for that."""

from __future__ import annotations

import tempfile
from pathlib import Path

from repro.environments.overlay import overlay
from repro.errors import BadInput, EnvironmentFailed
from repro.runs import local
from repro.workflows.observing import Observer
from repro.workflows.preparing import Ready


def packages_beside(ready: Ready, report_to: str | None, observer: Observer) -> list[str]:
    """Return folders for the end of the worker's search path, made where the environment lacks a package.

    Args:
        ready: The environment, built.
        report_to: What was asked for, or None.
        observer: Told what is going on.

    Raises:
        BadInput: The environment's release of transformers does not know it.
        EnvironmentFailed: The package cannot be had.
        NetworkFailed: The registry cannot be reached.
    """
    if report_to is None:
        return []
    with tempfile.TemporaryDirectory() as scratch:
        can = local.call(ready.python, "reporting", Path(scratch), ready.variables)
    if report_to not in can["known"]:
        raise BadInput(
            f"--report-to {report_to}: transformers {can['transformers']} does not know it",
            f"it knows {', '.join(can['known'])}",
        )
    if report_to in can["available"]:
        return []
    if ready.environment is None or ready.lock is None:
        raise EnvironmentFailed(
            f"this environment has no {report_to}", f"install it: pip install {report_to}"
        )
    return [str(overlay(ready.environment, ready.lock, ready.python, report_to, observer.say))]

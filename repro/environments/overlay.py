"""Packages beside an environment: found by its interpreter behind its own, which stay as they are locked."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from repro.environments.cache import cache_folder
from repro.environments.uvtool import run_uv
from repro.records.environment import Environment

_DONE = "complete"
#: Not on PyPI under the name by which the Trainer knows them.
_PACKAGES = {"azure_ml": "azureml-core", "comet_ml": "comet-ml"}


def overlay(
    environment: Environment, lock: str, python: Path, name: str, report: Callable[[str], None]
) -> Path:
    """Return a folder with what the Trainer needs to report somewhere, as it was at the environment's moment.

    Args:
        environment: The environment.
        lock: Its lock, by which the package's requirements are bound.
        python: Its interpreter.
        name: As the Trainer's `report_to` has it.
        report: Told what is going on.

    Raises:
        EnvironmentFailed: There is none that goes with the locked packages.
        NetworkFailed: The registry cannot be reached.
    """
    package = _PACKAGES.get(name, name)
    folder = cache_folder() / "overlays" / f"{environment.lock_sha256[:16]}-{package}"
    if (folder / _DONE).exists():
        return folder
    report(f"the environment has no {package}: installing it beside, as of {environment.moment}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        (made / "environment.lock").write_text(_versions(lock), encoding="utf-8")
        install = ["pip", "install", package, "--python", str(python), "--target", str(made)]
        bound = ["--constraint", "environment.lock", "--exclude-newer", environment.moment]
        run_uv(
            [*install, *bound],
            doing="installing",
            folder=made,
            hint="--env current has what is installed in your own environment",
        )
        (made / _DONE).touch()
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return folder


def _versions(lock: str) -> str:
    """Return the lock's versions without its hashes, which constraints do not need."""
    lines = [
        line.split()[0] for line in lock.splitlines() if "==" in line and not line.startswith((" ", "#"))
    ]
    return "".join(f"{line}\n" for line in lines)

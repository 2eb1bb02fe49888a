"""Load modules of the worker by their path: nobody imports it as a package."""

from __future__ import annotations

import importlib.util
from types import ModuleType

from repro.runs.local import WORKER


def load(name: str) -> ModuleType:
    """Return one module that needs nothing of an environment."""
    spec = importlib.util.spec_from_file_location(f"worker_{name}", WORKER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

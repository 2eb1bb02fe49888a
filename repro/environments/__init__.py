"""The software of a day: choose moment and interpreter, lock, build, cache."""

from repro.environments.build import build, child_environment, probe_imports
from repro.environments.cache import Built, cache_folder, environment_folder, lookup, with_measured_size
from repro.environments.interpreters import Interpreter, find_interpreter, find_interpreters
from repro.environments.lock import lock_digest, read_lock
from repro.environments.platforms import this_platform
from repro.environments.registry import Index, Registry, configured_index
from repro.environments.resolve import resolve
from repro.environments.torch_choice import TorchChoice, choose_torch, resolve_with_torch

__all__ = [
    "Built",
    "Index",
    "Interpreter",
    "Registry",
    "TorchChoice",
    "build",
    "cache_folder",
    "child_environment",
    "choose_torch",
    "configured_index",
    "environment_folder",
    "find_interpreter",
    "find_interpreters",
    "lock_digest",
    "lookup",
    "probe_imports",
    "read_lock",
    "resolve",
    "resolve_with_torch",
    "this_platform",
    "with_measured_size",
]

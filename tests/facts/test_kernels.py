"""Which torch runs on which GPU: the table, held against the lists that are compiled into the wheels."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.environments import child_environment
from repro.facts.kernels import BUILT, NEWEST_READ, OLDEST_READ, capability_of, nearest_torch, runs_on
from repro.runs.local import WORKER

# Read from `torch/lib/libtorch_python.so` of the registry's wheels for Linux x86-64 (CPython 3.8 to 3.12).
CU102 = "sm_37 sm_50 sm_60 sm_70"
CU117 = "sm_37 sm_50 sm_60 sm_70 sm_75 sm_80 sm_86"
CU121 = "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90"
CU128 = "sm_70 sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"
CU130 = "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"
WHEELS = {
    "1.6.0": CU102 + " sm_75", "1.7.1": CU102 + " sm_75",
    "1.8.1": CU102, "1.9.1": CU102, "1.10.2": CU102, "1.11.0": CU102, "1.12.1": CU102,
    "1.13.1": CU117, "2.0.1": CU117,
    "2.1.2": CU121, "2.2.2": CU121, "2.3.1": CU121, "2.4.1": CU121, "2.5.1": CU121, "2.6.0": CU121,
    "2.7.1": CU121,
    "2.8.0": CU128, "2.9.1": CU128, "2.10.0": CU128,
    "2.11.0": CU130, "2.12.0": CU130, "2.13.0": CU130, "2.14.0": CU130, "2.15.0": CU130,
}  # fmt: skip
GPUS = [
    (3, 5), (3, 7), (5, 0), (5, 2), (6, 0), (6, 1), (7, 0), (7, 5), (8, 0), (8, 6), (8, 9), (9, 0), (10, 0),
    (10, 3), (12, 0), (12, 1),
]  # fmt: skip


def worker_devices() -> ModuleType:
    spec = importlib.util.spec_from_file_location("worker_devices", WORKER / "devices.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("version", WHEELS)
def test_the_table_says_what_the_wheels_say(version: str) -> None:
    """For every series and GPU the table agrees with the wheel's own list, as the worker judges it."""
    has_kernels = worker_devices().has_kernels
    for gpu in GPUS:
        assert runs_on(version, gpu) is has_kernels(WHEELS[version].split(), gpu), gpu


def test_every_series_was_read() -> None:
    """The table ends where the reading ended."""
    assert str(OLDEST_READ) == next(iter(WHEELS))
    assert str(NEWEST_READ) == list(WHEELS)[-1]
    assert {first for first, _ in BUILT.values()} <= {"1.6.0", "1.13.0", "2.1.0", "2.8.0"}


@pytest.mark.parametrize(
    ("torch", "gpu", "nearest"),
    [
        ("1.9.0", (8, 0), "1.13.0"),
        ("1.13.0+cu117", (9, 0), "2.1.0"),
        ("1.13.0", (12, 0), "2.8.0"),
        ("2.7.1", (10, 3), "2.8.0"),
        ("2.8.0", (6, 1), "2.7.1"),
        ("2.12.0", (7, 0), "2.10.0"),
        ("2.12.0", (3, 7), "2.0.1"),
        ("1.13.0", (2, 0), None),
        ("1.13.0", (99, 9), None),
        ("nonsense", (9, 0), None),
    ],
)
def test_the_nearest_torch(torch: str, gpu: tuple[int, int], nearest: str | None) -> None:
    """For a newer GPU it is the oldest later release that has code for it, for an old one the last before."""
    assert nearest_torch(torch, gpu) == nearest
    if nearest is not None:
        assert runs_on(nearest, gpu)
        assert runs_on(torch, gpu) is False


@given(st.text(max_size=40), st.tuples(st.integers(0, 200), st.integers(0, 9)))
def test_any_version_is_answered(torch: str, gpu: tuple[int, int]) -> None:
    """No text of a card makes the table fail, and what is not known is not denied."""
    assert runs_on(torch, gpu) in (True, False, None)
    assert runs_on("99.0", gpu) is None
    nearest_torch(torch, gpu)


@pytest.mark.parametrize(("text", "capability"), [("sm_86", (8, 6)), ("12.0", (12, 0)), ("[N/A]", None)])
def test_capabilities_are_read(text: str, capability: tuple[int, int] | None) -> None:
    """`sm_86` as torch says it and `12.0` as the driver's tool does."""
    assert capability_of(text) == capability


@pytest.mark.environment
def test_the_built_torch_has_the_list_that_was_read() -> None:
    """The torch of the demo's environment has compiled in what this file says about 1.13."""
    from repro import workflows

    built = workflows.build_environment(*workflows.environment_of("demo"))
    done = subprocess.run(
        [built.python, "-c", "import torch; print(torch._C._cuda_getArchFlags())"],
        env=child_environment(), cwd=Path(built.folder), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == WHEELS["1.13.1"]

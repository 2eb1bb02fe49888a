"""GPUs as the driver's tool describes them, and what to do where a documented torch cannot use them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from repro.records.environment import Environment
from repro.records.machine import Gpu
from repro.runs.gpus import foreseen_misfit, in_words, look_for_gpus, unusable_gpus, ways_out

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for nvidia-smi")
FIELDS = "--query-gpu=name,driver_version,memory.total,compute_cap"
H100 = Gpu(name="NVIDIA H100 80GB HBM3", capability="sm_90", driver="535.104.05", memory_bytes=81559 * 2**20)


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of the driver's tool, with nothing else on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "nvidia-smi"


def stand_in(path: Path, script: str) -> None:
    path.write_text(f"#!{sys.executable}\nimport sys\n{script}")
    path.chmod(0o755)


def prints(path: Path, text: str, code: int = 0) -> None:
    stand_in(
        path, f"assert sys.argv[2] == '--format=csv,noheader,nounits'\nprint({text!r})\nsys.exit({code})\n"
    )


def test_gpus_are_read(nvidia_smi: Path) -> None:
    """Name, compute capability, driver and memory of each GPU are read, in the tool's order."""
    prints(
        nvidia_smi,
        "NVIDIA H100 80GB HBM3, 535.104.05, 81559, 9.0\nNVIDIA GeForce RTX 5090, 570.86.15, 32607, 12.0",
    )
    gpus, problem = look_for_gpus()
    assert problem == ""
    assert gpus[0] == H100
    assert (gpus[1].capability, gpus[1].memory_bytes) == ("sm_120", 32607 * 2**20)
    assert in_words(gpus[0]) == "NVIDIA H100 80GB HBM3, sm_90, driver 535.104.05, 80 GiB"


def test_what_the_tool_does_not_know_is_left_open(nvidia_smi: Path) -> None:
    """A GPU that shares the machine's memory has none of its own to be told."""
    prints(nvidia_smi, "NVIDIA GB10, 580.95.05, [N/A], 12.1")
    (gpu,), _ = look_for_gpus()
    assert gpu == Gpu(name="NVIDIA GB10", capability="sm_121", driver="580.95.05")
    assert in_words(gpu) == "NVIDIA GB10, sm_121, driver 580.95.05"


def test_an_old_driver_does_not_know_capabilities(nvidia_smi: Path) -> None:
    """Where the tool refuses the question for the capability, the rest is asked for again."""
    stand_in(
        nvidia_smi,
        f"if sys.argv[1] == {FIELDS!r}:\n"
        "    print('Field \"compute_cap\" is not a valid field to query.\\n'); sys.exit(2)\n"
        "print('Tesla V100-SXM2-16GB, 450.51.06, 16160')\n",
    )
    (gpu,), problem = look_for_gpus()
    assert (gpu.name, gpu.driver, gpu.capability, problem) == ("Tesla V100-SXM2-16GB", "450.51.06", "", "")


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that "
            "the latest NVIDIA driver is installed and running.\n",
            9,
            "nvidia-smi: NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver",
        ),
        ("No devices were found", 6, "nvidia-smi: No devices were found"),
        ("", 255, "nvidia-smi: it said nothing"),
    ],
)
def test_a_driver_in_trouble_says_why(nvidia_smi: Path, text: str, code: int, said: str) -> None:
    """A tool that is there and finds nothing is quoted, in one line."""
    prints(nvidia_smi, text, code)
    assert look_for_gpus() == ((), said)


@pytest.mark.parametrize(
    "script", [None, "sys.stdout.buffer.write(bytes(range(256)))\n", "print(',,,,,,')\n"]
)
def test_no_tool_or_another_program_is_no_trouble(nvidia_smi: Path, script: str | None) -> None:
    """Without the tool there is nothing to say, and whatever bears its name is survived."""
    if script is not None:
        stand_in(nvidia_smi, script)
    gpus, problem = look_for_gpus()
    assert problem == ""
    assert all(gpu.capability == "" and gpu.memory_bytes is None for gpu in gpus)


def environment(torch: str, **changes: str) -> Environment:
    fields = {"python": "3.10", "moment": "2022-12-06T17:20:22Z", "platform": "linux-x86_64", **changes}
    return Environment(documented={}, locked={"torch": torch}, **fields)  # type: ignore[arg-type]


def test_a_misfit_is_foreseen() -> None:
    """That torch 1.13.0 has no kernels for a Hopper is known before anything is downloaded."""
    said = foreseen_misfit(environment("1.13.0"), H100)
    assert said == "torch 1.13.0 has no kernels for this GPU (NVIDIA H100 80GB HBM3, sm_90)"
    assert foreseen_misfit(environment("2.1.0"), H100) == ""


@pytest.mark.parametrize(
    ("torch", "changes", "gpu"),
    [
        ("1.13.0", {"torch_backend": "cu118"}, H100),
        ("1.13.0", {"platform": "linux-aarch64"}, H100),
        ("99.0", {}, H100),
        ("1.13.0", {}, Gpu(name="Tesla V100")),
    ],
)
def test_what_is_not_known_is_not_foreseen(torch: str, changes: dict[str, str], gpu: Gpu) -> None:
    """Other builds, other platforms, newer releases and silent drivers are left to torch itself."""
    assert foreseen_misfit(environment(torch, **changes), gpu) == ""


def test_both_ways_out_are_offered() -> None:
    """The hint names the option for the CPU and the one for the nearest torch that has kernels."""
    hint = ways_out("1.13.0+cu117", "sm_90")
    assert "--device cpu" in hint
    assert hint.endswith("--torch 2.1.0")
    assert "\n" not in hint
    assert ways_out("1.13.0", "") == ways_out("1.13.0", "gfx90a") == "train on the CPU with --device cpu"


SEEN = {"name": "NVIDIA H100", "capability": "sm_90", "memory_bytes": 1}
MISFIT = "torch 1.13.0+cu117 has kernels up to sm_86, this GPU is sm_90"


def test_what_the_probe_saw_is_told_once() -> None:
    """GPUs none of which the built torch can use are a line and a hint; one that it can use is enough."""
    bad = {**SEEN, "usable": False, "reason": MISFIT}
    good = {**SEEN, "usable": True, "reason": ""}
    line, hint = unusable_gpus({"torch": "1.13.0+cu117", "gpus": [bad, bad]})
    assert line == MISFIT
    assert hint.startswith("hint: ")
    assert "--torch 2.1.0" in hint
    assert list(unusable_gpus({"torch": "1.13.0+cu117", "gpus": [bad, good]})) == []
    assert list(unusable_gpus({"torch": "1.13.0+cu117", "gpus": []})) == []
    assert list(unusable_gpus({})) == []

"""What torch can run on is known, and said in one line with numbers, before anything is trained."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worker_modules import load

from repro.machine import FEATURES

DEVICES = load("devices")
TORCH_1_13 = ["sm_37", "sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86"]
TORCH_2_8 = ["sm_70", "sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"]


@pytest.mark.parametrize(
    ("built_for", "capability", "runs"),
    [
        (TORCH_1_13, (8, 0), True),
        (TORCH_1_13, (8, 6), True),
        (TORCH_1_13, (8, 9), True),  # code for 8.6 runs on 8.9
        (TORCH_1_13, (6, 1), True),
        (TORCH_1_13, (9, 0), False),  # Hopper
        (TORCH_1_13, (10, 0), False),  # Blackwell
        (TORCH_1_13, (3, 5), False),
        (["sm_90a"], (9, 0), True),
        (["sm_90a"], (9, 1), False),
        (["sm_120"], (12, 0), True),
        (["sm_100a"], (10, 3), False),
        (["sm_100f"], (10, 3), True),  # one family
        (["sm_100f"], (12, 0), False),
        (["sm_120"], (12, 1), True),
        (TORCH_2_8, (10, 3), True),
        (TORCH_2_8, (11, 0), False),
        (TORCH_2_8, (6, 1), False),
        (["sm_80", "compute_80"], (9, 0), True),  # translated by the driver
        (["compute_90"], (9, 0), True),
        (["compute_90"], (12, 0), True),
        (["compute_90a"], (12, 0), False),
        (["compute_100f"], (10, 3), True),
        (["compute_100f"], (12, 0), False),
        (["compute_90"], (8, 6), False),
        ([], (8, 0), False),
        (["gfx906", "nonsense"], (9, 0), False),
    ],
)
def test_kernels(built_for: list[str], capability: tuple[int, int], runs: bool) -> None:
    """A build runs on GPUs of its own major version from its minor on, and by translation on newer ones."""
    assert DEVICES.has_kernels(built_for, capability) is runs


@pytest.mark.parametrize(
    ("torch", "built_for", "capability", "line"),
    [
        ("1.13.0+cu117", TORCH_1_13, (9, 0), "torch 1.13.0+cu117 has kernels up to sm_86, this GPU is sm_90"),
        (
            "1.9.0+cu102",
            TORCH_1_13[:4],
            (8, 0),
            "torch 1.9.0+cu102 has kernels up to sm_70, this GPU is sm_80",
        ),
        ("2.8.0+cu128", TORCH_2_8, (6, 1), "torch 2.8.0+cu128 has kernels from sm_70 on, this GPU is sm_61"),
        (
            "2.8.0",
            ["sm_90", "sm_120"],
            (10, 0),
            "torch 2.8.0 has kernels for sm_90, sm_120, this GPU is sm_100",
        ),
        ("2.8.0", ["sm_86", "sm_90a"], (9, 5), "torch 2.8.0 has kernels up to sm_90, this GPU is sm_95"),
        ("2.8.0+cpu", [], (9, 0), "torch 2.8.0+cpu has no GPU kernels, this GPU is sm_90"),
        ("1.13.0+cu117", TORCH_1_13, (8, 9), ""),
        ("2.8.0", ["compute_90"], (12, 0), ""),
    ],
)
def test_a_misfit_is_one_line_with_numbers(
    torch: str, built_for: list[str], capability: tuple[int, int], line: str
) -> None:
    """A build that cannot use a GPU is said to be one, with its architectures and the GPU's."""
    assert DEVICES.misfit(torch, built_for, capability) == line


@given(
    st.lists(st.text(max_size=12) | st.from_regex(r"(sm|compute)_[0-9]{2,4}[af]?", fullmatch=True)),
    st.tuples(st.integers(0, 99), st.integers(0, 9)),
)
def test_any_list_is_judged(built_for: list[str], capability: tuple[int, int]) -> None:
    """Whatever a build calls its architectures, the answer is one line, empty just where it has kernels."""
    line = DEVICES.misfit("2.0", built_for, capability)
    assert (line == "") is DEVICES.has_kernels(built_for, capability)
    assert "\n" not in line


@pytest.mark.parametrize(
    ("visible", "taken"),
    [
        (None, "0"),
        ("", ""),
        ("-1", "-1"),
        ("2,3", "2"),
        ("GPU-8a1f,GPU-77b2", "GPU-8a1f"),
        ("MIG-1c2d", "MIG-1c2d"),
    ],
)
def test_one_gpu_is_taken(visible: str | None, taken: str) -> None:
    """Of several GPUs torch sees the first: a second one would double the documented batch size."""
    environ = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    DEVICES.take_one_gpu(environ)
    assert environ == {"CUDA_VISIBLE_DEVICES": taken}


AVX512 = ["sse4_1", "sse4_2", "avx", "f16c", "fma", "avx2", "avx512f", "avx512dq", "avx512bw", "avx512vl"]
X86 = f"""processor\t: 0
model name\t: Intel(R) Xeon(R) Platinum 8480C
flags\t\t: fpu vme {" ".join(AVX512)} amx_bf16 constant_tsc
vmx flags\t: ept
"""
ARM = "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd evtstrm aes asimddp sve bf16\n"


@pytest.mark.parametrize(
    ("cpuinfo", "features"),
    [
        (X86, [*AVX512, "amx_bf16"]),
        (ARM, ["asimd", "asimddp", "bf16", "sve"]),
        ("", []),
        ("flags : \n", []),
    ],
)
def test_instruction_sets_are_read(cpuinfo: str, features: list[str]) -> None:
    """Of /proc/cpuinfo what decides which kernels run is kept, on x86 and on ARM."""
    assert DEVICES.features_in(cpuinfo) == features


def test_both_sides_look_for_the_same_instruction_sets() -> None:
    """`repro doctor` and the worker name the same ones."""
    assert DEVICES.FEATURES == FEATURES


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\n"
            "GCC version:  gcc version 11.4.0 (Ubuntu 11.4.0-1ubuntu1~22.04)\n",
            "535.104.05",
        ),
        (
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build\n",
            "570.86.15",
        ),
        ("GCC version:  gcc version 11.4.0\n", ""),
        ("", ""),
    ],
)
def test_the_driver_is_read(text: str, version: str) -> None:
    """The version of the closed and of the open kernel module; never that of its compiler."""
    assert DEVICES.driver_in(text) == version

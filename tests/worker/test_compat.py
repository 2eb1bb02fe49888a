"""Whether a build of torch can use a GPU is known before anything is trained."""

from __future__ import annotations

import pytest
from worker_modules import load

COMPAT = load("compat")
TORCH_1_13 = ["sm_37", "sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86"]


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
        (["sm_80", "compute_80"], (9, 0), True),  # translated by the driver
        (["compute_90"], (8, 6), False),
        ([], (8, 0), False),
        (["gfx906", "nonsense"], (9, 0), False),
    ],
)
def test_kernels(built_for: list[str], capability: tuple[int, int], runs: bool) -> None:
    """A build runs on GPUs of its own major version from its minor on, and by translation on newer ones."""
    assert COMPAT.has_kernels(built_for, capability) is runs

"""What torch says where an operation has no deterministic implementation becomes one line and a hint."""

from __future__ import annotations

import pytest
from worker_modules import load

DETERMINISM = load("determinism")


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("out of memory"),
        ValueError("x does not have a deterministic implementation"),
        OSError(""),
    ],
)
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    """Only torch's own error about determinism is put in other words."""
    assert DETERMINISM.explained(error) is error

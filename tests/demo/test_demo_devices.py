"""What the built torch says about this machine, in the demo's own environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro import workflows
from repro.environments import child_environment
from repro.errors import EnvironmentFailed
from repro.machine import examine, instruction_sets
from repro.runs import local

pytestmark = pytest.mark.environment


def test_the_probe_tells_the_devices(tmp_path: Path) -> None:
    """Processor, threads, instruction sets and what torch was built for are in what the probe returns."""
    built = workflows.build_environment(*workflows.environment_of("demo"))
    seen = local.call(built.python, "probe", tmp_path, child_environment())["devices"]
    assert seen["torch"] == "1.13.0+cu117"
    assert seen["built_for"] == ["sm_37", "sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86"]
    assert seen["cpu"]["features"] == list(instruction_sets())
    assert seen["cpu"]["threads"] >= 1
    assert seen["cpu"]["capability"]
    assert len(seen["gpus"]) == len(examine().accelerators)


def test_a_gpu_that_cannot_be_had_is_said_before_anything_is_trained(tmp_path: Path) -> None:
    """`--device cuda` without a usable GPU is one line with a hint, and no step is trained."""
    if examine().accelerators:
        pytest.skip("this machine has a GPU")
    with pytest.raises(EnvironmentFailed, match=r"no usable GPU: torch 1\.13\.0") as caught:
        workflows.run(workflows.RunOptions(case="demo", device="cuda", out=tmp_path))
    assert "--device cpu" in caught.value.hint
    (record,) = tmp_path.glob("demo/*/run.json")
    assert "no usable GPU" in record.read_text()
    assert all(log.read_bytes() == b"" for log in tmp_path.glob("demo/*/events.jsonl"))

"""The documented batch in smaller pieces, and the run's id with and without later settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.errors import BadInput
from repro.records.run import Settings
from repro.runs.folders import run_id
from repro.runs.micro_batch import deviation, split
from repro.runs.oom import kills


def test_the_batch_stays_what_it_was() -> None:
    """Micro batch times accumulation is the documented batch; documented accumulation stays."""
    found = split({"per_device_train_batch_size": 32, "gradient_accumulation_steps": 2, "seed": 1}, 8)
    assert found == {"per_device_train_batch_size": 8, "gradient_accumulation_steps": 8, "seed": 1}
    assert split({}, 4)["gradient_accumulation_steps"] == 2


@pytest.mark.parametrize("size", [3, 32, 64])
def test_a_size_that_does_not_divide_is_refused(size: int) -> None:
    """A size that does not divide the batch, or does not split it, is refused with those that do."""
    with pytest.raises(BadInput, match="documented batch of 32") as caught:
        split({"per_device_train_batch_size": 32}, size)
    assert caught.value.hint == "one of 1, 2, 4, 8, 16"


@pytest.mark.parametrize(
    ("release", "part"),
    [
        ("4.21.2", "averaged by itself"),
        ("4.46.3", "another training loss"),
        ("5.2.0", "over all masked tokens"),
    ],
)
def test_the_effect_is_that_of_the_release(release: str, part: str) -> None:
    """The deviation says what gradient accumulation does in the release that trains."""
    found = deviation(32, 8, release)
    assert (found.published, found.actual) == ("32", "4 × 8 by gradient accumulation")
    assert part in found.reason


def test_a_run_without_a_micro_batch_keeps_its_id() -> None:
    """A setting that came later changes an id only where it is used: earlier runs are found again."""
    assert run_id("case", "lock", Settings(seed=42)) == "cd23260e78d2"
    assert run_id("case", "lock", Settings(seed=42, micro_batch=8)) != "cd23260e78d2"


def test_kills_for_lack_of_memory_are_counted(tmp_path: Path) -> None:
    """The kernel's own counter and those of both kinds of control groups count."""
    proc, groups = tmp_path / "proc", tmp_path / "groups"
    (proc / "self").mkdir(parents=True)
    assert kills(groups, proc) == 0
    (proc / "vmstat").write_text("nr_free 5\noom_kill 2\n")
    (proc / "self" / "cgroup").write_text("4:memory:/a\n0::/b\n")
    for path, name in (("memory/a", "memory.oom_control"), ("b", "memory.events")):
        (groups / path).mkdir(parents=True)
        (groups / path / name).write_text("low 0\noom 9\noom_kill 3\n")
    assert kills(groups, proc) == 8

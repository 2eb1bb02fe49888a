"""The event log as the worker writes it is what the program reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worker_modules import load

from repro.records.event import EpochEnded
from repro.runs.state import parse_event, rewind

EVENTS = load("events")


def write(path: Path, epochs: int, after: int = 0) -> Any:
    log = EVENTS.EventLog(str(path), after=after)
    for epoch in range(1, epochs + 1):
        log.emit(
            "epoch", epoch=epoch, step=29 * epoch, training_loss=1.5, validation_loss=EVENTS.number(1.25)
        )
    log.close()
    return log


def test_both_sides_read_the_same_events(tmp_path: Path) -> None:
    """Epochs that the worker wrote are the epochs that the program reads, numbered from 1 without gaps."""
    write(tmp_path / "events.jsonl", 3)
    state = rewind(tmp_path / "events.jsonl", 99)
    assert [epoch.step for epoch in state.epochs] == [29, 58, 87]
    assert state.sequence == 3


@pytest.mark.parametrize(("value", "written"), [(1.5, 1.5), (float("nan"), "nan"), (float("-inf"), "-inf")])
def test_what_is_not_finite_is_a_word(value: float, written: object) -> None:
    """JSON has no NaN: the worker writes a word, and the program reads it."""
    assert EVENTS.number(value) == written
    line = json.dumps(
        {"event": "epoch", "sequence": 1, "time": 0, "epoch": 1, "step": 1, "validation_loss": written}
    )
    event = parse_event(line.encode())
    assert isinstance(event, EpochEnded)
    assert event.validation_loss == written


def test_going_on_drops_what_came_behind_the_checkpoint(tmp_path: Path) -> None:
    """The program drops events behind the checkpoint, the worker goes on with the next number."""
    path = tmp_path / "events.jsonl"
    write(path, 5)
    state = rewind(path, 2)
    assert (state.sequence, len(state.epochs)) == (2, 2)
    write(path, 1, after=2)
    assert [json.loads(line)["sequence"] for line in path.read_text().splitlines()] == [1, 2, 3]
    assert rewind(path, 0).sequence == 0
    assert path.read_bytes() == b""


@given(cut=st.integers(0, 400))
def test_a_half_written_line_is_dropped(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Wherever a kill cuts the file, only whole lines are kept."""
    path = tmp_path_factory.mktemp("cut") / "events.jsonl"
    write(path, 4)
    content = path.read_bytes()[:cut]
    path.write_bytes(content)
    assert rewind(path, 99).sequence == content.count(b"\n")
    assert path.read_bytes() == content[: content.rfind(b"\n") + 1]

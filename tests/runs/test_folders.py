"""A run's folder is found again, never overwritten, and held by one process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from repro.errors import BadInput
from repro.records.claims import Claims
from repro.records.codec import load
from repro.records.run import PublishedCase, Run, Settings
from repro.runs.folders import RunFolder, choose_folder, find_run, run_id


def a_run(identity: str) -> Run:
    case = PublishedCase(name="c", title="c", digest="0", model="m", claims=Claims())
    return Run(id=identity, case=case, settings=Settings(seed=1))


def test_the_id_depends_on_case_lock_seed_and_settings() -> None:
    """Any other case, lock, seed or setting is another run; the same ones are the same run."""
    same = run_id("case", "lock", Settings(seed=42))
    assert same == run_id("case", "lock", Settings(seed=42))
    others = {
        run_id("other", "lock", Settings(seed=42)),
        run_id("case", "other", Settings(seed=42)),
        run_id("case", "lock", Settings(seed=43)),
        run_id("case", "lock", Settings(seed=42, rehearse=2)),
        run_id("case", "lock", Settings(seed=42, determinism="strict")),
    }
    assert len(others | {same}) == 6


def test_settings_that_came_later_leave_earlier_ids_alone() -> None:
    """The committed run of an earlier release has the id that its settings give today: it is still found."""
    run = load(Path(__file__).parents[2] / "reports" / "example" / "run.json", Run)
    assert run_id(run.case.digest, run.environment.lock_sha256, run.settings) == run.id


def test_a_fresh_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    """Fresh runs are numbered and nothing is overwritten; without `fresh` the newest is gone on with."""
    first = choose_folder(tmp_path, "c", "abc", fresh=True)
    first.path.mkdir(parents=True)
    second = choose_folder(tmp_path, "c", "abc", fresh=True)
    assert (first.path.name, second.path.name) == ("abc", "abc-2")
    second.path.mkdir()
    assert choose_folder(tmp_path, "c", "abc", fresh=True).path.name == "abc-3"
    assert choose_folder(tmp_path, "c", "abc", fresh=False) == second


def test_a_run_is_found_by_folder_file_id_and_prefix(tmp_path: Path) -> None:
    """A run is named by its folder, its run.json, its id or an unambiguous beginning of it."""
    folder = RunFolder(tmp_path / "c" / "0123456789ab")
    folder.save(a_run("0123456789ab"))
    for name in (str(folder.path), str(folder.record), "0123456789ab", "0123"):
        assert find_run(name, tmp_path) == folder
    RunFolder(tmp_path / "c" / "0123ffffffff").save(a_run("0123ffffffff"))
    with pytest.raises(BadInput, match="2 runs begin with it"):
        find_run("0123", tmp_path)
    for name in ("nothing", "..", str(tmp_path)):
        with pytest.raises(BadInput, match="no run there"):
            find_run(name, tmp_path)


def checkpoint(folder: RunFolder, step: int, sequence: int) -> Path:
    """A checkpoint with one file of weights, marked as whole."""
    path = folder.checkpoints / f"checkpoint-{step}"
    path.mkdir(parents=True)
    (path / "weights.bin").write_bytes(b"weights")
    marker = {"step": step, "sequence": sequence, "files": {"weights.bin": 7}}
    (path / "complete.json").write_text(json.dumps(marker))
    return path


def events(folder: RunFolder, count: int) -> None:
    """An event log of so many steps."""
    line = '{"event": "step", "sequence": %d, "time": 1.0, "step": 1, "epoch": 0.1}\n'
    folder.events.write_text("".join(line % number for number in range(1, count + 1)))


def test_only_whole_checkpoints_count(tmp_path: Path) -> None:
    """A checkpoint is gone on from only if its marker is whole and each file there in its full length.

    Of the whole ones the newest is taken.
    """
    folder = RunFolder(tmp_path)
    for step in (29, 58, 87, 116, 145, 174):
        checkpoint(folder, step, step)
    events(folder, 200)
    (folder.checkpoints / "checkpoint-87" / "weights.bin").write_bytes(b"weig")
    (folder.checkpoints / "checkpoint-116" / "complete.json").write_text('{"step": 116, "se')
    (folder.checkpoints / "checkpoint-145" / "complete.json").unlink()
    (folder.checkpoints / "checkpoint-174" / "weights.bin").unlink()
    found = folder.last_checkpoint()
    assert found is not None
    assert (found.path.name, found.step, found.sequence) == ("checkpoint-58", 58, 58)


def test_a_checkpoint_without_its_events_is_not_gone_on_from(tmp_path: Path) -> None:
    """A checkpoint is of no use where an event before it is broken or missing: an older one is taken."""
    folder = RunFolder(tmp_path)
    checkpoint(folder, 29, 5)
    checkpoint(folder, 58, 9)
    events(folder, 9)
    lines = folder.events.read_bytes().splitlines(keepends=True)
    for broken in ([*lines[:6], b'{"event": "st\n', *lines[7:]], lines[:8], [*lines[:6], *lines[7:]]):
        folder.events.write_bytes(b"".join(broken))
        found = folder.last_checkpoint()
        assert found is not None
        assert found.step == 29
    folder.events.unlink()
    assert folder.last_checkpoint() is None


def test_a_folder_is_held_by_one_process(tmp_path: Path) -> None:
    """A second start is refused while the first is at work, and told who that is; afterwards it is free."""
    code = (
        "import sys; from pathlib import Path; from repro.runs.folders import RunFolder\n"
        "from repro.errors import BadInput\n"
        "try:\n"
        "    with RunFolder(Path(sys.argv[1])).held(): print('free')\n"
        "except BadInput as error: print(error.message)"
    )
    ask = [sys.executable, "-c", code, str(tmp_path)]
    with RunFolder(tmp_path).held():
        said = subprocess.run(ask, capture_output=True, text=True, check=True).stdout
        assert "another `repro run` is at work in this folder: process" in said
        assert f"process {os.getpid()} on {socket.gethostname()}, since 20" in said
    assert subprocess.run(ask, capture_output=True, text=True, check=True).stdout == "free\n"


def test_nothing_is_left_of_a_run_that_never_began(tmp_path: Path) -> None:
    """A folder in which nothing was written is gone when it is let go; one with a record stays."""
    empty, begun = RunFolder(tmp_path / "c" / "empty"), RunFolder(tmp_path / "c" / "begun")
    with empty.held():
        pass
    with begun.held():
        begun.save(a_run("begun"))
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["begun"]


def test_a_broken_record_is_bad_input(tmp_path: Path) -> None:
    """A run.json that is cut off is one line that names it, not a traceback."""
    whole = RunFolder(tmp_path)
    whole.save(a_run("0123456789ab"))
    text = whole.record.read_text()
    assert json.loads(text)["schema"] == "repro.run/1"
    whole.record.write_text(text[: len(text) // 2])
    with pytest.raises(BadInput, match=r"run\.json: not JSON"):
        whole.load()
    assert whole.earlier() is None

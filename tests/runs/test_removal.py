"""Runs are removed whole or by their checkpoints, and nothing else ever is."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from run_samples import put

from repro.errors import BadInput
from repro.records.run import Completed, Failed
from repro.runs.folders import RunFolder
from repro.runs.removal import choose_runs, remove_runs


def names(*runs: object) -> set[str]:
    return {Path(run.folder).name for run in runs}  # type: ignore[attr-defined]


def with_checkpoint(folder: RunFolder) -> RunFolder:
    (folder.checkpoints / "checkpoint-1").mkdir(parents=True)
    (folder.checkpoints / "checkpoint-1" / "weights").write_bytes(b"0" * 5000)
    return folder


def test_a_whole_run_goes(tmp_path: Path) -> None:
    """A named run is gone, folder and all, and what it took is told; its neighbour is untouched."""
    gone, kept = with_checkpoint(put(tmp_path, "gone")), put(tmp_path, "kept")
    removal = remove_runs(choose_runs(["gone"], tmp_path))
    assert not gone.path.exists()
    assert kept.record.exists()
    assert removal.freed_bytes > 5000


def test_only_checkpoints_go(tmp_path: Path) -> None:
    """Without its checkpoints a finished run is still a run."""
    folder = with_checkpoint(put(tmp_path, "run", Completed()))
    removal = remove_runs(choose_runs([str(folder.path)], tmp_path), checkpoints=True)
    assert removal.freed_bytes == 5000
    assert not folder.checkpoints.exists()
    assert folder.load().result == Completed()


def test_which_runs_are_meant(tmp_path: Path) -> None:
    """Age, state and case choose among all runs, and among named ones."""
    put(tmp_path, "old", Completed(), hours=100)
    put(tmp_path, "young", Completed())
    put(tmp_path, "killed", hours=100)
    put(tmp_path, "failed", Failed(reason="no"))
    day = timedelta(days=1)
    assert names(*choose_runs((), tmp_path, older_than=day)) == {"old", "killed"}
    assert names(*choose_runs((), tmp_path, unfinished=True)) == {"killed", "failed"}
    assert names(*choose_runs((), tmp_path, finished=True, older_than=day)) == {"old"}
    assert names(*choose_runs(["old", "young"], tmp_path, older_than=day)) == {"old"}
    assert choose_runs((), tmp_path, case="other") == ()


def test_a_run_that_is_held_stays(tmp_path: Path) -> None:
    """A named run that a process holds is refused before anything goes; else it is kept and told."""
    other, folder = put(tmp_path, "other"), put(tmp_path, "held")
    code = (
        "import sys; from pathlib import Path; from repro.runs.folders import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).held():\n    print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(folder.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(BadInput, match="a process is at work"):
        choose_runs(["other", "held"], tmp_path)
    removal = remove_runs(choose_runs((), tmp_path))
    holder.communicate("")
    assert {Path(one.folder).name: one.kept for one in removal.runs} == {
        "other": "",
        "held": "a process is at work in it",
    }
    assert (other.record.exists(), folder.record.exists()) == (False, True)


def test_what_is_no_runs_folder_stays(tmp_path: Path) -> None:
    """Links, folders without a record or with a foreign one, and those that hold runs are never removed."""
    elsewhere = put(tmp_path / "elsewhere", "real", Completed())
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "link").symlink_to(elsewhere.path, target_is_directory=True)
    foreign = tmp_path / "c" / "foreign"
    foreign.mkdir()
    (foreign / "run.json").write_text('{"name": "my own precious data"}')
    linked = tmp_path / "c" / "linked"
    linked.mkdir()
    (linked / "run.json").symlink_to(elsewhere.record)
    outer = put(tmp_path, "outer", Completed())
    inner = put(outer.path, "inner", Completed())
    (tmp_path / "c" / "bare").mkdir()
    for name in ("link", "foreign", "linked", "outer", "bare"):
        with pytest.raises(BadInput):
            choose_runs([str(tmp_path / "c" / name)], tmp_path)
    kept = {Path(one.folder).name for one in remove_runs(choose_runs((), tmp_path)).runs if one.kept}
    assert kept == {"link", "foreign", "linked", "outer"}
    for record in (elsewhere.record, foreign / "run.json", inner.record, outer.record):
        assert record.exists()


def test_links_inside_a_run_are_not_followed(tmp_path: Path) -> None:
    """Where a run's checkpoints are a link to another disk, the link goes and its target stays."""
    target = tmp_path / "disk"
    target.mkdir()
    (target / "weights").write_text("0")
    folder = put(tmp_path, "run", Completed())
    folder.checkpoints.symlink_to(target, target_is_directory=True)
    remove_runs(choose_runs(["run"], tmp_path))
    assert not folder.path.exists()
    assert (target / "weights").exists()

"""What `repro runs` lists, from folders on disk."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from run_samples import a_run, put

from repro.cli.runs import row
from repro.comparison import compare
from repro.records.codec import save
from repro.records.run import Completed, Failed, Stopped
from repro.runs.folders import RunFolder
from repro.runs.listing import list_runs


def states(out: Path) -> dict[str, str]:
    return {Path(run.folder).name: run.state for run in list_runs(out).runs}


def test_newest_first_with_what_each_takes(tmp_path: Path) -> None:
    """Runs are listed by when something last happened in them, with size, and of it the checkpoints."""
    put(tmp_path, "old", Completed(), hours=50)
    new = put(tmp_path, "new", Completed(), hours=1)
    (new.checkpoints / "checkpoint-29").mkdir(parents=True)
    (new.checkpoints / "checkpoint-29" / "weights").write_bytes(b"0" * 5000)
    found = list_runs(tmp_path)
    assert [run.run for run in found.runs] == ["new", "old"]
    first, second = found.runs
    assert first.checkpoint_bytes == 5000 < first.total_bytes
    assert second.age_seconds == pytest.approx(50 * 3600, abs=60)
    assert found.total_bytes == first.total_bytes + second.total_bytes


def test_the_verdict_is_that_of_the_last_comparison(tmp_path: Path) -> None:
    """A finished run shows its comparison's verdict; a rehearsal has none, and is marked."""
    compared = put(tmp_path, "compared", Completed())
    compared.save_comparison(
        msgspec.structs.replace(compare(compared.load()), verdict="matching", reproduced=True)
    )
    rehearsed = RunFolder(tmp_path / "c" / "rehearsed")
    rehearsed.save(a_run("rehearsed", Completed(), rehearse=2))
    rehearsed.save_comparison(compare(rehearsed.load()))
    found = {run.run: run for run in list_runs(tmp_path).runs}
    assert (found["compared"].verdict, found["compared"].reproduced) == ("matching", True)
    assert (found["rehearsed"].verdict, found["rehearsed"].rehearsal) == (None, True)


def test_the_first_epochs_are_listed_as_such(tmp_path: Path) -> None:
    """A run that was asked for its first epochs is stopped, with the verdict on these."""
    prefix = put(tmp_path, "prefix", Stopped(epochs=1, of=16.0, reason="asked for with --until-epoch 1"))
    prefix.save_comparison(compare(prefix.load()))
    (found,) = list_runs(tmp_path).runs
    assert (found.state, found.epoch) == ("stopped", 1.0)
    assert found.verdict is not None
    assert found.reproduced is False
    assert row(found)[3:7:3] == (f"{found.verdict} so far", "stopped at epoch 1.0")


def test_how_far_an_unfinished_run_came(tmp_path: Path) -> None:
    """A run that was killed is as far as its events say, a half-written line aside; a failed one says why."""
    killed = put(tmp_path, "killed")
    killed.events.write_text(
        '{"event":"step","sequence":1,"time":1.0,"step":70,"epoch":2.4138}\n{"event":"step","sequ'
    )
    put(tmp_path, "failed", Failed(reason="the disk was full"))
    found = {run.run: run for run in list_runs(tmp_path).runs}
    assert (found["killed"].state, found["killed"].epoch) == ("unfinished", 2.4138)
    assert (found["failed"].state, found["failed"].epoch, found["failed"].reason) == (
        "failed",
        1.0,
        "the disk was full",
    )


def test_a_run_that_a_process_holds_is_running(tmp_path: Path) -> None:
    """As long as a process holds its folder a run is running, then unfinished again."""
    folder = put(tmp_path, "held")
    with folder.held():
        assert states(tmp_path) == {"held": "running"}
    assert states(tmp_path) == {"held": "unfinished"}


def test_what_is_broken_is_listed_as_such(tmp_path: Path) -> None:
    """Records that are cut off, foreign, huge, or no files at all hide no other run."""
    put(tmp_path, "whole", Completed())
    for name, content in (("cut", b'{"schema":"rep'), ("foreign", b"{}"), ("binary", b"\xff\0")):
        (tmp_path / "c" / name).mkdir()
        (tmp_path / "c" / name / "run.json").write_bytes(content)
    (tmp_path / "c" / "huge").mkdir()
    with (tmp_path / "c" / "huge" / "run.json").open("wb") as file:
        file.truncate(10**10)
    (tmp_path / "c" / "folder" / "run.json").mkdir(parents=True)
    (tmp_path / "c" / "dangling").mkdir()
    (tmp_path / "c" / "dangling" / "run.json").symlink_to("nowhere")
    assert states(tmp_path) == {
        "whole": "finished",
        **dict.fromkeys(("cut", "foreign", "binary", "huge", "folder"), "broken"),
    }


def test_only_the_runs_of_a_case(tmp_path: Path) -> None:
    """`case` leaves others out, of sums too; a folder that is not there has no runs."""
    put(tmp_path, "one", Completed())
    save(tmp_path / "d" / "two" / "run.json", a_run("two", None))
    assert len(list_runs(tmp_path, "c").runs) == 2  # by the name in the record
    assert list_runs(tmp_path, "other").total_bytes == 0
    assert list_runs(tmp_path / "nothing").runs == ()

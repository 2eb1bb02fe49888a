"""`repro runs` and `repro runs rm`: what a person types, sees and is asked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from repro.records.codec import json_schema
from repro.workflows import schemas

EXAMPLE = Path(__file__).parents[2] / "reports" / "example"


def repro(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command where nobody can answer."""
    done = subprocess.run(
        [sys.executable, "-m", "repro", "runs", *arguments],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder with a finished run, and one with a broken record and a name that would act on a terminal."""
    shutil.copytree(EXAMPLE, tmp_path / "reports" / "demo" / "2aa278611b7b")
    broken = tmp_path / "reports" / "demo" / "\x1b[31mbroken"
    broken.mkdir()
    (broken / "run.json").write_text('{"schema": "\x1b"}')
    return tmp_path / "reports"


def test_a_line_for_each_run(out: Path) -> None:
    """Verdict, case, age, size and state stand in a line; a broken record is a line that says so."""
    said = repro("--out", out).stdout
    assert "\x1b" not in said
    header, *lines, total = said.splitlines()
    assert header.split() == ["run", "case", "seed", "verdict", "age", "size", "state"]
    whole = next(line for line in lines if "2aa278611b7b" in line).split()
    assert (whole[1:4], whole[-1]) == (["demo", "42", "identical"], "finished")
    assert "broken: run.json" in next(line for line in lines if "x1b" in line)
    assert total.startswith("2 runs in ")
    assert repro("--out", out, "--case", "other").stdout.startswith("0 runs of other")


def test_the_lists_are_documents(out: Path) -> None:
    """`--json` of both verbs is one document, valid by its own schema."""
    listed = json.loads(repro("--out", out, "--json").stdout)
    jsonschema.validate(listed, json_schema(schemas()["runs"]))
    assert {run["state"] for run in listed["runs"]} == {"finished", "broken"}
    removed = json.loads(repro("rm", "2aa278611b7b", "--out", out, "--yes", "--json").stdout)
    jsonschema.validate(removed, json_schema(schemas()["removal"]))
    assert removed["freed_bytes"] > 10_000


def test_nothing_goes_unasked(out: Path) -> None:
    """Where nobody can answer, removing needs --yes; which runs has to be said in any case."""
    run = out / "demo" / "2aa278611b7b"
    assert "which runs?" in repro("rm", "--out", out, code=2).stderr
    assert "not an age" in repro("rm", "--older-than", "soon", "--out", out, code=2).stderr
    assert "no run there" in repro("rm", "nothing", "--out", out, code=2).stderr
    done = repro("rm", run, code=2)
    assert done.stderr.splitlines()[-1] == "hint: say so with --yes"
    assert "kB" in done.stderr
    assert run.exists()
    said = repro("rm", run, "--yes").stdout
    assert said.splitlines()[-1].endswith(" freed")
    assert not run.exists()


def test_a_broken_one_is_not_removed_blindly(out: Path) -> None:
    """What cannot be told to be a run is kept by a removal of all, and refused by name."""
    assert "kept: is no run" in repro("rm", "--older-than", "0h", "--out", out, "--yes").stdout
    assert len(list((out / "demo").iterdir())) == 1
    (broken,) = (out / "demo").iterdir()
    assert "\x1b" not in repro("rm", broken, "--yes", code=2).stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("answer", "code"), [("n", 130), ("", 130), ("y", 0)])
def test_on_a_terminal_it_is_asked(out: Path, answer: str, code: int) -> None:
    """On a terminal the runs are shown with their sizes, and only a yes removes them; Enter is a no."""
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "repro", "runs", "rm", "2aa278611b7b", "--out", out],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "dumb"},
    )
    os.close(theirs)
    said = b""
    while b"go on? [y/N]" not in said:
        said += os.read(ours, 4096)
    assert b"demo" in said
    assert b"removed for good: 1 run, " in said
    os.write(ours, f"{answer}\n".encode())
    process.communicate()
    os.close(ours)
    assert process.returncode == code
    assert (out / "demo" / "2aa278611b7b").exists() == (code != 0)


def test_a_thousand_runs_take_a_moment(tmp_path: Path) -> None:
    """Listing grows by less than three milliseconds of processor time for each run."""
    from repro.runs.listing import list_runs

    for number in range(200):
        folder = tmp_path / "demo" / f"{number:012x}"
        shutil.copytree(EXAMPLE, folder)
    began = time.process_time()
    assert len(list_runs(tmp_path).runs) == 200
    assert time.process_time() - began < 200 * 0.003

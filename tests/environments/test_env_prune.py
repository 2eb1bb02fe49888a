"""`repro env prune` and `repro env CASE --format`: what a person types, sees and is asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from wheelhouse import House, record

from repro.environments import build, cache_folder, lookup
from repro.environments.cache import MARKER
from repro.records.codec import json_schema
from repro.workflows import schemas


def repro(*arguments: str | Path, code: int = 0, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command where nobody can answer."""
    done = subprocess.run(
        [sys.executable, "-m", "repro", "env", *arguments],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, cwd=cwd,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def old(house: House) -> str:
    """The lock of an environment that was last used long ago."""
    lock = house.lock("tiny==1.0")
    built = build(record(lock), lock)
    os.utime(built.folder / MARKER, (1e9, 1e9))
    return lock


def test_pruning_everything_is_asked_for(old: str) -> None:
    """`prune` alone removes all that nobody uses: where nobody can be asked, it needs --yes."""
    done = repro("prune", code=2)
    assert done.stderr.splitlines()[-1].startswith("hint: say so with --yes")
    assert lookup(record(old)) is not None
    assert "removed" in repro("prune", "--yes").stdout
    assert lookup(record(old)) is None
    assert "0 kB before" in repro("prune").stdout  # nothing is there: nothing to ask


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("answer", "code"), [("n", 130), ("", 130), ("y", 0)])
def test_on_a_terminal_it_is_asked(old: str, answer: str, code: int) -> None:
    """On a terminal only a yes removes anything; Enter is a no."""
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "repro", "env", "prune"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "dumb"},
    )
    os.close(theirs)
    said = b""
    while b"go on? [y/N]" not in said:
        said += os.read(ours, 4096)
    os.write(ours, f"{answer}\n".encode())
    process.communicate()
    os.close(ours)
    assert process.returncode == code
    assert (lookup(record(old)) is None) == (code == 0)


def test_an_age_is_not_asked_for_again(old: str, house: House) -> None:
    """`prune --older-than` removes what is old, shows the sizes before and after, and asks nothing."""
    young = house.lock("other==2.0")
    build(record(young), young)
    dry = repro("prune", "--older-than", "30d", "--dry-run").stdout
    assert "would be removed" in dry
    assert lookup(record(old)) is not None
    said = repro("prune", "--older-than", "30d").stdout
    assert "before" in said
    assert "after" in said
    assert "2001-09-09" in said
    assert (lookup(record(old)), lookup(record(young)) is None) == (None, False)


@pytest.mark.parametrize("kept_by", ["run.json", "environment.lock"])
def test_what_runs_used_is_kept(old: str, tmp_path: Path, kept_by: str) -> None:
    """`--keep-used` keeps what a run in --out was made with, and without it goes."""
    run = tmp_path / "reports" / "case" / "abc"
    run.mkdir(parents=True)
    record_of_run = {"environment": {"lock_sha256": record(old).lock_sha256}}
    (run / "run.json").write_text(
        json.dumps(record_of_run) if kept_by == "run.json" else "{", encoding="utf-8"
    )
    if kept_by == "environment.lock":
        (run / "environment.lock").write_bytes(old.encode())
    printed = json.loads(repro("prune", "--older-than", "1d", "--keep-used", "--json", cwd=tmp_path).stdout)
    jsonschema.validate(printed, json_schema(schemas()["prune"]))
    (entry,) = printed["entries"]
    assert (entry["removed"], entry["why"]) == (False, f"needed by {Path('reports', 'case', 'abc')}")
    assert printed["before_bytes"] == printed["after_bytes"] > 0
    repro("prune", "--older-than", "1d", cwd=tmp_path)
    assert not list((cache_folder() / "environments").glob("*/"))


def test_options_of_prune_are_for_prune() -> None:
    """Its options with a case, and what is no age, are bad input."""
    for options in (["--older-than", "30d"], ["--keep-used"], ["--dry-run"]):
        assert "No such option" in repro("demo", *options, code=2).stderr
    assert "not an age" in repro("prune", "--older-than", "soon", code=2).stderr


def test_offline_nothing_is_locked_anew(house: House, tmp_path: Path) -> None:
    """`--offline` takes a lock that is here, and says so where there is none; no registry is asked."""
    card = tmp_path / "card.md"
    card.write_text("# m\n\n### Framework versions\n\n- Transformers 4.21.2\n", encoding="utf-8")
    assert "no lock of these versions" in repro(card, "--offline", code=3).stderr
    assert "pyarrow" in repro("demo", "--offline", "--lock-only").stdout
    repro("demo", "--offline", code=3)
    assert house.requests == []


def test_exports_of_the_demo(tmp_path: Path) -> None:
    """Each form is printed, or written to a file or folder, from the bundled lock, and nothing is built."""
    assert "pyarrow==10.0.1" in repro("demo", "--format", "requirements").stdout
    file = tmp_path / "environment.yml"
    printed = json.loads(repro("demo", "--format", "conda", "--output", file, "--json").stdout)
    assert printed["schema"] == "repro.environment/1"
    document = yaml.safe_load(file.read_text())
    assert document["dependencies"][0] == "python=3.10"
    assert len(document["dependencies"][-1]["pip"]) == len(printed["locked"])
    repro("demo", "--format", "dockerfile", "--output", tmp_path / "context")
    assert {path.name for path in (tmp_path / "context").iterdir()} == {
        "Dockerfile", "environment.lock", "worker"
    }  # fmt: skip
    assert "FROM --platform=" in repro("demo", "--format", "dockerfile").stdout
    assert "--output" in repro("demo", "--format", "conda", "--json", code=2).stderr
    repro("demo", "--format", "poetry", code=2)

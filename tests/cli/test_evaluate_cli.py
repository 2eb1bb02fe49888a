"""`repro evaluate` with what it cannot use: one line, one hint, exit code 2, before anything is started."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from repro.cli.main import call

EXAMPLE = Path(__file__).parents[2] / "reports" / "example"


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A file with a text."""
    path = tmp_path / "own.txt"
    path.write_text("a text\n")
    return path


def test_a_run_that_is_not_there(texts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No such run."""
    assert call(["evaluate", "nowhere", "--data", str(texts)]) == 2
    assert "no run there" in capsys.readouterr().err


def test_a_run_without_weights(texts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run whose checkpoints were removed says so, and how to get them again."""
    assert call(["evaluate", str(EXAMPLE), "--data", str(texts), "--json"]) == 2
    out, err = capsys.readouterr()
    assert "the trained weights (its last checkpoint) are gone" in err
    assert json.loads(out)["hint"] == "`repro run demo --fresh` trains it again"


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"result": None}, "is not finished"),
        ({"result": {"status": "failed", "reason": "no memory"}}, "the run failed: no memory"),
    ],
)
def test_a_run_that_is_not_finished(
    texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, object], part: str
) -> None:
    """An unfinished and a failed run are not evaluated."""
    run = tmp_path / "run"
    shutil.copytree(EXAMPLE, run)
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | change))
    assert call(["evaluate", str(run), "--data", str(texts)]) == 2
    assert part in capsys.readouterr().err


def test_a_rehearsal(texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A rehearsal has no weights to evaluate."""
    run = tmp_path / "run"
    shutil.copytree(EXAMPLE, run)
    record = json.loads((run / "run.json").read_text())
    record["settings"]["rehearse"] = 2
    (run / "run.json").write_text(json.dumps(record))
    assert call(["evaluate", str(run), "--data", str(texts)]) == 2
    assert "a rehearsal keeps no weights" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "more", "part"),
    [
        ("gone.txt", None, [], "no such file"),
        ("empty.txt", b"", [], "is empty"),
        ("own.bin", b"\0", [], "its suffix does not say what it is"),
        ("\x1b[31m.x", b"a", [], "its suffix does not say what it is"),
        ("own.txt", b"a", ["--column", "text"], "plain lines have no columns"),
        ("own.jsonl", b"{}", ["--as-case", "--column", "text"], "the case's recipe reads the whole file"),
        ("own.txt", b"a", ["--limit", "0"], "--limit"),
        ("own.txt", b"a", ["--masks", "0"], "--masks"),
        ("own.txt", b"a", ["--device", "tpu"], "--device"),
    ],
)
def test_a_file_or_an_option_that_is_none(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes | None,
    more: list[str],
    part: str,
) -> None:
    """What is wrong with the file or an option is said, and nothing in it reaches the terminal raw."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert call(["evaluate", str(EXAMPLE), "--data", str(path), *more]) == 2
    said = capsys.readouterr().err
    assert part in said
    assert "\x1b" not in said

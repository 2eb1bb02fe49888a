"""`repro diff`: two records, of which one came by mail, and what is printed of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from repro.cli import main
from repro.records.codec import json_schema
from repro.workflows import schemas

EXAMPLE = Path(__file__).parents[2] / "reports" / "example"
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def repro(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Call the command in this process: exit code, standard output and standard error."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main.call(["diff", *map(str, arguments)])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err

    return call


@pytest.fixture
def theirs(tmp_path: Path) -> Callable[[Change], Path]:
    """The committed example as another laboratory might send it: one file, changed."""

    def write(change: Change) -> Path:
        record = json.loads((EXAMPLE / "run.json").read_text())
        change(record)
        path = tmp_path / "theirs.json"
        path.write_text(json.dumps(record))
        return path

    return write


def other_threads(record: dict[str, Any]) -> None:
    record["device"]["threads"] = 1
    for epoch in record["epochs"][2:]:
        epoch["digests"]["weights"] = "f" * 64
        epoch["validation_loss"] += 3e-8


def test_the_same_run_is_the_same(repro: Any, tmp_path: Path) -> None:
    """Nothing but times and ids: exit code 0, one sentence; named by folder, by record and by id alike."""
    shutil.copytree(EXAMPLE, tmp_path / "out" / "demo" / "0123456789ab")
    for name in (EXAMPLE, EXAMPLE / "run.json"):
        code, said, _ = repro(name, "0123", "--out", tmp_path / "out")
        assert code == 0
        assert "The same: nothing but times and ids differs in 16 epochs." in said


def test_the_first_point_stands_above_all(repro: Any, theirs: Any) -> None:
    """Whoever was not there reads where they part, what differs, what is common, and what that suggests."""
    code, said, _ = repro(EXAMPLE, theirs(other_threads))
    assert code == 1
    lines = said.splitlines()
    assert lines[3].startswith("They part at epoch 3 (step 87): weights and validation loss are not the same")
    assert "with four decimals, all are the same" in lines[4]
    assert ["device", "threads", "2", "1"] in [line.split() for line in lines]
    assert "packages (46)" in said
    assert "1. other arithmetic: threads 2 and 1" in said
    assert len(lines) < 30


def test_the_document_is_valid(repro: Any, theirs: Any) -> None:
    """`--json` prints one document, valid by its own schema."""
    code, said, _ = repro(EXAMPLE, theirs(other_threads), "--json")
    document = json.loads(said)
    jsonschema.validate(document, json_schema(schemas()["diff"]))
    assert (code, document["schema"], document["verdict"]) == (1, "repro.diff/1", "parted")
    assert (document["first"]["epoch"], document["losses_part"], document["printed_part"]) == (3, 3, None)


def test_markdown_for_an_issue(repro: Any, theirs: Any) -> None:
    """`--format markdown` is the same in tables, and nothing in a record becomes markup."""

    def hostile(record: dict[str, Any]) -> None:
        other_threads(record)
        record["device"]["name"] = "<script>|`x`[a](javascript:b)"

    code, said, _ = repro(EXAMPLE, theirs(hostile), "--format", "markdown")
    assert code == 1
    assert said.startswith("### ✕ They part at epoch 3")
    assert "| device | threads | 2 | 1 |" in said
    assert "<script>" not in said
    assert r"\[a\](javascript:b)" in said


def test_a_record_cannot_act_on_the_terminal(repro: Any, theirs: Any) -> None:
    """Escape sequences and endless texts, wherever a record has texts, are spelled out and cut."""
    attack = "\x1b]0;pwned\x07" + "x" * 100_000

    def hostile(record: dict[str, Any]) -> None:
        record["id"] = record["case"]["name"] = record["case"]["model"] = attack
        record["device"] = {"kind": attack, "name": attack, "capability": attack}
        record["environment"] |= {
            "packages": {attack: attack, "torch": attack},
            "stream": attack,
            "python": attack,
        }
        record["arguments"] = {attack: {attack: [attack]}}
        record["deviations"] = [{"what": attack, "published": attack, "actual": attack, "reason": attack}]
        record["timing"]["started"] = attack
        record["epochs"][0]["digests"] |= {attack: attack, "weights": attack}
        record["result"] = {"status": "failed", "reason": attack}

    for form in ("text", "markdown"):
        code, said, _ = repro(EXAMPLE, theirs(hostile), "--format", form)
        assert code == 1
        assert "\x1b" not in said
        assert "\x07" not in said
        assert len(said) < 50_000


def test_odd_numbers_are_survived(repro: Any, theirs: Any) -> None:
    """NaN, infinities, the largest numbers and negative epochs are compared like any."""

    def odd(record: dict[str, Any]) -> None:
        record["epochs"][0] |= {"training_loss": "nan", "validation_loss": -1.7e308, "epoch": -1e300}
        record["epochs"][1] |= {"validation_loss": "-inf", "step": -(2**62)}
        record["timing"]["training_seconds"] = 1e300

    path = theirs(odd)
    for form in ("text", "json", "markdown"):
        assert repro(EXAMPLE, path, "--format", form)[0] == 1


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("", "not JSON"),
        ('{"schema": "repro.run/1"', "not JSON"),
        ('{"schema": "repro.run/1", "arguments": {"a": ' + "[" * 100_000, "not JSON"),
        ('{"schema": "repro.comparison/1"}', "schema"),
        ('{"schema": "repro.run/1", "id": 3}', "id: expected str, found int"),
    ],
)
def test_what_is_no_record_is_bad_input(repro: Any, tmp_path: Path, content: str, part: str) -> None:
    """A broken, foreign or wrongly typed file is one line and a hint, exit code 2."""
    path = tmp_path / "theirs.json"
    path.write_text(content)
    code, said, errors = repro(EXAMPLE, path)
    assert (code, said) == (2, "")
    assert part in errors
    assert errors.strip().splitlines()[-1].startswith("hint: ")


def test_a_huge_file_is_not_read(repro: Any, tmp_path: Path) -> None:
    """A file of many gigabytes is refused before it is read; so are names that are none."""
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(10**10)
    code, _, errors = repro(EXAMPLE, tmp_path / "huge.json")
    assert code == 2
    assert "more than a run's record ever has" in errors
    for name in ("nothing", "x" * 5000, "a\0b", os.devnull):
        assert repro(EXAMPLE, name)[0] == 2


def test_the_same_needs_nothing_heavy() -> None:
    """Two equal runs are compared without plots, models or a Hub client."""
    code = (
        "import sys\nfrom repro.cli.main import call\n"
        f"call(['diff', {str(EXAMPLE)!r}, {str(EXAMPLE)!r}])\n"
        "heavy = {'torch', 'transformers', 'matplotlib', 'huggingface_hub', 'requests', 'jinja2', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"

"""`repro env matrix`, on a registry of tiny wheels: rows, failures, going on, removing, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from wheelhouse import MINOR, House, record

from repro import matrix
from repro.cli import env_matrix, main
from repro.environments import build, cache_folder, environment_folder, with_measured_size
from repro.environments.cache import MARKER
from repro.environments.matrix import Room, Wanted, remove, wanted_releases
from repro.errors import BadInput
from repro.records.codec import json_schema
from repro.records.environment import Probe
from repro.records.matrix import Matrix, MatrixRow
from repro.workflows import Silent, build_environment, schemas

BREAKS = "raise ImportError('libold.so.1 is missing')\n"
PEERS = """model_id,revision,transformers,pytorch,datasets,tokenizers,step
a/one,r1,4.6.1,1.9.0+cu102,1.8.0,0.10.3,1
a/one,r1,4.6.1,1.9.0+cu102,1.8.0,0.10.3,2
a/two,r2,4.7.0,1.9.0,,,1
"""


def card(**versions: str) -> str:
    """A generated card with these versions."""
    names = {"transformers": "Transformers", "torch": "Pytorch", "datasets": "Datasets"}
    lines = "\n".join(f"- {names[name]} {version}" for name, version in versions.items())
    return f"# m\n\n### Framework versions\n\n{lines}\n"


@pytest.fixture
def house(index: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """Releases that can be installed; none of them has a Trainer."""
    monkeypatch.chdir(tmp_path)
    for version in ("4.6.0", "4.6.1", "4.7.0", "4.8.0"):
        index.add("transformers", version, code=BREAKS if version == "4.8.0" else "")
    index.add("transformers", "4.6.2", yanked=True)
    index.add("transformers", "4.7.1rc1")
    index.add("torch", "1.9.0")
    index.add("datasets", "1.8.0")
    index.add("tokenizers", "0.10.3")
    return index


def repro(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """Call `repro env matrix`; return exit code, standard output and standard error."""
    capsys.readouterr()
    code = main.call(["env", "matrix", *map(str, arguments)])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return code, said.out, said.err


def document(text: str) -> Any:
    """Read the one document, and hold it against its schema."""
    found = json.loads(text)
    jsonschema.validate(found, json_schema(schemas()["matrix"]))
    assert found["schema"] == "repro.matrix/1"
    return found


def built() -> list[str]:
    """The environments that are there."""
    return sorted(path.parent.name for path in (cache_folder() / "environments").glob(f"*/{MARKER}"))


# ---------------------------------------------------------------------------------- what is asked for


def test_a_minor_is_its_last_patch_release(house: House) -> None:
    """`4.6` is its last release that was not withdrawn; a release is itself; `newest` is no pre-release."""
    wanted = wanted_releases(f"4.6@{MINOR}, 4.6.0,newest,4.99")
    assert [each.documented["transformers"] for each in wanted] == ["4.6.1", "4.6.0", "4.8.0", "4.99"]
    assert [each.python for each in wanted] == [MINOR, None, None, None]
    assert [each.asked for each in wanted_releases("4.6,4.6.1,4.6")] == ["4.6"]


@pytest.mark.parametrize(
    "text", ["", ",", "4.21.2; rm -rf", "../..", "9" * 10_000, "4.6@", "4.6@2.7", "4.6@3.7; ls", "=4.6"]
)
def test_hostile_words_are_refused_before_anybody_is_asked(
    house: House, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """What is no release or Python is bad input, in two short lines, and no request is made."""
    code, out, errors = repro(capsys, "--transformers", text)
    assert (code, out) == (2, "")
    assert [line.split(":")[0] for line in errors.splitlines()] == ["error", "hint"]
    assert len(errors) < 300
    assert house.requests == []


def test_one_source_of_versions(house: House, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Releases or cards, one of them; a table of peers goes with cards."""
    assert repro(capsys)[0] == 2
    assert repro(capsys, "--transformers", "4.6", "--from-cards", tmp_path)[0] == 2
    assert repro(capsys, "--transformers", "4.6", "--peers", tmp_path)[0] == 2


def test_each_set_of_versions_once(tmp_path: Path) -> None:
    """Sets of versions come from cards, then from the table of peers; each stands there once."""
    cards = tmp_path / "cards"
    cards.mkdir()
    (cards / "a.md").write_text(card(transformers="4.6.1", torch="1.9.0+cu102"))
    (cards / "b.md").write_text("# nothing here\n")
    (cards / "c.md").write_text(card(torch="1.9.0+cu102", transformers="4.6.1"))
    (cards / "d.md").write_text(card(transformers="4.7.0", torch="1.9.0"))
    (tmp_path / "peers.csv").write_text(PEERS)
    wanted = matrix.wanted_by_cards(cards, tmp_path / "peers.csv", Silent())
    peers = {"transformers": "4.6.1", "torch": "1.9.0+cu102", "datasets": "1.8.0", "tokenizers": "0.10.3"}
    assert wanted == [
        Wanted("a.md and 1 more", {"transformers": "4.6.1", "torch": "1.9.0+cu102"}),
        Wanted("d.md and 1 more", {"transformers": "4.7.0", "torch": "1.9.0"}),
        Wanted("a/one", peers),
    ]


def test_cards_and_tables_without_versions(tmp_path: Path) -> None:
    """A folder or a table that has no versions is bad input."""
    (tmp_path / "a.md").write_text("# nothing here\n")
    (tmp_path / "peers.csv").write_text("name,age\nx,1\n")
    with pytest.raises(BadInput, match="no card here documents versions"):
        matrix.wanted_by_cards(tmp_path, None, Silent())
    with pytest.raises(BadInput, match="no column with versions"):
        matrix.wanted_by_cards(tmp_path, tmp_path / "peers.csv", Silent())


# ----------------------------------------------------------------------------------------------- rows


def test_a_row_that_fails_says_why_and_the_rest_goes_on(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be locked, imported or trained is told, each in its row, and the exit code is 3."""
    asked = f"4.99@{MINOR},4.8@{MINOR},4.6@{MINOR}"
    code, out, errors = repro(capsys, "--transformers", asked, "--json")
    missing, broken, bare = document(out)["rows"]
    assert code == 3
    assert "transformers 4.99 is not on the registry" in missing["failure"]
    assert (missing["built"], missing["probe"]) == (None, None)
    assert "libold.so.1 is missing" in broken["failure"]
    assert (broken["built"], broken["probe"]["imported"], broken["probe"]["trained"]) == (True, False, None)
    assert "BertConfig" in bare["failure"]
    assert "recipe_probe.py" in bare["probe"]["traceback"]
    assert (bare["probe"]["imported"], bare["probe"]["trained"]) == (True, False)
    assert bare["versions"] == {
        "transformers": "4.6.1",
        "torch": "1.9.0",
        "datasets": "1.8.0",
        "tokenizers": "0.10.3",
    }
    assert bare["expected"] == "A1"
    assert min(bare["lock_seconds"], bare["build_seconds"], bare["probe"]["seconds"]) > 0
    assert "1 of 3: 4.99" in errors
    assert built() == []


def test_only_locks(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """`--lock-only` prints the locked versions as a Markdown table, and builds nothing."""
    code, out, _ = repro(capsys, "--transformers", "4.6@3.9,4.7@3.10", "--lock-only")
    assert code == 0
    head, rule, first, second = out.splitlines()
    assert head.split("|")[1:5] == [" asked    ", " Python ", " transformers ", " torch "]
    assert rule.count("-:") == 1
    assert [cell.strip() for cell in first.split("|")][1:5] == ["4.6@3.9", "3.9", "4.6.1", "1.9.0"]
    assert [cell.strip() for cell in second.split("|")][1:5] == ["4.7@3.10", "3.10", "4.7.0", "1.9.0"]
    assert len({len(line) for line in out.splitlines()}) == 1
    assert not (cache_folder() / "environments").exists()


def test_versions_that_cards_print(house: House, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A printed version that is none fails in its row; what is printed cannot act on the terminal."""
    (tmp_path / "a.md").write_text(card(transformers="4.6.1", torch="1.9.0"))
    hostile = "model_id,transformers,pytorch\n\x1b[2J|x,4.6.1,1.9.0; ls\n"
    (tmp_path / "peers.csv").write_text(hostile)
    peers = tmp_path / "peers.csv"
    code, out, _ = repro(capsys, "--from-cards", tmp_path / "a.md", "--peers", peers, "--lock-only")
    assert code == 3
    assert "not a version" in out
    assert "\x1b" not in out
    assert len({line.count(" | ") for line in out.splitlines()}) == 1


def test_another_stream_than_expected_is_told() -> None:
    """A row whose observed stream is not the expected one says so, and the exit code is 1, not 0."""
    seen = Probe(imported=True, trained=True, loss=3.5, orders=((0, 1), (1, 0)), stream="B")
    row = MatrixRow(asked="4.30", documented={}, built=True, probe=seen, expected="A2")
    made = Matrix(rows=(row,))
    assert "the observed random stream is B, A2 follows from the versions" in env_matrix.table(made)
    assert env_matrix.exit_code(made) == 1
    right = MatrixRow(asked="4.31", documented={}, built=True, probe=seen, expected="B")
    assert env_matrix.exit_code(Matrix(rows=(right,))) == 0


# ------------------------------------------------------------------------------------------- going on


def test_a_second_start_goes_on_where_the_first_stopped(
    house: House, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Rows in the file of `--out` are not made again; half a line of a killed start is cut off."""
    out = tmp_path / "a folder" / "rows.jsonl"
    repro(capsys, "--transformers", "4.6@3.9", "--lock-only", "--out", out)
    first = out.read_text()
    out.write_text(first + first[: len(first) // 2])
    code, printed, errors = repro(
        capsys, "--transformers", "4.6@3.9,4.7@3.9", "--lock-only", "--out", out, "--json"
    )
    assert code == 0
    assert [row["asked"] for row in document(printed)["rows"]] == ["4.6@3.9", "4.7@3.9"]
    assert "1 of 2" not in errors
    assert "2 of 2" in errors
    assert out.read_text().startswith(first)
    assert len(out.read_text().splitlines()) == 2
    repro(capsys, "--transformers", "4.6@3.10", "--lock-only", "--out", out)
    assert len(out.read_text().splitlines()) == 3, "another Python is another row"


def test_what_failed_by_the_network_is_tried_again(
    house: House, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A row that failed because the registry was down is no result: the next start makes it."""
    cards, out = tmp_path / "cards", tmp_path / "rows.jsonl"
    cards.mkdir()
    (cards / "a.md").write_text(card(transformers="4.6.1", torch="1.9.0"))
    house.status = 500
    assert repro(capsys, "--from-cards", cards, "--lock-only", "--out", out)[0] == 5
    house.status = 200
    assert repro(capsys, "--from-cards", cards, "--lock-only", "--out", out)[0] == 0


def test_a_file_that_is_none_of_rows(
    house: House, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A file with other content is refused with the line's number, before anything is made."""
    (tmp_path / "rows.jsonl").write_text('{"name": "x"}\n')
    code, out, errors = repro(capsys, "--transformers", "4.6", "--out", tmp_path / "rows.jsonl")
    assert (code, out) == (2, "")
    assert "rows.jsonl, line 1" in errors


@pytest.mark.skipif(os.name == "nt", reason="a process is not interrupted by a signal there")
def test_ctrl_c_ends_with_what_was_done(house: House, tmp_path: Path) -> None:
    """Ctrl-C in the middle of a row: one document with the rows before, exit code 130, nothing half built."""
    out = tmp_path / "rows.jsonl"
    asked = f"4.99@{MINOR},4.6@{MINOR}"
    arguments = ["env", "matrix", "--transformers", asked, "--json", "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-m", "repro", *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not out.exists():  # the first row is written: from now on nothing is answered
        time.sleep(0.01)
    house.delay = 600.0
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    printed, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    made = document(printed)
    assert made["complete"] is False
    assert [row["asked"] for row in made["rows"]] == [f"4.99@{MINOR}"]
    assert "stopped after 1 of 2" in errors
    assert built() == []


# ----------------------------------------------------------------------------------- room on the disk


def test_earlier_environments_make_room(house: House) -> None:
    """Where the disk is short, what was built for earlier rows goes, and its torch from uv's cache."""
    lock = house.lock("torch==1.9.0", "datasets==1.8.0")
    environment = record(lock)
    build(environment, lock)
    said: list[str] = []
    Room(0, said.append).make(environment)
    plenty = Room(0, said.append)
    plenty.built(environment)
    plenty.make(environment)
    assert (len(built()), said) == (1, []), "nothing is removed while there is room"
    strangers = Room(10**18, said.append)
    strangers.make(environment)
    assert (len(built()), said) == (1, []), "what others built is theirs"
    short = Room(10**18, said.append)
    short.built(environment)
    short.make(environment)
    assert built() == []
    assert not environment_folder(environment).exists()
    assert len(said) == 2
    requested = len(house.requests)
    build(environment, lock)
    fetched = [path for path in house.requests[requested:] if path.endswith(".whl")]
    assert fetched == ["/files/torch-1.9.0-py3-none-any.whl"], "datasets was still in uv's cache"


def test_an_environment_of_another_stream_is_told(house: House, tmp_path: Path) -> None:
    """Whoever uses an environment whose observed stream is not that of its versions is warned, each time."""
    lock = house.lock("torch==1.9.0", "datasets==1.8.0")
    environment = record(lock, stream="A1")
    said: list[str] = []

    class Listener(Silent):
        def say(self, text: str) -> None:
            said.append(text)

    build(environment, lock, probe=lambda _: Probe(imported=True, orders=((0, 1),), stream="A1"))
    build_environment(environment, lock, Listener())
    assert said == []
    remove(environment_folder(environment))
    build(environment, lock, probe=lambda _: Probe(imported=True, orders=((0, 1),), stream="B"))
    built = build_environment(environment, lock, Listener())
    assert "the observed random stream is B, A1 follows from the versions" in said[0]
    assert with_measured_size(environment, built).probe == built.probe

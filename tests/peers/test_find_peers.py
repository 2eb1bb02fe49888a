"""`repro peers`: the real client against a Hub on loopback, in processes that are told its address."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

import jsonschema
import pytest
from loopback import SearchableHub, serving
from recipe_samples import ROWS, card, shifted

from repro.cases.loader import find_case
from repro.comparison.replicates import read_replicates
from repro.records.codec import json_schema
from repro.records.peers import Peers

NOWHERE = "http://127.0.0.1:9"
TUNED = "base_model:finetune:sample/tiny"
Asked = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def hub() -> Iterator[type[SearchableHub]]:
    """An empty Hub; the test fills it."""

    class Filled(SearchableHub):
        content: ClassVar[dict[str, bytes]] = {}
        models: ClassVar[dict[str, dict[str, Any]]] = {}
        broken: ClassVar[dict[str, int]] = {}
        refusing: ClassVar[list[tuple[int, dict[str, str]]]] = []
        asked: ClassVar[list[str]] = []
        address: ClassVar[str]

    with serving(Filled) as address:
        Filled.address = address
        yield Filled


@pytest.fixture
def ask(hub: Any, tmp_path: Path) -> Asked:
    """Call `repro peers` in a child process with fresh caches; `endpoint` names another Hub."""
    (tmp_path / "README.md").write_text(card())

    def call(*arguments: str, endpoint: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "repro", "peers", *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=tmp_path,
            env={
                **os.environ,
                "HF_ENDPOINT": endpoint or hub.address,
                "HF_HOME": str(tmp_path / "hf"),
                "REPRO_CACHE_DIR": str(tmp_path / "cache"),
                **environ,
            },
            check=False,
        )

    return call


def publish(hub: Any, name: str, text: str | None, **facts: Any) -> None:
    """Put a model on the Hub."""
    if text is not None:
        hub.content[f"{name}/README.md"] = text.encode("utf-8", "surrogateescape")
    hub.models[name] = facts


def document(done: subprocess.CompletedProcess[str]) -> Any:
    """Return the one document on standard output, checked against its schema."""
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    jsonschema.validate(found, json_schema(Peers))
    return found


def reasons(found: Any) -> dict[str, str]:
    """Return why each model was left out."""
    return {each["model_id"]: each["reason"] for each in found["left_out"]}


def test_replicates_are_kept_and_everything_else_is_told_why(hub: Any, ask: Asked) -> None:
    """Of the models found by name and by base model, over several pages, those of the recipe are kept."""
    publish(hub, "a/tiny-issues", card(rows=shifted(0.01)), createdAt="2022-12-01T00:00:00.000Z")
    publish(hub, "b/tiny-issues", card(rows=shifted(0.02), seed="43"), createdAt="2022-12-02T00:00:00.000Z")
    publish(hub, "c/other-name", card(rows=shifted(0.03)), tags=[TUNED])
    publish(hub, "d/tiny-issues", card(learning_rate="2e-05"))
    publish(hub, "e/tiny-issues", card(rows=None))
    publish(hub, "f/tiny-issues", card(base="sample/large"))
    publish(hub, "g/tiny-issues", card(rows=shifted(0.01)), createdAt="2023-01-01T00:00:00.000Z")
    publish(hub, "h/tiny-issues", card())
    publish(hub, "i/tiny-issues", None)
    publish(hub, "j/tiny-issues", "# a model\n")
    publish(hub, "k/tiny-issues", card(), private=True)
    publish(hub, "l/tiny-issues", "")
    publish(hub, "user/gated", card(), tags=[TUNED])
    found = document(ask("README.md", "--json"))
    assert [each["model_id"] for each in found["kept"]] == ["a/tiny-issues", "b/tiny-issues", "c/other-name"]
    assert [each["revision"] for each in found["kept"]] == [
        SearchableHub.commit_of(hub, each["model_id"]) for each in found["kept"]
    ]
    assert [each["note"] for each in found["kept"]] == ["", "seed 43 instead of 42", ""]
    assert [each["stream"] for each in found["kept"]] == ["A2"] * 3
    assert reasons(found) == {
        "d/tiny-issues": "learning rate 2e-05, not 5e-05",
        "e/tiny-issues": "no table of results",
        "f/tiny-issues": "another base model: sample/large, not sample/tiny",
        "g/tiny-issues": "a copy of a/tiny-issues: equal in every value",
        "h/tiny-issues": "the published one itself, or a copy of it: equal in every value",
        "i/tiny-issues": "has no card",
        "j/tiny-issues": "states no hyperparameters",
        "k/tiny-issues": "private",
        "l/tiny-issues": "its card is empty",
        "user/gated": "the repository is gated",
    }
    assert [(each["by"], each["text"], each["more"]) for each in found["queries"]] == [
        ("name", "tiny-issues", False),
        ("name", "issues", False),
        ("base_model", "sample/tiny", False),
    ]
    assert sum("cursor=" in line for line in hub.asked) >= 4  # pages were turned
    peers = read_replicates(Path(found["csv"]).read_text(), source="peers.csv")
    assert [peer.model_id for peer in peers] == [each["model_id"] for each in found["kept"]]
    assert [peer.by_step[200].validation_loss for peer in peers] == [1.4798, 1.4898, 1.4998]


def test_only_cards_are_downloaded(hub: Any, ask: Asked) -> None:
    """Nothing but a README.md at a commit is fetched of any model: never its weights."""
    publish(hub, "a/tiny-issues", card(rows=shifted(0.01)))
    hub.content["a/tiny-issues/model.safetensors"] = b"weights"
    document(ask("README.md", "--json"))
    fetched = {line.split()[1] for line in hub.asked if "/resolve/" in line}
    assert fetched == {f"/a/tiny-issues/resolve/{SearchableHub.commit_of(hub, 'a/tiny-issues')}/README.md"}


def test_the_public_replicates_of_the_published_run_are_found(hub: Any, ask: Asked) -> None:
    """Cards with the values of the bundled replicates come out as that table, loss for loss."""
    folder = find_case("issues-128")
    assert folder is not None
    bundled = read_replicates((folder / "peers.csv").read_text(), source="peers.csv")
    lines = list(csv.DictReader(io.StringIO((folder / "peers.csv").read_text())))
    names = []
    for at, (_, rows) in enumerate(groupby(lines, key=lambda line: (line["model_id"], line["revision"]))):
        name = f"user{at:02}/bert-base-uncased-issues-128"
        names.append(name)
        publish(hub, name, of_replicate(list(rows)), createdAt=f"2022-12-{at + 1:02}T00:00:00.000Z")
    found = document(ask("issues-128", "--json"))
    assert [each["model_id"] for each in found["kept"]] == names
    assert found["left_out"] == []
    peers = read_replicates(Path(found["csv"]).read_text(), source="peers.csv")
    assert [peer.evaluations for peer in peers] == [peer.evaluations for peer in bundled]
    assert [peer.versions for peer in peers] == [peer.versions for peer in bundled]
    assert [peer.mixed_precision for peer in peers] == [peer.mixed_precision for peer in bundled]
    assert [peer.evaluation_loss for peer in peers] == [peer.evaluation_loss for peer in bundled]


def of_replicate(rows: Sequence[dict[str, str]]) -> str:
    """Return a card in the generator's form with the values of one replicate."""
    first = rows[0]
    amp = first["mixed_precision"]
    return card(
        name="bert-base-uncased-issues-128",
        base="bert-base-uncased",
        rows=[(r["training_loss"], r["epoch"], r["step"], r["validation_loss"]) for r in rows],
        versions={
            "Transformers": first["transformers"],
            "Pytorch": first["pytorch"],
            "Datasets": first["datasets"],
            "Tokenizers": first["tokenizers"],
        },
        loss=first["evaluation_loss"],
        num_epochs="16",
        mixed_precision_training=None if amp == "no" else amp,
    )


def test_it_works_again_without_the_hub(hub: Any, ask: Asked, tmp_path: Path) -> None:
    """With `--offline`, and where the Hub is out of reach, what was found before is given again."""
    publish(hub, "a/tiny-issues", card(rows=shifted(0.01)))
    first = document(ask("README.md", "--json"))
    asked = len(hub.asked)
    assert document(ask("README.md", "--offline", "--json")) == first
    assert len(hub.asked) == asked
    for environ in ({"endpoint": NOWHERE}, {"HF_HUB_OFFLINE": "1"}):
        done = ask("README.md", "--json", "--out", "table.csv", **environ)
        again = document(done)
        assert {**again, "csv": first["csv"]} == first
        assert f"this is what was found on {first['searched']}" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "table.csv").read_text() == Path(first["csv"]).read_text()


def test_a_cache_that_cannot_be_written_is_no_hindrance(hub: Any, ask: Asked, tmp_path: Path) -> None:
    """Where nothing can be kept for later, that is said, and the replicates are given all the same."""
    publish(hub, "a/tiny-issues", card(rows=shifted(0.01)))
    (tmp_path / "cache").write_text("a file where the folder would be")
    done = ask("README.md", "--out", "table.csv")
    assert done.returncode == 0, done.stderr
    assert "not kept for later" in done.stderr
    assert len(read_replicates((tmp_path / "table.csv").read_text(), source="table.csv")) == 1
    assert document(ask("README.md", "--json"))["csv"] is None


def test_an_adapter_is_looked_for_among_adapters(hub: Any, ask: Asked, tmp_path: Path) -> None:
    """The Hub tags what was made of a base model by how: a PEFT card's replicates are its adapters."""
    front = "---\nlibrary_name: peft\nbase_model: sample/tiny\n---\n"
    (tmp_path / "README.md").write_text(front + card())
    publish(hub, "a/other-name", front + card(rows=shifted(0.01)), tags=["base_model:adapter:sample/tiny"])
    publish(hub, "b/other-name", card(rows=shifted(0.02)), tags=[TUNED])
    assert [each["model_id"] for each in document(ask("README.md", "--json"))["kept"]] == ["a/other-name"]


def test_a_card_on_the_hub_is_a_case(hub: Any, ask: Asked) -> None:
    """`hub:user/model` finds replicates of that card, is none of them itself, and works offline, too."""
    publish(hub, "me/tiny-issues", card())
    publish(hub, "a/tiny-issues", card(rows=shifted(0.01)))
    found = document(ask("hub:me/tiny-issues", "--json"))
    assert [each["model_id"] for each in found["kept"]] == ["a/tiny-issues"]
    assert reasons(found) == {"me/tiny-issues": "it is the published one itself"}
    assert document(ask("hub:me/tiny-issues", "--offline", "--json")) == found


def test_what_was_kept_of_another_recipe_is_not_given(hub: Any, ask: Asked, tmp_path: Path) -> None:
    """A card that has changed since is not served the replicates of the old one."""
    publish(hub, "a/tiny-issues", card(rows=shifted(0.01)))
    document(ask("README.md", "--json"))
    (tmp_path / "README.md").write_text(card(learning_rate="2e-05"))
    refused(ask("README.md", "--offline"), 2, "another recipe")
    refused(ask("README.md", endpoint=NOWHERE), 5, "the Hub")


def refused(done: subprocess.CompletedProcess[str], code: int, *parts: str) -> None:
    """An error: nothing on standard output, one line and one hint at the end of standard error."""
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    error, hint = done.stderr.splitlines()[-2:]
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    for part in parts:
        assert part in error
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [("--offline",), ()])
def test_no_hub_and_nothing_kept_is_an_error(arguments: tuple[str, ...], ask: Asked) -> None:
    """Without a Hub and without an earlier search there is one line, one hint and exit code 5, at once."""
    done = ask("README.md", *arguments, endpoint=NOWHERE)
    refused(done, 5)
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize(
    ("target", "arguments", "code", "part"),
    [
        ("none.md", (), 2, "no such file"),
        ("bare.md", (), 2, "states no learning rate"),
        ("README.md", ("--offline", "--search", "x"), 2, "--offline"),
        ("README.md", ("--limit", "0"), 2, "limit"),
        ("hub:user/none", (), 5, "no such repository"),
        ("README.md", ("--out", "README.md/x.csv"), 2, "cannot be written"),
    ],
)
def test_bad_input_is_one_line_and_a_hint(
    target: str, arguments: tuple[str, ...], code: int, part: str, ask: Asked, tmp_path: Path
) -> None:
    """What cannot be used is refused with the right exit code."""
    (tmp_path / "bare.md").write_text("# a model\n\n- seed: 42\n")
    refused(ask(target, *arguments), code, part)


def test_further_searches_and_the_limit(hub: Any, ask: Asked) -> None:
    """`--search` finds what neither name nor base model does; more than `--limit` are told of."""
    for at in range(6):
        publish(hub, f"u{at}/tiny-issues", card(rows=shifted(0.01 * (at + 1))))
    publish(hub, "x/replica-of-it", card(rows=shifted(0.2)))
    done = ask("README.md", "--search", "replica", "--limit", "3", "--json")
    found = document(done)
    kept = [each["model_id"] for each in found["kept"]]
    assert kept == ["u0/tiny-issues", "u1/tiny-issues", "u2/tiny-issues", "x/replica-of-it"]
    assert [(each["found"], each["more"]) for each in found["queries"]][:1] == [(3, True)]
    assert "more that are not looked at (--limit 3)" in done.stderr


def test_no_more_are_kept_than_a_table_may_have(hub: Any, ask: Asked) -> None:
    """A hundred replicates are kept, which is what the reader takes; the rest is told so."""
    hub.page = 1000
    for at in range(103):
        publish(hub, f"u{at:03}/tiny-issues", card(rows=shifted(0.01 + 0.001 * at)))
    found = document(ask("README.md", "--json"))
    assert len(found["kept"]) == 100
    assert reasons(found) == {f"u{at}/tiny-issues": "more than 100 replicates" for at in (100, 101, 102)}
    assert len(read_replicates(Path(found["csv"]).read_text(), source="peers.csv")) == 100


HOSTILE = (
    "=cmd|' /C calc'!A0/tiny-issues",
    "../../etc/tiny-issues",
    "a/b/c/tiny-issues",
    "x\x1b[31m/tiny-issues",
    "-rf/tiny-issues",
    "\ud800/tiny-issues",
    "u/" + "n" * 5_000 + "tiny-issues",
)


def test_hostile_names_and_cards_do_no_harm(hub: Any, ask: Asked, tmp_path: Path) -> None:
    """Names that are none are left out; of cards no formula, no escape and no path comes through."""
    for name in HOSTILE:
        hub.models[name] = {"siblings": [{"rfilename": "README.md"}]}
    formulas = {"Transformers": "=1+1", "Pytorch": "@A1"}
    text = card(rows=shifted(0.01), versions=formulas, mixed_precision_training="=HYPERLINK(1)")
    publish(hub, "a/tiny-issues", text)
    publish(hub, "b/tiny-issues", card(base="=x\x1b]0;owned\x07/tiny", rows=shifted(0.02)))
    publish(hub, "c/tiny-issues", "\x00\x01binary\udcff")
    publish(hub, "d/tiny-issues", card(rows=[("1" * 400, "1.0", "100", "9" * 5_000)] * 4))
    publish(hub, "e/tiny-issues", "x" * (9 * 2**20))
    publish(hub, "f/tiny-issues", card(rows=shifted(0.03)), sha="../../../../tmp/x")
    hub.facts = {"f/tiny-issues": {"sha": SearchableHub.commit_of(hub, "f/tiny-issues")}}
    done = ask("README.md")
    assert done.returncode == 0, done.stderr
    assert not {character for character in done.stdout + done.stderr if character < " "} - {"\n"}
    found = document(ask("README.md", "--offline", "--json"))
    assert [each["model_id"] for each in found["kept"]] == ["a/tiny-issues", "f/tiny-issues"]
    why = reasons(found)
    assert why["c/tiny-issues"].startswith("its card cannot be read")
    assert why["e/tiny-issues"] == "its card is larger than 8 MiB"
    assert list(why.values()).count("its name is none of the Hub's") == len(HOSTILE)
    assert not any(line.startswith("GET /e/tiny") for line in hub.asked)
    cells = [cell for line in csv.reader(Path(found["csv"]).read_text().splitlines()) for cell in line]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {"peers"}


def test_a_hub_that_asks_for_patience_gets_it(hub: Any, ask: Asked) -> None:
    """A search that is refused once for its rate is asked again by the client, and goes through."""
    publish(hub, "a/tiny-issues", card(rows=shifted(0.01)))
    hub.refusing.append((429, {"Retry-After": "0"}))
    assert [each["model_id"] for each in document(ask("README.md", "--json"))["kept"]] == ["a/tiny-issues"]


def test_a_hub_that_goes_on_refusing_is_said_plainly(hub: Any, ask: Asked) -> None:
    """Where the Hub keeps asking for fewer requests, the error says so, with exit code 5."""
    hub.refusing.extend([(429, {"Retry-After": "0"})] * 6)
    refused(ask("README.md"), 5, "fewer requests (429)")


def test_a_hub_that_refuses_while_cards_are_read_is_no_result(hub: Any, ask: Asked) -> None:
    """Half a collection is none: where the Hub asks for fewer requests nothing is kept, with exit code 5."""
    publish(hub, "a/tiny-issues", card(rows=shifted(0.01)))
    publish(hub, "b/tiny-issues", card(rows=shifted(0.02)))
    hub.broken["b/tiny-issues"] = 429
    refused(ask("README.md"), 5, "fewer requests (429)")
    refused(ask("README.md", "--offline"), 5, "no replicates were collected before")


def test_a_repository_that_is_broken_is_left_out(hub: Any, ask: Asked) -> None:
    """A model whose card the Hub refuses, or whose commit is gone, is left out; the others are kept."""
    publish(hub, "a/tiny-issues", card(rows=shifted(0.01)))
    publish(hub, "b/tiny-issues", card(rows=shifted(0.02)))
    publish(hub, "c/tiny-issues", card(rows=shifted(0.03)), sha="d" * 40)
    publish(hub, "d/tiny-issues", None, siblings=None)
    hub.broken["b/tiny-issues"] = 403
    found = document(ask("README.md", "--json"))
    assert [each["model_id"] for each in found["kept"]] == ["a/tiny-issues"]
    assert reasons(found) == {
        "b/tiny-issues": "the Hub answered 403",
        "c/tiny-issues": "no such revision",
        "d/tiny-issues": "no such repository on the Hub, or a private one",
    }


def test_a_replicate_with_exchanged_columns_is_noted(hub: Any, ask: Asked) -> None:
    """A replicate whose own table is suspect says so in its note, so that nobody takes it on trust."""
    folder = find_case("issues-128")
    assert folder is not None
    text = (folder / "card.md").read_text().replace("2.1003", "2.1004")
    publish(hub, "a/bert-base-uncased-issues-128", text)
    (kept,) = document(ask("issues-128", "--json"))["kept"]
    assert kept["note"] == "its loss columns look exchanged (RT210)"


def test_ctrl_c_stops_it(hub: Any, ask: Asked, tmp_path: Path) -> None:
    """Ctrl-C while cards are read ends it soon, with its exit code, and keeps no half of a collection."""
    for at in range(400):
        publish(hub, f"u{at:03}/tiny-issues", card(rows=shifted(0.001 * at)))
    hub.page = 1000
    command = [sys.executable, "-m", "repro", "peers", "README.md", "--limit", "1000"]
    homes = {"HF_HOME": str(tmp_path / "hf"), "REPRO_CACHE_DIR": str(tmp_path / "cache")}
    environ = {**os.environ, "HF_ENDPOINT": hub.address, **homes}
    with subprocess.Popen(command, cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("50 of "):
                process.send_signal(signal.SIGINT)
                break
        said = process.stderr.read()
        assert process.wait(60) == 130
    assert [line.partition(";")[0] for line in said.splitlines()[-2:]] == [
        "stopped",
        "hint: the same command fetches only the cards that it has not yet",
    ]
    assert "Traceback" not in said
    assert not (tmp_path / "cache").exists()


def test_an_answer_that_is_none_is_an_error(hub: Any, ask: Asked) -> None:
    """What answers a search with something else than models is said to be no Hub."""
    hub.refusing.append((200, {}))
    refused(ask("README.md"), 5, "no Hub")


def test_the_text_is_for_people(hub: Any, ask: Asked) -> None:
    """Without `--json` there is a table of what was kept, and a line for each model that was left out."""
    publish(hub, "a/tiny-issues", card(rows=shifted(0.01)))
    publish(hub, "b/tiny-issues", card(num_epochs="3"))
    done = ask("README.md", "--out", "table.csv")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    commit = SearchableHub.commit_of(hub, "a/tiny-issues")[:8]
    assert lines[0].startswith("1 replicate, 1 left out (20")
    assert f"a/tiny-issues {commit} 4.21.2 1.13.0+cu117 4.0 1.372 1.4140 A2" in lines
    assert any(line.startswith("b/tiny-issues ") and line.endswith(" epochs 3, not 4") for line in lines)
    assert lines[-1] == "table: table.csv"
    assert "of 2 cards read" in done.stderr


def test_the_rows_of_the_samples_are_the_published_ones() -> None:
    """The samples' own table is a curve that the tests can shift."""
    assert [float(row[3]) + 0.5 for row in ROWS] == [float(row[3]) for row in shifted(0.5)]

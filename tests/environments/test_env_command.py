"""`repro env` on any card: exit codes, one line and one hint, and locks that are made once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from wheelhouse import House

from repro.cases import loader
from repro.environments import cache_folder, registry
from repro.errors import NetworkFailed
from repro.records.codec import to_json
from repro.records.environment import Environment
from repro.workflows import environment_of

VERSIONS = {"Transformers": "4.31.0", "Pytorch": "2.0.1+cu118", "Datasets": "2.14.4", "Tokenizers": "0.13.3"}
PUBLISHED = {
    "transformers": "4.21.2", "torch": "1.13.0", "datasets": "2.7.1", "tokenizers": "0.12.1",
    "scikit-multilearn": "0.2.0", "scikit-learn": "1.1.3",
}  # fmt: skip
Said = subprocess.CompletedProcess[str]


@pytest.fixture
def house(index: House) -> House:
    index.add("transformers", "4.31.0", uploaded="2023-07-18T20:00:00Z")
    index.add("torch", "2.0.1", uploaded="2023-05-08T12:00:00Z")
    index.add("tokenizers", "0.13.3", uploaded="2023-04-05T12:00:00Z")
    index.add("datasets", "2.14.4", uploaded="2023-07-20T12:00:00Z")
    index.add("accelerate", "0.21.0", uploaded="2023-07-13T12:00:00Z")
    index.add("accelerate", "0.25.0", uploaded="2023-12-01T12:00:00Z")
    return index


@pytest.fixture
def card(tmp_path: Path) -> Callable[..., Path]:
    """Write a card that prints versions."""

    def write(**changes: str) -> Path:
        lines = "".join(f"- {name} {text}\n" for name, text in (VERSIONS | changes).items())
        path = tmp_path / "card.md"
        path.write_text(f"# m\n\n### Framework versions\n\n{lines}", encoding="utf-8")
        return path

    return write


def env(*arguments: str | Path, verb: str = "env") -> Said:
    """Run the command as a user does."""
    command = [sys.executable, "-m", "repro", verb, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


def refused(said: Said, code: int, *parts: str) -> None:
    """One line for the error, one for its hint, nothing on standard output."""
    assert said.returncode == code, said.stderr
    assert said.stdout == ""
    assert "Traceback" not in said.stderr
    error, hint = said.stderr.strip().splitlines()[-2:]
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    for part in parts:
        assert part in error + hint


def test_a_locked_card_asks_nobody(
    house: House, card: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card that was locked before is answered from the cache: no request, no uv, the same answer."""
    path = str(card())
    first = environment_of(path)
    house.requests.clear()
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")

    def no_process(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", no_process)
    assert environment_of(path) == first
    assert house.requests == []


@pytest.mark.parametrize("suffix", [".json", ".lock"])
@pytest.mark.parametrize("damage", ["half", "another byte", "gone", "no text"])
def test_a_damaged_lock_in_the_cache_is_made_anew(
    house: House, card: Callable[..., Path], suffix: str, damage: str
) -> None:
    """A lock or record in the cache that is not whole is none: the same lock is made again, and kept."""
    path = str(card())
    first = environment_of(path)
    (file,) = (cache_folder() / "locks").glob(f"*{suffix}")
    data = file.read_bytes()
    match damage:
        case "half":
            file.write_bytes(data[: len(data) // 2])
        case "another byte":
            at = data.index(b"sha256") + 10
            file.write_bytes(data[:at] + (b"0" if data[at : at + 1] != b"0" else b"1") + data[at + 1 :])
        case "gone":
            file.unlink()
        case "no text":
            file.write_bytes(b"\xff\x00")
    assert environment_of(path)[1] == first[1]
    assert file.read_bytes() == data


def test_a_lock_of_a_case_that_was_changed_is_refused(tmp_path: Path) -> None:
    """A case whose lock is not the one of its record is bad input for every verb that takes the lock."""
    shutil.copytree(Path(loader.__file__).parent, tmp_path / "cases")
    lock = tmp_path / "cases" / "issues-128" / "environment.lock"
    lock.write_text(lock.read_text().replace("sha256:0", "sha256:1", 1))
    case = tmp_path / "cases" / "demo"
    for options in ("--lock-only", "--offline", "--format=requirements", f"--kit={tmp_path / 'kit'}"):
        refused(env(case, options), 2, "is not the one that its record was made with", "--relock")
    refused(env(case, "--out", tmp_path / "out", verb="run"), 2, "is not the one that its record")
    assert not (tmp_path / "kit").exists()
    assert not (tmp_path / "out").exists()


def test_another_question_is_another_lock(house: House, card: Callable[..., Path]) -> None:
    """A stream that is asked for is not answered with the lock of the other one, in either order."""
    path = str(card())
    found = [environment_of(path, stream=stream)[0] for stream in (None, "C", "B", None, "C")]
    assert [one.stream for one in found] == ["B", "C", "B", "B", "C"]


def test_inferred_packages_and_notes_are_shown(house: House, card: Callable[..., Path]) -> None:
    """What nobody documented is marked as inferred, for people and for machines."""
    path = card()
    said = env(path, "--lock-only")
    assert said.returncode == 0, said.stderr
    assert "accelerate     inferred" in said.stdout
    assert "decides the random stream" in said.stdout
    assert "deviation: torch build" in said.stdout
    record = json.loads(env(path, "--lock-only", "--json").stdout)
    assert record["schema"] == "repro.environment/1"
    assert list(record["inferred"]) == ["accelerate"]
    assert record["attempts"] == [
        {"moment": "2023-08-03T12:00:00Z", "python": "3.11", "instead": {}, "outcome": "locked"}
    ]


def test_the_stream_can_be_chosen(house: House, card: Callable[..., Path]) -> None:
    """`--stream C` locks the accelerate that gives it; where the versions decide, another one is refused."""
    said = env(card(), "--lock-only", "--json", "--stream", "C")
    assert (json.loads(said.stdout)["stream"], said.returncode) == ("C", 0)
    refused(env("demo", "--lock-only", "--stream", "B"), 2, "transformers 4.21.2 has stream A2")
    refused(env(card(), "--lock-only", "--stream", "D"), 2, "--stream")


def test_a_build_of_pytorchs_index_is_not_exported(tmp_path: Path) -> None:
    """Exports and kits have the registry's files: another build is refused before any is made."""
    for options in ("--format=requirements", "--format=pylock", f"--kit={tmp_path / 'kit'}"):
        refused(
            env("demo", options, "--torch-backend", "cu117"), 2, "--torch-backend cu117", "--torch VERSION"
        )
    assert not (tmp_path / "kit").exists()


def test_a_run_passes_both_on(house: House, tmp_path: Path) -> None:
    """`repro run` refuses a stream that its versions cannot have, before anything is asked for or trained."""
    refused(env("demo", "--stream", "B", verb="run"), 2, "transformers 4.21.2 has stream A2")
    case = tmp_path / "cases" / "demo"
    shutil.copytree(Path(loader.__file__).parent, case.parent)
    card = case / "card.md"
    card.write_text(card.read_text().replace("Pytorch 1.13.0+cu117", "Pytorch 1.13.0+cu116"))
    for package, version in PUBLISHED.items():
        house.add(package, version, uploaded="2022-11-20T12:00:00Z")
    refused(env(case, "--strict", "--out", tmp_path / "out", verb="run"), 3, "torch build", "1.13.0+cu116")
    assert not (tmp_path / "out").exists()


def test_strict_refuses_what_is_not_as_documented(house: House, card: Callable[..., Path]) -> None:
    """Under `--strict` another build and another version are errors, also from the cache; exact ones pass."""
    for _ in range(2):
        refused(env(card(), "--lock-only", "--strict"), 3, "torch build", "2.0.1+cu118")
    development = card(Pytorch="2.0.1", Transformers="4.31.0.dev0")
    assert env(development, "--lock-only").returncode == 0
    refused(env(development, "--lock-only", "--strict"), 3, "4.31.0.dev0", "development version")
    assert env(card(Pytorch="2.0.1"), "--lock-only", "--strict").returncode == 0


def test_attempts_are_shown_where_asked_for(house: House, card: Callable[..., Path]) -> None:
    """A lock that took several attempts says so; `--verbose` shows each; an error names the conflict only."""
    house.add("transformers", "4.32.0", uploaded="2023-08-22T12:00:00Z")
    house.pages["datasets"].clear()
    house.add("datasets", "2.14.4", uploaded="2023-07-20T12:00:00Z", requires=("xxhash",))
    house.add("xxhash", "3.3.0", uploaded="2023-08-10T12:00:00Z")
    path = card()
    assert "3 in vain before this one" in env(path, "--lock-only").stdout
    shown = env(path, "--lock-only", "--verbose").stdout
    assert shown.count("\nattempt ") == 4
    assert "as of 2023-08-22T12:00:00Z, Python 3.11: locked" in shown
    del house.pages["xxhash"]
    path = card(Pytorch="2.0.1")
    refused(env(path, "--lock-only"), 3, "datasets 2.14.4 cannot be had", "xxhash", "2023-08-22 (Python 3.11")
    assert env(path, "--lock-only", "--verbose").stderr.count("\nas of 2023-08-") == 6


@pytest.mark.parametrize("text", ["4.31.0 --index-url=http://127.0.0.1:9/", "4.31.0@evil", "4.31.0\\n-r x"])
def test_hostile_versions_are_refused(house: House, card: Callable[..., Path], text: str) -> None:
    """A card's version can neither run anything nor point anywhere: it is refused, and nobody is asked."""
    refused(env(card(Transformers=text), "--lock-only"), 2, "transformers: not a version")
    assert house.requests == []


@pytest.mark.parametrize("text", ["4.31.0; rm -rf", "4.31.0; python_version < '3'", "4.31.0, -r x"])
def test_what_stands_behind_a_version_goes_nowhere(
    house: House, card: Callable[..., Path], text: str
) -> None:
    """The version is documented, and nothing behind it reaches record, lock or registry."""
    environment, lock = environment_of(str(card(Transformers=text)))
    assert environment.documented["transformers"] == environment.locked["transformers"] == "4.31.0"
    assert text.partition("4.31.0")[2].lstrip(";, ") not in lock + to_json(environment)
    asked = {path.split("/")[2] for path in house.requests}
    assert {name.partition("-")[0] for name in asked} == {*environment.locked}


@pytest.mark.parametrize("text", ["../..", "9" * 10_000, "$(id)", "--index-url=http://127.0.0.1:9/"])
def test_what_no_reader_takes_for_a_version_is_not_documented(
    house: House, card: Callable[..., Path], text: str
) -> None:
    """A text that does not look like a version at all is no claim: the package is inferred, and marked so."""
    environment, lock = environment_of(str(card(Transformers=text)))
    assert "transformers" not in environment.documented
    assert "transformers" in environment.inferred
    assert text not in lock


@pytest.mark.parametrize(
    ("status", "content_type", "word"),
    [
        (500, "text/plain", "answered 500"),
        (503, "text/html", "answered 503"),
        (200, "text/html", "is not JSON"),
    ],
)
def test_a_registry_in_trouble(
    house: House, card: Callable[..., Path], status: int, content_type: str, word: str
) -> None:
    """A registry that answers 500, or with a page to sign in instead of JSON: exit code 5."""
    house.status, house.content_type = status, content_type
    refused(env(card(), "--lock-only"), 5, word, "bundled cases carry their lock")


def test_no_network(house: House, card: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network a new lock is exit code 5."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    refused(env(card(), "--lock-only"), 5, "cannot be reached")


def test_a_registry_that_does_not_answer(
    house: House, card: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A registry that accepts the connection and says nothing ends in a network error, not in waiting."""
    house.delay = 600.0
    monkeypatch.setattr(registry, "TIMEOUT", (10.0, 0.3))
    with pytest.raises(NetworkFailed, match="did not answer in time"):
        environment_of(str(card()))


def test_a_registry_that_falls_silent_while_locking(
    house: House, card: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A registry that breaks down between the versions and the closure is a network error as well."""
    house.failing = "/simple/accelerate/"
    refused(env(card(), "--lock-only"), 5, "bundled cases carry their lock")


def test_an_earlier_record_can_be_read(house: House, card: Callable[..., Path]) -> None:
    """A record without what is new (inferred, attempts, notes) is read as before."""
    environment, _ = environment_of("demo")
    assert isinstance(environment, Environment)
    assert (environment.inferred, environment.attempts, environment.notes) == ({}, (), ())


def test_the_variables_of_the_shell_change_nothing(
    house: House, card: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A constraint or a cutoff that the user has set for another project does not reach the lock."""
    (tmp_path / "constraint.txt").write_text("accelerate<0.1\n", encoding="utf-8")
    monkeypatch.setenv("UV_CONSTRAINT", str(tmp_path / "constraint.txt"))
    monkeypatch.setenv("UV_EXCLUDE_NEWER", "2020-01-01T00:00:00Z")
    assert os.environ["UV_CONSTRAINT"]
    assert environment_of(str(card()))[0].locked["accelerate"] == "0.21.0"

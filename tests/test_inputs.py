"""Model and data are verified before they are used, and what is missing is named."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from loopback import Files, serving

from repro import inputs
from repro.cases import LoadedCase, load_case
from repro.cases.synthetic import git_blob
from repro.errors import BadInput, NetworkFailed

DATA = b'{"title": "a", "body": "b", "labels": []}\n'
WEIGHTS = b"weights"


def case_with(urls: tuple[str, ...] = ()) -> LoadedCase:
    """The published case, pinned to small files instead of the real ones."""
    case = load_case("issues-128")
    change = msgspec.structs.replace
    model = change(case.case.model, files={"weights.bin": hashlib.sha256(WEIGHTS).hexdigest()})
    data = change(case.case.data, git_blob=git_blob(DATA), urls=urls)
    return replace(case, case=change(case.case, model=model, data=data))


def prepare(
    case: LoadedCase,
    cache: Path,
    model: Path | None,
    data: Path | None,
    *,
    rehearse: bool = False,
    accept: bool = False,
) -> inputs.Inputs:
    return inputs.prepare(
        case,
        inputs.hand_over(model, data),
        cache,
        rehearse=rehearse,
        accept_other_model=accept,
        accept_other_data=accept,
    )


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(WEIGHTS)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "issues.jsonl"
    path.write_bytes(DATA)
    return path


def test_the_pinned_files_are_taken_without_a_deviation(model: Path, data: Path, cache: Path) -> None:
    """A model and a data file with the pinned digests are as good as downloaded ones."""
    found = prepare(case_with(), cache, model, data)
    assert (found.data, found.git_blob, found.deviations) == (data, git_blob(DATA), ())
    assert found.model["path"] == str(model)


def test_other_data_are_refused_unless_accepted(model: Path, data: Path, cache: Path) -> None:
    """A file with another blob id is refused by both ids; accepted it is a deviation."""
    data.write_bytes(DATA + b"\n")
    with pytest.raises(BadInput) as caught:
        prepare(case_with(), cache, model, data)
    assert git_blob(DATA) in caught.value.message
    assert git_blob(DATA + b"\n") in caught.value.message
    assert "--accept-other-data" in caught.value.hint
    found = prepare(case_with(), cache, model, data, accept=True)
    assert [each.what for each in found.deviations] == ["data"]


def test_another_model_is_refused_unless_accepted(model: Path, data: Path, cache: Path) -> None:
    """Weights with another digest are refused by name, missing ones too; accepted they are a deviation."""
    (model / "weights.bin").write_bytes(b"others")
    with pytest.raises(BadInput, match=r"weights\.bin: SHA-256 .* the case pins SHA-256"):
        prepare(case_with(), cache, model, data)
    (model / "weights.bin").rename(model / "other.bin")
    with pytest.raises(BadInput, match="is missing"):
        prepare(case_with(), cache, model, data)
    found = prepare(case_with(), cache, model, data, accept=True)
    assert [each.what for each in found.deviations] == ["model"]


def test_missing_paths_are_bad_input(tmp_path: Path) -> None:
    """A folder or file that is not there is named."""
    with pytest.raises(BadInput, match="none"):
        inputs.hand_over(tmp_path / "none", None)
    with pytest.raises(BadInput, match="none"):
        inputs.hand_over(None, tmp_path / "none")


def test_both_missing_things_are_named(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither Hub nor data host answers, one error names revision and blob, and both ways out."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    case = load_case("issues-128")
    data = msgspec.structs.replace(case.case.data, urls=("http://127.0.0.1:9/issues.jsonl",))
    case = replace(case, case=msgspec.structs.replace(case.case, data=data))
    with pytest.raises(NetworkFailed) as caught:
        prepare(case, cache, None, None)
    assert caught.value.exit_code == 5
    assert (
        "google-bert/bert-base-uncased at revision 86b5e0934494bd15c9632b12f734a8a67f723594"
        in caught.value.message
    )
    assert "git blob b5836716b77683e84a9622011bac99f650ed0281" in caught.value.message
    assert "--model FOLDER" in caught.value.hint
    assert "--data FILE" in caught.value.hint


def test_downloaded_data_are_verified(model: Path, cache: Path) -> None:
    """A host that serves something else is passed over; the right file is kept and not fetched again."""

    class Host(Files):
        content = {"/wrong": DATA + b"x", "/right": DATA}  # noqa: RUF012
        failing = {"/down": 503}  # noqa: RUF012

    with serving(Host) as address:
        only_wrong = case_with((f"{address}/down", f"{address}/wrong"))
        with pytest.raises(NetworkFailed, match="not the pinned file"):
            prepare(only_wrong, cache, model, None)
        assert not list((cache / "data").glob("*/*"))
        urls = (f"{address}/down", f"{address}/wrong", f"{address}/right")
        found = prepare(case_with(urls), cache, model, None)
    assert found.data.read_bytes() == DATA
    assert found.origin.endswith("/right")
    assert prepare(case_with(urls), cache, model, None).origin == "downloaded earlier"


def test_a_file_that_changed_in_the_cache_is_not_trusted(cache: Path, model: Path) -> None:
    """Synthetic data that were touched in the cache are made again."""
    demo = load_case("demo")
    path = prepare(demo, cache, None, None).data
    path.write_bytes(b"other")
    assert git_blob(prepare(demo, cache, None, None).data.read_bytes()) == demo.case.data.git_blob


def test_a_rehearsal_needs_nothing_from_outside(cache: Path) -> None:
    """A rehearsal has stand-ins of the same shape and sizes, and says what they stand in for."""
    found = prepare(load_case("issues-128"), cache, None, None, rehearse=True)
    assert {each.what for each in found.deviations} == {"model", "data"}
    assert len(Path(found.model["vocabulary"]).read_text().splitlines()) == 30522
    assert len(set(found.data.read_text().splitlines())) > 9743


def test_a_case_without_stand_ins_says_so(cache: Path) -> None:
    """A rehearsal of a case that gives no shape to initialise is bad input with a way out."""
    case = load_case("issues-128")
    bare = msgspec.structs.replace(case.case.model, config=None)
    with pytest.raises(BadInput) as caught:
        prepare(
            replace(case, case=msgspec.structs.replace(case.case, model=bare)),
            cache,
            None,
            None,
            rehearse=True,
        )
    assert "--model" in caught.value.hint

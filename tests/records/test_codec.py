"""Records are validated at the border, and files are written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.errors import BadInput
from repro.records.case import Case
from repro.records.claims import Audit, Cell, Claim, Claims, decimal
from repro.records.codec import from_json, from_toml, json_schema, read_text, to_json, write_atomic
from repro.records.run import Epoch, Run
from repro.workflows import schemas

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
values = st.one_of(
    st.none(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), texts
)
claims = st.builds(
    Claims,
    name=st.none() | texts,
    hyperparameters=st.dictionaries(
        texts, st.builds(Claim, text=texts, value=values, line=st.integers(1, 10**6)), max_size=4
    ),
)


@given(claims)
def test_what_is_written_is_read_back(written: Claims) -> None:
    """A record survives JSON unchanged, and its JSON fits the schema that `repro schema` prints."""
    audit = Audit(target="x", kind="trainer", claims=written)
    text = to_json(audit)
    assert from_json(text, Audit, source="x") == audit
    jsonschema.validate(json.loads(text), json_schema(Audit))


@pytest.mark.parametrize("name", sorted(schemas()))
def test_every_document_has_a_valid_schema(name: str) -> None:
    """Each schema that `repro schema` prints is itself valid JSON Schema."""
    jsonschema.Draft202012Validator.check_schema(json_schema(schemas()[name]))


def test_a_wrong_type_names_file_key_expected_and_found() -> None:
    """A case with a wrong type says in one line which file, which key, what was expected and found."""
    with pytest.raises(BadInput) as caught:
        from_toml('title = "x"\n[model]\nid = 3\n', Case, source="mine/case.toml")
    assert caught.value.message == "mine/case.toml: model.id: expected str, found int"


@pytest.mark.parametrize(
    ("text", "part"),
    [("{", "not JSON"), ("[]", "expected object, found array"), ('{"schema": "other/1"}', "schema")],
)
def test_a_broken_record_is_bad_input(text: str, part: str) -> None:
    """Broken JSON, another document and a missing key are one line, never another exception."""
    with pytest.raises(BadInput) as caught:
        from_json(text, Run, source="run.json")
    assert part in caught.value.message
    assert "\n" not in caught.value.message


def test_a_loss_that_is_no_number_is_read_by_its_name() -> None:
    """What is not finite stands in JSON as a word that `float` reads, and other words are refused."""
    epoch = from_json('{"epoch": 1, "step": 2, "validation_loss": "nan"}', Epoch, source="x")
    assert epoch.validation_loss == "nan"
    with pytest.raises(BadInput):
        from_json('{"epoch": 1, "step": 2, "validation_loss": "high"}', Epoch, source="x")


@pytest.mark.parametrize(
    ("text", "printed"), [("1.4100", "1.4100"), ("1e-05", "0.00001"), ("No log", None), ("nan", None)]
)
def test_the_exact_decimal_is_kept(text: str, printed: str | None) -> None:
    """`decimal` keeps trailing zeros and gives None where no finite number is printed."""
    found = decimal(text)
    assert (None if found is None else f"{found:f}") == printed


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    """A write below a file fails with one line, and an earlier file keeps its content."""
    path = tmp_path / "run.json"
    write_atomic(path, "old")
    with pytest.raises(BadInput, match="cannot be written"):
        write_atomic(path / "deeper.json", "new")
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize(("content", "part"), [(None, "no such file"), (b"\xff\xfe\x00", "not UTF-8")])
def test_an_unreadable_file_says_why(tmp_path: Path, content: bytes | None, part: str) -> None:
    """A missing file and one that is no text are told apart."""
    path = tmp_path / "card.md"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=part):
        read_text(path)
    with pytest.raises(BadInput, match="is a folder"):
        read_text(tmp_path)


def test_cells_are_what_they_say() -> None:
    """A cell without a value stays null in JSON instead of vanishing."""
    assert json.loads(to_json(Cell(text="No log"))) == {"text": "No log", "value": None}

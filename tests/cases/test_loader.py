"""Cases are read whole, and what is wrong with one is said in one line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from repro.cases import bundled, load_case
from repro.errors import BadInput

PUBLISHED = Path(__file__).parents[2].parent / "shared" / "facts" / "published-issues-128.md"


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A copy of the demo with everything in its own folder."""
    from repro.cases import loader

    shutil.copytree(Path(loader.__file__).parent, tmp_path / "cases")
    return tmp_path / "cases" / "demo"


def test_the_bundled_cases() -> None:
    """Both bundled cases load, document the same four versions, and carry one and the same lock."""
    assert bundled() == ("demo", "issues-128")
    demo, published = load_case("demo"), load_case("issues-128")
    assert demo.locked is not None
    assert demo.locked == published.locked
    assert demo.locked[0].documented == {
        "transformers": "4.21.2",
        "torch": "1.13.0+cu117",
        "datasets": "2.7.1",
        "tokenizers": "0.12.1",
    }
    for each in (demo, published):
        assert {name: claim.text for name, claim in each.card.claims.versions.items()} == each.locked[
            0
        ].documented  # type: ignore[index]


def test_the_published_claims_are_as_printed() -> None:
    """The card of issues-128 holds the published table cell by cell, the exchanged columns included."""
    if not PUBLISHED.exists():
        pytest.skip("the published facts are not here")
    lines = PUBLISHED.read_text().splitlines()
    start = lines.index("|---|---|---|---|") + 1
    printed = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start : start + 16]]
    table = load_case("issues-128").card.claims.results
    assert table is not None
    assert [[cell.text for cell in row.cells] for row in table.rows] == printed


def test_everything_the_card_does_not_say_is_an_assumption() -> None:
    """What the published description leaves out stands in the case with a value and a reason."""
    assumptions = {each.what: each for each in load_case("issues-128").case.assumptions}
    assert {
        "data set",
        "training and evaluation split",
        "sequence length",
        "masking",
        "starting weights",
        "precision",
        "number of devices",
        "weight decay, gradient clipping, warm-up",
    } <= set(assumptions)
    assert all(each.value and each.reason for each in assumptions.values())


def test_the_digest_changes_with_every_file(case: Path) -> None:
    """Another byte in case, card, recipe, configuration or vocabulary is another case."""
    seen = {load_case(str(case)).digest}
    files = ("case.toml", "card.md", "../issues-128/data.py", "model/config.json", "model/vocab.txt")
    for name in files:
        path = case / name
        path.write_text(path.read_text() + "\n")
        seen.add(load_case(str(case)).digest)
    assert len(seen) == 1 + len(files)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("sequence_length = 64", 'sequence_length = "64"', "task.sequence_length: expected int, found str"),
        ("mask_probability = 0.15", "", "task: object missing required field `mask_probability`"),
        (
            "seed = 7\n\n[task]",
            "seed = 7\ncolour = 1\n\n[task]",
            "model: object contains unknown field `colour`",
        ),
        ("[model]", "[model", "not TOML"),
        ('vocabulary = "model/vocab.txt"\n', "", "model: expected repository and revision, or config"),
        ('card = "card.md"', 'card = "no.md"', "no.md: no such file"),
        ('"model/config.json"', '"model/none.json"', "model/none.json cannot be read"),
    ],
)
def test_a_wrong_case_says_file_key_expected_and_found(case: Path, old: str, new: str, message: str) -> None:
    """A wrong type, a missing or unknown key and a missing file are one line that says where."""
    path = case / "case.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(BadInput) as caught:
        load_case(str(case))
    assert message in caught.value.message
    assert "demo/" in caught.value.message
    assert "\n" not in caught.value.message


def test_an_unknown_case_names_those_there_are() -> None:
    """A name that is no case is refused with the names of the bundled ones."""
    with pytest.raises(BadInput) as caught:
        load_case("dmeo")
    assert "demo, issues-128" in caught.value.hint

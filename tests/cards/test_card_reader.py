"""What holds for `read_card` on any text, on generated cards and on the published run."""

from __future__ import annotations

from pathlib import Path

import pytest
from card_generator import Card, trainer_cards
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.cards import read_card
from repro.errors import BadInput
from repro.records.claims import Audit, Claims
from repro.records.codec import from_json, to_json

DATA = Path(__file__).parent / "data"

#: The published table, typed from the publication.
PUBLISHED = """
2.1003 1.0 291 1.6578
1.6211 2.0 582 1.4140
1.4964 3.0 873 1.3040
1.4100 4.0 1164 1.3011
1.3360 5.0 1455 1.3095
1.2862 6.0 1746 1.3739
1.2743 7.0 2037 1.2043
1.2019 8.0 2328 1.1701
1.2696 9.0 2619 1.1498
1.2507 10.0 2910 1.1194
1.1398 11.0 3201 1.1094
1.1309 12.0 3492 1.0913
1.0740 13.0 3783 1.0683
1.1201 14.0 4074 1.0607
1.1690 15.0 4365 1.0558
1.0940 16.0 4656 1.0940
"""

# Pieces that steer random text into the readers' branches.
PIECES = st.sampled_from(
    [
        "---", "\n", "\r", "|", "|---|---|", "```", "~~~", "<!--", "-->", "# ", ": ", "=", "- ", "• ", "**",
        "### Training results\n", "| Epoch | Step |\n|---|---|\n", "nan", "1e999", "9" * 30,
        "### Training hyperparameters\n", "The following hyperparameters were used during training:\n",
        "- optimizer: Use x and the args are:\n", "### Framework versions\n", "- Transformers 4.6",
        "It achieves the following results on the evaluation set:\n", "tags: [generated_from_trainer]\n",
        "model-index:\n- name: x", "&a ", "*a", "!!python/name:os ", "{", "[", "'",
        " is a fine-tuned version of [x](y) on the ", " datasets.",
        "\ud800", "\x00", "\u2028", "\x0c", "\ufeff",
    ]
)  # fmt: skip
TEXTS = st.text() | st.lists(PIECES | st.text(max_size=5), max_size=40).map("".join)


@settings(max_examples=400)
@given(TEXTS)
def test_any_text_is_read_or_refused_as_empty(text: str) -> None:
    """Any text gives claims that survive JSON, or BadInput where there is nothing in it."""
    try:
        card = read_card(text, target="card.md")
    except BadInput:
        assert not text.replace("\ufeff", "").strip()
    else:
        audit = Audit(target="card.md", kind=card.kind, claims=card.claims)
        assert from_json(to_json(audit), Audit, source="test") == audit


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(trainer_cards())
def test_generated_card_is_recovered_exactly(card: Card) -> None:
    """Every hyperparameter, version, headline metric and cell comes back as the Trainer printed it."""
    audit = read_card(card.text, target="card.md")
    claims = audit.claims
    assert audit.kind == ("peft" if "peft" in card.versions else "trainer")
    assert claims.name == card.name
    assert claims.base_model == card.base_model
    assert claims.datasets == card.datasets
    assert {k: (c.text, c.value) for k, c in claims.hyperparameters.items()} == card.hyperparameters
    assert {k: c.text for k, c in claims.versions.items()} == card.versions
    assert {k: (c.text, c.value) for k, c in claims.evaluation.items()} == card.evaluation
    assert (claims.results is not None) == bool(card.header)
    if claims.results:
        assert (claims.results.header, claims.results.columns) == (card.header, card.columns)
        assert [[(c.text, c.value) for c in row.cells] for row in claims.results.rows] == card.rows
    assert claims.tables == ()


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(trainer_cards())
def test_lines_point_at_the_printed_text(card: Card) -> None:
    """The line of every claim and row, counted in the whole file, holds what was read there."""
    lines = card.text.replace("\r\n", "\n").split("\n")
    claims = read_card(card.text, target="card.md").claims
    for group in (claims.hyperparameters, claims.versions, claims.evaluation):
        for claim in group.values():
            assert claim.text.split("\n")[0] in lines[claim.line - 1]
    for row in claims.results.rows if claims.results else ():
        assert all(cell.text in lines[row.line - 1] for cell in row.cells)


def published() -> Claims:
    return read_card((DATA / "issues-128.md").read_text("utf-8"), target="issues-128.md").claims


def test_published_table_is_read_exactly() -> None:
    """The published table comes back cell by cell, trailing zeros and the suspicious last row included."""
    results = published().results
    assert results is not None
    assert results.header == ("Training Loss", "Epoch", "Step", "Validation Loss")
    assert results.columns == ("training_loss", "epoch", "step", "validation_loss")
    expected = [line.split() for line in PUBLISHED.strip().splitlines()]
    assert [[cell.text for cell in row.cells] for row in results.rows] == expected
    assert [[cell.value for cell in row.cells] for row in results.rows] == [
        [float(loss), float(epoch), int(step), float(validation)]
        for loss, epoch, step, validation in expected
    ]
    assert [row.line for row in results.rows] == list(range(32, 48))


def test_published_claims_are_read_exactly() -> None:
    """Hyperparameters, versions and headline of the published run come back with text, value and line."""
    claims = published()
    assert (claims.name, claims.base_model) == ("bert-base-uncased-issues-128", "bert-base-uncased")
    assert (claims.datasets, claims.license, claims.task) == ((), None, None)
    assert [(name, c.text, c.value, c.line) for name, c in claims.hyperparameters.items()] == [
        ("learning_rate", "5e-05", 5e-05, 20),
        ("train_batch_size", "32", 32, 21),
        ("eval_batch_size", "8", 8, 22),
        ("seed", "42", 42, 23),
        ("optimizer", *["Adam with betas=(0.9,0.999) and epsilon=1e-08"] * 2, 24),
        ("lr_scheduler_type", "linear", "linear", 25),
        ("num_epochs", "16", 16, 26),
    ]
    assert [(name, c.text, c.line) for name, c in claims.versions.items()] == [
        ("transformers", "4.21.2", 52),
        ("torch", "1.13.0+cu117", 53),
        ("datasets", "2.7.1", 54),
        ("tokenizers", "0.12.1", 55),
    ]
    assert [(name, c.text, c.value, c.line) for name, c in claims.evaluation.items()] == [
        ("loss", "1.0940", 1.094, 13)
    ]


@pytest.mark.parametrize("text", ["", "\n\n", " \t\r\n", "\ufeff", "\ufeff\n "])
def test_empty_card_is_refused_by_name(text: str) -> None:
    """An empty card is BadInput; the message names the target and there is a hint."""
    with pytest.raises(BadInput, match=r"^user/model: the card is empty$") as caught:
        read_card(text, target="user/model")
    assert caught.value.hint


@pytest.mark.parametrize("line_end", ["", "\n"])
@pytest.mark.parametrize("character", [*"|->[", "|-", "<!--", "&a ", "```", "**"])
def test_ten_megabytes_of_one_mark_are_read(character: str, line_end: str) -> None:
    """A card of ten million characters, in one line or in many, is read and states nothing."""
    per_line = 100 if line_end else 1
    text = "---\n" + (character * per_line + line_end) * (10_000_000 // len(character * per_line + line_end))
    claims = read_card(text, target="card.md").claims
    assert claims == Claims(tables=claims.tables)


def test_json_is_what_the_design_promises() -> None:
    """The audit's JSON has the promised keys, and null where the card prints `No log`."""
    text = "# m\n\n### Training results\n\n| Training Loss | Epoch |\n|:--:|:--:|\n| No log | 1.0 |\n"
    card = read_card(text, target="a card")
    assert to_json(Audit(target="a card", kind=card.kind, claims=card.claims), indent=0) == (
        '{"schema":"repro.audit/1","target":"a card","kind":"other","claims":{"name":"m","base_model":null,'
        '"datasets":[],"license":null,"task":null,"hyperparameters":{},"versions":{},"evaluation":{},'
        '"results":{"columns":["training_loss","epoch"],"header":["Training Loss","Epoch"],'
        '"rows":[{"line":7,"cells":[{"text":"No log","value":null},{"text":"1.0","value":1.0}]}]},'
        '"tables":[]},"findings":[],"suppressed":[],"skipped":{}}'
    )

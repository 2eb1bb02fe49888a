"""A comparison in Markdown: what hosted CI shows of a check."""

from __future__ import annotations

import re

import msgspec
import pytest
from markdown_it import MarkdownIt
from report_samples import ATTACKS, sample_comparison, sample_run, with_texts

from repro.records.comparison import Comparison, Stream
from repro.reports.summary import comparison_as_markdown

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
#: What code hosting takes as the summary of one step.
MOST_BYTES = 1024 * 1024


def test_the_verdict_comes_first_and_tables_are_folded() -> None:
    """A heading with case and verdict, why, then a table for each metric; one with a row outside is open."""
    run = sample_run()
    text = comparison_as_markdown(run, sample_comparison(run))
    assert text.startswith("### ✕ sample: Not reproduced, different\n\nThe validation loss of epoch 5")
    assert "- Run: `0123456789ab`" in text
    assert re.findall(r"(<details.*>)\n<summary>(\w+ \w+): (\w+)", text) == [
        ("<details open>", "Validation loss", "different"),
        ("<details>", "Training loss", "matching"),
    ]
    (row,) = re.findall(r"^\| 5 \| 500 \|.*✕ outside \|$", text, re.MULTILINE)
    assert row.count("|") == 8
    assert "another device" in text
    assert len([token for token in PARSER.parse(text) if token.type == "table_open"]) == 4


def test_what_cannot_be_compared_says_why() -> None:
    """Without any metric there is a verdict and its reason, and no empty table."""
    comparison = Comparison(
        verdict="incomparable",
        reproduced=False,
        reason="the card has 3 evaluations, the run 16",
        stream=Stream(match="unclear"),
        metrics={},
    )
    text = comparison_as_markdown(sample_run(), comparison)
    assert "Not comparable, incomparable" in text
    assert "The card has 3 evaluations, the run 16." in text
    assert "<details" not in text


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_stay_text(attack: str) -> None:
    """Whatever stands in a card, a case or a log: no HTML but our own, no link, no image, no heading."""
    run = sample_run()
    text = comparison_as_markdown(with_texts(run, attack), with_texts(sample_comparison(run), attack))
    tokens = PARSER.parse(text)
    inner = [child for token in tokens for child in token.children or ()]
    html = [token.content for token in [*tokens, *inner] if token.type in ("html_block", "html_inline")]
    ours = r"(<details( open)?>\n<summary>[^<>]*</summary>|</details>)\n?"
    assert [each for each in html if not re.fullmatch(ours, each)] == []
    assert not {child.type for child in inner} & {"link_open", "image"}
    assert len([token for token in tokens if token.type == "heading_open"]) == 1
    assert not [token for token in tokens if token.type in ("fence", "code_block", "blockquote_open", "hr")]


def test_a_long_table_fits() -> None:
    """Ten thousand evaluations stay far below what code hosting takes, and say that rows are left out."""
    run = sample_run(epochs=10_000)
    text = comparison_as_markdown(run, sample_comparison(run))
    assert len(text.encode()) < MOST_BYTES / 10
    assert "of 10,000 rows are shown" in text


def test_a_rehearsal_is_none() -> None:
    """A rehearsal is called one."""
    run = sample_run()
    settings = msgspec.structs.replace(run.settings, rehearse=2)
    rehearsed = msgspec.structs.replace(run, settings=settings)
    comparison = msgspec.structs.replace(sample_comparison(run), rehearsal=True, metrics={})
    assert "Rehearsal, not a reproduction" in comparison_as_markdown(rehearsed, comparison)

"""Whatever a text says, in Markdown it stays text."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from report_samples import ATTACKS

from repro.records.run import Measured
from repro.reports import formats, markdown
from repro.reports.markdown import Markdown
from repro.reports.views import TableView

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
# Characters that mean something in Markdown come up far more often than by chance.
TEXTS = st.text(
    st.one_of(st.sampled_from("\\`*_{}[]()<>#+-.!|~$&:;=\n\t '\"1a/"), st.characters()), max_size=60
)


def shown(tokens: list[Token]) -> str:
    """The text that a reader sees, given that nothing but text and one block is there."""
    text = ""
    for token in tokens:
        if token.type == "inline":
            assert token.children is not None
            assert {child.type for child in token.children} <= {"text", "text_special"}, token.content
            text += "".join(child.content for child in token.children)
        else:
            assert token.type in {"paragraph_open", "paragraph_close"}, token
    return text


@given(TEXTS)
def test_inline_text_is_shown_as_it_is(text: str) -> None:
    """An escaped text parses as one paragraph of plain text that reads like the original."""
    assert shown(PARSER.parse(markdown.inline(text))) == formats.line(text)


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_stay_inline_text(attack: str) -> None:
    """Attack strings parse as one paragraph of plain text."""
    assert shown(PARSER.parse(markdown.inline(attack))) == formats.line(attack)


@given(st.lists(st.lists(TEXTS, min_size=3, max_size=3), min_size=1, max_size=4))
def test_tables_keep_their_columns(rows: list[list[str]]) -> None:
    """A table of arbitrary texts has as many rows and columns as it was given, with these texts in them."""
    view = TableView(("a", "b", "c"), tuple(tuple(row) for row in rows))
    tokens = PARSER.parse(markdown.table(view))
    cells = [
        "".join(child.content for child in tokens[at + 1].children or ())
        for at, token in enumerate(tokens)
        if token.type == "td_open"
    ]
    assert cells == [formats.line(cell) for row in rows for cell in row]
    assert not [token for token in tokens if token.type.startswith(("html", "fence", "heading"))]


@given(TEXTS)
def test_code_is_code_or_plain_text(text: str) -> None:
    """A code span holds the whole text; where it could be broken out of, plain text stands instead."""
    (paragraph,) = (token for token in PARSER.parse(f"x {markdown.code(text)} y") if token.type == "inline")
    assert paragraph.children is not None
    assert {child.type for child in paragraph.children} <= {"text", "text_special", "code_inline"}


@given(TEXTS)
def test_a_fence_holds_whatever_stands_in_it(text: str) -> None:
    """No text closes the fenced block that it stands in."""
    tokens = PARSER.parse(markdown.fenced(text) + "\n\nafter")
    assert [token.type for token in tokens if token.level == 0] == [
        "fence",
        "paragraph_open",
        "paragraph_close",
    ]


@given(st.dictionaries(st.sampled_from("abc"), TEXTS.map(formats.line)))
def test_front_matter_reads_back(data: dict[str, str]) -> None:
    """What is dumped as front matter is read back the same, and stays between its two fences."""
    text = markdown.front_matter(data)
    found = re.match(r"\A---\n(.*?)\n---\Z", text, re.DOTALL)
    assert found is not None
    assert yaml.safe_load(found[1]) == data


@pytest.mark.parametrize(
    "text", ["yes", "1e5", "0x1f", "2022-12-01", "null", "5e-05", "~", "*a", "a: b", "#c"]
)
def test_front_matter_quotes_what_another_reader_could_mistake(text: str) -> None:
    """A text that some YAML reader takes for a number, date, null or anchor is quoted."""
    assert re.search(r"""a: ["']""", markdown.front_matter({"a": text}))


def test_what_is_markdown_already_is_not_escaped_again() -> None:
    """`Markdown` passes as it is, every other text is escaped."""
    assert markdown.finalize(Markdown("*a*")) == "*a*"
    assert markdown.finalize("*a*") == "\\*a\\*"
    assert markdown.finalize(3) == 3


def test_commands_are_quoted_for_a_shell() -> None:
    """A case's name cannot add a command to the line that a reader copies."""
    assert markdown.shell("repro", "run", "a; rm -rf ~") == "repro run 'a; rm -rf ~'"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://models.example/a/b?c=d#e", True),
        ("http://models.example", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//models.example", False),
        ("https://", False),
        ("https://[", False),
        ("https://models.example/a b", False),
        ("https://models.example/a>b", False),
        ("https://models.example/\x1b", False),
    ],
)
def test_only_web_addresses_become_links(text: str, address: bool) -> None:
    """Only an http or https address without odd characters can be followed."""
    assert bool(formats.web_address(text)) is address


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.41, "1.4100"),
        (None, "–"),
        ("nan", "NaN"),
        ("inf", "infinite"),
        ("-inf", "−infinite"),
        (-2.0, "−2.0000"),
    ],
)
def test_losses_have_four_decimals(value: Measured | None, text: str) -> None:
    """Measured values are printed as the Trainer's cards print them; what is not finite is a word."""
    assert formats.loss(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0023, "+0.0023"), (-0.004, "−0.0040"), (0.00001, "0.0000"), (-0.0, "0.0000"), (None, "–")],
)
def test_differences_carry_their_sign(value: float | None, text: str) -> None:
    """A difference has its sign in front, except where it rounds to zero."""
    assert formats.difference(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "not recorded"),
        (12.34, "12.3 s"),
        (61, "1 min 01 s"),
        (3599, "1 h 00 min"),
        (5025, "1 h 24 min"),
    ],
)
def test_durations_say_two_units(seconds: float, text: str) -> None:
    """A duration is told in the units that matter."""
    assert formats.duration(seconds) == text


def test_clean_text_shows_what_would_act() -> None:
    """Terminal escapes, overrides of direction and invisible marks are spelled out; long texts are cut."""
    assert formats.clean("\x1b[1m\u202e\u200b\ufeff\x00") == "\\x1b[1m\\u202e\\u200b\\ufeff\\x00"
    assert formats.clean("👩\u200d🔬") == "👩\u200d🔬"
    assert len(formats.clean("x" * 1_000_000)) < 5_000

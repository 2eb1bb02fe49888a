"""Exceptions that a card's author writes into the card."""

from __future__ import annotations

import pytest
from auditor_samples import CARD, TOKEN, audited, rules_of
from hypothesis import given
from hypothesis import strategies as st

from repro.rules.exceptions import Excepted, exceptions_in

ASKED = ("RT201", "RM190", "RM191")
IDS = st.lists(st.from_regex(r"[A-Z]{2,5}[0-9]{3}", fullmatch=True), min_size=1, max_size=5, unique=True)
WORDS = st.text(alphabet="abc xyz.:,", max_size=30).map(lambda text: " ".join(text.split()))


def excepted(comment: str, **settings: object) -> list[str]:
    """What is found on the card with a comment below it."""
    return rules_of(audited(f"{CARD}\n{comment}\n", **{"select": ASKED} | settings))


@given(IDS, WORDS, st.sampled_from([" ", ", ", ",", "\n"]), st.integers(0, 3), WORDS)
def test_what_is_written_is_read(ids: list[str], reason: str, between: str, above: int, prose: str) -> None:
    """Ids, reason and line of an exception are read as they were written, wherever it stands."""
    text = f"{prose}\n" * above + f"{prose}<!-- repro: ignore {between.join(ids)}: {reason} -->{prose}"
    assert exceptions_in(text) == (Excepted(tuple(ids), (), reason, above + 1),)


@given(st.text(alphabet="<!- repoignRT203:,>\n", max_size=200))
def test_any_text_is_read(text: str) -> None:
    """No text breaks the reading, and a line of an exception is a line of the text."""
    for each in exceptions_in(text + "<!-- repro:" + text):
        assert 1 <= each.line <= 2 * text.count("\n") + 1


def test_an_exception_holds_back_and_is_counted() -> None:
    """Findings of a rule that the card excepts are suppressed with their line and the reason."""
    audit = audited(CARD + "\n<!-- repro: ignore RT201: rows were moved by hand -->\n").shown.audit
    assert audit.findings == ()
    assert [(each.rule, each.line, each.by, each.reason) for each in audit.suppressed] == [
        ("RT201", 8, "card", "rows were moved by hand"),
        ("RT201", 10, "card", "rows were moved by hand"),
    ]


@pytest.mark.parametrize(
    ("comment", "found"),
    [
        ("<!-- repro: ignore RT201: why not -->", []),
        ("<!--repro:ignore RT201,RT201:\nwhy not-->", []),
        ("<!-- repro: ignore RT201 -->", ["RT201", "RT201", "RM190"]),
        ("<!-- repro: ignore RT201: -->", ["RT201", "RT201", "RM190"]),
        ("<!-- repro: ignored RT201: why not -->", ["RT201", "RT201"]),
        ("<!-- repro: ignore RT201: never closed", ["RT201", "RT201"]),
        ("<!-- repro: ignore RT: a family -->", ["RT201", "RT201", "RM191"]),
        ("<!-- repro: ignore RT201 RM190: nothing lacks a reason -->", ["RM191"]),
        ("<!-- repro: ignore RT201 RT999: no such rule -->", []),
        ("<!-- repro: ignore RS701: only a test -->", ["RT201", "RT201", "RM191"]),
        ("<!-- repro: ignore RT205: not asked here -->", ["RT201", "RT201"]),
    ],
)
def test_what_counts(comment: str, found: list[str]) -> None:
    """Only ids of single rules with a reason count; what holds nothing back of what was asked is said."""
    assert excepted(comment) == found


def test_an_unknown_rule_is_said_where_plugins_could_have_it() -> None:
    """An exception for an id that no rule has is said, but not where plugins were left out."""
    assert excepted("<!-- repro: ignore RT999: no such rule -->", plugins=True)[-1] == "RM191"


def test_exceptions_can_be_left_out() -> None:
    """An auditor who does not trust the card ignores its exceptions."""
    comment = "<!-- repro: ignore RT201: trust me -->"
    assert excepted(comment, exceptions=False) == ["RT201", "RT201"]


def test_safety_cannot_be_excepted() -> None:
    """A secret is found whatever the card says, and the exception is told to be idle."""
    text = f"# m\n\ntoken = {TOKEN}\n\n<!-- repro: ignore RS701: only a test -->\n"
    assert rules_of(audited(text, select=("RS701", "RM191"))) == ["RS701", "RM191"]

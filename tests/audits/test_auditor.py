"""One card: what becomes of it when it cannot be read, and when a secret stands in it."""

from __future__ import annotations

import json

import msgspec
import pytest
from auditor_samples import CARD, TOKEN, audited, rules_of

from repro.audits import Settings
from repro.audits.auditor import Auditor
from repro.audits.sources import Source
from repro.errors import BadInput


def test_a_card_that_cannot_be_read_is_a_finding() -> None:
    """A row or file without a text, and an empty card, is an audit of kind other with RM101 alone."""
    for source in (Source("rows#3", problem="the row is no JSON"), Source("a.md", " \n")):
        audit = Auditor(Settings())(source).shown.audit
        assert (audit.target, audit.kind) == (source.target, "other")
        assert [(each.rule, each.severity) for each in audit.findings] == [("RM101", "error")]
        assert audit.findings[0].message.startswith("cannot be read: ")
        assert audit.findings[0].help


def test_a_single_card_that_cannot_be_read_is_an_error() -> None:
    """Where it is all that was asked for, it is bad input instead."""
    with pytest.raises(BadInput, match="no JSON"):
        Auditor(Settings())(Source("rows#3", problem="the row is no JSON", strict=True))
    with pytest.raises(BadInput, match="empty"):
        Auditor(Settings())(Source("a.md", " \n", strict=True))


@pytest.mark.parametrize(
    "text", ["Entry not found", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"]
)
def test_what_is_no_card_at_all(text: str) -> None:
    """A server's answer and a pointer of Git LFS are found to be no cards."""
    assert rules_of(audited(text, select=("RM101",))) == ["RM101"]


@pytest.mark.parametrize("select", [("RS701",), ("RT201",), ()])
def test_no_audit_passes_on_a_secret(select: tuple[str, ...]) -> None:
    """Whatever rules are asked, a secret stands neither in claims, nor findings, nor the lines shown."""
    text = CARD.replace("# m", f"# m {TOKEN}").replace("| 1.2 ", f"| 1.2 {TOKEN} ")
    shown = audited(text, select=select, sources=True).shown
    assert TOKEN[:12] in text
    assert TOKEN not in msgspec.json.encode(shown.audit).decode()
    assert TOKEN not in json.dumps(shown.source)
    assert shown.audit.claims.name is not None


def test_lines_that_findings_name_go_along_where_they_are_wanted() -> None:
    """The lines of the card that findings name are there as printed, and only where they are asked for."""
    assert audited(CARD).shown.source == {}
    lines = CARD.splitlines()
    assert audited(CARD, sources=True).shown.source == {8: lines[7], 10: lines[9]}
    held = audited(CARD + "\n<!-- repro: ignore RT201: moved -->", sources=True).shown
    assert set(held.source) == {8, 10}

"""The summary: counted card by card or in several processes, the same in any order."""

from __future__ import annotations

import json
import pickle
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from audit_samples import RULES, clean, hostile, sample

from repro.errors import BadInput
from repro.records.codec import from_json, to_json
from repro.records.summary import RuleCount, Summary
from repro.reports.audits.statistics import ENDINGS, save_summary
from repro.reports.audits.words import total

CARDS = [sample(), clean(), hostile(), sample("cards/two.md")]


def counted(cards: list[object] | None = None) -> Summary:
    summary = Summary(seconds=1.5)
    for shown in CARDS if cards is None else cards:
        summary.add(shown.audit)  # type: ignore[attr-defined]
    return summary


def test_each_finding_is_counted_once() -> None:
    """Findings, cards and severities are counted by rule; two findings of a rule on a card are one card."""
    summary = counted()
    assert (summary.cards, summary.clean, summary.suppressed, summary.findings) == (4, 1, 3, 8)
    assert summary.by_rule["RT201"] == RuleCount(findings=5, cards=3, by_severity={"warning": 2, "error": 3})
    assert summary.by_kind == {"trainer": 3, "other": 1}
    assert [id_ for id_, _ in summary.ranked()] == ["RT201", "RD501", "ZZ999"]
    assert total(summary) == "4 cards, 3 errors, 2 warnings, 3 notes; 3 suppressed"


@pytest.mark.parametrize("at", range(5))
def test_parts_add_up_to_the_whole(at: int) -> None:
    """Counted in two processes and merged, in whatever order, the document is the same."""
    first, second = counted(list(CARDS[:at])), counted(list(reversed(CARDS[at:])))
    first.seconds = 0.0
    merged = pickle.loads(pickle.dumps(second))  # noqa: S301 - as between processes
    merged.merge(first)
    assert to_json(merged.ordered()) == to_json(counted().ordered())


def test_counts_are_not_shared() -> None:
    """A new summary starts from nothing, whatever was counted before."""
    counted()
    assert Summary() == Summary(by_rule={}, by_kind={}, by_severity={})
    assert Summary().by_rule == {}


@pytest.mark.parametrize("cards", [CARDS, []], ids=["cards", "none"])
def test_every_ending_is_written(cards: list[object], tmp_path: Path) -> None:
    """JSON reads back, the table has a row for each rule, and the plots are what their ending says."""
    summary = counted(cards)
    files = {ending: tmp_path / f"summary{ending}" for ending in ENDINGS}
    for path in files.values():
        save_summary(path, summary, RULES)
    assert from_json(files[".json"].read_text(), Summary, source="summary") == summary
    assert json.loads(files[".json"].read_text())["schema"] == "repro.audit-summary/1"
    table = files[".txt"].read_text()
    assert all(id_ in table for id_ in summary.by_rule)
    root = ET.fromstring(files[".svg"].read_text())  # noqa: S314 - made just now
    assert [child.tag.rpartition("}")[2] for child in root[:2]] == ["title", "desc"]
    text = "".join(root.itertext())
    assert all(id_ in text for id_ in summary.by_rule)
    assert files[".png"].read_bytes().startswith(b"\x89PNG")


def test_the_same_counts_give_the_same_plots(tmp_path: Path) -> None:
    """Drawn twice, a plot has the same bytes."""
    for ending in (".svg", ".png"):
        one, other = tmp_path / f"one{ending}", tmp_path / f"other{ending}"
        save_summary(one, counted(), RULES)
        save_summary(other, counted(list(reversed(CARDS))), RULES)
        assert one.read_bytes() == other.read_bytes()


def test_another_ending_is_refused(tmp_path: Path) -> None:
    """The error names the endings that there are."""
    with pytest.raises(BadInput, match="xlsx") as caught:
        save_summary(tmp_path / "a.xlsx", counted())
    assert ".svg" in caught.value.hint

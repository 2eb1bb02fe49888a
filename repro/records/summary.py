"""What many audits amount to: counted card by card, and merged where several processes count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from repro.records.claims import Audit

#: Gravest first; the order of everything that lists severities.
SEVERITIES = ("error", "warning", "note")
_K = TypeVar("_K", bound=str)


class RuleCount(msgspec.Struct, kw_only=True):
    """How often one rule found something.

    Attributes:
        findings: Its findings.
        cards: The cards on which it found something.
        by_severity: Its findings by severity, which a rule may choose anew for each.
    """

    findings: int = 0
    cards: int = 0
    by_severity: dict[str, int] = {}


class Summary(msgspec.Struct, kw_only=True, tag_field="schema", tag="repro.audit-summary/1"):
    """Counts over audits. It is added to while cards stream by, and so, unlike records, not frozen.

    Attributes:
        cards: Cards that were read.
        clean: Those without a finding.
        unreadable: Targets that could not be read.
        suppressed: Findings that the cards' own exceptions or the baseline hold back.
        seconds: How long it took, as the caller measured it.
        by_kind: Cards by kind.
        by_severity: Findings by severity.
        by_rule: By the rule's id.
    """

    cards: int = 0
    clean: int = 0
    unreadable: int = 0
    suppressed: int = 0
    seconds: float = 0.0
    by_kind: dict[str, int] = {}
    by_severity: dict[str, int] = {}
    by_rule: dict[str, RuleCount] = {}

    @property
    def findings(self) -> int:
        """All findings."""
        return sum(self.by_severity.values())

    def add(self, audit: Audit) -> None:
        """Count one card."""
        self.cards += 1
        self.suppressed += len(audit.suppressed)
        _count(self.by_kind, audit.kind)
        if not audit.findings:
            self.clean += 1
            return
        seen = set()
        for finding in audit.findings:
            rule = self.by_rule.get(finding.rule)
            if rule is None:
                rule = self.by_rule[finding.rule] = RuleCount()
            rule.findings += 1
            if finding.rule not in seen:
                seen.add(finding.rule)
                rule.cards += 1
            _count(rule.by_severity, finding.severity)
            _count(self.by_severity, finding.severity)

    def merge(self, other: Summary) -> None:
        """Add the counts of other cards; their seconds add up to time spent, not to time passed."""
        self.cards += other.cards
        self.clean += other.clean
        self.unreadable += other.unreadable
        self.suppressed += other.suppressed
        self.seconds += other.seconds
        for mine, theirs in ((self.by_kind, other.by_kind), (self.by_severity, other.by_severity)):
            for key, number in theirs.items():
                _count(mine, key, number)
        for id_, theirs_ in other.by_rule.items():
            rule = self.by_rule.setdefault(id_, RuleCount())
            rule.findings += theirs_.findings
            rule.cards += theirs_.cards
            for key, number in theirs_.by_severity.items():
                _count(rule.by_severity, key, number)

    def ranked(self) -> list[tuple[str, RuleCount]]:
        """Return the rules that found something, the gravest first, then those that found most."""

        def gravity(entry: tuple[str, RuleCount]) -> tuple[int, int, str]:
            id_, rule = entry
            gravest = min(map(SEVERITIES.index, rule.by_severity), default=len(SEVERITIES))
            return gravest, -rule.findings, id_

        return sorted(self.by_rule.items(), key=gravity)

    def ordered(self) -> Summary:
        """Return the same counts in an order that does not depend on that of the cards: for documents."""
        return msgspec.structs.replace(
            self,
            by_kind=dict(sorted(self.by_kind.items())),
            by_severity=by_gravity(self.by_severity),
            by_rule={
                id_: msgspec.structs.replace(rule, by_severity=by_gravity(rule.by_severity))
                for id_, rule in sorted(self.by_rule.items())
            },
        )


def by_gravity(counts: Mapping[str, int]) -> dict[str, int]:
    """Return counts by severity, gravest first."""
    return {severity: counts[severity] for severity in SEVERITIES if severity in counts}


def _count(counts: dict[_K, int], key: _K, number: int = 1) -> None:
    counts[key] = counts.get(key, 0) + number

"""A card through the rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from repro.records.card import Card
from repro.records.claims import Finding
from repro.rules.interface import Rule, clip
from repro.rules.subject import ABSENT, Context, Subject


@dataclass(frozen=True, slots=True)
class Checked:
    """What the rules say about a card.

    Attributes:
        findings: In the order of their lines, those on the whole card first.
        skipped: Why rules could not apply, and their ids.
    """

    findings: tuple[Finding, ...]
    skipped: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules, grouped by what they ask for, so that a card is asked once for each group."""

    groups: tuple[tuple[tuple[str, ...], tuple[Rule, ...]], ...]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> RuleSet:
        """Group rules."""
        ordered = sorted(rules, key=lambda rule: (rule.needs, rule.id))
        return cls(tuple((needs, tuple(group)) for needs, group in groupby(ordered, lambda rule: rule.needs)))

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules in the order of their ids."""
        return tuple(sorted((rule for _, group in self.groups for rule in group), key=lambda rule: rule.id))


def check(card: Card, rules: RuleSet, context: Context | None = None) -> Checked:
    """Ask every rule about a card.

    A rule that breaks breaks nothing else: its finding says so, as an error, because a card that a rule could
    not judge is not a card without findings.

    Args:
        card: The card as it was read.
        rules: The rules to ask.
        context: What is known beside the card.
    """
    subject = Subject(card, context or Context())
    findings: list[Finding] = []
    skipped: dict[str, tuple[str, ...]] = {}
    for needs, group in rules.groups:
        inputs = [getattr(subject, name) for name in needs]
        if None in inputs:
            reason = ABSENT.get(needs[inputs.index(None)], f"the card has no {needs[inputs.index(None)]}")
            skipped[reason] = (*skipped.get(reason, ()), *(rule.id for rule in group))
            continue
        for rule in group:
            findings += _ask(rule, inputs)
    findings.sort(key=lambda finding: (finding.line or 0, finding.rule))
    return Checked(tuple(findings), skipped)


def _ask(rule: Rule, inputs: Sequence[Any]) -> list[Finding]:
    try:
        return [
            Finding(
                rule=rule.id,
                severity=found.severity or rule.severity,
                message=found.message,
                line=found.line,
                help=rule.page.help if found.help is None else found.help,
                evidence=dict(found.evidence),
            )
            for found in rule.check(*inputs)
        ]
    except Exception as error:  # noqa: BLE001 - plugins are strangers' code, and one rule must not stop the rest
        return [
            Finding(
                rule=rule.id,
                severity="error",
                message=f"the rule itself broke: {type(error).__name__}: {clip(str(error))}",
                help="report it to whoever wrote the rule, with the card",
            )
        ]

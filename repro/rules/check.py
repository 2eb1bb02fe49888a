"""A card through the rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from repro.records.card import Card
from repro.records.claims import Finding
from repro.rules.interface import Found, Rule, clip
from repro.rules.subject import ABSENT, Context, Subject

_NOTHING_KNOWN = Context()


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
    """Rules, grouped by what they ask for, so that a card is asked once for each group.

    Attributes:
        groups: The names of the inputs, and the rules that ask for them.
        absent: For each group, what the absence of each of its inputs means, in words.
        ids: For each group, the ids of its rules.
    """

    groups: tuple[tuple[tuple[str, ...], tuple[Rule, ...]], ...]
    absent: tuple[tuple[str, ...], ...]
    ids: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> RuleSet:
        """Group rules."""
        ordered = sorted(rules, key=lambda rule: (rule.needs, rule.id))
        groups = tuple((needs, tuple(group)) for needs, group in groupby(ordered, lambda rule: rule.needs))
        absent = tuple(
            tuple(ABSENT.get(name, f"the card has no {name}") for name in needs) for needs, _ in groups
        )
        return cls(groups, absent, tuple(tuple(rule.id for rule in group) for _, group in groups))

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
    subject = Subject(card, context or _NOTHING_KNOWN)
    known: dict[str, object] = {}
    findings: list[Finding] = []
    skipped: dict[str, list[str]] = {}
    for (needs, group), absent, ids in zip(rules.groups, rules.absent, rules.ids, strict=True):
        for name in needs:
            if name not in known:
                known[name] = getattr(subject, name)
            if known[name] is None:  # and what else it asks for need not be worked out
                skipped.setdefault(absent[needs.index(name)], []).extend(ids)
                break
        else:
            inputs = [*map(known.__getitem__, needs)]
            for rule in group:
                try:
                    # Most rules find nothing on most cards, and so nothing more is done for them.
                    if found := [*rule.check(*inputs)]:
                        findings += [_finding(rule, each) for each in found]
                except Exception as error:  # noqa: BLE001 - plugins are strangers' code, and none must stop the rest
                    findings.append(_broken(rule, error))
    findings.sort(key=_place)
    return Checked(tuple(findings), {reason: tuple(ids) for reason, ids in skipped.items()})


def _place(finding: Finding) -> tuple[int, str]:
    return finding.line or 0, finding.rule


def _finding(rule: Rule, found: Found) -> Finding:
    return Finding(
        rule=rule.id,
        severity=found.severity or rule.severity,
        message=found.message,
        line=found.line,
        help=rule.page.help if found.help is None else found.help,
        evidence=dict(found.evidence),
    )


def _broken(rule: Rule, error: Exception) -> Finding:
    return Finding(
        rule=rule.id,
        severity="error",
        message=f"the rule itself broke: {type(error).__name__}: {clip(str(error))}",
        help="report it to whoever wrote the rule, with the card",
    )

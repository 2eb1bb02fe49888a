"""A card through the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

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


class _Group(NamedTuple):
    """Rules that ask for the same, in the shape in which `check` wants them.

    Attributes:
        needs: The names of the inputs.
        absent: What the absence of each of them means, in words.
        ids: The ids of the rules.
        rules: Their functions, and the rules themselves.
    """

    needs: tuple[str, ...]
    absent: tuple[str, ...]
    ids: tuple[str, ...]
    rules: tuple[tuple[Callable[..., Iterable[Found]], Rule], ...]


def _prepare(needs: tuple[str, ...], group: Sequence[Rule]) -> _Group:
    absent = tuple(ABSENT.get(name, f"the card has no {name}") for name in needs)
    return _Group(
        needs, absent, tuple(rule.id for rule in group), tuple((rule.check, rule) for rule in group)
    )


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules, grouped by what they ask for, so that a card is asked once for each group.

    Attributes:
        groups: The names of the inputs, and the rules that ask for them.
    """

    groups: tuple[tuple[tuple[str, ...], tuple[Rule, ...]], ...]
    _prepared: tuple[_Group, ...]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> RuleSet:
        """Group rules."""
        ordered = sorted(rules, key=lambda rule: (rule.needs, rule.id))
        groups = tuple((needs, tuple(group)) for needs, group in groupby(ordered, lambda rule: rule.needs))
        return cls(groups, tuple(_prepare(needs, group) for needs, group in groups))

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
    findings: list[Finding] = []
    skipped: dict[str, list[str]] = {}
    for needs, absent, ids, group in rules._prepared:
        inputs: list[object] = []
        for name in needs:
            value = getattr(subject, name)
            if value is None:  # and what else it asks for need not be worked out
                skipped.setdefault(absent[len(inputs)], []).extend(ids)
                break
            inputs.append(value)
        else:
            for ask, rule in group:
                try:
                    found = ask(*inputs)
                    if found or found is None:  # most rules find nothing on most cards; None breaks below
                        findings += [_finding(rule, each) for each in [*found]]
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

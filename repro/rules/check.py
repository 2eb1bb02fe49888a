"""A card through the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from repro.records.card import Card
from repro.records.claims import Finding
from repro.rules.interface import Found, Rule, clip
from repro.rules.subject import ABSENT, Context, Subject

_NOTHING_KNOWN = Context()
_PLANS = 256  # that are remembered: cards lack the same few inputs
_Pick: TypeAlias = Callable[[Mapping[str, Any]], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Checked:
    """What the rules say about a card.

    Attributes:
        findings: In the order of their lines, those on the whole card first.
        skipped: Why rules could not apply, and their ids.
    """

    findings: tuple[Finding, ...]
    skipped: Mapping[str, tuple[str, ...]]


class _Plan(NamedTuple):
    """What is asked of cards that lack the same inputs.

    Attributes:
        groups: How the inputs of a group of rules are picked from all that are known, their functions, and
            the rules themselves.
        skipped: Why the other rules do not apply, and their ids.
    """

    groups: Sequence[tuple[_Pick, Sequence[tuple[Callable[..., Iterable[Found]], Rule]]]]
    skipped: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class RuleSet:
    """Rules, grouped by what they ask for, so that a card is asked once for each group.

    Attributes:
        groups: The names of the inputs, and the rules that ask for them.
        inputs: The names of all inputs.
        plan: Returns what is left to ask of a card that lacks some of the inputs.
    """

    groups: tuple[tuple[tuple[str, ...], tuple[Rule, ...]], ...]
    inputs: tuple[str, ...]
    plan: Callable[[tuple[str, ...]], _Plan]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> RuleSet:
        """Group rules."""
        ordered = sorted(rules, key=lambda rule: (rule.needs, rule.id))
        groups = tuple((needs, tuple(group)) for needs, group in groupby(ordered, lambda rule: rule.needs))
        inputs = tuple(dict.fromkeys(name for needs, _ in groups for name in needs))
        return cls(groups, inputs, lru_cache(_PLANS)(partial(_plan, groups)))

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules in the order of their ids."""
        return tuple(sorted((rule for _, group in self.groups for rule in group), key=lambda rule: rule.id))


def _plan(groups: Sequence[tuple[tuple[str, ...], tuple[Rule, ...]]], lacking: tuple[str, ...]) -> _Plan:
    asked = []
    skipped: dict[str, tuple[str, ...]] = {}
    for needs, rules in groups:
        absent = next((name for name in needs if name in lacking), None)
        if absent is None:
            asked.append((_pick(needs), [(rule.check, rule) for rule in rules]))
        else:
            reason = ABSENT.get(absent, f"the card has no {absent}")
            skipped[reason] = (*skipped.get(reason, ()), *[rule.id for rule in rules])
    return _Plan(asked, skipped)


def _pick(names: tuple[str, ...]) -> _Pick:
    if len(names) > 1:
        return itemgetter(*names)
    if not names:
        return lambda _: ()
    (name,) = names
    return lambda known: (known[name],)


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
    known = {name: getattr(subject, name) for name in rules.inputs}
    plan = rules.plan(tuple([name for name, value in known.items() if value is None]))
    findings: list[Finding] = []
    for pick, group in plan.groups:
        inputs = pick(known)
        for ask, rule in group:
            try:
                found = ask(*inputs)
                if found or found is None:  # most rules find nothing on most cards; None breaks below
                    findings += [_finding(rule, each) for each in [*found]]
            except Exception as error:  # noqa: BLE001 - plugins are strangers' code, and none must stop the rest
                findings.append(_broken(rule, error))
    findings.sort(key=_place)
    return Checked(tuple(findings), plan.skipped)


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

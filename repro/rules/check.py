"""Cards through the rules.

Several cards are asked together, rule by rule and not card by card: a rule that was asked just now is asked
again sooner, because the processor still has at hand what the rule takes. That alone is a tenth of an audit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby, starmap
from operator import attrgetter
from typing import Any, TypeAlias

from repro.records.card import Card
from repro.records.claims import Finding
from repro.rules.exceptions import Excepted
from repro.rules.interface import Found, Rule, clip
from repro.rules.subject import ABSENT, Context, Subject

_NOTHING_KNOWN = Context()
_KEPT = 256  # cards lack the same few inputs
_Groups: TypeAlias = tuple[tuple[tuple[str, ...], tuple[Rule, ...]], ...]
_Skipped: TypeAlias = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Checked:
    """What the rules say about a card.

    Attributes:
        findings: In the order of their lines, those on the whole card first.
        skipped: Why rules could not apply, and their ids.
        exceptions: The exceptions that the card makes; nothing is held back here.
    """

    findings: tuple[Finding, ...]
    skipped: _Skipped
    exceptions: Sequence[Excepted] = ()


@dataclass(frozen=True, slots=True, eq=False)
class RuleSet:
    """Rules, grouped by what they ask for, so that cards are asked once for each group.

    Attributes:
        groups: The names of the inputs, and the rules that ask for them.
        inputs: The names of all inputs.
        skipped: Returns why which rules do not apply to a card that lacks these inputs.
    """

    groups: _Groups
    inputs: tuple[str, ...]
    skipped: Callable[[tuple[str, ...]], _Skipped]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> RuleSet:
        """Group rules."""
        ordered = sorted(rules, key=lambda rule: (rule.needs, rule.id))
        groups = tuple((needs, tuple(group)) for needs, group in groupby(ordered, lambda rule: rule.needs))
        inputs = tuple(dict.fromkeys(name for needs, _ in groups for name in needs))
        return cls(groups, inputs, lru_cache(_KEPT)(partial(_skipped, groups)))

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules in the order of their ids."""
        return tuple(sorted((rule for _, group in self.groups for rule in group), key=lambda rule: rule.id))


def _skipped(groups: _Groups, lacking: tuple[str, ...]) -> _Skipped:
    skipped: dict[str, tuple[str, ...]] = {}
    for needs, rules in groups:
        absent = next((name for name in needs if name in lacking), None)
        if absent is not None:
            reason = ABSENT.get(absent, f"the card has no {absent}")
            skipped[reason] = (*skipped.get(reason, ()), *[rule.id for rule in rules])
    return skipped


def check(card: Card, rules: RuleSet, context: Context | None = None) -> Checked:
    """Ask every rule about a card.

    A rule that breaks breaks nothing else: its finding says so, as an error, because a card that a rule could
    not judge is not a card without findings.

    Args:
        card: The card as it was read.
        rules: The rules to ask.
        context: What is known beside the card.
    """
    (checked,) = check_all([(card, context or _NOTHING_KNOWN)], rules)
    return checked


def check_all(cards: Iterable[tuple[Card, Context]], rules: RuleSet) -> list[Checked]:
    """Ask every rule about every card, as `check` does.

    Args:
        cards: The cards as they were read, and what is known beside each of them.
        rules: The rules to ask.
    """
    subjects = list(starmap(Subject, cards))
    known = {name: list(map(attrgetter(name), subjects)) for name in rules.inputs}
    without = {
        name: lacking
        for name, values in known.items()
        if (lacking := frozenset([i for i, value in enumerate(values) if value is None]))
    }
    findings: list[list[Finding]] = [[] for _ in subjects]
    for needs, group in rules.groups:
        inputs = list(zip(*[known[name] for name in needs], strict=True)) if needs else [()] * len(subjects)
        own = findings
        if lacking := frozenset[int]().union(*[without[name] for name in needs if name in without]):
            asked = [i for i in range(len(subjects)) if i not in lacking]
            inputs, own = [inputs[i] for i in asked], [findings[i] for i in asked]
        for rule in group:
            for found, told in zip(_answers(rule.check, inputs), own, strict=True):
                try:
                    if found or found is None:  # most rules find nothing on most cards; None breaks below
                        told += [_finding(rule, each) for each in [*found]]
                except Exception as error:  # noqa: BLE001 - as in `_answers`
                    told.append(_broken(rule, error))
    for told in findings:
        told.sort(key=_place)
    return [
        Checked(
            tuple(told),
            rules.skipped(tuple([name for name, lacking in without.items() if i in lacking])),
            subject.exceptions,
        )
        for i, (subject, told) in enumerate(zip(subjects, findings, strict=True))
    ]


def _answers(ask: Callable[..., Iterable[Found]], inputs: Sequence[tuple[Any, ...]]) -> list[Iterable[Found]]:
    """Return what a rule says to each of these inputs; where it breaks, what breaks when it is looked at."""
    try:
        return list(starmap(ask, inputs))
    except Exception as error:  # noqa: BLE001 - plugins are strangers' code, and none must stop the rest
        if len(inputs) == 1:
            return [_breaking(error)]
        return [answer for each in inputs for answer in _answers(ask, [each])]


def _breaking(error: Exception) -> Iterator[Found]:
    raise error
    yield


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

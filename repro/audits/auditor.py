"""One card: read, asked, and the findings held back that were asked not to be shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, NamedTuple

import msgspec

from repro.audits.baseline import Baseline, Entry, entries, hold_back
from repro.audits.sources import Source
from repro.cards import read_card
from repro.errors import BadInput
from repro.records.card import Card
from repro.records.claims import Audit, Claims, Finding, Suppressed
from repro.reports.audits import Shown
from repro.rules import Checked, Context, Rule, RuleSet, check_all
from repro.rules.builtin import builtin
from repro.rules.exceptions import NEVER, Excepted, needless, unknown
from repro.rules.interface import Found, Profile
from repro.rules.reading import READABLE, unreadable
from repro.rules.safety import redact, secrets
from repro.rules.selection import select


@dataclass(frozen=True)
class Settings:
    """What is asked of each card; plain values, which go to worker processes as they are.

    Attributes:
        profile: The rules that are asked unless others are selected.
        select: Ids and families of the rules to ask instead.
        ignore: Ids and families of the rules not to ask.
        plugins: Whether rules of other packages are asked.
        exceptions: Whether exceptions in the cards count.
        baseline: Findings that were there before.
        entries_for: The folder of a baseline to be written, None where none is.
        online: Whether the Hub is asked about base models.
        sources: Whether the lines of the card are wanted that findings name.
        context: What is known beside the cards.
    """

    profile: Profile = "default"
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    plugins: bool = True
    exceptions: bool = True
    baseline: Baseline | None = None
    entries_for: str | None = None
    online: bool = False
    sources: bool = False
    context: Context = field(default_factory=Context)

    def rules(self) -> tuple[Rule, ...]:
        """Return the rules that are asked, in the order of their ids.

        Raises:
            BadInput: A word that fits no rule, or a plugin that cannot be loaded.
        """
        return select(self.known(), profile=self.profile, select=self.select, ignore=self.ignore)

    def known(self) -> tuple[Rule, ...]:
        """Return all rules there are; errors as in `rules`."""
        if not self.plugins:
            return builtin()
        from repro.rules.plugins import installed  # importlib.metadata is slow to import

        return installed()


class Audited(NamedTuple):
    """What came of one card.

    Attributes:
        shown: Its audit, and the lines that findings name where they are wanted.
        gone: How many findings of the baseline are there no more.
        entries: Its findings for a baseline, where one is to be written.
    """

    shown: Shown
    gone: int = 0
    entries: Sequence[Entry] = ()


class Auditor:
    """Audits cards, one after the other.

    Args:
        settings: What is asked of each card.

    Raises:
        BadInput: As in `Settings.rules`.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.rules = settings.rules()
        self._known = frozenset(rule.id for rule in settings.known())
        self._asked = {rule.id: rule for rule in self.rules}
        self._set = RuleSet.of(self.rules)
        self._context = settings.context
        if self._context.today is None:
            self._context = replace(self._context, today=date.today())
        self._about: Callable[[Card], tuple[Context, list[str]]] | None = None
        if settings.online:
            from repro.audits.online import Asker

            self._about = Asker(self._context)
        # RD513 has a table to fall back on, and so asks for all that is known, not for the base model alone.
        self._of_base = tuple(rule.id for rule in self.rules if "base" in rule.needs or rule.id == "RD513")
        self._judged = frozenset(self._asked) | {READABLE}  # which is told whatever is asked
        self._secrets_asked = "RS701" in self._asked

    def __call__(self, source: Source) -> Audited:
        """Audit one card; errors as in `several`."""
        (audited,) = self.several([source])
        return audited

    def several(self, sources: Sequence[Source]) -> list[Audited]:
        """Audit some cards: read all of them, then ask each rule about all of them (see `rules.check`).

        Raises:
            BadInput: A card cannot be read, and is the only one that was asked for.
        """
        read = [self._read(source) for source in sources]
        asked = [(card, *self._beside(card)) for card in read if isinstance(card, Card)]
        checked = check_all([(card, context) for card, context, _ in asked], self._set)
        judged = (
            self._card(card, problems, each) for (card, _, problems), each in zip(asked, checked, strict=True)
        )
        return [next(judged) if isinstance(each, Card) else self._unread(each) for each in read]

    def _read(self, source: Source) -> Card | Source:
        """Return the card; where it cannot be read, the source with its problem."""
        if not source.problem:
            try:
                return read_card(source.text, target=source.target, undecodable=source.undecodable)
            except BadInput:
                if source.strict:
                    raise
                return source._replace(problem="the card is empty")
        if source.strict:
            raise source.error()
        return source

    def _unread(self, source: Source) -> Audited:
        card = Card(target=source.target, kind="other", claims=Claims())
        return self._finish(card, [unreadable(source.problem)], (), {}, secret=False)

    def _beside(self, card: Card) -> tuple[Context, list[str]]:
        """Return what is known beside a card, and what could not be found out."""
        return (self._context, []) if self._about is None else self._about(card)

    def _card(self, card: Card, problems: Sequence[str], checked: Checked) -> Audited:
        skipped = dict(checked.skipped) | dict.fromkeys(problems, self._of_base)
        excepted = checked.exceptions if self.settings.exceptions else ()
        return self._finish(
            card, list(checked.findings), excepted, skipped, secret=self._holds_secret(card, checked)
        )

    def _finish(
        self,
        card: Card,
        findings: list[Finding],
        excepted: Sequence[Excepted],
        skipped: dict[str, tuple[str, ...]],
        *,
        secret: bool,
    ) -> Audited:
        settings = self.settings
        suppressed: list[Suppressed] = []
        if excepted:
            findings, suppressed = self._except(findings, excepted)
        written: list[Entry] = []
        gone = 0
        if settings.entries_for is not None:
            written = entries(card.target, findings, card.lines, settings.entries_for)
        elif settings.baseline is not None:
            known = settings.baseline.of(card.target, self._judged)
            findings, old, gone = hold_back(findings, card.lines, known)
            suppressed += [Suppressed(rule=each.rule, line=each.line, by="baseline") for each in old]
        audit = Audit(
            target=card.target,
            kind=card.kind,
            claims=card.claims,
            findings=tuple(findings),
            suppressed=tuple(suppressed),
            skipped=skipped,
        )
        return Audited(self._shown(audit, card, secret=secret), gone, written)

    def _holds_secret(self, card: Card, checked: Checked) -> bool:
        """Tell whether a secret stands in the card, whether or not the rules were asked for it."""
        if self._secrets_asked:
            return any(finding.rule == "RS701" for finding in checked.findings)
        return bool(secrets("\n".join(card.lines)))

    def _except(
        self, findings: Sequence[Finding], excepted: Sequence[Excepted]
    ) -> tuple[list[Finding], list[Suppressed]]:
        """Hold back what the card excepts, and say which of its exceptions hold nothing back."""
        reasons: dict[str, Excepted] = {}
        for each in excepted:
            if each.reason:
                reasons |= {name: each for name in each.rules if name[:-3] != NEVER and name not in reasons}
        held = [each for each in findings if each.rule in reasons]
        kept = [each for each in findings if each.rule not in reasons]
        suppressed = [
            Suppressed(rule=each.rule, line=each.line, by="card", reason=reasons[each.rule].reason)
            for each in held
        ]
        idle = reasons.keys() - {each.rule for each in held}
        for name in sorted(idle):
            if name in self._asked:
                kept += self._idle(needless(name, reasons[name].line))
            elif name not in self._known and self.settings.plugins:
                kept += self._idle(unknown(name, reasons[name].line))
        kept.sort(key=lambda finding: (finding.line or 0, finding.rule))
        return kept, suppressed

    def _idle(self, found: Found) -> list[Finding]:
        rule = self._asked.get("RM191")
        if rule is None:
            return []
        return [
            Finding(
                rule=rule.id,
                severity=rule.severity,
                message=found.message,
                line=found.line,
                help=rule.page.help,
                evidence=dict(found.evidence),
            )
        ]

    def _shown(self, audit: Audit, card: Card, *, secret: bool) -> Shown:
        named: dict[int, str] = {}
        if self.settings.sources:
            lines = {each.line or 0 for each in audit.findings} | {
                each.line or 0 for each in audit.suppressed
            }
            named = {line: card.lines[line - 1] for line in sorted(lines) if 0 < line <= len(card.lines)}
        if secret:
            # An audit is passed on, and must not pass on a secret, not even in a claim's printed text.
            audit = msgspec.convert(_redacted(msgspec.to_builtins(audit)), Audit)
            named = {line: redact(text) for line, text in named.items()}
        return Shown(audit, named)


def _redacted(value: Any) -> Any:
    match value:
        case str():
            return redact(value)
        case dict():
            return {redact(key): _redacted(each) for key, each in value.items()}
        case list() | tuple():
            return [_redacted(each) for each in value]
        case _:
            return value

"""View models of audits: words and shares, so that templates decide nothing. Nothing is escaped here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from repro.records.claims import Finding
from repro.records.summary import RuleCount, Summary, by_gravity
from repro.reports.audits.interface import Options, Shown
from repro.reports.audits.words import SIGNS, counted, place, plural, skipped, suppressed, tally
from repro.reports.formats import count, sentence
from repro.reports.views import Fact, TableView, claims_facts, printed_table, table_view

_LONGEST_LINE = 600


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding; `number` and `source` are its line of the card, empty where there is none."""

    severity: str
    sign: str
    rule: str
    title: str
    place: str
    message: str
    number: str
    source: str
    help: str


@dataclass(frozen=True, slots=True)
class ClaimsView:
    """What a single card states."""

    facts: tuple[Fact, ...]
    hyperparameters: TableView
    versions: TableView
    results: TableView


@dataclass(frozen=True, slots=True)
class CardView:
    """A card; `claims` are None where it is one of several, `gravest` is `clean` without findings."""

    target: str
    kind: str
    counts: str
    gravest: str
    findings: tuple[FindingView, ...]
    suppressed: tuple[str, ...]
    skipped: tuple[str, ...]
    claims: ClaimsView | None


@dataclass(frozen=True, slots=True)
class BarView:
    """A rule in the summary; `segments` are severities and percents of the longest bar."""

    rule: str
    title: str
    severities: str
    findings: str
    cards: str
    segments: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SummaryView:
    """The summary; `gravest` is `clean` without findings, `scope` what was looked at."""

    gravest: str
    sign: str
    counts: str
    scope: str
    bars: tuple[BarView, ...]
    glance: tuple[Fact, ...]


def card_view(shown: Shown, options: Options, titles: Mapping[str, str]) -> CardView:
    """Put one card into words."""
    audit = shown.audit
    counts = tally(audit.findings)
    return CardView(
        target=audit.target,
        kind=audit.kind,
        counts=counted(counts),
        gravest=next(iter(by_gravity(counts)), "clean"),
        findings=tuple(_finding(finding, shown.line(finding.line), titles) for finding in audit.findings),
        suppressed=tuple(suppressed(audit)),
        skipped=tuple(skipped(audit)) if options.verbose else (),
        claims=None if options.several else _claims_view(shown),
    )


def summary_view(summary: Summary, titles: Mapping[str, str], *, several: bool) -> SummaryView:
    """Put the counts into words."""
    gravest = next(iter(by_gravity(summary.by_severity)), "clean")
    scope = [f"in {plural(summary.cards, 'card')}"] if several else []
    scope += [f"{count(summary.suppressed)} suppressed"] if summary.suppressed else []
    scope += [f"{plural(summary.unreadable, 'target')} unreadable"] if summary.unreadable else []
    most = max((rule.findings for rule in summary.by_rule.values()), default=1)
    kinds = sorted(summary.by_kind.items(), key=lambda kind: (-kind[1], kind[0]))
    glance = (
        Fact("Cards", count(summary.cards)),
        Fact("Without findings", count(summary.clean)),
        *(Fact(f"Of kind {kind}", count(number)) for kind, number in kinds),
    )
    return SummaryView(
        gravest=gravest,
        sign=SIGNS.get(gravest, "✓"),
        counts=sentence(counted(summary.by_severity)).rstrip("."),
        scope="; ".join(scope),
        bars=tuple(_bar(id_, rule, most, titles) for id_, rule in summary.ranked()),
        glance=glance if several else (),
    )


def titles_of(options: Options) -> dict[str, str]:
    """Return the rules' titles by id."""
    return {rule.id: rule.page.title for rule in options.rules}


def _bar(id_: str, rule: RuleCount, most: int, titles: Mapping[str, str]) -> BarView:
    found = by_gravity(rule.by_severity)
    return BarView(
        rule=id_,
        title=titles.get(id_, ""),
        severities=", ".join(found),
        findings=count(rule.findings),
        cards=count(rule.cards),
        segments=tuple((word, f"{100 * number / most:.2f}") for word, number in found.items()),
    )


def _finding(finding: Finding, source: str, titles: Mapping[str, str]) -> FindingView:
    text = source.replace("\t", "    ").replace("\n", " ").strip()
    return FindingView(
        severity=finding.severity,
        sign=SIGNS[finding.severity],
        rule=finding.rule,
        title=titles.get(finding.rule, ""),
        place=place(finding),
        message=sentence(finding.message),
        number=str(finding.line) if text else "",
        source=text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}…",
        help=sentence(finding.help),
    )


def _claims_view(shown: Shown) -> ClaimsView:
    claims = shown.audit.claims
    return ClaimsView(
        facts=claims_facts(claims),
        hyperparameters=table_view(
            ("Hyperparameter", "As published", "Line"),
            ((name, claim.text, str(claim.line)) for name, claim in claims.hyperparameters.items()),
        ),
        versions=table_view(
            ("Package", "As published", "Line"),
            ((name, claim.text, str(claim.line)) for name, claim in claims.versions.items()),
        ),
        results=printed_table(claims.results),
    )

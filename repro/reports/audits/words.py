"""Words that several formats share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from repro.records.claims import Audit, Claims, Finding
from repro.records.summary import Summary, by_gravity
from repro.reports.formats import count, line

#: One sign for each severity, so that no colour carries meaning alone.
SIGNS = {"error": "✕", "warning": "!", "note": "i"}
NOT_STATED = "not stated"


def plural(number: int, word: str) -> str:
    """Return a number and its noun.

    >>> plural(1, "card"), plural(2, "card")
    ('1 card', '2 cards')
    """
    return f"{count(number)} {word}{'' if number == 1 else 's'}"


def counted(by_severity: Mapping[str, int]) -> str:
    """Return counts by severity in words.

    >>> counted({"note": 4, "error": 1}), counted({})
    ('1 error, 4 notes', 'no findings')
    """
    return ", ".join(plural(n, word) for word, n in by_gravity(by_severity).items() if n) or "no findings"


def tally(findings: Iterable[Finding]) -> dict[str, int]:
    """Return how many findings there are of each severity."""
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.severity] = counts.get(finding.severity, 0) + 1
    return counts


def total(summary: Summary) -> str:
    """Return a summary in one line: `3 cards, 2 errors, 1 warning, 4 notes; 1 suppressed`."""
    extra = [
        *([f"{count(summary.suppressed)} suppressed"] if summary.suppressed else ()),
        *([f"{plural(summary.unreadable, 'target')} unreadable"] if summary.unreadable else ()),
    ]
    return "; ".join((f"{plural(summary.cards, 'card')}, {counted(summary.by_severity)}", *extra))


def place(finding: Finding) -> str:
    """Return where a finding is, for people."""
    return "the whole card" if finding.line is None else f"line {finding.line}"


def stated(claims: Claims) -> dict[str, str]:
    """Return what a card says about itself, by label."""
    return {
        "name": claims.name or NOT_STATED,
        "base model": claims.base_model or NOT_STATED,
        "data sets": ", ".join(claims.datasets) or NOT_STATED,
        "licence": claims.license or NOT_STATED,
        "task": claims.task or NOT_STATED,
    }


def suppressed(audit: Audit) -> list[str]:
    """Return a line for each finding that was held back: rule, place, by whom and why."""
    return [
        line(
            f"{each.rule}{'' if each.line is None else f', line {each.line}'}: "
            f"{'an exception in the card' if each.by == 'card' else 'in the baseline'}"
            f"{f' ({each.reason})' if each.reason else ''}"
        )
        for each in audit.suppressed
    ]


def skipped(audit: Audit) -> list[str]:
    """Return a line for each reason why rules could not apply."""
    return [line(f"{', '.join(rules)}: {reason}") for reason, rules in audit.skipped.items()]

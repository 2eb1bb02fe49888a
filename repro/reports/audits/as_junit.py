"""JUnit XML: a suite for each card, a test case for each finding, so that any CI shows them.

Only elements and attributes that Jenkins' schema (junit-10) knows; the root's counts would be known last.
"""

from __future__ import annotations

from collections import Counter
from xml.sax.saxutils import escape, quoteattr

from repro.records.claims import Finding
from repro.records.summary import SEVERITIES
from repro.reports.audits.interface import Options, Shown, Writer
from repro.reports.audits.words import suppressed
from repro.reports.formats import clean, line

_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<testsuites name="repro audit">\n'


class JunitWriter(Writer):
    """A finding of the chosen level or above is a failure, others pass and say what they found."""

    independent = True

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        at = SEVERITIES.index(options.fail_on) + 1 if options.fail_on in SEVERITIES else 0
        self._failing = frozenset(SEVERITIES[:at])

    def begin(self) -> str:
        """Return the declaration and the root's beginning."""
        return _HEAD

    def card(self, shown: Shown) -> str:
        """Return the card's suite; one without findings has one case, which passes."""
        audit = shown.audit
        name = _attribute(audit.target)
        named: Counter[str] = Counter()
        cases = [self._case(finding, name, named, shown) for finding in audit.findings]
        cases += [
            _case(name, _name(each.rule, each.line, named), f"<skipped message={_attribute(why)}/>")
            for each, why in zip(audit.suppressed, suppressed(audit), strict=True)
        ]
        failures = sum(finding.severity in self._failing for finding in audit.findings)
        cases = cases or [_case(name, "no findings", "")]
        counts = f'tests="{len(cases)}" failures="{failures}" errors="0" skipped="{len(audit.suppressed)}"'
        return f"<testsuite name={name} {counts}>\n{''.join(cases)}</testsuite>\n"

    def unreadable(self, target: str, message: str) -> str:
        """Return a suite with one case, which is an error."""
        name = _attribute(target)
        case = _case(name, "can be read", f"<error message={_attribute(message)}/>")
        return f'<testsuite name={name} tests="1" failures="0" errors="1" skipped="0">\n{case}</testsuite>\n'

    def end(self, summary: object) -> str:  # noqa: ARG002 - the counts stand in the suites
        """Return the root's end."""
        return "</testsuites>\n"

    def _case(self, finding: Finding, card: str, named: Counter[str], shown: Shown) -> str:
        message = line(finding.message)
        name = _name(finding.rule, finding.line, named)
        source = shown.line(finding.line)
        told = [
            f"{finding.severity}: {message}",
            *([f"{finding.line} | {line(source)}"] if source else ()),
            *([f"help: {line(finding.help)}"] if finding.help else ()),
        ]
        text = escape("\n".join(told))
        if finding.severity in self._failing:
            body = f'<failure type="{finding.severity}" message={_attribute(message)}>{text}</failure>'
        else:
            body = f"<system-out>{text}</system-out>"
        return _case(card, name, body)


def _name(rule: str, at: int | None, named: Counter[str]) -> str:
    """Return a case's name; names are unique in a suite, or CI would show one of them only."""
    name = rule if at is None else f"{rule} line {at}"
    named[name] += 1
    return name if named[name] == 1 else f"{name} ({named[name]})"


def _case(card: str, name: str, body: str) -> str:
    start = f"<testcase classname={card} name={_attribute(name)}"
    return f"{start}>{body}</testcase>\n" if body else f"{start}/>\n"


def _attribute(text: str) -> str:
    return quoteattr(clean(line(text)))


WRITER = JunitWriter

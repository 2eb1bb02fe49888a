"""Text for a terminal: each finding with its line of the card under it.

Nothing of a card reaches the terminal as it is: `formats.clean` and `formats.line` spell out what would act.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TextIO

from repro.records.claims import Audit, Finding, Table
from repro.records.summary import SEVERITIES, Summary
from repro.reports.audits.interface import Options, Shown, Writer
from repro.reports.audits.words import plural, skipped, stated, suppressed, total
from repro.reports.formats import clean, count, line
from repro.rules.interface import Rule

_STYLES = {"error": "1;31", "warning": "1;33", "note": "1;36", "gutter": "34", "bold": "1", "quiet": "2"}
#: Of a card's line, where the terminal's width is not known.
_WIDEST = 160
_GUTTER = 5


class TextWriter(Writer):
    """Findings as compilers print them; a single card's claims before them."""

    independent = True

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._widest = options.width or _WIDEST

    def card(self, shown: Shown) -> str:
        """Return a card: claims and findings where it is the only one, else findings alone."""
        audit = shown.audit
        lines = [] if self.options.several else [*_claims(audit), ""]
        for finding in audit.findings:
            lines += self._finding(finding, audit.target, shown.line(finding.line))
        if self.options.verbose:
            lines += [
                self._paint("quiet", f"{line(audit.target)}: suppressed: {x}") for x in suppressed(audit)
            ]
            lines += [self._paint("quiet", f"{line(audit.target)}: not asked: {x}") for x in skipped(audit)]
        return "\n".join(lines) + "\n" if lines else ""

    def end(self, summary: Summary) -> str:
        """Return the last line: what all of it amounts to."""
        lines = [self._paint("bold", total(summary))]
        if summary.findings:
            lines.append(self._paint("quiet", f"`repro rules {summary.ranked()[0][0]}` explains a rule"))
        return "\n".join(lines) + "\n"

    def _finding(self, finding: Finding, target: str, source: str) -> list[str]:
        severity = self._paint(finding.severity, finding.severity)
        at = "" if finding.line is None else f":{finding.line}"
        where = self._paint("bold", f"{line(target)}{at}:")
        lines = [f"{where} {finding.rule} {severity}: {line(finding.message)}"]
        bar = self._paint("gutter", "|")
        if source:
            number = self._paint("gutter", f"{finding.line:>{_GUTTER}}")
            lines.append(f"{number} {bar} {_fit(source, self._widest - _GUTTER - 3)}".rstrip())
        if finding.help:
            lines += self._help(line(finding.help))
        return [*lines, ""]

    def _help(self, text: str) -> list[str]:
        indent = " " * (_GUTTER + 1)
        mark = self._paint("gutter", "=")
        first = f"{indent}{mark} help: "
        width = self.options.width - _GUTTER - 9
        if width < 20:  # no terminal, or one too narrow to care
            return [first + text]
        head, *rest = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]
        return [first + head, *(f"{indent}{' ' * 8}{each}" for each in rest)]

    def _paint(self, style: str, text: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.options.color else text


def color_wanted(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether to colour what goes to `stream`: on a terminal, unless NO_COLOR or a dumb terminal says no."""
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def summary_text(summary: Summary, rules: Sequence[Rule] = ()) -> str:
    """Return a summary as a table, one row for each rule that found something, the gravest first."""
    titles = {rule.id: rule.page.title for rule in rules}
    lines = [
        f"{'rule':<8}{''.join(f'{word:>10}' for word in (*(f'{each}s' for each in SEVERITIES), 'cards'))}"
    ]
    for id_, rule in summary.ranked():
        numbers = (*(rule.by_severity.get(word, 0) for word in SEVERITIES), rule.cards)
        cells = "".join(f"{count(number):>10}" for number in numbers)
        lines.append(f"{line(id_):<8}{cells}  {titles.get(id_, '')}".rstrip())
    kinds = ", ".join(f"{count(number)} {line(kind)}" for kind, number in sorted(summary.by_kind.items()))
    tail = [f"{plural(summary.clean, 'card')} without findings"]
    tail += [f"kinds: {kinds}"] if kinds else []
    tail += [f"{summary.seconds:.1f} s"] if summary.seconds else []
    table = ["", *lines, ""] if summary.by_rule else []
    return "\n".join((total(summary), *table, "; ".join(tail))) + "\n"


def _claims(audit: Audit) -> list[str]:
    claims = audit.claims
    lines = [line(f"{audit.target}: a card of kind {audit.kind}")]
    lines += [f"  {name:<28} {line(text)}" for name, text in stated(claims).items()]
    for title, group in (
        ("hyperparameters", claims.hyperparameters),
        ("versions", claims.versions),
        ("evaluation", claims.evaluation),
    ):
        lines.append(title if group else f"{title}: none")
        lines += [
            f"  {line(name):<28} {line(claim.text)} (line {claim.line})" for name, claim in group.items()
        ]
    lines.append("results" if claims.results else "results: none")
    if claims.results:
        lines += [f"  {row}" for row in _table(claims.results)]
    return lines


def _table(table: Table) -> list[str]:
    """Return the table as printed, its columns set under each other."""
    rows = [[line(text) for text in table.header]]
    rows += [[line(cell.text) for cell in row.cells] for row in table.rows]
    widths = [max(len(row[at]) for row in rows if at < len(row)) for at in range(max(map(len, rows)))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=False)) for row in rows]


def _fit(text: str, width: int) -> str:
    """Return a card's line as it stands there, but printable and no wider than `width`."""
    shown = clean(text[: 4 * width].replace("\t", "    ")).replace("\n", " ").rstrip()
    return shown if len(shown) <= width else f"{shown[: width - 1]}…"


WRITER = TextWriter

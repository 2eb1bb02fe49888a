"""HTML: one page without scripts, the summary first, each finding with its line of the card."""

from __future__ import annotations

from repro.records.summary import Summary
from repro.reports.audits.interface import Options, Shown, SummaryFirst
from repro.reports.audits.views import card_view, summary_view, titles_of
from repro.reports.rendering import fill, html_environment, template_folders


class HtmlWriter(SummaryFirst):
    """A page begun before the last card is there has its summary last; the style sheet shows it first."""

    most = 4_000_000

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._environment = html_environment(template_folders(options.templates))
        self._titles = titles_of(options)
        self._target = self._kind = ""
        self._number = 0

    def head(self) -> str:
        """Return the page's beginning: style, title and filter."""
        several = self.options.several
        return fill(
            self._environment, "audit_head.html.j2", several=several, target=self._target, kind=self._kind
        )

    def summary(self, summary: Summary, *, late: bool) -> str:
        """Return the counts and the bars by rule."""
        several = self.options.several
        view = summary_view(summary, self._titles, several=several)
        return fill(self._environment, "audit_summary.html.j2", summary=view, several=several, late=late)

    def body(self, shown: Shown) -> str:
        """Return one card."""
        self._number += 1
        if not self.options.several:
            self._target, self._kind = shown.audit.target, shown.audit.kind
        view = card_view(shown, self.options, self._titles)
        return fill(self._environment, "audit_card.html.j2", card=view, number=self._number)

    def broken(self, target: str, message: str) -> str:
        """Return a target that could not be read."""
        return fill(self._environment, "audit_unreadable.html.j2", target=target, message=message)

    def tail(self) -> str:
        """Return the page's end."""
        return fill(self._environment, "audit_tail.html.j2")


WRITER = HtmlWriter

"""Markdown, e.g. for a comment on a pull request: the summary, then the cards with findings."""

from __future__ import annotations

from repro.records.summary import Summary
from repro.reports.audits.interface import Options, Shown, SummaryFirst
from repro.reports.audits.views import card_view, summary_view, titles_of
from repro.reports.formats import clean
from repro.reports.markdown import Markdown, fenced
from repro.reports.rendering import fill, markdown_environment, template_folders


class MarkdownWriter(SummaryFirst):
    """Cards without findings are counted, not listed: who reads a comment wants what there is to do."""

    most = 60_000  # code hosting takes about as much in one comment

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._environment = markdown_environment(template_folders(options.templates))
        self._environment.filters["source"] = _source
        self._titles = titles_of(options)
        self._target = ""

    def head(self) -> str:
        """Return the title."""
        return fill(self._environment, "audit_head.md.j2", target=self._target)

    def summary(self, summary: Summary, *, late: bool) -> str:
        """Return the counts and the table by rule."""
        view = summary_view(summary, self._titles, several=self.options.several)
        return fill(self._environment, "audit_summary.md.j2", summary=view, late=late)

    def body(self, shown: Shown) -> str:
        """Return one card, nothing where nothing was found on one of several."""
        audit = shown.audit
        if not self.options.several:
            self._target = audit.target
        elif not audit.findings:
            return ""
        view = card_view(shown, self.options, self._titles)
        return fill(self._environment, "audit_card.md.j2", card=view)

    def broken(self, target: str, message: str) -> str:
        """Return a target that could not be read."""
        return fill(self._environment, "audit_unreadable.md.j2", target=target, message=message)

    def tail(self) -> str:
        """Return nothing: a comment just ends."""
        return ""


def _source(text: str) -> Markdown:
    """Return a card's line as a fenced block inside a list item."""
    block = fenced(clean(text).replace("\n", " "))
    return Markdown("\n".join(f"  {each}" for each in block.split("\n")))


WRITER = MarkdownWriter

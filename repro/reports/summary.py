"""A comparison in Markdown, e.g. for a step summary of hosted CI: the verdict first, the tables folded."""

from __future__ import annotations

from repro.records.comparison import Comparison
from repro.records.run import Run
from repro.reports import views
from repro.reports.rendering import fill, markdown_environment, template_folders


def comparison_as_markdown(run: Run, comparison: Comparison) -> str:
    """Return the text; whatever a card, a case or a log says in it is escaped."""
    report = views.report(run, comparison, {})
    return fill(
        markdown_environment(template_folders(None)), "check.md.j2", report=report, run=run.id
    ).rstrip()

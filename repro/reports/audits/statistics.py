"""The summary of many audits as a file: JSON, a table, or a plot by rule."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from repro.errors import BadInput
from repro.records.codec import to_json, write_atomic
from repro.records.summary import Summary
from repro.reports.audits.as_text import summary_text
from repro.reports.audits.words import counted, plural, total
from repro.reports.formats import sentence
from repro.rules.interface import Rule

#: What a file's ending asks for.
ENDINGS = (".json", ".txt", ".svg", ".png")
#: Rows of the plot; the table has them all.
_MOST_BARS = 40
_LONGEST_LABEL = 46


def save_summary(
    path: Path, summary: Summary, rules: Sequence[Rule] = (), *, templates: Path | None = None
) -> None:
    """Write a summary in the format that the file's ending asks for.

    Args:
        path: A file that ends in one of `ENDINGS`.
        summary: The counts.
        rules: The rules that were asked, for their titles.
        templates: A folder whose plot style comes before the packaged one.

    Raises:
        BadInput: Another ending, or the file cannot be written.
    """
    match path.suffix.lower():
        case ".json":
            write_atomic(path, to_json(summary.ordered()) + "\n")
        case ".txt":
            write_atomic(path, summary_text(summary, rules))
        case ".svg" | ".png":
            write_atomic(path, _plot(summary, rules, templates, pixels=path.suffix.lower() == ".png"))
        case ending:
            raise BadInput(
                f"{path}: no summary ends in {ending or 'nothing'}", f"one of {', '.join(ENDINGS)}"
            )


def _plot(summary: Summary, rules: Sequence[Rule], templates: Path | None, *, pixels: bool) -> str | bytes:
    # Imported here: only who asks for a plot pays for Matplotlib.
    from repro.reports.plots import Bar, draw_bars, draw_bars_png
    from repro.reports.rendering import plot_style, template_folders

    titles = {rule.id: rule.page.title.replace("`", "") for rule in rules}
    ranked = summary.ranked()
    bars = [
        Bar(
            label=_label(id_, titles.get(id_, "")),
            remark=f"{rule.findings:,} in {plural(rule.cards, 'card')}",
            lengths=rule.by_severity,
        )
        for id_, rule in ranked[:_MOST_BARS]
    ]
    title = f"{'Findings by rule' if bars else 'No findings'}: {plural(summary.cards, 'card')}"
    if pixels:
        return draw_bars_png(title, bars, plot_style(template_folders(templates)))
    most = ranked[0] if ranked else None
    description = sentence(total(summary))
    if most:
        description += (
            f" {most[0]} leads with {counted(most[1].by_severity)} on {plural(most[1].cards, 'card')}."
        )
    if len(ranked) > _MOST_BARS:
        description += f" {_MOST_BARS} of {len(ranked)} rules are shown."
    return draw_bars("audit-summary", title, description, bars, plot_style(template_folders(templates))).file


def _label(id_: str, title: str) -> str:
    text = f"{id_} {title}".strip()
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"

"""Audits for people and machines: one file for each format, all behind `interface.Writer`.

    out = writer("sarif", several=True, rules=builtin())
    file.write(out.begin())
    for shown in cards:
        file.write(out.card(shown))
        summary.add(shown.audit)
    file.write(out.end(summary))

Nothing heavy is imported before a format needs it.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from repro.errors import BadInput
from repro.records.summary import RuleCount, Summary
from repro.reports.audits.interface import FailOn, Options, Shown, Writer
from repro.rules.interface import Rule

__all__ = ["WRITERS", "FailOn", "Options", "RuleCount", "Shown", "Summary", "Writer", "writer"]

#: The module of each format's `Writer`.
WRITERS: Final = {
    "text": "as_text",
    "json": "as_json",
    "markdown": "as_markdown",
    "html": "as_html",
    "sarif": "as_sarif",
    "junit": "as_junit",
}


def writer(
    format: str,  # noqa: A002 - what the option of the command is called
    *,
    several: bool,
    rules: Sequence[Rule] = (),
    color: bool = False,
    width: int = 0,
    verbose: bool = False,
    fail_on: FailOn = "error",
    templates: Path | None = None,
) -> Writer:
    """Return the writer of a format.

    Args:
        format: A key of `WRITERS`.
        several: Whether there may be more cards than one.
        rules: The rules that are asked.
        color: Whether escape sequences may be written.
        width: Of the terminal, 0 for no terminal.
        verbose: Whether to tell what could not apply.
        fail_on: The least severity that fails a test case (JUnit).
        templates: A folder whose templates come before the packaged ones (HTML, Markdown).

    Raises:
        BadInput: There is no such format, or no such folder.
    """
    if format not in WRITERS:
        raise BadInput(f"{format}: no format of an audit", f"one of {', '.join(WRITERS)}")
    options = Options(several, rules, color, width, verbose, fail_on, templates)
    made: Writer = importlib.import_module(f"{__name__}.{WRITERS[format]}").WRITER(options)
    return made

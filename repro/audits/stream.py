"""Many cards: a chunk of them through an auditor, and what came of it as written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from repro.audits.auditor import Auditor, Settings
from repro.audits.baseline import Entry
from repro.audits.findings_only import FindingsOnly
from repro.audits.sources import CHUNK_BYTES, Chunk, Source
from repro.reports.audits import FailOn, Shown, Summary, Writer, writer
from repro.reports.audits.interface import Options
from repro.rules.interface import Rule
from repro.rules.reading import READABLE

#: How many cards are read, and then judged, together.
TOGETHER = 32


@dataclass(frozen=True)
class Format:
    """How audits are written; plain values, which go to worker processes as they are.

    Attributes:
        name: A format of `reports.audits`.
        several: Whether there may be more cards than one.
        findings_only: JSON without claims and without what could not apply.
        color: Whether escape sequences may be written.
        width: Of the terminal, 0 for none.
        verbose: Whether to tell what could not apply.
        fail_on: The least severity that fails a test case.
        templates: A folder whose templates come before the packaged ones.
    """

    name: str = "text"
    several: bool = False
    findings_only: bool = False
    color: bool = False
    width: int = 0
    verbose: bool = False
    fail_on: FailOn = "error"
    templates: Path | None = None

    def writer(self, rules: tuple[Rule, ...]) -> Writer:
        """Return the writer."""
        if self.name == "json" and self.findings_only:
            return FindingsOnly(Options(several=self.several))
        return writer(
            self.name,
            several=self.several,
            rules=rules,
            color=self.color,
            width=self.width,
            verbose=self.verbose,
            fail_on=self.fail_on,
            templates=self.templates,
        )


@dataclass
class Answer:
    """What came of a chunk.

    Attributes:
        text: The cards as written, where the format writes each card by itself.
        shown: The cards, where it does not.
        summary: Their counts.
        gone: How many findings of the baseline are there no more.
        entries: Findings for a baseline that is written.
        share: Which part of its target the chunk was.
    """

    text: bytes = b""
    shown: list[Shown] = field(default_factory=list)
    summary: Summary = field(default_factory=Summary)
    gone: int = 0
    entries: list[Entry] = field(default_factory=list)
    share: float = 0.0


class Bench:
    """Audits chunks and writes what came of them; there is one in each process."""

    def __init__(self, settings: Settings, format: Format) -> None:  # noqa: A002 - the word of the command
        self.auditor = Auditor(settings)
        self.writer = format.writer(self.auditor.rules)

    def __call__(self, chunk: Chunk) -> Answer:
        """Audit a chunk."""
        answer = Answer(share=chunk.share)
        alone = self.writer.independent
        texts: list[str] = []
        for sources in _together(chunk.read()):
            for shown, gone, entries in self.auditor.several(sources):
                count(answer.summary, shown)
                answer.gone += gone
                answer.entries += entries
                if alone:
                    texts.append(self.writer.card(shown))
                else:
                    answer.shown.append(shown)
        answer.text = encoded("".join(texts))
        return answer


def _together(sources: Iterable[Source]) -> Iterator[list[Source]]:
    """Yield sources in groups that are audited together: enough to be fast, and few to hold in memory."""
    some: list[Source] = []
    held = 0
    for source in sources:
        some.append(source)
        held += len(source.text)
        if len(some) == TOGETHER or held >= CHUNK_BYTES:
            yield some
            some, held = [], 0
    if some:
        yield some


def encoded(text: str) -> bytes:
    """Return text as UTF-8; half a character, as in a file's name that is no UTF-8, is spelled out."""
    return text.encode("utf-8", "backslashreplace")


def count(summary: Summary, shown: Shown) -> None:
    """Count one card, and whether it could be read."""
    summary.add(shown.audit)
    summary.unreadable += any(each.rule == READABLE for each in shown.audit.findings)

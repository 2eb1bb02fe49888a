"""An audit from its targets to its summary: what `repro audit` does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from repro.audits import baseline
from repro.audits.auditor import Auditor, Settings
from repro.audits.output import Lines, Output, StandardOutput, WholeFile, Written
from repro.audits.sources import Chunk, Target, open_targets
from repro.audits.stream import Answer, Bench, Format, encoded
from repro.errors import BadInput
from repro.records.claims import Audit
from repro.reports.audits import Summary
from repro.rules import Rule


@dataclass(frozen=True)
class Request:
    """What `repro audit` was asked for.

    Attributes:
        targets: Card files, folders, tables of cards, cases, addresses, `hub:user/model[@revision]`, or `-`.
        settings: What is asked of each card.
        format: How audits are written; whether there are several cards is found out.
        column: The column of tables in which the cards stand.
        jobs: How many processes; 0 for as many as there are cores.
        out: A file instead of standard output.
        resume: Go on with that file.
        overwrite: Replace that file.
        baseline: Findings that were there before, which are held back.
        write_baseline: Write the findings to that file instead of holding any back.
    """

    targets: tuple[str, ...]
    settings: Settings = field(default_factory=Settings)
    format: Format = field(default_factory=Format)
    column: str = "card"
    jobs: int = 1
    out: Path | None = None
    resume: bool = False
    overwrite: bool = False
    baseline: Path | None = None
    write_baseline: bool = False


@dataclass
class Outcome:
    """What an audit amounts to.

    Attributes:
        summary: The counts.
        rules: The rules that were asked.
        several: Whether there may have been more cards than one.
        gone: How many findings of the baseline are there no more.
        earlier: Cards that were audited before, where an audit was gone on with.
        known: How many findings were written to a baseline.
    """

    summary: Summary = field(default_factory=Summary)
    rules: tuple[Rule, ...] = ()
    several: bool = False
    gone: int = 0
    earlier: int = 0
    known: int = 0


class Observer(Protocol):
    """Who is told how far an audit is."""

    def begin(self, targets: int, earlier: int) -> None:
        """The work begins: so many targets, so many cards that are done already."""

    def advance(self, share: float, summary: Summary) -> None:
        """Some more cards are done: this part of a target, these counts so far."""


class Silent:
    """An observer that is not interested."""

    def begin(self, targets: int, earlier: int) -> None:
        """Do nothing."""

    def advance(self, share: float, summary: Summary) -> None:
        """Do nothing."""


def audits(
    targets: Iterable[str], settings: Settings | None = None, *, column: str = "card"
) -> Iterator[Audit]:
    """Audit cards one after the other, in this process.

    Args:
        targets: As in `Request`.
        settings: What is asked of each card.
        column: The column of tables in which the cards stand.

    Yields:
        One audit for each card, in the order of the targets.

    Raises:
        BadInput: A target is not there, or the only card that was asked for cannot be read.
        NetworkFailed: A card that is fetched cannot be had.
    """
    auditor = Auditor(settings or Settings())
    for target in open_targets(tuple(targets), column=column):
        for chunk in target.chunks():
            for source in chunk.read():
                yield auditor(source).shown.audit


def work(request: Request, observer: Observer | None = None) -> Outcome:
    """Audit cards and write what was found.

    Args:
        request: What is asked for.
        observer: Told how far it is.

    Raises:
        BadInput: A target, option or file that cannot be used.
        NetworkFailed: A card that is fetched cannot be had.
        TrainingFailed: A worker process was killed.
    """
    observer = observer or Silent()
    begun = time.monotonic()
    settings = request.settings
    settings.rules()  # a word that fits no rule is told before any card is looked for
    if request.write_baseline:
        if request.baseline is None:
            raise BadInput("--write-baseline: into which file?", "--baseline FILE names it")
        settings = replace(settings, entries_for=baseline.folder_of(request.baseline))
    elif request.baseline is not None:
        settings = replace(settings, baseline=baseline.Baseline.load(request.baseline))
    targets = open_targets(request.targets, column=request.column)
    several = len(targets) > 1 or any(target.several for target in targets)
    format = replace(request.format, several=several)  # noqa: A001 - the word of the command
    settings = replace(settings, sources=format.name != "json")
    earlier = _earlier(request, format)
    with _answering(settings, format, request.jobs or cores()) as answers:
        bench = Bench(settings, format)
        outcome = Outcome(rules=bench.auditor.rules, several=several)
        chunks = _chunks(targets)
        if earlier is not None and earlier.cards:
            outcome.summary, outcome.earlier = earlier.summary, earlier.cards
            chunks = _behind(chunks, earlier, bench, request.out, observer)
        observer.begin(len(targets), outcome.earlier)
        entries: list[baseline.Entry] = []
        with _output(request, format, earlier) as output:
            head = encoded(bench.writer.begin())  # kept until there is a card: an error has no document
            for answer in answers(bench, chunks):
                output.write(head + _text(answer, bench))
                head = b""
                outcome.summary.merge(answer.summary)
                outcome.gone += answer.gone
                entries += answer.entries
                observer.advance(answer.share, outcome.summary)
            output.write(head + encoded(bench.writer.end(outcome.summary)))
    if request.write_baseline and request.baseline is not None:
        baseline.save(request.baseline, entries)
        outcome.known = sum(each.count for each in entries)
    if outcome.earlier:
        outcome.gone = 0  # what was gone from the cards audited before is not known any more
    outcome.summary.seconds = time.monotonic() - begun
    return outcome


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _answering(
    settings: Settings,
    format: Format,  # noqa: A002 - the word of the command
    jobs: int,
) -> Iterator[Callable[[Bench, Iterator[Chunk]], Iterator[Answer]]]:
    """Yield what audits chunks: this process, or several."""
    if jobs == 1:
        yield map
        return
    from repro.audits.pool import workers  # not needed for one card, nor its imports

    with workers(settings, format, jobs) as pool:
        yield lambda _, chunks: pool.answers(chunks)


def _chunks(targets: Iterable[Target]) -> Iterator[Chunk]:
    for target in targets:
        yield from target.chunks()


def _text(answer: Answer, bench: Bench) -> bytes:
    if bench.writer.independent:
        return answer.text
    return encoded("".join(map(bench.writer.card, answer.shown)))


# --------------------------------------------------------------------------------------------- files


def _is_lines(format: Format) -> bool:  # noqa: A002
    return format.name == "json" and format.several


def _output(request: Request, format: Format, earlier: Written | None) -> Output:  # noqa: A002
    if request.out is None:
        return StandardOutput()
    if _is_lines(format):
        return Lines(request.out, at=earlier.end if earlier else 0)
    return WholeFile(request.out)


def _earlier(request: Request, format: Format) -> Written | None:  # noqa: A002
    """Look at the file that is to be written; None where it begins anew."""
    out = request.out
    if request.resume:
        if out is None or not _is_lines(format):
            raise BadInput(
                "--resume goes on with JSON lines in a file", "--format json --out FILE, and several cards"
            )
        if request.write_baseline:
            raise BadInput("--resume cannot write a baseline", "a baseline is of all cards: audit them anew")
        return Written.read(out) if out.exists() else None
    if out is not None and str(out) in request.targets:
        raise BadInput(f"{out}: is to be audited and to be written", "choose another --out")
    # A document is made anew each time; JSON lines may be the work of an hour.
    if out is not None and out.exists() and _is_lines(format) and not request.overwrite:
        raise BadInput(f"{out}: is there already", "--resume goes on with it, --overwrite replaces it")
    return None


def _behind(
    chunks: Iterator[Chunk], earlier: Written, bench: Bench, out: Path | None, observer: Observer
) -> Iterator[Chunk]:
    """Yield what was not audited yet.

    The first and the last card that were are audited again: what was written must be what would be written
    now, byte for byte, or the file is of other cards, other rules or another version.

    Raises:
        BadInput: It is not.
    """

    def same(chunk: Chunk, line: bytes) -> None:
        if bench(chunk).text != line:
            raise BadInput(
                f"{out}: is not of these targets, options and version of the program",
                "the same command goes on; --overwrite starts anew",
            )

    left = earlier.cards
    first = True
    for chunk in chunks:
        if first:
            same(chunk.part(0, 1), earlier.first)
        first = False
        if left > len(chunk):
            left -= len(chunk)
            observer.advance(chunk.share, earlier.summary)
            continue
        if left > 0:
            same(chunk.part(left - 1, left), earlier.last)
        if left < len(chunk):
            yield chunk.part(left)
        else:
            observer.advance(chunk.share, earlier.summary)
        left = 0
    if left > 0:
        raise BadInput(
            f"{out}: holds {left} cards more than there are",
            "the same command goes on; --overwrite starts anew",
        )

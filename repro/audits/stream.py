"""Many cards: chunks through auditors in this process or several, the answers in the order of the cards."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro.audits.auditor import Auditor, Settings
from repro.audits.baseline import Entry
from repro.audits.findings_only import FindingsOnly
from repro.audits.sources import Chunk
from repro.errors import TrainingFailed
from repro.reports.audits import FailOn, Shown, Summary, Writer, writer
from repro.reports.audits.interface import Options
from repro.rules.interface import Rule

UNREADABLE = "RM101"


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
        for source in chunk.read():
            shown, gone, entries = self.auditor(source)
            count(answer.summary, shown)
            answer.gone += gone
            answer.entries += entries
            if alone:
                texts.append(self.writer.card(shown))
            else:
                answer.shown.append(shown)
        answer.text = encoded("".join(texts))
        return answer


def encoded(text: str) -> bytes:
    """Return text as UTF-8; half a character, as in a file's name that is no UTF-8, is spelled out."""
    return text.encode("utf-8", "backslashreplace")


def count(summary: Summary, shown: Shown) -> None:
    """Count one card, and whether it could be read."""
    summary.add(shown.audit)
    summary.unreadable += any(each.rule == UNREADABLE for each in shown.audit.findings)


def answers(chunks: Iterable[Chunk], bench: Bench, pool: Pool | None = None) -> Iterator[Answer]:
    """Audit chunks, here or in a pool; the answers come in the order of the chunks."""
    return map(bench, chunks) if pool is None else pool.answers(chunks)


# -------------------------------------------------------------------------------------------- processes


class Pool:
    """Worker processes, each with a bench of its own."""

    def __init__(self, executor: ProcessPoolExecutor, jobs: int) -> None:
        self._executor = executor
        self._ahead = 2 * jobs + 2  # enough that no worker waits, and memory stays constant

    def answers(self, chunks: Iterable[Chunk]) -> Iterator[Answer]:
        """Audit chunks, a bounded number of them ahead of what was taken.

        Raises:
            TrainingFailed: A worker was killed.
        """
        waiting: deque[Future[Answer]] = deque()
        try:
            for chunk in chunks:
                waiting.append(self._executor.submit(_work, chunk))
                if len(waiting) > self._ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise TrainingFailed(
                "a worker process of the audit was killed",
                "was the memory enough? fewer --jobs need less; with --out, --resume goes on",
            ) from error


@contextmanager
def workers(settings: Settings, format: Format, jobs: int) -> Iterator[Pool | None]:  # noqa: A002
    """Start worker processes, and end them however the audit ends; None for one job, which needs none.

    Args:
        settings: What is asked of each card.
        format: How audits are written.
        jobs: How many processes; 0 for as many as there are cores.
    """
    jobs = jobs or cores()
    if jobs == 1:
        yield None
        return
    before = set(multiprocessing.active_children())
    executor = ProcessPoolExecutor(
        jobs, multiprocessing.get_context(_start_method()), initializer=_begin, initargs=(settings, format)
    )
    try:
        executor.submit(os.getpid)  # forks now, before a progress bar or a client has threads
        yield Pool(executor, jobs)
        executor.shutdown()
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        ours = set(multiprocessing.active_children()) - before
        for process in ours:
            process.kill()
        for process in ours:
            process.join()
        raise


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start_method() -> str:
    """Fork where that is safe, because a worker is then there at once; else start afresh."""
    if sys.platform == "linux" and threading.active_count() == 1:
        return "fork"
    return "spawn"


_bench: Bench | None = None


def _begin(settings: Settings, format: Format) -> None:  # noqa: A002
    """Set up a worker: Ctrl-C is the parent's to answer, and no worker outlives it."""
    global _bench
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _bench = Bench(settings, format)


def _end_with_parent() -> None:
    parent: Any = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(chunk: Chunk) -> Answer:
    assert _bench is not None  # noqa: S101 - the initializer ran
    return _bench(chunk)

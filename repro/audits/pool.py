"""Worker processes: chunks to as many benches as there are jobs, the answers in the order of the chunks."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any, cast

from repro.audits.auditor import Settings
from repro.audits.sources import Chunk
from repro.audits.stream import Answer, Bench, Format
from repro.errors import TrainingFailed

_PATIENCE = 10.0  # seconds


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
def workers(settings: Settings, format: Format, jobs: int) -> Iterator[Pool]:  # noqa: A002
    """Start worker processes, and end them however the audit ends.

    Args:
        settings: What is asked of each card.
        format: How audits are written.
        jobs: How many processes.
    """
    before = set(multiprocessing.active_children())
    executor = ProcessPoolExecutor(
        jobs, multiprocessing.get_context(_start_method()), initializer=_begin, initargs=(settings, format)
    )
    ours: set[multiprocessing.process.BaseProcess] = set()
    try:
        executor.submit(os.getpid)  # forks now, before a progress bar or a client has threads
        ours = set(multiprocessing.active_children()) - before
        yield Pool(executor, jobs)
        executor.shutdown()
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        _end(ours)
        executor.shutdown()  # waits for them; whoever else did would be in its way
        raise


def _end(processes: Iterable[multiprocessing.process.BaseProcess]) -> None:
    """Let workers finish the chunk at hand, a matter of a tenth of a second; kill who is not done soon.

    One that is killed while it answers leaves half an answer, and the executor waits for the rest for ever.
    """
    left = {process.sentinel: process for process in processes}
    until = time.monotonic() + _PATIENCE
    while left and (seconds := until - time.monotonic()) > 0:
        for sentinel in wait(list(left), seconds):
            del left[cast("int", sentinel)]
    for process in left.values():
        process.kill()


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

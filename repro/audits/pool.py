"""Worker processes: chunks to as many benches as there are jobs, the answers in the order of the chunks.

Each worker has a pipe of its own. The standard library's ProcessPoolExecutor has one for all: where a worker
is killed while it answers, the rest of the answer is waited for without end (seen once in twenty times).
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from typing import Any

from repro.audits.auditor import Settings
from repro.audits.sources import Chunk
from repro.audits.stream import Answer, Bench, Format
from repro.errors import TrainingFailed


class Pool:
    """Worker processes, each with a bench of its own."""

    def __init__(self, pipes: Sequence[Connection]) -> None:
        self._pipes = pipes
        self._ahead = 2 * len(pipes) + 2  # enough that no worker waits, and memory stays constant

    def answers(self, chunks: Iterable[Chunk]) -> Iterator[Answer]:
        """Audit chunks, a bounded number of them ahead of what was taken.

        Raises:
            TrainingFailed: A worker was killed.
        """
        left = iter(chunks)
        idle, busy = [*self._pipes], dict[Any, int]()  # a chunk's number by the pipe of who has it
        done: dict[int, Answer] = {}
        taken = given = 0
        while True:
            # Only who waits for a chunk is sent one: nobody writes to somebody who writes.
            while idle and taken - given < self._ahead and (chunk := next(left, None)) is not None:
                _exchange(idle[-1].send, chunk)
                busy[idle.pop()] = taken
                taken += 1
            if given in done:
                yield done.pop(given)
                given += 1
            elif busy:
                for pipe in wait([*busy]):
                    done[busy.pop(pipe)] = _received(pipe)
                    idle.append(pipe)  # type: ignore[arg-type]
            else:
                return


def _received(pipe: Any) -> Answer:
    answer = _exchange(pipe.recv)
    if isinstance(answer, Exception):
        raise answer
    assert isinstance(answer, Answer)  # noqa: S101 - what a worker sends
    return answer


def _exchange(work: Any, *arguments: Any) -> Any:
    try:
        return work(*arguments)
    except (EOFError, OSError) as error:
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
    context: Any = multiprocessing.get_context(_start_method())
    pipes: list[Connection] = []
    processes: list[multiprocessing.process.BaseProcess] = []
    try:
        for _ in range(jobs):
            ours, theirs = context.Pipe()
            with theirs:  # ours is at its end when the worker is, if nobody else holds the other side
                pipes.append(ours)
                processes.append(context.Process(target=_serve, args=(settings, format, theirs), daemon=True))
                processes[-1].start()
        yield Pool(pipes)
        for pipe in pipes:
            _exchange(pipe.send, None)
    except BaseException:
        for process in processes:
            if process.pid is not None:
                process.kill()
        raise
    finally:
        for process in processes:
            if process.pid is not None:
                process.join()
        for pipe in pipes:
            pipe.close()


def _start_method() -> str:
    """Fork where that is safe, because a worker is then there at once; else start afresh."""
    if sys.platform == "linux" and threading.active_count() == 1:
        return "fork"
    return "spawn"


def _serve(settings: Settings, format: Format, pipe: Connection) -> None:  # noqa: A002
    """Answer chunks until there are no more: Ctrl-C is the parent's to answer, and no worker outlives it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    bench = Bench(settings, format)
    while (chunk := pipe.recv()) is not None:
        try:
            answer: Answer | Exception = bench(chunk)
        except Exception as error:  # noqa: BLE001 - it is raised again by who asked
            error.add_note(traceback.format_exc())  # which does not travel by itself
            answer = error
        pipe.send(answer)


def _end_with_parent() -> None:
    parent: Any = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

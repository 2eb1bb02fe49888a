"""Ctrl-C and SIGTERM while a training runs: the first asks it to stop, the second Ctrl-C insists."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


class StopRequest:
    """Whether somebody asked this program to stop."""

    def __init__(self) -> None:
        self.made = False

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        if self.made and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.made = True


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Take the signals that ask for an end; a second Ctrl-C still raises KeyboardInterrupt.

    What is ignored stays ignored (`nohup`, a shell's background), and threads other than the main one cannot
    take signals: there, whoever started them does.
    """
    request = StopRequest()
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {each: signal.getsignal(each) for each in _SIGNALS}
        before = {each: handler for each, handler in before.items() if handler not in (signal.SIG_IGN, None)}
    for each in before:
        signal.signal(each, request._signalled)
    try:
        yield request
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)

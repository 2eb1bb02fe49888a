"""How far an audit is, on a terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from repro.records.summary import Summary

_AFTER_SECONDS = 1.0  # what is done sooner needs no bar, and rich is slow to import


class Progress:
    """A bar on standard error with cards a second; nothing where no terminal is.

    Args:
        shown: Whether results go elsewhere than to the terminal, where a bar would be in their way.

    Attributes:
        cards: How many cards are done.
    """

    def __init__(self, *, shown: bool) -> None:
        self._wanted = sys.stderr.isatty() and (shown or not sys.stdout.isatty())
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None
        self._begun = time.monotonic()
        self._targets = self._earlier = 0
        self._done = 0.0
        self.cards = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()

    def begin(self, targets: int, earlier: int) -> None:
        """Remember how much there is."""
        self._targets, self._earlier = targets, earlier
        self._begun = time.monotonic()

    def advance(self, share: float, summary: Summary) -> None:
        """Draw how much is done."""
        self._done += share
        self.cards = summary.cards
        seconds = time.monotonic() - self._begun
        if not self._wanted or seconds < _AFTER_SECONDS:
            return
        if self._bar is None:
            self._start()
        if self._bar is not None and self._task is not None:
            rate = (summary.cards - self._earlier) / seconds
            self._bar.update(
                self._task,
                completed=self._done,
                cards=f"{summary.cards:,} cards, {rate:,.0f} a second, {summary.findings:,} findings",
            )

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[cards]}, time left"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=Console(stderr=True),
            refresh_per_second=4,
            transient=True,
        )
        self._bar.start()
        self._task = self._bar.add_task("", total=float(self._targets), cards="")

"""Who is told what goes on."""

from __future__ import annotations

from typing import Protocol

from repro.records.comparison import Comparison
from repro.records.event import AnyEvent, EpochEnded
from repro.runs.state import RunState


class Observer(Protocol):
    """Who is told what goes on; the command draws it, a script may ignore it."""

    def say(self, text: str) -> None:
        """One line about what is being done."""

    def confirm(self, text: str) -> bool:
        """Ask whether to go on with something large."""

    def event(self, event: AnyEvent, state: RunState) -> None:
        """Something happened in the training; `state` includes it."""

    def measured(self, epoch: EpochEnded, comparison: Comparison) -> None:
        """An epoch is compared with the published one; `comparison` is that of all epochs so far."""


class Silent:
    """An observer that says nothing and agrees to everything."""

    def say(self, text: str) -> None:
        """Say nothing."""

    def confirm(self, text: str) -> bool:  # noqa: ARG002 - the protocol's signature
        """Agree."""
        return True

    def event(self, event: AnyEvent, state: RunState) -> None:
        """Ignore it."""

    def measured(self, epoch: EpochEnded, comparison: Comparison) -> None:
        """Ignore it."""

"""Who is told what goes on."""

from __future__ import annotations

from typing import Protocol

from repro.records.event import AnyEvent
from repro.runs.state import RunState


class Observer(Protocol):
    """Who is told what goes on; the command draws it, a script may ignore it."""

    def say(self, text: str) -> None:
        """One line about what is being done."""

    def confirm(self, text: str) -> bool:
        """Ask whether to go on with something large."""

    def event(self, event: AnyEvent, state: RunState) -> None:
        """Something happened in the training; `state` includes it."""


class Silent:
    """An observer that says nothing and agrees to everything."""

    def say(self, text: str) -> None:
        """Say nothing."""

    def confirm(self, text: str) -> bool:  # noqa: ARG002 - the protocol's signature
        """Agree."""
        return True

    def event(self, event: AnyEvent, state: RunState) -> None:
        """Ignore it."""

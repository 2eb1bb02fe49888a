"""What every format of audits implements, and what it is told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias

from repro.records.claims import Audit
from repro.records.summary import Summary
from repro.rules.interface import Rule

FailOn: TypeAlias = Literal["error", "warning", "note", "never"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A card's audit, and the lines of the card that its findings name.

    Attributes:
        audit: The audit.
        source: Those lines by their 1-based number, secrets taken out.
    """

    audit: Audit
    source: Mapping[int, str] = field(default_factory=dict)

    def line(self, number: int | None) -> str:
        """Return a line's text; nothing where it is not known, or a rule like `---` that says nothing."""
        text = "" if number is None else self.source.get(number, "")
        return text if any(map(str.isalnum, text)) else ""


@dataclass(frozen=True, slots=True)
class Options:
    """What formats need to know beside the cards.

    Attributes:
        several: Whether there may be more cards than one.
        rules: The rules that are asked.
        color: Whether escape sequences may be written: a terminal, and no NO_COLOR.
        width: Of the terminal, 0 for no terminal.
        verbose: Whether to tell what could not apply.
        fail_on: The least severity that fails a test case (JUnit).
        templates: A folder whose templates come before the packaged ones (HTML, Markdown).
    """

    several: bool = False
    rules: Sequence[Rule] = ()
    color: bool = False
    width: int = 0
    verbose: bool = False
    fail_on: FailOn = "error"
    templates: Path | None = None


class Writer(ABC):
    """One format. The texts returned are written one after another, each as soon as it is there.

    A million cards pass through in constant memory, so a writer keeps at most a bounded head of what it has.

    Attributes:
        independent: Whether what `card` returns depends on that card alone, so that
            several processes can write.
    """

    independent: ClassVar[bool] = False

    def __init__(self, options: Options) -> None:
        self.options = options

    def begin(self) -> str:
        """Return what stands before the first card."""
        return ""

    @abstractmethod
    def card(self, shown: Shown) -> str:
        """Return one card."""

    def unreadable(self, target: str, message: str) -> str:  # noqa: ARG002 - most formats have no place for it
        """Return a target that could not be read; nothing where the format has no place for it."""
        return ""

    def end(self, summary: Summary) -> str:  # noqa: ARG002 - for those that need it
        """Return what stands behind the last card."""
        return ""


class SummaryFirst(Writer):
    """A document for people: its summary comes first, though it is known last.

    The cards are held back until `most` characters. Where more come, the document begins without its summary,
    and the summary stands at its end.
    """

    most: int

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._held: list[str] | None = []
        self._size = 0

    def card(self, shown: Shown) -> str:
        """Return one card, or nothing yet."""
        return self._pass(self.body(shown))

    def unreadable(self, target: str, message: str) -> str:
        """Return a target that could not be read, or nothing yet."""
        return self._pass(self.broken(target, message))

    def end(self, summary: Summary) -> str:
        """Return what was held back, the summary, and the tail."""
        if self._held is None:
            return self.summary(summary, late=True) + self.tail()
        return "".join((self.head(), self.summary(summary, late=False), *self._held, self.tail()))

    def _pass(self, text: str) -> str:
        if self._held is None:
            return text
        self._held.append(text)
        self._size += len(text)
        if self._size <= self.most:
            return ""
        text = "".join((self.head(), *self._held))
        self._held = None
        return text

    @abstractmethod
    def head(self) -> str:
        """Return the document's beginning."""

    @abstractmethod
    def summary(self, summary: Summary, *, late: bool) -> str:
        """Return the summary; `late` where the cards stand before it."""

    @abstractmethod
    def body(self, shown: Shown) -> str:
        """Return one card."""

    @abstractmethod
    def broken(self, target: str, message: str) -> str:
        """Return a target that could not be read."""

    @abstractmethod
    def tail(self) -> str:
        """Return the document's end."""

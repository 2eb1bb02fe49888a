"""What a target means: the cards behind it, in chunks that any process can read.

A chunk holds names or raw bytes, never cards: splitting is cheap and done by one process, decoding and
reading are not, and are done by as many as there are. A row or file that cannot be read is a `Source` with a
problem, so that order and count stay what they are.
"""

from __future__ import annotations

import codecs
import os
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

from repro.errors import BadInput

#: A longer card, or row of a table of cards, is not read.
LONGEST = 64 * 1024 * 1024
#: What one chunk holds at most, so that a worker's answer is never far and memory stays constant.
CHUNK_CARDS = 64
CHUNK_BYTES = 1024 * 1024

CARDS = (".md", ".markdown", ".html", ".htm")
ROWS = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
COLUMNS = (".parquet",)
STANDARD_INPUT = "standard input"

# Each byte that is no UTF-8 becomes one U+FFFD; the decoder's own handler would make one of several.
codecs.register_error(
    "repro.bytes",
    lambda error: ("\ufffd" * (error.end - error.start), error.end),  # type: ignore[attr-defined]
)


class Source(NamedTuple):
    """A card before it is read.

    Attributes:
        target: What it is called in the audit.
        text: Its text.
        undecodable: How many bytes were no UTF-8; each stands as U+FFFD in the text.
        problem: Why there is no text; empty where there is one.
        hint: What to do about the problem.
        strict: Whether a card that cannot be read is an error: it is the only one that was asked for.
    """

    target: str
    text: str = ""
    undecodable: int = 0
    problem: str = ""
    hint: str = ""
    strict: bool = False

    def error(self) -> BadInput:
        """Return its problem as an error."""
        return BadInput(f"{self.target}: {self.problem}", self.hint or "see `repro audit --help`")


@dataclass(frozen=True, slots=True)
class Chunk(ABC):
    """Some cards that follow each other.

    Attributes:
        items: What stands for each card.
        share: Which part of its target they are, 0 to 1; for the progress bar.
    """

    items: tuple[Any, ...]
    share: float = 0.0

    def __len__(self) -> int:
        return len(self.items)

    def part(self, start: int, stop: int | None = None) -> Self:
        """Return some of its cards."""
        return replace(self, items=self.items[start:stop])

    @abstractmethod
    def read(self) -> Iterator[Source]:
        """Read each card; what cannot be read has a problem instead of a text."""


@dataclass(frozen=True)
class Target:
    """The cards behind one word of the command line.

    Attributes:
        several: Whether there may be more than one.
        chunks: Yields them; opened anew with each call.
    """

    several: bool
    chunks: Callable[[], Iterator[Chunk]]


def open_targets(targets: Sequence[str], *, column: str = "card") -> tuple[Target, ...]:
    """Find out what targets mean; what is plainly not there is an error now, not after an hour.

    Args:
        targets: Card files, folders, tables of cards, cases, addresses, `hub:user/model[@revision]`, or `-`.
        column: The column of tables in which the cards stand.

    Raises:
        BadInput: One of them is not there, or is a folder without cards.
    """
    if list(targets).count("-") > 1:
        raise BadInput("standard input can be read once", "name - once")
    return tuple(_open(target, column, strict=len(targets) == 1) for target in targets)


def on_hub(target: str) -> tuple[str, str | None] | None:
    """Split `hub:user/model[@revision]` into repository and revision; None for any other target."""
    if not target.startswith("hub:"):
        return None
    repository, _, revision = target.removeprefix("hub:").partition("@")
    return repository, revision or None


def is_remote(target: str) -> bool:
    """Tell whether a target is fetched: from the Hub or from an address."""
    return target.startswith(("hub:", "http://", "https://"))


def one_source(target: str) -> Source:
    """Read the source of a target that is one card.

    Raises:
        BadInput: Not there, unreadable, or more than one card.
        NetworkFailed: It cannot be fetched.
    """
    found = _open(target, "card", strict=True)
    if found.several:
        raise BadInput(f"{target}: more than one card", "name one card")
    source = next(source for chunk in found.chunks() for source in chunk.read())
    if source.problem:
        raise source.error()
    return source


def _open(target: str, column: str, *, strict: bool) -> Target:
    if target == "-":
        return Target(False, lambda: iter([_standard_input(strict=strict)]))
    if is_remote(target):
        return Target(False, lambda: iter([Remote((target,), 1.0)]))
    path = Path(target)
    name = path.name.lower()
    if name != "case.toml" and path.is_file():
        if name.endswith(ROWS):
            from repro.audits.lines import line_chunks

            return Target(True, lambda: line_chunks(target, column))
        if name.endswith(COLUMNS):
            from repro.audits.columns import column_chunks

            return Target(True, lambda: column_chunks(target, column))
        return Target(False, lambda: iter([Files(((target, target),), 1.0, strict)]))
    from repro.cases.loader import card_of, find_case

    if (case := find_case(target)) is not None:
        called, card = card_of(case)
        return Target(False, lambda: iter([Files(((called, str(card)),), 1.0, strict)]))
    if path.is_dir():
        return _folder(path)
    if path.exists():  # a pipe, e.g. `<(…)`
        return Target(False, lambda: iter([Files(((target, target),), 1.0, strict)]))
    raise BadInput(f"{target}: no such file", "check the path")


# --------------------------------------------------------------------------------------------- bytes


def decoded(data: bytes) -> tuple[str, int]:
    r"""Return bytes as text, and how many of them were no UTF-8.

    >>> decoded(b"a\xffb")
    ('a\ufffdb', 1)
    """
    try:
        return data.decode(), 0
    except UnicodeDecodeError:
        text = data.decode("utf-8", "repro.bytes")
        return text, text.count("\ufffd") - data.count(b"\xef\xbf\xbd")


def source_of(target: str, data: bytes, *, strict: bool = False) -> Source:
    """Return the source that a file's bytes are."""
    if len(data) > LONGEST:
        problem, hint = f"larger than {LONGEST // 2**20} MiB", "no card is that long: is this the right file?"
    elif b"\0" in data[:8_000]:
        problem, hint = "not text but binary, or not UTF-8", "save it as UTF-8"
    else:
        text, undecodable = decoded(data)
        return Source(target, text, undecodable, strict=strict)
    return Source(target, problem=problem, hint=hint, strict=strict)


def read_file(target: str, path: str | Path, *, strict: bool = False) -> Source:
    """Return the source that a file is; a file that cannot be opened has a problem."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(LONGEST + 1)
    except OSError as error:
        folder = isinstance(error, IsADirectoryError)
        problem = "a folder that cannot be read" if folder else error.strerror or str(error)
        return Source(target, problem=problem, hint="check its permissions", strict=strict)
    return source_of(target, data, strict=strict)


def _standard_input(*, strict: bool) -> Chunk:
    buffer = getattr(sys.stdin, "buffer", None)
    data = sys.stdin.read().encode() if buffer is None else buffer.read(LONGEST + 1)
    return Given(((STANDARD_INPUT, data),), 1.0, strict)


# -------------------------------------------------------------------------------------------- chunks


@dataclass(frozen=True, slots=True)
class Given(Chunk):
    """Cards that are there already; an item is a target and the card's bytes."""

    strict: bool = False

    def read(self) -> Iterator[Source]:
        """Decode each card."""
        for target, data in self.items:
            yield source_of(target, data, strict=self.strict)


@dataclass(frozen=True, slots=True)
class Files(Chunk):
    """Card files; an item is a target and a path."""

    strict: bool = False

    def read(self) -> Iterator[Source]:
        """Read each file."""
        for target, path in self.items:
            yield read_file(target, path, strict=self.strict)


@dataclass(frozen=True, slots=True)
class Remote(Chunk):
    """A card on the Hub or at an address; the item is the target. Whoever names one asks for the network."""

    def read(self) -> Iterator[Source]:
        """Fetch the card.

        Raises:
            NetworkFailed: It cannot be had.
        """
        for target in self.items:
            if repository := on_hub(target):
                from repro import hub

                yield read_file(target, hub.fetch_file(*repository, "README.md"), strict=True)
            else:
                from repro.downloads import download

                with tempfile.TemporaryDirectory(prefix="repro-") as folder:
                    path = Path(folder, "card")
                    download(target, path, most=LONGEST)
                    source = read_file(target, path, strict=True)
                yield source


# ------------------------------------------------------------------------------------------- folders


def _folder(folder: Path) -> Target:
    """Find the cards in a folder and below, in the order of their names.

    Hidden folders and files are skipped, and so are links that leave the folder: who audits a folder of
    strangers' cards does not mean the files that one of them points to.
    """
    outside: list[str] = []
    names = list(_walk(folder, str(folder), os.path.realpath(folder), outside))
    if not names:
        more = f"; {len(outside)} links leave it" if outside else ""
        raise BadInput(f"{folder}: no card (*.md) in this folder{more}", "name a card file")

    def chunks() -> Iterator[Chunk]:
        for start in range(0, len(names), CHUNK_CARDS):
            some = names[start : start + CHUNK_CARDS]
            yield Files(tuple((name, name) for name in some), len(some) / len(names))

    return Target(True, chunks)


def _walk(folder: Path, top: str, root: str, outside: list[str]) -> Iterator[str]:
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        if str(folder) == top:
            raise BadInput(f"{folder}: cannot be read: {error.strerror}", "check its permissions") from error
        yield str(folder)  # counted as one card that cannot be read
        return
    # A folder sorts as its files do, by what stands behind its name: the order is that of the whole paths.
    entries.sort(key=lambda entry: f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name)
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), top, root, outside)
        elif entry.name.lower().endswith(CARDS) and entry.is_file():
            if entry.is_symlink() and not os.path.realpath(entry.path).startswith(root + os.sep):
                outside.append(entry.path)
            else:
                yield entry.path

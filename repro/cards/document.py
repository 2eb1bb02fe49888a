"""A card split into its parts, once, for all readers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from repro.cards.front_matter import split
from repro.cards.tables import find_tables
from repro.records.card import FrontMatter, Heading, Node
from repro.records.claims import Table

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*))?")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})(.*)")
# No generator prints such a line; it is an embedded image or an attack, and no claim is read from it.
_MAX_LINE = 100_000


@dataclass(frozen=True, slots=True)
class Document:
    """A card's parts.

    Attributes:
        raw: All lines as printed.
        lowered: The whole text in lower case, to look for marks.
        lines: All lines; those of the front matter, of comments and of code are blank or replaced.
        front_matter: The front matter, None where there is none.
        body: The index of the first line after the front matter.
        headings: The headings that have a title, in order.
        tables: The tables in order, by the index of their header's line.
    """

    raw: tuple[str, ...]
    lowered: str
    lines: tuple[str, ...]
    front_matter: FrontMatter | None
    body: int
    headings: tuple[Heading, ...]
    tables: dict[int, Table]

    @classmethod
    def parse(cls, text: str) -> Document:
        """Split a card; any text is a document."""
        # Not splitlines(): form feeds and Unicode's separators begin no line in an editor.
        raw = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        front_matter, body = split(raw)
        lines = _visible(raw, body)
        return cls(
            raw=tuple(raw),
            lowered=text.lower(),
            lines=tuple(lines),
            front_matter=front_matter,
            body=body,
            headings=_headings(lines),
            tables=dict(find_tables(lines)),
        )

    @property
    def meta(self) -> dict[str, Node]:
        """What the front matter states; empty where there is none."""
        return self.front_matter.data if self.front_matter else {}

    def words(self, key: str) -> tuple[str, ...]:
        """Return a front matter key's texts, whether it holds one or a list."""
        node = self.meta.get(key)
        nodes = node if isinstance(node, list) else [node]
        return tuple(text for text in nodes if isinstance(text, str) and text)

    def sections(self, *words: str) -> Iterator[range]:
        """Return the sections with one of `words` in their title, none of them inside another."""
        if not any(word in self.lowered for word in words):
            return
        done = 0
        for heading in self.headings:
            if heading.span.start > done and any(word in heading.title.lower() for word in words):
                done = heading.span.stop
                yield heading.span

    def mentions(self, phrase: str) -> list[int]:
        """Return the indices of the visible lines that hold a phrase, given in lower case."""
        if phrase not in self.lowered:
            return []
        return [i for i, line in enumerate(self.lines) if phrase in line.lower()]


def _visible(raw: list[str], body: int) -> list[str]:
    """Blank what a reader of the rendered card does not see; each line keeps its place.

    A comment or a fence that is never closed hides nothing: the card is broken, and its claims still count.
    """
    lines = [""] * body + [line if len(line) <= _MAX_LINE else "…" for line in raw[body:]]
    last_close = max((i for i, line in enumerate(lines) if "-->" in line), default=-1)
    fence, opened, in_comment = "", 0, False
    hidden: dict[int, str] = {}
    for i, line in enumerate(lines):
        if fence:
            hidden[i] = "```"  # not blank: code ends a list
            if (found := _FENCE.fullmatch(line)) and found[1].startswith(fence) and not found[2].strip():
                fence = ""
        elif in_comment or "<!--" in line:
            kept, in_comment = _without_comments(line, in_comment, last_close > i)
            hidden[i] = kept
        elif ("```" in line or "~~~" in line) and (found := _FENCE.fullmatch(line)) and "`" not in found[2]:
            fence, opened = found[1], i
            hidden[i] = "```"
    for i, line in hidden.items():
        if not fence or i < opened:
            lines[i] = line
    return lines


def _without_comments(line: str, inside: bool, closes_later: bool) -> tuple[str, bool]:
    """Return a line without its commented parts, and whether a comment is open behind it."""
    kept: list[str] = []
    at = 0
    while True:
        if inside:
            end = line.find("-->", at)
            if end < 0:
                return "".join(kept), True
            at, inside = end + 3, False
        start = line.find("<!--", at)
        if start < 0 or (line.find("-->", start) < 0 and not closes_later):
            return "".join([*kept, line[at:]]), False
        kept.append(line[at:start])
        at, inside = start, True


def _headings(lines: list[str]) -> tuple[Heading, ...]:
    found = [
        (i, len(match[1]), (match[2] or "").rstrip("# \t"))
        for i, line in enumerate(lines)
        if "#" in line and (match := _HEADING.fullmatch(line))
    ]
    headings: list[Heading] = []
    ends = [len(lines)] * 7  # for each level, the line where a section of that level would end
    for i, level, title in reversed(found):
        if title:  # without one it only ends what stands above
            headings.append(Heading(level, title, range(i + 1, ends[level])))
        ends[level:] = [i] * (7 - level)
    return tuple(reversed(headings))

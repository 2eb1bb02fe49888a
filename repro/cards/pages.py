"""HTML pages to the lines that a reader of the rendered page sees, for the readers of Markdown.

A card needs no tree: headings, lists, tables and code are found in one pass over the tags. The standard
library's parser would do, but takes time quadratic in what is never closed (`<!--`, `<a `): 2 s for 80 KB.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from html import unescape
from itertools import accumulate

from repro.cards.tables import table
from repro.records.claims import Table

_START = re.compile(
    r"\s*(?:<!--(?:[^-]|-(?!->))*+-->\s*|<\?[^>]*+>\s*)*+<(?:!doctype html|html)\b", re.IGNORECASE
)
_CLOSED = re.compile(r"</(?:p|li|ul|ol|table|h[1-6]|div|pre)>", re.IGNORECASE)
_MAX_SPANNED = 10_000  # cells of a page that stand empty because another one spans them
_LOOK = 100_000  # characters of a text that say whether it is a page

# An attribute's value may hold anything but its own quote. No alternative can fail before the text's end, so
# each character is looked at once; a tag that the text's end cuts off matches without its `>`.
# Most have no attributes, which is tried first.
_TAG = re.compile(r"<(?:(/?)([a-zA-Z][^\s/>]*+)(>|(?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+')?+)*+>?)|!--|[!?])")
_ANNOUNCED = re.compile(r"(?<=:)\n")
_SPAN = re.compile(r"\b(col|row)span\s*=\s*[\"']?(\d{1,2})\b", re.IGNORECASE)
_UNSEEN = frozenset({"script", "style", "template", "noscript", "title", "svg", "math", "textarea"})
_RAW = {name: re.compile(rf"</{name}\b", re.IGNORECASE) for name in _UNSEEN}
#: What marks a line in Markdown.
_MARKS = {"li": "- "} | {f"h{level}": "#" * level + " " for level in range(1, 7)}
#: What stands in the cells of a table only where it lays out a page.
_LAYOUT = frozenset(_MARKS) - {"li"} | {"pre"}
_BLOCKS = frozenset(
    {
        *_MARKS, "pre", "br", "p", "div", "section", "article", "header", "footer", "main", "nav", "aside",
        "ul", "ol", "dl", "dt", "dd",
        "blockquote", "details", "summary", "figure", "figcaption", "form", "hr", "body", "html", "caption",
    }
)  # fmt: skip
_CLOSE = frozenset({"br", "li"})  # behind which no line is left blank
_OF_TABLES = frozenset({"tr", "td", "th"})
#: All that are of any consequence; the others only dress the text.
_TOLD = _BLOCKS | _OF_TABLES | {"table", "code"}


@dataclass(slots=True)
class Page:
    """What a page shows.

    Attributes:
        lines: Its text, line by line, headings, bullets and code marked as in Markdown.
        origin: For each line, the index of the source's line in which it begins.
        tables: Its tables by the index of their header's line; rows give lines of `lines`, counted from 1.
    """

    lines: list[str] = field(default_factory=list)
    origin: list[int] = field(default_factory=list)
    tables: dict[int, Table] = field(default_factory=dict)


def is_page(text: str) -> bool:
    """Tell whether a text is HTML rather than Markdown with some HTML in it."""
    if not text.lstrip().startswith("<"):
        return False
    if _START.match(text):
        return True
    head = text[:_LOOK]
    if not _CLOSED.search(head):
        return False
    lines = [line.lstrip() for line in head.split("\n") if line.strip()]
    return 2 * sum(line.startswith("<") for line in lines) > len(lines) and not any(
        line.startswith(("# ", "## ", "---", "|", "```")) for line in lines
    )


def read_page(text: str) -> Page:
    """Turn HTML into lines; any text is a page.

    Args:
        text: The page or a part of one; its lines end with a line feed.
    """
    builder = _Builder(text)
    endless: set[str] = set()  # what is never closed from here on
    at = 0
    tags = _TAG.finditer(text)
    while tag := next(tags, None):
        start, end = tag.span()
        if start > at:
            builder.text(text[at:start], at)
        at = end
        if not tag[2]:
            at = _behind(text, start, end, endless)
        elif tag[3][-1:] != ">":  # the page ends within this tag
            at = len(text)
            break
        elif (name := tag[2].lower()) in _TOLD:
            builder.tag(name, tag[1] != "", tag[3], start)
        elif name in _UNSEEN and not tag[1] and name not in endless:
            if closing := _RAW[name].search(text, end):
                at = closing.start()
            else:
                endless.add(name)
        if at != end:
            tags = _TAG.finditer(text, at)
    builder.text(text[at:], at)
    return builder.finish(len(text))


def _behind(text: str, start: int, stop: int, endless: set[str]) -> int:
    """Return where a comment or a declaration ends; one that is never closed ends with what begins it."""
    end = "-->" if text.startswith("!--", start + 1) else ">"
    close = -1 if end in endless else text.find(end, stop)
    if close < 0:
        endless.add(end)
        return stop
    return close + len(end)


class _Builder:
    """Collects lines from texts and tags; both are told with their place in the source."""

    def __init__(self, source: str) -> None:
        self.page = Page()
        self.lines, self.origin = self.page.lines, self.page.origin
        self.starts = [0, *accumulate([len(line) + 1 for line in source.split("\n")])]
        self.parts: list[str] = []  # the text of the line, or of the cell, that is being collected
        self.begun = 0  # where in the source that text begins
        self.mark = ""  # what makes the next line a heading or a bullet
        self.fence: str | None = None  # not None within <pre>; "```" where it holds <code>
        self.rows: list[tuple[int, list[str]]] | None = None
        self.cell: dict[str, int] | None = None  # how many columns and rows the open cell covers
        self.covered: dict[int, int] = {}  # column to the number of rows below that a cell still covers
        self.spare = _MAX_SPANNED

    def text(self, text: str, at: int) -> None:
        """Take a text that begins here."""
        if not self.parts:
            if self.fence is None:
                bare = text.lstrip()
                if not bare:
                    return
                at += len(text) - len(bare)
                text = bare
            self.begun = at
        self.parts.append(text)

    def tag(self, name: str, closing: bool, attributes: str, at: int) -> None:
        """Take a tag of those that do more than dress the text."""
        if name == "table":
            self._end_table(at)
            self.rows = None if closing else []
        elif self.rows is not None and name in _OF_TABLES:
            self._end_cell()
            if name == "tr" and self.covered and self.rows and any(self.rows[-1][1]):
                self._cover(self.rows[-1][1])
            if not closing and (name == "tr" or not self.rows):
                self.rows.append((at, []))
            if not closing and name != "tr":
                self.cell = _spans(attributes) if attributes != ">" else {}
        elif self.cell is not None and name not in _LAYOUT:
            if self.parts and name in _BLOCKS:
                self.parts.append(" ")
        elif name == "code" and self.fence == "" and not "".join(self.parts).strip():
            self.fence = "```"
        elif name in _BLOCKS:
            if self.cell is not None:
                self._end_table(at)  # headings and code in a table: it only lays out the page
            awaited = self.mark and not self.parts  # <li><p>
            if self.parts:
                self._flush()
            if name in _MARKS:
                self.mark = "" if closing else _MARKS[name]
            elif name == "pre":
                self.fence = None if closing else ""
            if not awaited and name not in _CLOSE:
                self._blank(at)

    def finish(self, at: int) -> Page:
        """Return the page, which ends here."""
        self._end_table(at)
        return self.page

    def _line(self, at: int) -> int:
        """Return the index of the source's line on which this place is."""
        return bisect_right(self.starts, at) - 1

    def _blank(self, at: int) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")
            self.origin.append(self._line(at))

    def _flush(self) -> None:
        """End the line, or the preformatted lines, that are being collected."""
        # Divided before entities are read: `&#10;` begins no line of the source.
        text, self.parts = "".join(self.parts), []
        line = self._line(self.begun)
        if self.fence is None:
            # As in Markdown, what a bullet announces may stand on the next line of the source.
            for part in _ANNOUNCED.split(text) if ":\n" in text else (text,):
                words = " ".join((unescape(part) if "&" in part else part).split())
                if words:
                    self.lines.append(self.mark + words)
                    self.origin.append(line)
                    self.mark = ""
                line += part.count("\n") + 1
        elif text.strip():
            parts = text.rstrip().split("\n")
            origin = [*range(line, line + len(parts))]
            if "&" in text:
                parts, origin = _unescaped(parts, origin)
            if self.fence:
                parts, origin = [self.fence, *parts, self.fence], [line, *origin, origin[-1]]
            self.lines += parts
            self.origin += origin

    def _end_cell(self) -> None:
        if self.cell is None or not self.rows:
            return
        _, cells = self.rows[-1]
        if self.parts and not any(cells):
            self.rows[-1] = (self.begun, cells)
        if self.covered:
            self._cover(cells)
        across = 1
        if self.cell:
            across, down = self.cell.get("col", 1), self.cell.get("row", 1)
            self.spare -= across * down - 1
            if self.spare < 0:
                across = down = 1
            if down > 1:
                self.covered |= dict.fromkeys(range(len(cells), len(cells) + across), down - 1)
        cells.append(" ".join(unescape("".join(self.parts)).split()) if self.parts else "")
        if across > 1:
            cells += [""] * (across - 1)
        self.parts, self.cell = [], None

    def _cover(self, cells: list[str]) -> None:
        """Leave the cells empty that one of a row above covers."""
        while self.covered.get(len(cells), 0) > 0:
            self.covered[len(cells)] -= 1
            cells.append("")

    def _end_table(self, at: int) -> None:
        self._end_cell()
        if self.parts:
            self._flush()
        rows = [row for row in self.rows or () if any(row[1])]
        self.rows, self.covered = None, {}
        if rows:
            self._rows([cells for _, cells in rows], [self._line(begun) for begun, _ in rows], at)
        self._blank(at)

    def _rows(self, rows: list[list[str]], origin: list[int], at: int) -> None:
        """Emit a table's rows, as lines where it has one column."""
        if max(map(len, rows)) > 1:
            self._blank(at)
            first = len(self.lines)
            self.page.tables[first] = table(rows[0], range(first + 2, first + 1 + len(rows)), rows[1:])
            self.lines += ["| " + " | ".join(cells) + " |" for cells in rows]
        else:
            self.lines += [cells[0] for cells in rows]
        self.origin += origin


def _unescaped(lines: list[str], origin: list[int]) -> tuple[list[str], list[int]]:
    """Return lines with their entities read; what an entity divides shares its line of the source."""
    read = [(part, at) for line, at in zip(lines, origin, strict=True) for part in unescape(line).split("\n")]
    return [part for part, _ in read], [at for _, at in read]


def _spans(attributes: str) -> dict[str, int]:
    """Return how many columns and rows a cell covers, where it says so."""
    return {which.lower(): int(count) for which, count in _SPAN.findall(attributes)}

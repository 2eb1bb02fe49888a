"""A card split into its parts, once, for all readers."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from repro.cards.code import Stated, read_code
from repro.cards.front_matter import split
from repro.cards.lists import Item, Pairs, all_items, pairs_in
from repro.cards.names import hyperparameter
from repro.cards.pages import is_page, read_page
from repro.cards.tables import find_aligned, find_tables, moved
from repro.cards.topics import TOPICS, Topic, holds, on_training, topics
from repro.records.card import FrontMatter, Heading, Node
from repro.records.claims import Table

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*))?")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})(.*)")
_TITLE = re.compile(
    r"[*_\d.\s]{0,6}(?:model |training |train |fine-?tuning |evaluation |validation |test )?"
    r"(?:hyper[- ]?parameters?|results?|logs?|metrics|performance|evaluation|"
    r"(?:framework|library|software|package) versions?|procedure|data|description|limitations)"
    r"(?: used)?[*_:\s]{0,5}",
    re.IGNORECASE,
)
_MAX_TITLE = 60
#: A line of nothing but bold text, which people print in the place of a heading.
_CAPTION = re.compile(r"\*\*([^*]+)\*\*:?\s*")
#: What a caption may be about: on anything else, lines in a section are read only below a heading.
_CAPTIONED: frozenset[Topic] = frozenset({"hyperparameters", "training log", "evaluation"})
#: What lines of a list, a table or code begin with.
_LISTED = frozenset("-*+•|`{}'\"")
_MAX_SPACES = 5
_CAPTION_LEVEL = 7  # below all headings
# No generator prints such a line; it is an embedded image or an attack, and no claim is read from it.
_MAX_LINE = 100_000


@dataclass(eq=False)
class Document:
    """A card's parts.

    Attributes:
        whole: The source, with one sort of line end.
        source: Its lines.
        text: The lines to read: the source's, or what a page shows.
        lines: The same lines as a reader of the rendered card sees them: those of the front matter, of
            comments and of code are blank or replaced.
        marks: The whole source in lower case, to look for a kind's marks.
        lowered: `text` in lower case, as one string.
        front_matter: The front matter, None where there is none.
        headings: The headings that have a title, in order.
        tables: The tables, by the index of their header's line.
        body: The index of the line behind the front matter, and where it begins in `lowered`.
        pairs: What the lines without a bullet state.
        tags: The tags that the front matter states.
        libraries: The libraries that it states.
        blocks: Where code stands, without its fences.
        origin: For each line of a page, the index of the source's line; None where these are the same.
    """

    whole: str
    source: Sequence[str]
    text: Sequence[str]
    lines: Sequence[str]
    marks: str
    lowered: str
    front_matter: FrontMatter | None
    headings: tuple[Heading, ...]
    tables: dict[int, Table]
    pairs: Pairs
    body: tuple[int, int] = (0, 0)
    tags: frozenset[str] = frozenset()
    libraries: frozenset[str] = frozenset()
    origin: Sequence[int] | None = None
    blocks: Sequence[range] = ()
    _printed: dict[str, bool] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Document:
        """Split a card; any text is a document."""
        # Not splitlines(): form feeds and Unicode's separators begin no line in an editor.
        text = text.removeprefix("\ufeff")
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        source = text.split("\n")
        # Line by line where that is faster: a line's end decides no letter's lower case.
        marks = text.lower() if text.isascii() else "\n".join(map(str.lower, source))
        if is_page(text):
            page = read_page(text)
            lowered = "\n".join(page.lines).lower()
            lines, blocks = _visible(page.lines, 0, lowered)
            headings = _headings(lines)
            tables = page.tables | _tables(lines, lowered)
            return cls(
                text, source, page.lines, lines, marks, lowered, None, headings, tables, pairs_in(lines),
                origin=page.origin, blocks=blocks,
            )  # fmt: skip
        front_matter, body = split(source)
        above = source[:body] if len(marks) == len(text) else map(str.lower, source[:body])
        start = body + sum(map(len, above))
        lines, blocks = _visible(source, body, marks)
        tables = _tables(lines, marks)
        if marks.find("<table", 0, marks.rfind("<") + len("<table")) >= 0:
            tables |= _embedded(lines)
        return cls(
            text, source, source, lines, marks, marks, front_matter, _headings(lines), tables,
            pairs_in(lines),
            (body, start),
            frozenset(_words(front_matter, "tags")),
            frozenset(_words(front_matter, "library_name")),
            blocks=blocks,
        )  # fmt: skip

    @property
    def meta(self) -> dict[str, Node]:
        """What the front matter states; empty where there is none."""
        return self.front_matter.data if self.front_matter else {}

    def words(self, key: str) -> tuple[str, ...]:
        """Return a front matter key's texts, whether it holds one or a list."""
        return _words(self.front_matter, key)

    def sections(self, topic: Topic) -> Sequence[range]:
        """Return the sections on a topic, none of them inside another.

        Where the card has no headings, a short line of plain or bold text may be one.
        """
        if self.headings:
            return self._sections.get(topic, ())
        return self._plain_sections.get(topic, ()) if holds(self.lowered, TOPICS[topic].words) else ()

    def prints(self, phrase: str) -> bool:
        """Tell whether the source holds a phrase, given in lower case; it is looked for once."""
        found = self._printed.get(phrase)
        if found is None:
            found = self._printed[phrase] = phrase in self.marks
        return found

    def tables_in(self, span: range) -> list[int]:
        """Return where tables stand in a section."""
        starts = self._table_starts
        return starts[bisect_left(starts, span.start) : bisect_left(starts, span.stop)]

    def mentions(self, phrase: str, *, hidden: bool = False) -> list[int]:
        """Return the indices of the lines that hold a phrase, given in lower case.

        Args:
            phrase: The phrase; it holds no line end.
            hidden: Whether code and comments count.
        """
        return [*_lines_with(self.lowered, phrase)] if hidden else [*self.each_mention(phrase)]

    def each_mention(self, phrase: str) -> Iterator[int]:
        """Yield the same, and look no further than is asked for."""
        if self.origin is None and not self._printed.get(phrase, True):
            return
        lines, text = self.lines, self.text
        for i in _lines_with(self.lowered, phrase, *self.body):
            if lines[i] is text[i] or phrase in lines[i].lower():
                yield i

    @cached_property
    def items(self) -> Sequence[Item]:
        """What the bullets of the whole card state, and its bare lines under names of hyperparameters."""
        return all_items(self.lines, self.pairs, range(len(self.lines)), is_name=hyperparameter)

    @cached_property
    def _sections(self) -> dict[Topic, list[range]]:
        return _by_topic(self._titled())

    def _titled(self) -> Sequence[Heading]:
        """The headings, and among them the captions."""
        captions = self._captions()
        if not captions:
            return self.headings
        return sorted((*self.headings, *captions), key=lambda heading: heading.span.start)

    @cached_property
    def _plain_sections(self) -> dict[Topic, list[range]]:
        return _by_topic(self._plain_headings())

    @cached_property
    def _table_starts(self) -> list[int]:
        return sorted(self.tables)

    def beginning(self, mark: str) -> list[int]:
        """Return the indices of the lines of the body that begin with a mark, given in lower case."""
        text, mark = self.lowered, f"\n{mark}"
        line, at = self.body
        at = max(at - 1, 0)  # the line end above the body
        line -= at < self.body[1]
        found = [0] if not at and self.lines[0].startswith(mark[1:]) else []
        while (start := text.find(mark, at)) >= 0:
            line += text.count("\n", at, start + 1)
            if self.lines[line].startswith(mark[1:]):
                found.append(line)
            at = start + 1
        return found

    def code_in(self, span: range) -> Sequence[range]:
        """Return where the blocks of code in a section stand."""
        return [block for block in self.blocks if block.start in span] if self.blocks else ()

    def code_on_training(self) -> Sequence[range]:
        """Return where the blocks of code stand in sections on the training."""
        if not self.blocks:
            return ()
        spans = [heading.span for heading in self._titled() if on_training(heading.title)]
        return [block for block in self.blocks if any(block.start in span for span in spans)]

    def read_code(self, block: range, *, alone: bool = False) -> Stated:
        """Return what a block of code states; with `alone`, nothing is asked of programs."""
        return read_code(self.text[block.start : block.stop], block.start + 1, alone=alone)

    def _captions(self) -> list[Heading]:
        """Return the lines of bold text that stand for headings, with what they are captions of."""
        page = self.origin is not None  # where no line shows whether it is bold
        lines = self.lines
        if not page and "*" not in self.lowered:
            return []
        found = [
            (i, title)
            for i in (range(len(lines)) if page else self.beginning("**"))
            if 0 < len(lines[i]) <= _MAX_TITLE
            and (title := _plain_caption(lines, i) if page else _caption(lines[i]))
            and (on_training(title) or not _CAPTIONED.isdisjoint(topics(title)))
        ]
        starts = sorted([heading.span.start - 1 for heading in self.headings])
        captions: list[Heading] = []
        end = len(self.lines)
        for i, title in reversed(found):
            at = bisect_left(starts, i)
            end = min(end, starts[at] if at < len(starts) else end)
            captions.append(Heading(_CAPTION_LEVEL, title, range(i + 1, _captioned(self.lines, i + 1, end))))
            end = i
        return captions

    def _plain_headings(self) -> tuple[Heading, ...]:
        """Return what stands for headings in a text without any: lines of nothing but a usual title."""
        found = [
            (i, 1, line.strip("*_: \t"))
            for i, line in enumerate(self.lines)
            if len(line) <= _MAX_TITLE and _TITLE.fullmatch(line)
        ]
        return _nested(found, len(self.lines))


def _words(front_matter: FrontMatter | None, key: str) -> tuple[str, ...]:
    node = front_matter.data.get(key) if front_matter else None
    if isinstance(node, list):
        return tuple([text for text in node if isinstance(text, str) and text])
    return (node,) if isinstance(node, str) and node else ()


def _lines_with(text: str, phrase: str, line: int = 0, at: int = 0) -> Iterator[int]:
    """Yield the indices of the lines of `text` that hold a phrase, from the one on that begins at `at`."""
    start = text.find(phrase, at)
    while start >= 0:
        line += text.count("\n", at, start)
        yield line
        if (at := text.find("\n", start)) < 0:
            break
        start = text.find(phrase, at)


def _visible(raw: Sequence[str], body: int, text: str) -> tuple[list[str], Sequence[range]]:
    """Blank what a reader of the rendered card does not see, and return where code stands.

    Each line keeps its place.
    A comment or a fence that is never closed hides nothing: the card is broken, and its claims still count.
    """
    lines = [*raw]
    lines[:body] = [""] * body
    if len(text) > _MAX_LINE:
        lines = [line if len(line) <= _MAX_LINE else "…" for line in lines]
    # A single character is found many times as fast as a mark of several.
    comments = [*_lines_with(text, "<!--")] if "<" in text else []
    if comments:  # without one, `-->` ends nothing
        comments += _lines_with(text, "-->")
    fences = [*_lines_with(text, "```")] if "`" in text else []
    if "~" in text:
        fences += _lines_with(text, "~~~")
    return lines, _hide(lines, sorted({*comments, *fences})) if comments or fences else ()


def _hide(lines: list[str], marked: Sequence[int]) -> list[range]:
    """Blank the comments, and replace the code, of which `marked` has the lines that begin and end them.

    Returns:
        Where the code stands, without its fences.
    """
    blocks: list[range] = []
    last_close = next((i for i in reversed(marked) if "-->" in lines[i]), -1)
    fence, opened, in_comment = "", 0, False
    for i in marked:
        line = lines[i]
        if fence:
            if (found := _FENCE.fullmatch(line)) and found[1].startswith(fence) and not found[2].strip():
                lines[opened : i + 1] = ["```"] * (i + 1 - opened)  # not blank: code ends a list
                blocks.append(range(opened + 1, i))
                fence = ""
        elif in_comment or "<!--" in line:
            if in_comment:
                lines[opened + 1 : i] = [""] * (i - opened - 1)
            lines[i], in_comment = _without_comments(line, in_comment, last_close > i)
            opened = i
        elif (found := _FENCE.fullmatch(line)) and "`" not in found[2]:
            fence, opened = found[1], i
    return blocks


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


def _tables(lines: Sequence[str], text: str) -> dict[int, Table]:
    """Find the tables with pipes, and where none of them is a training log, the aligned ones."""
    tables = dict(find_tables(lines)) if "|" in text else {}
    if ("epoch" in text or "step" in text) and not any(
        "epoch" in table.columns or "step" in table.columns for table in tables.values()
    ):
        tables |= find_aligned(lines)
    return tables


def _embedded(lines: Sequence[str]) -> Iterator[tuple[int, Table]]:
    """Find the HTML tables of a Markdown card; rows give the card's lines."""
    start = None
    for i, line in enumerate(lines):
        if start is None and "<table" in line.lower():
            start = i
        if start is not None and "</table" in line.lower():
            page = read_page("\n".join(lines[start : i + 1]))
            origin = [start + at for at in page.origin]
            for at, table in page.tables.items():
                yield origin[at], moved(table, origin)
            start = None


def _headings(lines: Sequence[str]) -> tuple[Heading, ...]:
    found = [
        (i, *read)
        for i, line in enumerate(lines)
        if "#" in line and (read := _heading(line) if len(line) <= _MAX_TITLE else _heading.__wrapped__(line))
    ]
    return _nested(found, len(lines))


@lru_cache(maxsize=1_000)  # cards share most of their titles
def _heading(line: str) -> tuple[int, str] | None:
    """Return the level and the title of a heading."""
    match = _HEADING.fullmatch(line)
    return (len(match[1]), (match[2] or "").rstrip("# \t")) if match else None


def _caption(line: str) -> str:
    """Return the title that a line of bold text is, nothing where it is none."""
    found = _CAPTION.fullmatch(line)
    return found[1].rstrip(": ") if found else ""


def _plain_caption(lines: Sequence[str], i: int) -> str:
    """Return the title that a paragraph of a few words is, nothing where it is none."""
    line = lines[i]
    alone = line[0].isalpha() and line[-1] != "." and line.count(" ") <= _MAX_SPACES
    return line.rstrip(": ") if alone and i and not lines[i - 1] else ""


def _captioned(lines: Sequence[str], start: int, end: int) -> int:
    """Return where that ends which a caption is on: at the first paragraph behind a list, a table or code."""
    begun = False
    for i in range(start, end):
        line = lines[i].lstrip()
        if not line:
            continue
        if line[0] in _LISTED:
            begun = True
        elif begun and not lines[i - 1].strip():
            return i
    return end


def _by_topic(headings: Sequence[Heading]) -> dict[Topic, list[range]]:
    found: dict[Topic, list[range]] = {}
    for heading in headings:
        for topic in topics(heading.title):
            if heading.level == _CAPTION_LEVEL and topic not in _CAPTIONED:
                continue
            spans = found.setdefault(topic, [])
            if not spans or heading.span.start > spans[-1].stop:
                spans.append(heading.span)
    return found


def _nested(found: Sequence[tuple[int, int, str]], end: int) -> tuple[Heading, ...]:
    """Return headings with their sections, from their line, level and title."""
    headings: list[Heading] = []
    ends = [end] * 7  # for each level, the line where a section of that level would end
    for i, level, title in reversed(found):
        if title:  # without one it only ends what stands above
            headings.append(Heading(level, title, range(i + 1, ends[level])))
        ends[level:] = [i] * (7 - level)
    return tuple(reversed(headings))

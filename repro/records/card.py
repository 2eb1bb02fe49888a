"""A card as it was read: its text, its parts and its claims; what rules look at."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from repro.records.claims import Claims, Kind
from repro.records.codec import Record

#: A node of the front matter; a scalar is its printed text.
Node: TypeAlias = "str | list[Node] | dict[str, Node] | None"


class Heading(Record, frozen=True, kw_only=False, gc=False):
    """A heading and its section, subsections included.

    Attributes:
        level: 1 to 6.
        title: Its text as printed.
        span: Indices of the lines below it, up to the next heading of its level or above.
    """

    level: int
    title: str
    span: range


class FrontMatter(Record, frozen=True, kw_only=False):
    """The YAML between the first two `---` lines.

    Attributes:
        data: What it states.
        lines: Its raw lines; the first one is line 2 of the card, or later where blank lines stand above.
        first: The 1-based line of `lines[0]` in the whole file.
        state: `plain`; `broken` where it is no plain YAML mapping and only simple lines were read; `unclosed`
            where the second `---` is missing.
    """

    data: dict[str, Node]
    lines: tuple[str, ...]
    first: int
    state: Literal["plain", "broken", "unclosed"] = "plain"

    def line(self, key: str) -> int | None:
        """Return the 1-based line in the whole file on which a top-level key stands."""
        start = re.compile(rf"['\"]?{re.escape(key)}['\"]?\s*:")
        for i, line in enumerate(self.lines, self.first):
            if key in line and start.match(line):
                return i
        return None


class Card(Record, frozen=True):
    """A card as it was read.

    Attributes:
        target: What it is called in results and errors, usually its path.
        kind: Whose card it is.
        claims: What it states.
        lines: The source's lines as printed; claims and findings give 1-based indices into them.
        visible: What a reader of the rendered card sees of each of these lines: front matter and comments are
            blank, code is replaced.
        front_matter: Its front matter, None where it has none.
        headings: The headings that have a title, in order.
        undecodable: How many bytes of the source were no UTF-8; each stands as U+FFFD in `lines`.
        text: `lines` as one text, where reading had it anyway; else empty.
        lowered: The same in lower case.
    """

    target: str
    kind: Kind
    claims: Claims
    lines: tuple[str, ...] = ()
    visible: tuple[str, ...] = ()
    front_matter: FrontMatter | None = None
    headings: tuple[Heading, ...] = ()
    undecodable: int = 0
    text: str = ""
    lowered: str = ""

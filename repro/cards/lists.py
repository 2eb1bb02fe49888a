"""Bullets that state something: `- name: value`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias

from repro.cards.values import plain, value
from repro.records.claims import Claim
from repro.records.codec import Record

_BULLETS = "-*+•"
_SEPARATOR = re.compile(r"==?|:")
_MAX_NAME = 100
_NO_NAME = re.compile(r"[\[\]<>{}]")  # links and markup are prose, not names
#: A pair without a bullet, behind it what it states.
_PAIR = re.compile(
    r"[*_`]{0,3}([A-Za-z][\w@./()-]*+(?: [\w@./()-]++){0,5}+)[*_`]{0,3}\s*[:=][*_`]{0,3}\s*(\S.*)"
)
_MAX_PAIR = 500
#: Names and texts by the index of their line.
Pairs: TypeAlias = "dict[int, tuple[str, str]]"
_LABEL = re.compile(
    r"(?:on|after|for|with)\b|.*\b(?:test|val|valid|validation|eval|evaluation|dev|results?)\b", re.IGNORECASE
)
_MAX_LABEL = 60


_MAX_KEPT = 80  # characters of a line that is kept in memory


class Item(Record, frozen=True, kw_only=False, gc=False):
    """One stated pair, with its 1-based line."""

    name: str
    text: str
    line: int


def bullet(line: str) -> str | None:
    """Return what stands behind a bullet, None where the line is none."""
    if line[:2] == "- ":
        return line[2:].strip()
    line = line.strip()
    mark = line[:1]
    if not mark or mark not in _BULLETS or not (mark == "•" or line[1:2].isspace() or len(line) == 1):
        return None
    return line[1:].lstrip()


def pair(line: str) -> tuple[str, str] | None:
    """Return the name and the text of a line that states them without a bullet; a few words may be a name."""
    if len(line) > _MAX_PAIR:
        return None
    found = _PAIR.fullmatch(line.strip())
    return (found[1], found[2]) if found and not found[2].startswith("//") else None


def pairs_in(lines: Sequence[str]) -> Pairs:
    """Return the name and the text of each line that states them without a bullet, by its index."""
    return {
        i: found
        for i, line in enumerate(lines)
        # The first test is the cheapest: bullets, tables and headings are most of a card.
        if line and line[0] not in "-|#" and (":" in line or "=" in line) and (found := pair(line))
    }


def lists_below(
    lines: Sequence[str], pairs: Pairs, starts: Sequence[int], *, labels: bool = False
) -> list[Item]:
    """Read the list below each of these sentences, up to the next of them; it may do without bullets.

    Args:
        lines: All lines of the card.
        pairs: What `pairs_in` finds in them.
        starts: The indices of the sentences, in order.
        labels: As for `first_list`; a list without bullets then states numbers only.
    """
    found: list[Item] = []
    for start, end in pairwise([*starts, len(lines)]):
        found += first_list(lines, start, end, labels=labels) or _bare_list(
            lines, pairs, start, end, labels=labels
        )
    return found


def first_list(
    lines: Sequence[str], start: int, end: int | None = None, *, labels: bool = False
) -> list[Item]:
    """Read the list below the sentence on line `start`.

    It ends where a heading, a table or code begins, and at prose behind a blank line: as in Markdown, prose
    directly below a bullet goes on with that bullet, and so does what is indented.

    Args:
        lines: All lines of the card.
        start: The index of the sentence.
        end: The index at which it ends at the latest.
        labels: Whether short labels (`on the test set`) may stand between parts of the list; only numbers are
            read below them.
    """
    end = len(lines) if end is None else end
    start += 1
    while start < end and _continues(lines, start) and not (labels and _labels(lines, start)):
        start += 1
    items: list[Item] = []
    labelled = False
    for i in range(start, end):
        line = lines[i]
        if not line:
            continue
        stated = _stated(line)
        if stated:
            item = _item(lines, i, stated)
            if not labelled or is_number(item.text):
                items.append(item)
        elif stated is not None:
            continue
        elif labels and _continues(lines, i) and _labels(lines, i):
            labelled = True
        elif not _leaves_open(lines, i):
            break
    return items


def _bare_list(lines: Sequence[str], pairs: Pairs, start: int, end: int, *, labels: bool) -> list[Item]:
    """Read the lines `name: value` below the sentence on line `start`, up to the first line that is none."""
    items: list[Item] = []
    begun = False
    for i in range(start + 1, end):
        if found := pairs.get(i):
            begun = True
            if not labels or is_number(found[1]):
                items.append(Item(*found, i + 1))
        elif begun or lines[i].strip():
            break
    return items


def is_number(text: str) -> bool:
    """Tell whether a text prints a number, be it NaN's, or a percentage."""
    meant = value(plain(text).removesuffix("%"))
    return meant is not None and (not isinstance(meant, str) or meant in ("nan", "inf", "-inf"))


def all_items(
    lines: Sequence[str],
    pairs: Pairs,
    span: Iterable[int],
    *,
    is_name: Callable[[str], object] = str.isidentifier,
) -> list[Item]:
    """Read every bullet of a section, and its bare `name: value` and `name = value` lines.

    Args:
        lines: All lines of the card.
        pairs: What `pairs_in` finds in them.
        span: The indices of the section's lines.
        is_name: Tells whether what stands before the colon of a bare line is a name rather than prose.
    """
    items: list[Item] = []
    for i in span:
        line = lines[i]
        if not line:
            continue
        # The same test as in `_stated`: most lines of most cards are no bullets.
        if (line[0] in _BULLETS or line[0].isspace()) and (stated := _stated(line)):
            items.append(_item(lines, i, stated))
        elif (found := pairs.get(i)) and is_name(found[0]) and not _announced(lines, i):
            items.append(Item(*found, i + 1))
    return items


def claims(items: Sequence[Item]) -> dict[str, Claim]:
    """Return claims by name; what is stated again and differs stands as `name (2)`: nothing is lost."""
    if len({item.name for item in items}) == len(items):
        return {item.name: _claim(item) for item in items}
    found: dict[str, Claim] = {}
    stated: dict[str, dict[str, None]] = {}  # the texts of each name
    for item in items:
        texts = stated.setdefault(item.name, {})
        if item.text not in texts:
            texts[item.text] = None
            found[item.name if len(texts) == 1 else f"{item.name} ({len(texts)})"] = _claim(item)
    return found


def _claim(item: Item) -> Claim:
    text = item.text
    meant = _value(text) if len(text) <= _MAX_KEPT else value(text)
    return Claim(text=text, value=meant, line=item.line)


_value = lru_cache(maxsize=10_000)(value)  # cards print the same hyperparameters


def _item(lines: Sequence[str], i: int, stated: tuple[str, str]) -> Item:
    name, text = stated
    if text.endswith(":") and _continues(lines, i + 1):
        # Trainers from 4.46 print `Use … and the args are:` and the arguments on a line of their own.
        text = f"{text}\n{lines[i + 1].strip()}"
    return Item(name, text, i + 1)


def _stated(line: str) -> tuple[str, str] | tuple[()] | None:
    """Return the name and the text that a bullet states: neither where it is prose, None for other lines."""
    if line[0] not in _BULLETS and not line[0].isspace():
        return None
    return _read(line) if len(line) <= _MAX_KEPT else _read.__wrapped__(line)


@lru_cache(maxsize=10_000)  # cards print the same hyperparameters and versions
def _read(line: str) -> tuple[str, str] | tuple[()] | None:
    content = bullet(line)
    if content is None:
        return None
    name, colon, text = content.partition(": ")
    if not colon or not name.isidentifier() or len(name) > _MAX_NAME:  # not as generators print it
        separator = _SEPARATOR.search(content, 0, _MAX_NAME)
        if not separator or _NO_NAME.search(content, 0, separator.start()):
            return ()
        if content.startswith("//", separator.end()):  # an address
            return ()
        name, text = content[: separator.start()].rstrip(), content[separator.end() :].lstrip()
        if name.startswith("**") and text.startswith("**"):  # **Name:** value
            name, text = name[2:], text[2:]
        name = plain(name)
    return (name, text.lstrip()) if name else ()


def _continues(lines: Sequence[str], i: int) -> bool:
    """Tell whether line `i` goes on with the sentence of the bullet above it."""
    if i >= len(lines) or bullet(lines[i]) is not None:
        return False
    line = lines[i].strip()
    return bool(line) and not line.startswith(("#", "|", "```", "~~~", "<"))


def _labels(lines: Sequence[str], i: int) -> bool:
    """Tell whether the sentence on line `i` says in a few words what the results below it are of."""
    text = lines[i].strip()
    if len(text) > _MAX_LABEL:
        return False
    if text[-1] != ":":
        below = next((line for line in lines[i + 1 : i + 3] if line.strip()), "")
        if bullet(below) is None:
            return False
    return _LABEL.match(text) is not None


def _leaves_open(lines: Sequence[str], i: int) -> bool:
    """Tell whether a list goes on behind line `i`, which is no bullet."""
    line = lines[i]
    return not line.strip() or line[0] in " \t" or (bool(lines[i - 1].strip()) and _continues(lines, i))


def _announced(lines: Sequence[str], i: int) -> bool:
    """Tell whether line `i` was read with the bullet above it."""
    above = bullet(lines[i - 1]) if i else None
    return above is not None and above.endswith(":") and _continues(lines, i)

"""Bullets that state something: `- name: value`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from repro.cards.values import plain, value
from repro.records.claims import Claim

_BULLET = re.compile(r"\s*(?:[-*+](?:\s+|$)|•\s*)(.*)")
_BULLETS = frozenset("-*+•")
_SEPARATOR = re.compile(r"==?|:")
_MAX_NAME = 100
_PLAIN_PAIR = re.compile(r"\s*([A-Za-z_]\w{0,60})\s*[:=]\s*(\S.*)")
_NO_NAME = re.compile(r"[\[\]<>{}]")  # links and markup are prose, not names


class Item(NamedTuple):
    """One stated pair, with its 1-based line."""

    name: str
    text: str
    line: int


def bullet(line: str) -> str | None:
    """Return what stands behind a bullet, None where the line is none."""
    found = _BULLET.fullmatch(line) if line.lstrip()[:1] in _BULLETS else None
    return found[1].strip() if found else None


def first_list(lines: Sequence[str], start: int) -> Iterator[Item]:
    """Read the list below the sentence on line `start`.

    It ends where a heading, a table or code begins, and at prose behind a blank line: as in Markdown, prose
    directly below a bullet goes on with that bullet, and so does what is indented.
    """
    start += 1
    while _continues(lines, start):
        start += 1
    for i in range(start, len(lines)):
        content = bullet(lines[i])
        if content:
            yield from _item(lines, i, content)
        elif content is None and not _leaves_open(lines, i):
            return


def all_items(lines: Sequence[str], span: range) -> Iterator[Item]:
    """Read every bullet of a section, and its bare `name: value` and `name = value` lines."""
    for i in span:
        content = bullet(lines[i])
        if content:
            yield from _item(lines, i, content)
        elif (found := _PLAIN_PAIR.fullmatch(lines[i])) and not _announced(lines, i):
            yield Item(found[1], found[2].strip(), i + 1)


def claims(items: Iterable[Item]) -> dict[str, Claim]:
    """Return claims by name; what is stated again and differs stands as `name (2)`: nothing is lost."""
    found: dict[str, Claim] = {}
    texts: dict[str, list[str]] = {}
    for item in items:
        stated = texts.setdefault(item.name, [])
        if item.text in stated[:50]:
            continue
        stated.append(item.text)
        name = item.name if len(stated) == 1 else f"{item.name} ({len(stated)})"
        found[name] = Claim(text=item.text, value=value(item.text), line=item.line)
    return found


def _item(lines: Sequence[str], i: int, content: str) -> Iterator[Item]:
    separator = _SEPARATOR.search(content, 0, _MAX_NAME)
    if not separator or _NO_NAME.search(content, 0, separator.start()):
        return
    if content.startswith("//", separator.end()):  # an address
        return
    name, text = content[: separator.start()].rstrip(), content[separator.end() :].lstrip()
    if name.startswith("**") and text.startswith("**"):  # **Name:** value
        name, text = name[2:], text[2:].lstrip()
    if text.endswith(":") and _continues(lines, i + 1):
        # Trainers from 4.46 print `Use … and the args are:` and the arguments on a line of their own.
        text = f"{text}\n{lines[i + 1].strip()}"
    if name := plain(name):
        yield Item(name, text, i + 1)


def _continues(lines: Sequence[str], i: int) -> bool:
    """Tell whether line `i` goes on with the sentence of the bullet above it."""
    if i >= len(lines) or bullet(lines[i]) is not None:
        return False
    line = lines[i].strip()
    return bool(line) and not line.startswith(("#", "|", "```", "~~~", "<"))


def _leaves_open(lines: Sequence[str], i: int) -> bool:
    """Tell whether a list goes on behind line `i`, which is no bullet."""
    line = lines[i]
    return not line.strip() or line[0] in " \t" or (bool(lines[i - 1].strip()) and _continues(lines, i))


def _announced(lines: Sequence[str], i: int) -> bool:
    """Tell whether line `i` was read with the bullet above it."""
    above = bullet(lines[i - 1]) if i else None
    return above is not None and above.endswith(":") and _continues(lines, i)

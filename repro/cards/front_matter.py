"""The YAML between the first two `---` lines, read as text and never trusted.

Scalars stay the text that was printed (`license: no`, a data set called `1.10`). Anchors, aliases, tags and
deep nesting have no place on a card, so a front matter with one of them is not composed at all: like a broken
one, it is read for its simple `key: value` lines only.

What the generators print is a small, regular part of YAML, and most front matters hold nothing else: they are
read by `repro.cards.plain_yaml`, many times as fast as PyYAML, which reads the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from repro.cards.plain_yaml import plain_yaml
from repro.records.card import FrontMatter, Node

_MAX_DEPTH = 20
_MAX_CHARACTERS = 300_000  # widgets make real ones long, but never this long
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
# What begins the body of a card and begins no line of its front matter.
_BODY = re.compile(r"<!--|#{1,6} |!\[|\[!\[|<[a-z]")
_KEY = re.compile(r"([A-Za-z_][\w-]*):(?:[ \t]+(.*))?")
_ITEM = re.compile(r"[ \t]*-[ \t]+([^\s:].*)")
_SYNTAX = tuple("&*!|>{[%@`")  # a value that begins so is YAML's own syntax, not plain text


def split(lines: Sequence[str]) -> tuple[FrontMatter | None, int]:
    """Split a card into its front matter and its body.

    Args:
        lines: The card's lines.

    Returns:
        The front matter (None where there is none) and the index of the body's first line.
    """
    start = next((i for i, line in enumerate(lines) if line.strip()), 0)
    if not lines or lines[start].rstrip() != "---":
        return None, 0
    start += 1
    closed = None
    for i in range(start, len(lines)):
        if lines[i][:3] == "---" and lines[i].rstrip() == "---":
            closed = i
            break
    if closed is not None:
        data = _compose(lines[start:closed])
        if data is not None:
            return FrontMatter(data, tuple(lines[start:closed]), start + 1), closed + 1
    # Broken, or never closed: a later `---` may be a rule in the middle of the body.
    stop = len(lines) if closed is None else closed
    body = next((i for i in range(start, stop) if _BODY.match(lines[i])), None)
    if body is None and closed is None:
        body = next((i for i in range(start, stop) if not lines[i].strip()), stop)
    end = stop if body is None else body
    inside = tuple(lines[start:end])
    data = _compose(inside)
    state: Literal["broken", "unclosed"] = "unclosed" if closed is None else "broken"
    front = FrontMatter(_simple(inside) if data is None else data, inside, start + 1, state)
    return front, stop + 1 if body is None else body


def _compose(lines: Sequence[str]) -> dict[str, Node] | None:
    """Return the mapping that plain YAML prints, or None where it is not plain, not YAML or no mapping."""
    text = "\n".join(lines)
    if len(text) > _MAX_CHARACTERS:
        return None
    data = plain_yaml(lines)
    return by_parser(text) if data is None else data


def by_parser(text: str) -> dict[str, Node] | None:
    """Return the mapping that any safe YAML prints, or None where it is not safe, not YAML or no mapping."""
    import yaml  # slow to import, and few cards need it

    loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)(text)
    try:
        return _Composer(loader.get_event, yaml).mapping()
    except (yaml.YAMLError, ValueError):
        return None
    finally:
        loader.dispose()


class _Composer:
    """Builds nodes from the parser's events, without the loader's types, tags and references."""

    def __init__(self, event: Callable[[], Any], yaml: Any) -> None:
        self.event = event
        self.scalar, self.sequence = yaml.ScalarEvent, yaml.SequenceStartEvent
        self.ends = frozenset((yaml.SequenceEndEvent, yaml.MappingEndEvent))
        self.last = yaml.StreamEndEvent

    def mapping(self) -> dict[str, Node] | None:
        """Return the first document, empty where there is none; None where it is no mapping."""
        while type(event := self.event()) is not self.last:
            if hasattr(event, "anchor"):
                data = self.node(event, 0)
                return data if isinstance(data, dict) else None
        return {}

    def node(self, event: Any, depth: int) -> Node:
        """Return the node that begins with an event.

        Raises:
            ValueError: It is too deep, or holds an anchor, an alias or a tag.
        """
        kind = type(event)
        if depth > _MAX_DEPTH or event.anchor is not None or event.tag:
            raise ValueError("not plain YAML")
        if kind is self.scalar:
            text: str = event.value
            return None if not event.style and text in _NULLS else text
        items: list[Node] = []
        take, scalar, ends = self.event, self.scalar, self.ends
        while (inside := type(inner := take())) not in ends:
            if inside is scalar and inner.anchor is None and not inner.tag and depth < _MAX_DEPTH:
                items.append(None if not inner.style and inner.value in _NULLS else inner.value)
            else:
                items.append(self.node(inner, depth + 1))
        if kind is self.sequence:
            return items
        if not items:
            return {}
        return {
            key: content for key, content in zip(items[::2], items[1::2], strict=True) if isinstance(key, str)
        }


def _simple(lines: Sequence[str]) -> dict[str, Node]:
    """Read `key: value` lines and the `- item` lines below a key; leave everything else alone."""
    data: dict[str, Node] = {}
    items: list[Node] = []
    for line in lines:
        if pair := _KEY.fullmatch(line.rstrip()):
            text = _unquoted(pair[2] or "")
            items = []
            data[pair[1]] = text if pair[2] else items
        elif (
            (item := _ITEM.fullmatch(line.rstrip()))
            and (text := _unquoted(item[1]))
            and not _KEY.match(item[1])
        ):
            items.append(text)
    return data


def _unquoted(text: str) -> str | None:
    """Return the text of a simple scalar, None where it is YAML's own syntax or null."""
    if text.startswith(_SYNTAX) or text in _NULLS:
        return None
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return text

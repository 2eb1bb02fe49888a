"""The regular part of YAML that card generators print: block mappings and lists, plain and quoted text.

Whatever is read here is read as a YAML parser reads it. At the first thing that is not regular (flow
collections, escapes, comments, anchors, tags, blocks of text) nothing is read at all, and a parser has to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from repro.records.card import Node

_KEY = re.compile(r"([A-Za-z_][\w-]{0,100}):(?: +(.+))?", re.ASCII)
_NULLS = frozenset({"null", "Null", "NULL"})
_BEGINS_PLAIN = frozenset("./_()$+^<;\\")  # beside letters and digits
_MAX_DEPTH = 20

_MAX_KEPT = 80  # characters of a line that is kept in memory
_IRREGULAR = object()
_EMPTY_LIST = object()  # each card gets its own


class _IrregularError(Exception):
    """Something that takes a parser."""


class _Row(NamedTuple):
    """One line.

    Attributes:
        indent: How many spaces stand before its text.
        text: What it prints.
        key: The key, where it has one.
        printed: What stands behind the key; without one, the whole text.
        node: What that is if it does not go on in the lines below.
        item: What stands behind a dash, as a line of its own.
    """

    indent: int
    text: str
    key: str | None
    printed: str
    node: Any
    item: _Row | None = None


def plain_yaml(lines: Sequence[str]) -> dict[str, Node] | None:
    """Return the mapping that regular YAML prints, None where it is not regular.

    >>> plain_yaml(["tags:", "- a", "model-index:", "- name: b", "  results: []"])
    {'tags': ['a'], 'model-index': [{'name': 'b', 'results': []}]}
    """
    try:
        read = [_row(line) if len(line) <= _MAX_KEPT else _row.__wrapped__(line) for line in lines]
        if None in read and any(below and below.indent and not row for row, below in pairwise(read)):
            return None  # a text that goes on behind a blank line
        rows = [row for row in read if row]
        rows.append(_END)
        data, end = _mapping(rows, 0, max(rows[0].indent, 0), 0)
    except _IrregularError:
        return None
    return data if rows[end] is _END else None


_END = _Row(-1, "", None, "", None)  # stands behind the last one


@lru_cache(maxsize=2_000)  # cards share their keys, and many of the texts
def _row(line: str) -> _Row | None:
    """Return what a line prints, None where it is blank."""
    if not line.isprintable():  # a tab
        raise _IrregularError
    text = line.strip(" ")
    if not text:
        return None
    indent = len(line) - len(line.lstrip(" ")) if line[0] == " " else 0
    if not text.startswith("- "):
        row = _read(indent, text)
        if row.key is None and not indent:  # nothing that a mapping holds or goes on with
            raise _IrregularError
        return row
    behind = text[2:].lstrip(" ")
    return _Row(indent, text, None, text, None, _read(indent + len(text) - len(behind), behind))


def _read(indent: int, text: str) -> _Row:
    found = _KEY.fullmatch(text) if ":" in text else None
    key, printed = (found[1], found[2] or "") if found else (None, text)
    node = _scalar(printed) if printed else None
    if node is _IRREGULAR:  # whatever stands around it; told at once, so that a parser need not wait for long
        raise _IrregularError
    return _Row(indent, text, key, printed, node)


def _mapping(rows: list[_Row], at: int, indent: int, depth: int) -> tuple[dict[str, Node], int]:
    """Read the mapping that begins at a row; return it and the row behind it."""
    pairs: dict[str, Node] = {}
    if depth >= _MAX_DEPTH:
        raise _IrregularError
    while (row := rows[at]).indent == indent:
        key = row.key
        if key is None:
            raise _IrregularError
        at += 1
        below = rows[at]
        if row.printed:
            if below.indent > indent:
                pairs[key], at = _long_text(rows, at, indent, row.printed)
            else:
                pairs[key] = _plain(row.node)
        elif below.indent >= indent and below.item:
            pairs[key], at = _sequence(rows, at, below.indent, depth + 1)
        elif below.indent > indent:
            pairs[key], at = _mapping(rows, at, below.indent, depth + 1)
        else:
            pairs[key] = None
    if row.indent > indent:
        raise _IrregularError
    return pairs, at


def _sequence(rows: list[_Row], at: int, indent: int, depth: int) -> tuple[list[Node], int]:
    """Read the list that begins at a row; return it and the row behind it."""
    items: list[Node] = []
    node: Node
    if depth >= _MAX_DEPTH:
        raise _IrregularError
    while (row := rows[at]).indent == indent and (item := row.item):
        if item.key is not None:
            rows[at] = item
            node, at = _mapping(rows, at, item.indent, depth + 1)
        elif rows[at + 1].indent > indent:
            node, at = _long_text(rows, at + 1, indent, item.printed)
        else:
            node, at = _plain(item.node), at + 1
        items.append(node)
    if row.indent > indent:
        raise _IrregularError
    return items, at


def _long_text(rows: list[_Row], at: int, indent: int, printed: str) -> tuple[str, int]:
    """Read a text that goes on in the rows that are indented more; return it and the row behind it."""
    parts = [printed]
    while rows[at].indent > indent:
        parts.append(rows[at].text)
        at += 1
    if not all(map(_is_plain, parts)):
        raise _IrregularError
    return " ".join(parts), at


def _plain(node: Any) -> Node:
    """Return what a text is that does not go on."""
    return [] if node is _EMPTY_LIST else node


def _scalar(text: str) -> Any:
    """Return the node that a text is which does not go on."""
    quote = text[0]
    if quote.isalnum() or quote in _BEGINS_PLAIN:
        if ": " in text or " #" in text or text[-1] == ":":
            return _IRREGULAR
        return None if text in _NULLS else text
    if quote in "'\"" and text[-1] == quote and len(text) > 1 and text.count(quote) == 2 and "\\" not in text:
        return text[1:-1]
    if text == "[]":
        return _EMPTY_LIST
    return None if text == "~" else _IRREGULAR


def _is_plain(text: str) -> bool:
    """Tell whether a text neither begins nor goes on as something else."""
    return (
        (text[0].isalnum() or text[0] in _BEGINS_PLAIN)
        and ": " not in text
        and " #" not in text
        and text[-1] != ":"
    )

"""The regular part of YAML that card generators print: block mappings and lists, plain and quoted text.

Whatever is read here is read as a YAML parser reads it. At the first thing that is not regular (flow
collections, escapes, comments, anchors, tags, blocks of text) nothing is read at all, and a parser has to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from repro.records.card import Node

_KEY = re.compile(r"([A-Za-z_][\w-]{0,100}):(?: +(.+))?", re.ASCII)
_NULLS = frozenset({"~", "null", "Null", "NULL"})
_BEGINS_PLAIN = frozenset("./_()$+^<;\\")  # beside letters and digits
_MAX_DEPTH = 20

#: The lines as (indentation, text).
_Rows: TypeAlias = list[tuple[int, str]]


class _IrregularError(Exception):
    """Something that takes a parser."""


def plain_yaml(lines: Sequence[str]) -> dict[str, Node] | None:
    """Return the mapping that regular YAML prints, None where it is not regular.

    >>> plain_yaml(["tags:", "- a", "model-index:", "- name: b", "  results: []"])
    {'tags': ['a'], 'model-index': [{'name': 'b', 'results': []}]}
    """
    if not "".join(lines).isprintable():  # a tab
        return None
    rows: _Rows = []
    blank = False
    for line in lines:
        text = line.strip(" ")
        if not text:
            blank = True
            continue
        indented = line[0] == " "
        if blank and indented:  # a text that goes on behind a blank line
            return None
        blank = False
        rows.append((len(line) - len(line.lstrip(" ")) if indented else 0, text))
    try:
        data, end = _mapping(rows, 0, rows[0][0] if rows else 0, 0)
    except _IrregularError:
        return None
    return data if end == len(rows) else None


def _mapping(rows: _Rows, at: int, indent: int, depth: int) -> tuple[dict[str, Node], int]:
    """Read the mapping that begins at a row; return it and the row behind it."""
    pairs: dict[str, Node] = {}
    while at < len(rows) and rows[at][0] == indent:
        found = _KEY.fullmatch(rows[at][1])
        if not found or depth >= _MAX_DEPTH:
            raise _IrregularError
        key, text = found.groups()
        if text:
            pairs[key], at = _scalar(rows, at, indent, text)
        elif (at := at + 1) == len(rows) or rows[at][0] < indent:
            pairs[key] = None
        elif rows[at][1].startswith("- "):
            pairs[key], at = _sequence(rows, at, rows[at][0], depth + 1)
        elif rows[at][0] > indent:
            pairs[key], at = _mapping(rows, at, rows[at][0], depth + 1)
        else:
            pairs[key] = None
    if at < len(rows) and rows[at][0] > indent:
        raise _IrregularError
    return pairs, at


def _sequence(rows: _Rows, at: int, indent: int, depth: int) -> tuple[list[Node], int]:
    """Read the list that begins at a row; return it and the row behind it."""
    items: list[Node] = []
    while at < len(rows) and rows[at][0] == indent and rows[at][1].startswith("- "):
        text = rows[at][1][2:].lstrip(" ")
        if _KEY.fullmatch(text):
            column = indent + len(rows[at][1]) - len(text)
            rows[at] = (column, text)
            mapping, at = _mapping(rows, at, column, depth + 1)
            items.append(mapping)
        else:
            scalar, at = _scalar(rows, at, indent, text)
            items.append(scalar)
    if depth >= _MAX_DEPTH or (at < len(rows) and rows[at][0] > indent):
        raise _IrregularError
    return items, at


def _scalar(rows: _Rows, at: int, indent: int, text: str) -> tuple[Node, int]:
    """Read a text, which goes on in the rows that are indented more; return it and the row behind it."""
    at += 1
    goes_on = at < len(rows) and rows[at][0] > indent
    if not goes_on:
        if text == "[]":
            return [], at
        quote = text[0]
        if (
            quote in "'\""
            and text[-1] == quote
            and len(text) > 1
            and text.count(quote) == 2
            and "\\" not in text
        ):
            return text[1:-1], at
        return None if text in _NULLS else _plain(text), at
    parts = [_plain(text)]
    while at < len(rows) and rows[at][0] > indent:
        parts.append(_plain(rows[at][1]))
        at += 1
    return " ".join(parts), at


def _plain(text: str) -> str:
    """Return a plain text, which neither begins nor goes on as something else."""
    if not (text[0].isalnum() or text[0] in _BEGINS_PLAIN) or ": " in text or " #" in text or text[-1] == ":":
        raise _IrregularError
    return text

"""Markdown that stays what it is meant to be, whatever the text in it says.

The Markdown environment escapes like the HTML one: whatever a template prints is escaped, unless it already
is `Markdown`. So no template can forget it.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

import yaml

from repro.reports.formats import clean, line, spans

if TYPE_CHECKING:
    from repro.reports.evaluations import EvaluationView
    from repro.reports.views import TableView

# The backslash becomes an entity, because the Hub reads `\\(` as the start of a formula.
_SPECIAL = {"\\": "&#92;", "<": "&lt;", ">": "&gt;", "&": "&amp;"} | {c: f"\\{c}" for c in "`*_[]|$~#!"}
_SPECIAL_TABLE = str.maketrans(_SPECIAL)
# What makes a list, a heading's underline, a rule or a table when it stands first.
_LEADING = re.compile(r"[-+](?=\s|$)|[-=:]{2,}|=$|:(?=-)|-(?=:)|\d+[.)](?=\s|$)")


class Markdown(str):
    """Text that is Markdown already; everything else is escaped when a template prints it."""

    __slots__ = ()


def inline(text: object) -> Markdown:
    r"""Escape text for a paragraph, a list item, a heading or a table cell; it comes out on one line.

    >>> inline("a <b>")
    'a &lt;b&gt;'
    """
    plain = line(str(text))
    leading = _LEADING.match(plain)
    escaped = plain.translate(_SPECIAL_TABLE)
    if leading:  # no special character is in what matched, so the positions are the same
        last = leading.end() - 1
        escaped = f"{escaped[:last]}\\{escaped[last:]}"
    return Markdown(escaped)


def code(text: object) -> Markdown:
    """Return text as a code span, or as plain text where a code span could be broken out of."""
    plain = line(str(text))
    return inline(plain) if not plain or "`" in plain or "|" in plain else Markdown(f"`{plain}`")


def prose(text: object) -> Markdown:
    """Return a sentence of a rule: what stands between backticks becomes code, the rest is escaped."""
    pieces = spans(line(str(text)))
    # Each piece is put on one line by itself, so the blanks at its ends are put back.
    return Markdown("".join(code(piece) if is_code else _between(piece) for is_code, piece in pieces))


def _between(text: str) -> str:
    return f"{' ' * text[:1].isspace()}{inline(text)}{' ' * (text[-1:].isspace() and bool(text.strip()))}"


def fenced(text: object) -> Markdown:
    """Return text as a fenced block whose fence is longer than any run of backticks in it."""
    plain = clean(str(text))
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", plain)), default=0))
    return Markdown(f"{fence}\n{plain}\n{fence}")


def table(view: TableView | EvaluationView) -> Markdown:
    """Return a table; every cell is escaped, so each row keeps its columns."""
    lines = [f"| {' | '.join(inline(cell) for cell in row)} |" for row in (view.header, *view.rows)]
    lines.insert(1, "|---" * len(view.header) + "|")
    return Markdown("\n".join(lines) + (f"\n\n{inline(view.omitted)}" if view.omitted else ""))


def link(text: object, address: str) -> Markdown:
    """Return a link; the address has passed `formats.web_address`, or is empty for none."""
    return Markdown(f"[{inline(text)}](<{address}>)") if address else inline(text)


def finalize(value: object) -> object:
    """Escape what a template prints; undefined values pass, so that they can complain."""
    return inline(value) if isinstance(value, str) and not isinstance(value, Markdown) else value


class _Dumper(yaml.SafeDumper):
    """Quotes every string that another reader of YAML (1.2, as the Hub's) might take for something else."""


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = re.fullmatch(r"[A-Za-z][\w.-]*(/[\w.-]+)?", text, re.ASCII) is not None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _string)


def front_matter(data: dict[str, Any]) -> Markdown:
    """Return `data` as the YAML block that opens a card."""
    text = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return Markdown(f"---\n{text}---")


def shell(*words: str) -> str:
    """Return a command to copy: every word is quoted where a shell would read it otherwise."""
    return shlex.join(line(word) for word in words)

"""What blocks of code and JSON state: `name = value`, `name: value`, `"name": value` with a plain value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from repro.cards.lists import Item

_NUMBER = r"[-+]?(?:\d[\d_]*+(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?"
_STRING = r"\"[^\"\n]*+\"|'[^'\n]*+'"
_PLAIN = rf"{_NUMBER}|{_STRING}|True\b|False\b|None\b|true\b|false\b|null\b"
_SEVERAL = rf"\[(?:\s*+(?:{_PLAIN})\s*+,?+)*+\s*+\]|\((?:\s*+(?:{_PLAIN})\s*+,?+)*+\s*+\)"
#: The parts of a block; what none of them takes is a program's, and says nothing by itself.
_PART = re.compile(
    rf"""
    (?P<aside>\#[^\n]*+|//[^\n]*+|^(?:from|import)[ ][^\n]*+|-(?=[ ])|[\s,;]++)
    |(?P<call>\b\w{{0,30}}(?:TrainingArguments|(?:SFT|DPO|ORPO|KTO|CPO|GRPO|PPO|RLOO|Reward)Config)\()
    |(?:(?P<quote>["'])(?P<quoted>[^"'\n]{{1,100}})(?P=quote)\s*+:
       |(?<![\w.])(?P<name>[A-Za-z_]\w{{0,100}})
        (?:[ ]?:[ ]?[A-Za-z][\w.]{{0,30}}(?=[ ]?=))?[ \t]*+(?P<sign>=(?!=)|:))
     [ \t]*+(?P<value>{_PLAIN}|{_SEVERAL}|(?P<word>[A-Za-z][\w./+-]*+)(?=[ \t]*+(?:$|\#)))
     (?=[ \t]*+(?:[,;)}}\]\#]|//|$))
    |(?P<head>(?<![\w.])[A-Za-z_][\w.]*+[ \t]*+(?:=[ \t]*+(?:dict(?=\())?(?=[({{\[A-Z])|:[ \t]*+$))
    |(?P<open>[(\[{{])
    |(?P<close>[)\]}}])
    |(?P<other>{_STRING}|\w++|.)
    """,
    re.VERBOSE | re.MULTILINE,
)
#: What stands behind a colon in a program; any other word does so in YAML.
_PROGRAM = frozenset({"bool", "break", "continue", "dict", "float", "int", "list", "pass", "return", "str"})
_MAX_BLOCK = 20_000  # characters; longer ones are programs and data
_MAX_VALUE = 500


class Stated(NamedTuple):
    """What a block states.

    Attributes:
        items: The pairs of lines with nothing but pairs, as far as they stand in the outermost of brackets.
        called: Those that are arguments of a call of TrainingArguments or of a subclass.
        alone: Whether the block holds nothing but pairs.
        assigned: The lines with a pair that a program could hold: `name = value`.
    """

    items: Sequence[Item]
    called: Sequence[Item]
    alone: bool
    assigned: frozenset[int]


def read_code(lines: Sequence[str], start: int, *, alone: bool = False) -> Stated:
    """Read a block.

    Args:
        lines: Its lines, without the fences.
        start: The 1-based line of the card on which they begin.
        alone: Whether nothing is asked of a block that holds more than pairs.
    """
    text = "\n".join(lines)
    items: list[tuple[int, Item]] = []
    called: list[Item] = []
    assigned: set[int] = set()
    others: set[int] = set()  # lines with parts of a program
    readable = len(text) <= _MAX_BLOCK
    depth, calls, at, line = 0, 0, 0, start
    for part in _PART.finditer(text) if readable else ():
        kind = part.lastgroup
        if (word := part["word"]) and (part["sign"] == "=" or word in _PROGRAM):
            kind = "other"  # a variable or a type
        if kind == "value":
            line += text.count("\n", at, part.start("value"))
            at = part.start("value")
            printed = part["value"]
            if len(printed) <= _MAX_VALUE:
                bare = printed[1:-1] if printed[0] in "\"'" else " ".join(printed.split())
                item = Item(part["quoted"] or part["name"], bare, line)
                items.append((depth, item))
                if calls and depth == calls:
                    called.append(item)
                if part["sign"] == "=":
                    assigned.add(line)
        elif kind == "call":
            depth += 1
            calls = calls or depth
        elif kind == "open":
            depth += 1
        elif kind == "close":
            calls = 0 if depth == calls else calls
            depth -= 1
        elif kind == "other":
            line += text.count("\n", at, part.start())
            at = part.start()
            others.add(line)
            if alone:
                break
    items = [(level, item) for level, item in items if item.line not in others]
    least = min((level for level, _ in items), default=0)
    found = [item for level, item in items if level == least]
    return Stated(found, called, readable and not others, frozenset(assigned))

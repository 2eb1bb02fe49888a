"""Printed text to values and names: the only place that decides what a text means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from math import isfinite

from msgspec import MsgspecError
from msgspec.json import Decoder

from repro.records.claims import Value

MAX_INTEGER = 19  # more digits than JSON's 64 bits hold are read as a float
_LIMIT = 10 ** (MAX_INTEGER - 1)
# JSON's numbers are most of those that cards print, and its decoder reads them many times as fast as float().
_decimal, _decimals, _integers = Decoder(float).decode, Decoder(list[float]).decode, Decoder(list[int]).decode
_MAX_KEPT = 50  # characters of a text that is kept in memory
_ENDS_NUMBER = frozenset("0123456789.")
_BEGINS_NUMBER = _ENDS_NUMBER | frozenset("+-")
_MARKS = frozenset("*`_")
_EMPHASIS = re.compile(r"(\*{1,3}|`|__)(.+)\1")
#: A number, and by how much it is above or below another one, as sentence-transformers prints it.
_COMPARED = re.compile(r"([-+]?\d++(?:\.\d++)?) \([-+]\d++(?:\.\d++)?\)")
_NO_WORD = re.compile(r"[^\w/@.]+")
_NOT_FINITE = {
    f"{sign}{word}": "nan" if word == "nan" else f"{sign.strip('+')}inf"
    for sign in ("", "+", "-")
    for word in ("nan", "inf", "infinity")
}
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(["True", "true"], True),
    **dict.fromkeys(["False", "false"], False),
    **dict.fromkeys(["No log", "no log", "No Log", ""], None),
}


def plain(text: str) -> str:
    """Return `text` without the emphasis or code marks that enclose the whole of it."""
    enclosed = _EMPHASIS.fullmatch(text) if text[:1] in _MARKS else None
    return enclosed[2].strip() if enclosed and enclosed[1] not in enclosed[2] else text


def value(text: str) -> Value:
    """Return what a printed text means.

    Args:
        text: The text as printed, without space around it.

    Returns:
        An int, a float or a bool where the text prints one; None for `No log` and for nothing; the words
        `nan`, `inf` and `-inf`, because JSON has no such numbers; else the text itself. Code marks are no
        part of a text, and emphasis is none of a number or a percentage.

    >>> value("5e-05"), value("42"), value("No log"), value("NaN"), value("`linear`"), value("**23.3%**")
    (5e-05, 42, None, 'nan', 'linear', '23.3%')
    """
    # Python's own reading of numbers, without what only Python means by it: `1_000`, `١`, `nan`.
    if text[-1:] in _ENDS_NUMBER and text[0] in _BEGINS_NUMBER and text.isascii() and "_" not in text:
        if text.isdigit() and len(text) < MAX_INTEGER:
            return int(text)
        return _number(text)
    return _meant(text) if len(text) <= _MAX_KEPT else _meant.__wrapped__(text)


def _number(text: str) -> Value:
    """Return what a text means that begins and ends as a number does; it is no word."""
    try:
        number = _decimal(text)
    except MsgspecError:  # `.5`, `1e999`, a date
        try:
            number = float(text)
        except ValueError:
            return text
        if not isfinite(number):  # 1e999 was printed, infinity was not
            return text
    return int(text) if text[0] in "+-" and text[1:].isdigit() and len(text) <= MAX_INTEGER else number


def numbers(texts: Sequence[str]) -> Sequence[float] | None:
    """Return what the texts mean if they are all decimals, or all integers; None for any others.

    >>> numbers(["1.5", "2.0"]), numbers(["1", "-2"]), numbers(["1", "2.0"]), numbers(["No log", "2.0"])
    ([1.5, 2.0], [1, -2], None, None)
    """
    if not texts or texts[-1][-1:] not in _ENDS_NUMBER:
        return None
    together = ",".join(texts)
    points = together.count(".")
    try:
        if points == len(texts):  # one in each, for there is none with two
            read: Sequence[float] = _decimals(f"[{together}]")
        elif points or "e" in together or "E" in together:
            return None
        else:
            read = _integers(f"[{together}]")
            if max(read) >= _LIMIT or min(read) <= -_LIMIT:
                return None
    except MsgspecError:
        return None
    return read if len(read) == len(texts) else None  # more where a text has a comma in it


@lru_cache(maxsize=1_000)  # cards print the same few words
def _meant(text: str) -> Value:
    bare = plain(text)
    if bare != text:
        meant = value(bare)
        return meant if text[0] == "`" or not isinstance(meant, str) or meant[-1:] == "%" else text
    if text[-1:] == ")" and (compared := _COMPARED.fullmatch(text)):
        return value(compared[1])
    if bare in _WORDS:
        return _WORDS[bare]
    return _NOT_FINITE.get(bare.lower(), text)


def snake(text: str) -> str:
    """Return a metric's or column's name in lower snake case.

    >>> snake("Validation Loss"), snake("eval_loss"), snake("F1 (macro)"), snake("Rewards/chosen")
    ('validation_loss', 'eval_loss', 'f1_macro', 'rewards/chosen')
    """
    return _snake(text) if len(text) <= _MAX_KEPT else _snake.__wrapped__(text)


@lru_cache(maxsize=1_000)  # cards print the same few names
def _snake(text: str) -> str:
    if text.isidentifier() and "__" not in text:
        return text.lower().strip("_")
    return _NO_WORD.sub("_", plain(text).lower()).strip("_")

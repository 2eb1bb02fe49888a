"""Printed text to values and names: the only place that decides what a text means."""

from __future__ import annotations

import math
import re

from repro.records.claims import Value

# Possessive quantifiers: a text of a million digits is judged in one pass.
_NUMBER = re.compile(r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")  # more digits than JSON's 64 bits hold are read as a float
_EMPHASIS = re.compile(r"(\*{1,3}|`|__)(.+)\1")
_NOT_FINITE = {
    f"{sign}{word}": "nan" if word == "nan" else f"{sign.strip('+')}inf"
    for sign in ("", "+", "-")
    for word in ("nan", "inf", "infinity")
}
_WORDS: dict[str, bool | None] = {"True": True, "true": True, "False": False, "false": False, "": None}


def plain(text: str) -> str:
    """Return `text` without the emphasis or code marks that enclose the whole of it."""
    enclosed = _EMPHASIS.fullmatch(text)
    return enclosed[2].strip() if enclosed else text


def value(text: str) -> Value:
    """Return what a printed text means.

    Args:
        text: The text as printed, without space around it.

    Returns:
        An int, a float or a bool where the text prints one; None for `No log` and for nothing; the words
        `nan`, `inf` and `-inf`, because JSON has no such numbers; else the text itself.

    >>> value("5e-05"), value("42"), value("No log"), value("NaN"), value("linear")
    (5e-05, 42, None, 'nan', 'linear')
    """
    bare = plain(text)
    if bare in _WORDS:
        return _WORDS[bare]
    if bare.lower() == "no log":
        return None
    if _INTEGER.fullmatch(bare):
        return int(bare)
    if _NUMBER.fullmatch(bare):
        number = float(bare)
        return number if math.isfinite(number) else text  # 1e999 was printed, infinity was not
    return _NOT_FINITE.get(bare.lower(), text)


def snake(text: str) -> str:
    """Return a metric's or column's name in lower snake case.

    >>> snake("Validation Loss"), snake("eval_loss"), snake("F1 (macro)"), snake("Rewards/chosen")
    ('validation_loss', 'eval_loss', 'f1_macro', 'rewards/chosen')
    """
    return re.sub(r"[^\w/@.]+", "_", plain(text).lower()).strip("_")

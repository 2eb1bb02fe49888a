"""JSON: a single card laid out for reading, several as one object a line."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from repro.records.codec import to_json_bytes
from repro.reports.audits.interface import Shown, Writer

_SURROGATE = re.compile("[\ud800-\udfff]")
_ASCII = bytes(range(128))
_ACTING = re.compile("[\x80-\x9f\u2028-\u202e\u2066-\u2069]")


class JsonWriter(Writer):
    """The record as it is (`repro schema audit`); the summary is a document of its own."""

    independent = True

    def card(self, shown: Shown) -> str:
        """Return the audit as JSON."""
        return dump(shown.audit, indent=0 if self.options.several else 2) + "\n"


def dump(value: object, *, indent: int) -> str:
    """Return JSON that can be encoded, and in which no character acts on a terminal that shows it."""
    try:
        data = to_json_bytes(value, indent=indent)
    except UnicodeEncodeError:  # a file's name that is not UTF-8, or half a character in a JSON string
        data = to_json_bytes(_encodable(msgspec.to_builtins(value)), indent=indent)
    text = data.decode()
    # These stand in strings only, where the escaped form means the same. Most texts hold few letters that are
    # not ASCII: what is left when these are taken out is looked through sooner than all of it.
    if data.isascii() or not _ACTING.search(data.translate(None, _ASCII).decode()):
        return text
    return _ACTING.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _encodable(value: Any) -> Any:
    """Return plain values with lone surrogates, which no UTF-8 can hold, spelled out."""
    match value:
        case str():
            return _SURROGATE.sub(_escape, value)
        case dict():
            return {_encodable(key): _encodable(each) for key, each in value.items()}
        case list() | tuple():
            return [_encodable(each) for each in value]
        case _:
            return value


WRITER = JsonWriter

"""Records to JSON and back: the only place that knows the wire format.

Everything that is read is validated here, once; inside the program records are plain frozen values.
"""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from repro.errors import BadInput

T = TypeVar("T")
# JSON has no NaN: what is not finite is written as a string, and float() reads both.
Measured = float | Literal["nan", "inf", "-inf"]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A frozen value that flows from one package to the next."""


def to_json(record: object, *, indent: int = 2) -> str:
    """Return `record` as JSON text.

    Args:
        record: A record, or plain values that hold records.
        indent: Spaces for each level; 0 gives one line.

    Returns:
        JSON text without a final newline; keys in the order of the fields.
    """
    return to_json_bytes(record, indent=indent).decode()


def to_json_bytes(record: object, *, indent: int = 2) -> bytes:
    """Return the same as UTF-8."""
    line = _encode(record)
    return msgspec.json.format(line, indent=indent) if indent else line


_encode = msgspec.json.Encoder().encode


def from_json(text: str | bytes, kind: type[T], *, source: str) -> T:
    """Read one record.

    Args:
        text: JSON text.
        kind: The record's class.
        source: What to call the text in an error, usually a file's name.

    Returns:
        The validated record.

    Raises:
        BadInput: Not JSON, or a key with a wrong type (names file, key, expected and found).
    """
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise _validation(error, source) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"{source}: not JSON: {error}", "is the file whole?") from error


def from_toml(text: str, kind: type[T], *, source: str) -> T:
    """Read one record from TOML; arguments, result and errors as in `from_json`."""
    try:
        return msgspec.convert(tomllib.loads(text), type=kind)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{source}: not TOML: {error}", "see docs/cases.md for the format") from error
    except msgspec.ValidationError as error:
        raise _validation(error, source) from error


def _validation(error: Exception, source: str) -> BadInput:
    """Turn msgspec's message into «file: key: expected …, found …»."""
    text = str(error)
    problem, _, key = text.partition(" - at `$")
    key = key.rstrip("`").lstrip(".") or "the document"
    found = re.fullmatch(r"Expected `(.+)`, got `(.+)`", problem)
    problem = f"expected {found[1]}, found {found[2]}" if found else problem[:1].lower() + problem[1:]
    return BadInput(f"{source}: {key}: {problem}", "see `repro schema` for what belongs there")


def read_text(path: Path) -> str:
    """Read a UTF-8 file that a user named.

    Raises:
        BadInput: Missing, a folder, unreadable, or not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such file", "check the path") from error
    except IsADirectoryError as error:
        raise BadInput(f"{path}: is a folder, a file was expected", "name the file in it") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 text (byte {error.start})", "save it as UTF-8") from error
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}", "check its permissions") from error


def load(path: Path, kind: type[T]) -> T:
    """Read one record from a JSON file; errors as in `read_text` and `from_json`."""
    return from_json(read_text(path), kind, source=path.name)


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader sees the old or the new content, never a half.

    Raises:
        BadInput: The folder cannot be written (read-only, full disk, quota).
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)  # mkstemp makes 0600; reports are meant to be read by others
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise BadInput(
            f"{path}: cannot be written: {error.strerror or error}",
            "choose another folder, or free some space",
        ) from error


def save(path: Path, record: object) -> None:
    """Write a record to a JSON file, whole or not at all; errors as in `write_atomic`."""
    write_atomic(path, to_json(record) + "\n")


def json_schema(kind: Any) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a record's class."""
    schema = msgspec.json.schema(kind)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}

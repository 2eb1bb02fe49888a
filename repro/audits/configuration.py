"""The table `[tool.repro]` of the nearest `pyproject.toml`; what the command line says wins over it."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from repro.errors import BadInput
from repro.records.codec import read_text
from repro.rules.interface import Profile

FILE = "pyproject.toml"


class Configuration(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """What a project always asks for; None where it leaves something open.

    Attributes:
        profile: The profile of rules.
        select: Ids and families of the rules to ask.
        ignore: Ids and families of the rules not to ask.
        fail_on: The least severity that is a failure.
        baseline: A baseline, relative to the file's folder.
        card_column: The column of tables in which the cards stand.
        exceptions: Whether exceptions in the cards count.
        plugins: Whether rules of other packages are asked.
    """

    profile: Profile | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: Literal["error", "warning", "note", "never"] | None = None
    baseline: str | None = None
    card_column: str | None = None
    exceptions: bool = True
    plugins: bool = True


def find_configuration(start: Path) -> Path | None:
    """Return the nearest `pyproject.toml` with a table `[tool.repro]`, from a folder upwards."""
    for folder in (start, *start.parents):
        path = folder / FILE
        # A word that is not there needs no parser: most projects have no such table.
        if path.is_file() and "repro" in read_text(path) and _table(path) is not None:
            return path
    return None


def load_configuration(path: Path) -> Configuration:
    """Read the table of one file.

    Raises:
        BadInput: No such file, no TOML, no such table, an unknown key or a wrong type (names file and key).
    """
    table = _table(path)
    if table is None:
        raise BadInput(f"{path}: no table [tool.repro]", "see docs/audit.md for what belongs there")
    known = [field.encode_name for field in msgspec.structs.fields(Configuration)]
    for key in table:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known keys: {', '.join(known)}"
            raise BadInput(f"{path}: [tool.repro]: unknown key {key[:60]!r}", hint)
    try:
        found = msgspec.convert(table, Configuration)
    except msgspec.ValidationError as error:
        problem, _, key = str(error).partition(" - at `$.")
        key = key.rstrip("`") or "the table"
        raise BadInput(
            f"{path}: [tool.repro]: {key}: {problem[:1].lower()}{problem[1:]}", "see docs/audit.md"
        ) from error
    if found.baseline is None:
        return found
    return msgspec.structs.replace(found, baseline=str(path.parent / found.baseline))


def _table(path: Path) -> dict[str, object] | None:
    try:
        table = tomllib.loads(read_text(path)).get("tool", {}).get("repro")
    except (tomllib.TOMLDecodeError, AttributeError) as error:
        raise BadInput(f"{path}: no TOML: {error}", "mend it, or leave it out with --isolated") from error
    if table is not None and not isinstance(table, dict):
        raise BadInput(f"{path}: tool.repro is no table", "write [tool.repro] above its keys")
    return table

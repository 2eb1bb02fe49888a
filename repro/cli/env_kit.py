"""`repro env CASE --kit FOLDER`."""

from __future__ import annotations

from pathlib import Path

from repro.cases.loader import find_case
from repro.cli.console import Console, emit
from repro.environments.disk import gigabytes
from repro.records.codec import to_json
from repro.records.environment import Environment
from repro.reports.formats import line


def write(case: str, locked: tuple[Environment, str], folder: Path, console: Console, *, json: bool) -> int:
    """Write an offline kit and say what is in it and what is not.

    Args:
        case: A case or a card.
        locked: The environment's record and its lock.
        folder: The kit's folder.
        console: Asked before the download.
        json: Print the kit's list of files.
    """
    from repro import workflows

    kit = workflows.write_kit_of(case, locked, folder, console)
    if json:
        emit(to_json(kit))
        return 0
    emit(f"{'kit':<14} {folder}: {len(kit.files)} files, {gigabytes(sum(one.size for one in kit.files))}")
    emit(f"{'for':<14} {kit.platform} with Python {kit.python}, which that machine needs to have:")
    emit(f"{'':<14} {line(', or '.join(kit.get_python))}")
    for one in kit.missing:
        emit(line(f"missing: {one.what}: {one.reason}" + (f" ({one.hint})" if one.hint else "")))
    verb, end = ("run", "") if find_case(case) is not None else ("env", " --offline")  # a card cannot be run
    emit(f"there: repro {verb} {line(case)} --kit FOLDER{end}")
    return 0

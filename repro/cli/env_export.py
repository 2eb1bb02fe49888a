"""`repro env CASE --format …`."""

from __future__ import annotations

from pathlib import Path

from repro.cli.console import emit
from repro.environments.export import Format, write_build_context
from repro.environments.export import export as export_text
from repro.errors import BadInput
from repro.records.codec import to_json, write_atomic
from repro.records.environment import Environment
from repro.runs.local import WORKER


def export(locked: tuple[Environment, str], form: Format, output: Path | None, *, json: bool) -> int:
    """Print an environment's lock in another form, or write it.

    Args:
        locked: The environment's record and its lock.
        form: The form.
        output: The file; for a Dockerfile the folder of the build context.
        json: Print the environment's record; the export goes to `output`.
    """
    if json and output is None:
        raise BadInput("--format prints a file, --json a document", "write the file with --output")
    environment, lock = locked
    if output is not None and form == "dockerfile":
        write_build_context(output, environment, lock, WORKER)
    else:
        text = export_text(environment, lock, form)
        if output is None:
            emit(text.rstrip("\n"))
        else:
            write_atomic(output, text)
    if json:
        emit(to_json(environment))
    return 0

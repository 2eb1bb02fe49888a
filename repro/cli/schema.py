"""`repro schema`."""

from __future__ import annotations

from typing import Annotated

import typer

from repro.cli.options import Json, Verbose


def schema(
    what: Annotated[
        str | None, typer.Argument(metavar="WHAT", help="A document, e.g. run or comparison.")
    ] = None,
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by the printing of errors
) -> int:
    """Print the JSON Schema of a document of this program; without WHAT, their names."""
    from repro import workflows
    from repro.cli.console import emit
    from repro.errors import BadInput
    from repro.records.codec import json_schema, to_json

    kinds = workflows.schemas()
    if what is None:
        emit(to_json({"schema": "repro.schemas/1", "names": list(kinds)}) if json else "\n".join(kinds))
    elif what in kinds:
        emit(to_json(json_schema(kinds[what])))
    else:
        raise BadInput(f"{what}: no document of that name", f"one of {', '.join(kinds)}")
    return 0

"""`repro peers`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli.options import Json, Verbose

if TYPE_CHECKING:
    from repro.records.peers import Peers, Replicate

_HEADS = (
    "model", "revision", "transformers", "torch", "epochs", "training loss", "validation loss", "stream",
    "note",
)  # fmt: skip
_RIGHT = ("epochs", "training loss", "validation loss")


def peers(
    case: Annotated[
        str,
        typer.Argument(
            metavar="CASE",
            help="A bundled case, a case folder, a card file, an address, or hub:user/model[@revision].",
        ),
    ],
    search: Annotated[
        list[str] | None,
        typer.Option("--search", help="A further text to look for in models' names.", metavar="TEXT"),
    ] = None,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", help="How many models of each search are looked at.", metavar="N", min=1, max=10_000
        ),
    ] = 300,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write the table (CSV) here, too.", metavar="FILE"),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask nobody: what was found before is given again.")
    ] = False,
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by the printing of errors
) -> int:
    """Collect public replicates from the Hub: models whose cards state the same recipe."""
    from msgspec.structs import replace

    from repro.cli.console import Console, emit
    from repro.peers import Options, find_peers, to_csv
    from repro.records.codec import to_json, write_atomic

    options = Options(search=tuple(search or ()), limit=limit, offline=offline)
    found = find_peers(case, options, Console(yes=False))
    if out is not None:
        write_atomic(out, to_csv(found.kept))
        found = replace(found, csv=str(out))
    emit(to_json(found) if json else text(found))
    return 0


def text(found: Peers) -> str:
    """Return for people what was kept, what was left out, and where the table is."""
    from repro.reports.formats import count, line

    replicates = "1 replicate" if len(found.kept) == 1 else f"{count(len(found.kept))} replicates"
    parts = [f"{replicates}, {count(len(found.left_out))} left out ({found.searched})"]
    if found.kept:
        parts += ["", *_table([_HEADS, *(_cells(each) for each in found.kept)])]
    if found.left_out:
        rows = [(each.model_id, each.revision[:8], each.reason) for each in found.left_out]
        parts += ["", *_table([("left out", "revision", "why"), *rows])]
    if found.csv is not None:
        parts += ["", line(f"table: {found.csv}")]
    return "\n".join(parts)


def _cells(replicate: Replicate) -> tuple[str, ...]:
    last = replicate.rows[-1]
    return (
        replicate.model_id,
        replicate.revision[:8],
        replicate.versions.get("transformers", ""),
        replicate.versions.get("torch", ""),
        last.epoch,
        last.training_loss,
        last.validation_loss,
        replicate.stream or "open",
        replicate.note,
    )


def _table(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Return the rows with their columns below each other."""
    from repro.reports.formats import line

    shown = [[line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    right = [head in _RIGHT for head in shown[0]]
    for row in shown:
        cells = (
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        )
        yield "  ".join(cells).rstrip()

"""`repro env matrix`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli.options import Json, Verbose, Yes
from repro.errors import BadInput, EnvironmentFailed, Interrupted, NetworkFailed

if TYPE_CHECKING:
    from repro.records.matrix import Matrix, MatrixRow

_LONGEST_REASON = 100
_RIGHT = ("lock", "build", "probe", "size")


def env_matrix(
    transformers: Annotated[
        str | None,
        typer.Option(
            "--transformers",
            help="Releases, e.g. 4.6@3.7,4.21.2,newest: a minor stands for its last patch release; a Python "
            "behind an @.",
            metavar="LIST",
        ),
    ] = None,
    from_cards: Annotated[
        Path | None,
        typer.Option(
            "--from-cards", help="The distinct sets of versions that cards print.", metavar="FOLDER"
        ),
    ] = None,
    peers: Annotated[
        Path | None,
        typer.Option("--peers", help="With --from-cards: and those of this table.", metavar="CSV"),
    ] = None,
    lock_only: Annotated[bool, typer.Option("--lock-only", help="Only resolve; build nothing.")] = False,
    remove: Annotated[
        bool,
        typer.Option("--remove", help="Remove each environment after its row, not only for want of room."),
    ] = False,
    keep_free: Annotated[
        float,
        typer.Option(
            "--keep-free",
            help="Where the disk would have less, what earlier rows built is removed, and its large packages "
            "from uv's cache.",
            metavar="GB",
            min=0,
        ),
    ] = 10.0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Append rows to this file; rows that it has are not made again.", metavar="FILE"
        ),
    ] = None,
    yes: Yes = False,
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by the printing of errors
) -> int:
    """Lock, build and try many environments, one after the other, and print a table."""
    if (transformers is None) == (from_cards is None):
        raise BadInput("name either --transformers or --from-cards", "e.g. --transformers 4.6,4.21.2,newest")
    if peers is not None and from_cards is None:
        raise BadInput("--peers goes with --from-cards", "e.g. --from-cards cards --peers peers.csv")
    from repro import matrix
    from repro.cli.console import Console, emit
    from repro.environments.matrix import wanted_releases
    from repro.records.codec import to_json

    console = Console(yes=yes)
    if transformers is not None:
        wanted = wanted_releases(transformers)
    else:
        assert from_cards is not None  # noqa: S101 - one of the two, see above
        wanted = matrix.wanted_by_cards(from_cards, peers, console)
    question = (
        f"{len(wanted)} environments, one after the other: 1 to 4 GB to download and 2 to 8 on disk each"
    )
    if not lock_only and not console.confirm(question):
        raise Interrupted("nothing was downloaded", "answer yes, or use --yes")
    options = matrix.Options(lock_only=lock_only, remove=remove, keep_free=int(keep_free * 1e9), out=out)
    made = matrix.fill(wanted, options, console)
    emit(to_json(made) if json else table(made))
    if not made.complete:
        again = f"the same command goes on with {out}" if out else "with --out FILE, a second start goes on"
        console.say(f"stopped after {len(made.rows)} of {len(wanted)}; {again}")
    return exit_code(made)


def exit_code(made: Matrix) -> int:
    """Return 130 after Ctrl-C, 5 or 3 where a row failed, 1 where a random stream is not the expected one."""
    from repro.matrix import mismatch

    failed = [row for row in made.rows if row.failure]
    if not made.complete:
        return Interrupted.exit_code
    if failed:
        return NetworkFailed.exit_code if all(row.network for row in failed) else EnvironmentFailed.exit_code
    return int(any(mismatch(row) for row in made.rows))


def table(made: Matrix) -> str:
    """Return the rows as a Markdown table whose columns stand below each other."""
    heads = (
        "asked", "Python", "transformers", "torch", "datasets", "tokenizers", "accelerate", "built",
        "imported", "trained", "stream", "expected", "lock", "build", "probe", "size", "",
    )  # fmt: skip
    rows = [dict(zip(heads, _cells(row), strict=True)) for row in made.rows]
    shown = [head for head in heads if head in ("asked", "transformers") or any(row[head] for row in rows)]
    widths = {head: max(3, len(head), *(len(row[head]) for row in rows)) if rows else 3 for head in shown}
    rule = {head: "-" * (widths[head] - 1) + (":" if head in _RIGHT else "-") for head in shown}
    lines = [{head: head for head in shown}, rule, *rows]
    return "\n".join(_line(line, shown, widths) for line in lines)


def _line(cells: dict[str, str], shown: Sequence[str], widths: dict[str, int]) -> str:
    padded = (
        cells[head].rjust(widths[head]) if head in _RIGHT else cells[head].ljust(widths[head])
        for head in shown
    )
    return f"| {' | '.join(padded)} |"


def _cells(row: MatrixRow) -> tuple[str, ...]:
    from repro.environments.versions import LONGEST
    from repro.matrix import SHOWN, mismatch
    from repro.reports.formats import line

    seen = row.probe
    versions = {name: text[:LONGEST] for name, text in row.documented.items()} | row.versions
    words = (
        row.asked,
        row.python or row.wanted_python,
        *(versions.get(name, "") for name in SHOWN),
        _word(row.built),
        _word(seen.imported if seen else None),
        _word(seen.trained if seen else None),
        (seen.stream or "unknown") if seen and seen.orders else "",
        row.expected or "",
        _seconds(row.lock_seconds),
        _seconds(row.build_seconds),
        _seconds(seen.seconds if seen else None),
        f"{row.disk_bytes / 1e9:.1f} GB" if row.disk_bytes else "",
        _short(row.failure or mismatch(row)),
    )
    return tuple(line(word).replace("|", "\\|") for word in words)


def _word(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "NO"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"


def _short(reason: str) -> str:
    return reason if len(reason) <= _LONGEST_REASON else reason[: _LONGEST_REASON - 1] + "…"

"""`repro audit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from repro.cli.options import Json, Verbose, shared

if TYPE_CHECKING:
    from repro.records.claims import Audit, Table


def audit(
    targets: Annotated[
        list[str],
        typer.Argument(metavar="TARGET...", help="Cards, folders of cards, cases, hub:user/model, or -."),
    ],
    format: Annotated[  # noqa: A002
        Literal["text", "json"],
        typer.Option("--format", help="Output for people, or one JSON object a card."),
    ] = "text",
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by the printing of errors
) -> int:
    """Read what a card claims: hyperparameters, versions, results, each with its printed text and line."""
    from repro import workflows
    from repro.cli.console import emit
    from repro.records.codec import to_json

    shared.json = json = json or format == "json"
    # Several cards are one object a line; a single one is laid out for reading.
    audits = (each for target in targets for each in workflows.audit(target))
    if not json:
        for each in audits:
            emit(_as_text(each))
        return 0
    first = next(audits)
    second = next(audits, None)
    if second is None:
        emit(to_json(first))
        return 0
    for each in (first, second, *audits):
        emit(to_json(each, indent=0))
    return 0


def _as_text(audit: Audit) -> str:
    from repro.reports.formats import line

    claims = audit.claims
    stated = {
        "name": claims.name,
        "base model": claims.base_model,
        "data sets": ", ".join(claims.datasets),
        "licence": claims.license,
        "task": claims.task,
    }
    lines = [line(f"{audit.target}: a card of kind {audit.kind}")]
    lines += [f"  {name:<28} {line(text or 'not stated')}" for name, text in stated.items()]
    for title, group in (
        ("hyperparameters", claims.hyperparameters),
        ("versions", claims.versions),
        ("evaluation", claims.evaluation),
    ):
        lines.append(title if group else f"{title}: none")
        lines += [
            f"  {line(name):<28} {line(claim.text)} (line {claim.line})" for name, claim in group.items()
        ]
    lines.append("results" if claims.results else "results: none")
    if claims.results:
        lines += [f"  {row}" for row in _table(claims.results)]
    return "\n".join(lines) + "\n"


def _table(table: Table) -> list[str]:
    """Return the table as printed, its columns set under each other."""
    from repro.reports.formats import line

    rows = [[line(text) for text in table.header]]
    rows += [[line(cell.text) for cell in row.cells] for row in table.rows]
    widths = [max(len(row[at]) for row in rows if at < len(row)) for at in range(max(map(len, rows)))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=False)) for row in rows]

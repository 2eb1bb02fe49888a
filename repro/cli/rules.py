"""`repro rules`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from repro.cli.options import Json, Verbose, shared

if TYPE_CHECKING:
    from repro.rules import Rule

Words = list[str] | None


def rules(
    rule: Annotated[
        str | None, typer.Argument(metavar="RULE", help="A rule's id, e.g. RT203; its page is printed.")
    ] = None,
    profile: Annotated[
        Literal["default", "strict", "hub"] | None,
        typer.Option("--profile", help="Those of a profile."),
    ] = None,
    select: Annotated[
        Words, typer.Option("--select", help="These only: ids or families, by commas.", metavar="IDS")
    ] = None,
    ignore: Annotated[Words, typer.Option("--ignore", help="Not these.", metavar="IDS")] = None,
    plugins: Annotated[
        bool, typer.Option("--plugins/--no-plugins", help="Whether rules of other packages are listed.")
    ] = True,
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by the printing of errors
) -> int:
    """List the rules of `repro audit`, or print what one of them is about."""
    from repro.audits.auditor import Settings
    from repro.audits.output import StandardOutput
    from repro.audits.stream import encoded
    from repro.records.codec import to_json
    from repro.reports.rule_pages import rule_page
    from repro.rules.interface import lines_of
    from repro.rules.selection import find, words
    from repro.rules.selection import select as chosen

    shared.json = json
    known = Settings(plugins=plugins).known()
    if rule is not None:
        found = find(known, rule)
        text = to_json({"schema": "repro.rule/1", **_described(found)}) if json else rule_page(found)
    else:
        listed = chosen(known, profile=profile, select=words(select), ignore=words(ignore))
        document = {"schema": "repro.rules/1", "rules": [_described(each) for each in listed]}
        text = to_json(document) if json else "\n".join(lines_of(listed))
    StandardOutput().write(encoded(text.rstrip("\n") + "\n"))
    return 0


def _described(rule: Rule) -> dict[str, Any]:
    page = {name: getattr(rule.page, name) for name in ("title", "what", "why", "mend", "before", "after")}
    return {"id": rule.id, "severity": rule.severity, "profiles": sorted(rule.profiles), **page}

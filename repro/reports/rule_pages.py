"""The rules' documentation, from their docstrings: one page a rule, and an index."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import get_args

from repro.records.claims import Finding
from repro.reports.formats import clean, line
from repro.reports.markdown import inline
from repro.rules.interface import FAMILIES, Profile, Rule


def rule_page(rule: Rule, found: Sequence[Finding] = ()) -> str:
    """Return a rule's page in Markdown.

    Args:
        rule: The rule.
        found: What it finds on the card of its `Before`, to be shown under it.
    """
    page = rule.page
    parts = [
        f"# {rule.id}: {page.title}",
        f"{rule.severity.capitalize()} · {_family(rule)} · profiles: {_profiles(rule)}",
        page.what,
        "## Why it matters",
        page.why,
        "## How to mend",
        page.mend,
        "## Before",
        _fenced(page.before, "markdown"),
        *(("It finds:", "\n".join(map(_found, found))) if found else ()),
        "## After",
        _fenced(page.after, "markdown"),
        "## Exceptions",
        _exception(rule),
    ]
    return "\n\n".join(parts) + "\n"


def rule_index(rules: Iterable[Rule]) -> str:
    """Return the index of rules in Markdown: a table for each family, in the order of the families."""
    order = list(FAMILIES)
    ordered = sorted(rules, key=lambda r: (order.index(r.family) if r.family in order else len(order), r.id))
    parts = [
        "# Rules",
        "What `repro audit` looks for. An *error* cannot be true, a *warning* is very probably wrong, a "
        "*note* is often legitimate. `repro rules ID` prints one of these pages; `tools/rule_pages.py` makes "
        "them from the rules' docstrings.",
    ]
    for family, group in groupby(ordered, _family):
        parts.append(f"## {family[0].upper()}{family[1:]}")
        rows = [
            f"| [{rule.id}]({rule.id}.md) | {rule.severity} | {rule.page.title.replace('|', '&#124;')} "
            f"| {_profiles(rule)} |"
            for rule in group
        ]
        parts.append("\n".join(("| rule | severity | finds | profiles |", "|---|---|---|---|", *rows)))
    return "\n\n".join(parts) + "\n"


def _family(rule: Rule) -> str:
    return FAMILIES.get(rule.family, f"plugin {rule.family}")


def _profiles(rule: Rule) -> str:
    every = frozenset(get_args(Profile))
    return "all" if rule.profiles >= every else ", ".join(sorted(rule.profiles))


def _exception(rule: Rule) -> str:
    if rule.family == "RS":
        return "None: a card cannot ask for findings of safety not to be shown."
    return (
        "Where the card is right all the same, it says so itself, with the reason: "
        f"`<!-- repro: ignore {rule.id}: why -->`."
    )


def _found(finding: Finding) -> str:
    at = "" if finding.line is None else f"line {finding.line}: "
    return f"- {at}{inline(line(finding.message))} ({finding.severity})"


def _fenced(text: str, language: str) -> str:
    text = clean(text)  # characters that are not drawn are spelled out: a page about them must show them
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"

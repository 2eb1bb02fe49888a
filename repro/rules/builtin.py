"""All rules that come with the program, by family."""

from __future__ import annotations

import importlib
from functools import cache

from repro.rules.interface import Rule

_MODULES = (
    "table",
    "table_cells",
    "table_curves",
    "table_end",
    "table_exchange",
    "table_headline",
    "table_index",
    "table_losses",
    "table_pace",
    "replicates",
    "reading",
    "exceptions",
    "hyperparameters",
    "versions",
    "metadata",
    "provenance",
    "completeness",
    "safety",
)


@cache
def builtin() -> tuple[Rule, ...]:
    """Return all built-in rules in the order of their ids."""
    rules = (rule for name in _MODULES for rule in importlib.import_module(f"repro.rules.{name}").RULES)
    return tuple(sorted(rules, key=lambda rule: rule.id))

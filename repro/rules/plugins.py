"""Rules of other packages: the entry point `repro.rules`.

An entry point names a `Rule`, an iterable of them, or a function that takes nothing and returns either.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from repro.errors import BadInput
from repro.rules.builtin import builtin
from repro.rules.interface import Rule

GROUP = "repro.rules"


@cache
def installed() -> tuple[Rule, ...]:
    """Return all rules there are, built in or installed, in the order of their ids.

    Raises:
        BadInput: A plugin cannot be loaded or offers something else than rules, or an id stands twice.
    """
    return combine(entry_points(group=GROUP))


def combine(points: Iterable[EntryPoint]) -> tuple[Rule, ...]:
    """Return the built-in rules and those of entry points; errors as in `installed`."""
    owners = {rule.id: "this program" for rule in builtin()}
    rules = list(builtin())
    for point in sorted(points, key=lambda point: (point.name, point.value)):
        owner = _owner(point)
        for rule in _load(point, owner):
            if rule.id in owners:
                raise BadInput(
                    f"{owner}: its rule {rule.id} has the id of a rule of {owners[rule.id]}",
                    "uninstall one of the two, or leave plugins out with --no-plugins",
                )
            owners[rule.id] = owner
            rules.append(rule)
    return tuple(sorted(rules, key=lambda rule: rule.id))


def _owner(point: EntryPoint) -> str:
    package = f" of {point.dist.name}" if point.dist is not None else ""
    return f"the plugin {point.name}{package}"


def _load(point: EntryPoint, owner: str) -> Sequence[Rule]:
    hint = "mend or uninstall it, or leave plugins out with --no-plugins"
    try:
        offered = point.load()
        if not isinstance(offered, Rule | Iterable) and callable(offered):
            offered = offered()
        rules = (offered,) if isinstance(offered, Rule) else tuple(offered)
    except Exception as error:
        first = " ".join(str(error).split())[:200]
        raise BadInput(f"{owner} cannot be loaded: {type(error).__name__}: {first}", hint) from error
    for each in rules:
        if not isinstance(each, Rule):
            raise BadInput(f"{owner} offers a {type(each).__name__}, a rule was expected", hint)
    return rules

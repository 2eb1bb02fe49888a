"""Which of the rules are asked: a profile, and what is selected and ignored by id or family."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from repro.errors import BadInput
from repro.rules.interface import FAMILIES, Profile, Rule


def select(
    rules: Sequence[Rule],
    *,
    profile: Profile | None = "default",
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
) -> tuple[Rule, ...]:
    """Choose rules.

    A word is an id (`RT203`), its beginning (`RT`, `RT2`), a family's name (`table`), or `ALL`. An id chooses
    its rule from all rules; any other word chooses from those of the profile. Where a rule is both selected
    and ignored, the longer word wins, and `ignore` wins between equals.

    Args:
        rules: All rules there are.
        profile: The rules that are asked unless others are selected; None for all there are.
        select: Only these; all of the profile where nothing is selected.
        ignore: Not these.

    Returns:
        The rules in their order.

    Raises:
        BadInput: A word that fits no rule; names those that come close.
    """
    wanted = [_prefix(word, rules) for word in select] or [""]
    unwanted = [_prefix(word, rules) for word in ignore]

    def weight(rule: Rule, prefixes: list[str]) -> int:
        return max((len(prefix) for prefix in prefixes if rule.id.startswith(prefix)), default=-1)

    chosen = []
    for rule in rules:
        asked = weight(rule, wanted)
        named = asked == len(rule.id)
        if asked > weight(rule, unwanted) and (named or profile is None or profile in rule.profiles):
            chosen.append(rule)
    return tuple(chosen)


def words(given: Iterable[str] | None) -> tuple[str, ...]:
    """Return the words of an option that takes several, by commas or by being repeated.

    >>> words(["RT203, RM", "table"])
    ('RT203', 'RM', 'table')
    """
    return tuple(word.strip() for each in given or () for word in each.split(",") if word.strip())


def find(rules: Sequence[Rule], name: str) -> Rule:
    """Return the rule of an id.

    Raises:
        BadInput: There is none; names those that come close.
    """
    found = next((rule for rule in rules if rule.id == name.upper()), None)
    if found is None:
        raise _unknown(name, [rule.id for rule in rules])
    return found


def _prefix(word: str, rules: Sequence[Rule]) -> str:
    """Return the beginning that the ids of the chosen rules have."""
    word = word.strip()
    names = {title: letters for letters, title in FAMILIES.items()}
    # `environment` for `versions and environment`: each word of a family's name that no other has is a name.
    names |= {part: letters for letters, title in FAMILIES.items() for part in title.split() if part != "and"}
    prefix = names.get(word.lower(), word.upper())
    if prefix == "ALL":
        return ""
    if not prefix or not any(rule.id.startswith(prefix) for rule in rules):
        known = [rule.id for rule in rules]
        raise _unknown(word, [*dict.fromkeys(rule.family for rule in rules), *known, *names])
    return prefix


def _unknown(word: str, known: Iterable[str]) -> BadInput:
    known = list(known)
    spelt = {each.lower(): each for each in known}
    close = [spelt[each] for each in difflib.get_close_matches(word.lower(), spelt, n=3, cutoff=0.5)]
    hint = f"did you mean {' or '.join(close)}?" if close else "`repro rules` lists them"
    return BadInput(f"{word[:60]}: no rule and no family of rules", hint)

"""RM190, RM191: exceptions that a card's author writes into the card, each with its reason.

    <!-- repro: ignore RT203, RT204: the run was continued on another machine -->

An exception holds for the whole card. It names rules by their ids, one by one: a card comes from strangers,
and must not be able to switch off a family. Findings of safety (RS7xx) cannot be excepted at all: a secret is
not less public for a comment beside it. What is held back is counted and stays in the audit, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from repro.rules.interface import Found, Rule, clip, rule

#: What stands in every exception; a text without it has none.
MARK = "repro:"
#: The family that no card can except.
NEVER = "RS"

_START = re.compile(r"<!--[ \t\r\n]{0,20}repro:[ \t\r\n]{0,20}ignore(?![\w-])")
_ID = re.compile(r"[A-Z]{2,5}[0-9]{3}")
_LONGEST = 2_000
_MOST = 100


class Excepted(NamedTuple):
    """One exception.

    Attributes:
        rules: The ids that it names, in their order; other words stand in `words`.
        words: What it names that is no id.
        reason: Its reason, empty where it gives none.
        line: Its 1-based line.
    """

    rules: tuple[str, ...]
    words: tuple[str, ...]
    reason: str
    line: int


def exceptions_in(text: str) -> tuple[Excepted, ...]:
    r"""Read the exceptions of a card, wherever they stand; at most 100 of them, of at most 2,000 characters.

    >>> exceptions_in("# m\n<!-- repro: ignore RT203: tuned by hand -->")
    (Excepted(rules=('RT203',), words=(), reason='tuned by hand', line=2),)
    """
    if MARK not in text:
        return ()
    found: list[Excepted] = []
    for start in _START.finditer(text):
        end = text.find("-->", start.end(), start.end() + _LONGEST)
        if end < 0:
            continue
        named, _, reason = text[start.end() : end].partition(":")
        words = tuple(dict.fromkeys(named.replace(",", " ").split()))
        ids = tuple(word for word in words if _ID.fullmatch(word))
        found.append(
            Excepted(
                rules=ids,
                words=tuple(word for word in words if word not in ids),
                reason=" ".join(reason.split()),
                line=text.count("\n", 0, start.start()) + 1,
            )
        )
        if len(found) == _MOST:
            break
    return tuple(found)


@rule("RM190", "warning")
def reason_given(exceptions: Sequence[Excepted]) -> Sequence[Found]:
    """An exception in the card gives no reason.

    A comment `<!-- repro: ignore RT203: … -->` holds findings of a rule back. Without a reason behind the
    colon it does not count, and the findings are shown.

    Why it matters:
        Whoever reads the card later cannot tell an exception that was thought about from a silenced alarm.

    How to mend:
        Write the reason behind a colon: `<!-- repro: ignore RT203: the run was continued elsewhere -->`.

    Before:
        # bert-base-uncased-issues-128

        <!-- repro: ignore RT203 -->

    After:
        # bert-base-uncased-issues-128

        A model for issues.
    """
    return [_without_reason(each) for each in exceptions if not each.reason]


def _without_reason(each: Excepted) -> Found:
    named = clip(" ".join((*each.rules, *each.words))) or "it names no rule"
    return Found(f"exception without a reason: it does not count: {named}", each.line)


@rule("RM191", "note")
def holds_something_back(exceptions: Sequence[Excepted]) -> Iterable[Found]:
    """An exception in the card holds nothing back.

    It names a rule that finds nothing on this card (any more), a word that is no rule's id (families cannot
    be excepted, only single rules), or a rule of safety (RS7xx), whose findings no card can hold back. Rules
    that are not asked in this audit are not judged.

    Why it matters:
        An exception that is left behind hides the next finding of its rule, which nobody has thought about.

    How to mend:
        Take the rule out of the comment, or the whole comment where nothing is left.

    Before:
        # bert-base-uncased-issues-128

        <!-- repro: ignore RS701: only a token of a test -->

    After:
        # bert-base-uncased-issues-128

        A model for issues.
    """
    return _never_excepted(exceptions) if exceptions else ()


def _never_excepted(exceptions: Sequence[Excepted]) -> Iterator[Found]:
    for each in exceptions:
        for word in each.words:
            yield Found(f"exception for {clip(word)}, which is no rule's id", each.line)
        for name in each.rules:
            if name[:-3] == NEVER:
                yield Found(f"exception for {name}, which no card can except", each.line)


def needless(name: str, line: int) -> Found:
    """Return what RM191 says of a rule that was asked and found nothing."""
    return Found(f"exception for {name}, which finds nothing here", line, {"rule": name})


def unknown(name: str, line: int) -> Found:
    """Return what RM191 says of an id that no rule has."""
    return Found(
        f"exception for {name}, which is no rule of this program or its plugins", line, {"rule": name}
    )


RULES: tuple[Rule, ...] = (reason_given, holds_something_back)

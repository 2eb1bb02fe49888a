"""RM101: a card that cannot be read, found in a text or, for rows and files, before there is one."""

from __future__ import annotations

from collections.abc import Sequence

from repro.records.card import Card
from repro.records.claims import Finding
from repro.rules.interface import Found, Rule, clip, rule

#: The rule that is told of every card that cannot be read, whatever rules are asked.
READABLE = "RM101"
# What servers answer instead of a card, as it stands in collections of downloaded cards.
_ANSWERS = frozenset(
    {
        "entry not found",
        "repository not found",
        "404: not found",
        "not found",
        "invalid username or password.",
        "internal server error",
    }
)
_POINTER = "version https://git-lfs.github.com/spec/"


@rule(READABLE, "error")
def readable(card: Card) -> Sequence[Found]:
    """The card cannot be read.

    What was found in the card's place is no card: the answer of a server ("Entry not found"), the pointer of
    Git LFS to a file that was not fetched, a row of a collection that is broken, empty or no text, or a file
    that cannot be opened. Such a place is counted and reported, and the audit goes on with the next card.

    Why it matters:
        A card that was not read has no findings, which is not the same as a card without findings.

    How to mend:
        Fetch the card again, or take the row out of the collection.

        For a pointer: `git lfs pull`.

    Before:
        Entry not found

    After:
        # bert-base-uncased-issues-128

        This model is a fine-tuned version of bert-base-uncased on an unknown dataset.
    """
    if len(card.lines) > 8:  # neither an answer nor a pointer is longer
        return ()
    lines = [line.strip() for line in card.lines if line.strip()]
    if len(lines) == 1 and lines[0].lower() in _ANSWERS:
        return [Found(f"cannot be read: a server's answer instead of a card: {clip(lines[0])}", 1)]
    if lines and lines[0].startswith(_POINTER):
        return [Found("cannot be read: a pointer of Git LFS instead of a card", 1)]
    return ()


def unreadable(problem: str) -> Finding:
    """Return RM101's finding on a row or file of which there is no text.

    Args:
        problem: Why, without the name of the row or file.
    """
    return Finding(
        rule=readable.id,
        severity=readable.severity,
        message=f"cannot be read: {clip(problem, 200)}",
        help=readable.page.help,
    )


RULES: tuple[Rule, ...] = (readable,)

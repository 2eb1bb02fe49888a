"""The one way in: a card's text to its claims."""

from __future__ import annotations

from repro.cards.document import Document
from repro.cards.kinds import READERS
from repro.errors import BadInput
from repro.records.card import Card


def read_card(text: str, *, target: str, undecodable: int = 0) -> Card:
    """Read what a card states.

    Any text is read, in time linear in its length: a card comes from strangers and may be anything.

    Args:
        text: The card, e.g. a `README.md`, front matter included.
        target: What to call it in the result and in errors, usually its path.
        undecodable: How many bytes of the source were no UTF-8 and stand as U+FFFD in `text`.

    Returns:
        The kind of card, its parts and its claims.

    Raises:
        BadInput: The card is empty.
    """
    if not text.strip().strip("\ufeff").strip():
        raise BadInput(f"{target}: the card is empty", "is this the right file, and was it saved?")
    # A lone surrogate is no character; it could be read but never written as JSON again.
    document = Document.parse(text.encode("utf-8", "replace").decode("utf-8"))
    for reader in READERS:
        if reader.recognises(document):
            return Card(
                target=target,
                kind=reader.kind,
                claims=reader.read(document),
                lines=document.raw,
                visible=document.lines,
                front_matter=document.front_matter,
                headings=document.headings,
                undecodable=undecodable,
            )
    raise AssertionError("the last reader recognises every card")

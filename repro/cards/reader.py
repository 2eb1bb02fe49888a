"""The one way in: a card's text to its claims."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from repro.cards.document import Document
from repro.cards.kinds import READERS
from repro.cards.tables import moved
from repro.errors import BadInput
from repro.records.card import Card
from repro.records.claims import Claim


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
    # The first character tells it of nearly all cards, without a copy of the text.
    if (not text or text[0].isspace() or text[0] == "\ufeff") and not text.strip().strip("\ufeff").strip():
        raise BadInput(f"{target}: the card is empty", "is this the right file, and was it saved?")
    if not text.isascii():
        # A lone surrogate is no character; it could be read but never written as JSON again.
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode("utf-8", "replace").decode()
    document = Document.parse(text)
    reader = next(reader for reader in READERS if reader.recognises(document))
    card = Card(
        target=target,
        kind=reader.kind,
        claims=reader.read(document),
        lines=tuple(document.source),
        visible=tuple(document.lines),
        front_matter=document.front_matter,
        headings=document.headings,
        undecodable=undecodable,
        lowered=document.marks,
    )
    return card if document.origin is None else _in_source(card, document.origin)


def _in_source(card: Card, origin: Sequence[int]) -> Card:
    """Return a page's card with the lines of its source instead of those that the page shows."""

    def placed(claims: dict[str, Claim]) -> dict[str, Claim]:
        return {name: replace(claim, line=origin[claim.line - 1] + 1) for name, claim in claims.items()}

    visible = [""] * len(card.lines)
    shared: dict[int, list[str]] = {}  # a line of the source can hold a whole page
    for line, at in zip(card.visible, origin, strict=True):
        if not visible[at]:
            visible[at] = line
        elif at in shared:
            shared[at].append(line)
        else:
            shared[at] = [visible[at], line]
    for at, lines in shared.items():
        visible[at] = " ".join(lines)
    starts = [*origin, len(card.lines)]
    claims = card.claims
    return replace(
        card,
        claims=replace(
            claims,
            hyperparameters=placed(claims.hyperparameters),
            versions=placed(claims.versions),
            evaluation=placed(claims.evaluation),
            results=moved(claims.results, origin) if claims.results else None,
            tables=tuple(moved(table, origin) for table in claims.tables),
        ),
        visible=tuple(map(str.strip, visible)),
        headings=tuple(
            replace(heading, span=range(starts[heading.span.start], starts[heading.span.stop]))
            for heading in card.headings
        ),
    )

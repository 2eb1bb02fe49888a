"""Cards: their claims and findings, or one card to make an environment of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from repro.cards import read_card
from repro.records.card import Card
from repro.records.claims import Audit

if TYPE_CHECKING:
    from repro.rules import Context


def audit(target: str, context: Context | None = None) -> Iterator[Audit]:
    """Read the claims of the cards behind one target and ask the rules of the default profile about them.

    `repro.audits` has the rest: profiles, baselines, formats, many cards at once.

    Args:
        target: A card file, a folder of cards (in the order of their names), a table of cards, a bundled
            case's name, a case folder, an address, `hub:user/model[@revision]`, or `-` for standard input.
        context: What is known beside the cards.

    Yields:
        One audit for each card.

    Raises:
        BadInput: Not there, unreadable or empty.
        NetworkFailed: A card that is fetched cannot be had.
    """
    from repro.audits import Settings, audits  # all rules: not where an environment is asked for
    from repro.rules import Context

    return audits([target], Settings(context=context or Context()))


def one_card(target: str) -> Card:
    """Read one card: of a case, from the Hub, from an address or from a file."""
    from repro.audits.sources import one_source

    source = one_source(target)
    return read_card(source.text, target=source.target, undecodable=source.undecodable)

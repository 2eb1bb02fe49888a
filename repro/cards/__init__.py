"""Text of a card to claims: one reader for each kind of card behind one interface.

A card is split once into a `Document` (front matter, headings, tables, visible lines); the first reader that
recognises it says what it claims. Nothing is fetched, mended or guessed here: what cannot be understood stays
the text that was printed, and any text at all can be read.
"""

from repro.cards.reader import read_card

__all__ = ["read_card"]

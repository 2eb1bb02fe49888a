"""What every reader of cards offers."""

from __future__ import annotations

from abc import ABC, abstractmethod

from repro.cards.document import Document
from repro.records.claims import Claims, Kind


class Reader(ABC):
    """Reads the cards of one generator.

    Attributes:
        kind: The kind of card that it reads.
    """

    kind: Kind

    @abstractmethod
    def recognises(self, document: Document) -> bool:
        """Tell whether the card carries this kind's marks."""

    @abstractmethod
    def read(self, document: Document) -> Claims:
        """Return all that the card states; what it does not state is left out."""

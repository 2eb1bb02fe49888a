"""The card that transformers' Trainer writes, 4.6 to 5.x, and what people make of it by hand."""

from __future__ import annotations

from dataclasses import dataclass

from repro.cards.document import Document
from repro.cards.general import GeneralReader, assemble, hyperparameters, training_log
from repro.cards.lists import claims, first_list
from repro.records.claims import Claim, Claims


@dataclass(frozen=True)
class TrainerReader(GeneralReader):
    """Reads by the sentences that the generator prints; where one was edited away, by the headings."""

    def read(self, document: Document) -> Claims:
        """Return what the card states about one training."""
        results = training_log(document)
        return assemble(
            document,
            hyperparameters=_used(document, results) or hyperparameters(document),
            results=results,
        )


def _used(document: Document, results: int | None) -> dict[str, Claim]:
    """Read the generated list; on a card of several trainings, the last one above the results table."""
    starts = document.mentions("following hyperparameters were used during training")
    above = [i for i in starts if results is not None and i < results]
    for start in above[-1:] or starts[:1]:
        return claims(first_list(document.lines, start))
    return {}

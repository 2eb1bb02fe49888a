"""The card that transformers' Trainer writes, 4.6 to 5.x, and what people make of it by hand."""

from __future__ import annotations

from repro.cards.document import Document
from repro.cards.general import assemble, hyperparameters, training_log
from repro.cards.interface import Reader
from repro.cards.lists import claims, first_list
from repro.records.claims import Claim, Claims


class TrainerReader(Reader):
    """Reads by the sentences that the generator prints; where one was edited away, by the headings."""

    kind = "trainer"

    def recognises(self, document: Document) -> bool:
        """Tell whether the Trainer's tag or its comment is there; people remove one or the other."""
        return (
            "generated_from_trainer" in document.words("tags")
            or "the information the trainer had access to" in document.lowered
        )

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

"""The card that transformers' Trainer writes, 4.6 to 5.x, and what people make of it by hand."""

from __future__ import annotations

from dataclasses import dataclass

from repro.cards.document import Document
from repro.cards.general import GeneralReader, training_log
from repro.cards.lists import Item, claims, lists_below
from repro.records.claims import Claim

_USED = "following hyperparameters were used during training"
_QUANTIZED = "quantization config was used during training"


@dataclass(frozen=True)
class TrainerReader(GeneralReader):
    """Reads by the sentences that the generator prints; where one was edited away, by the headings."""

    def hyperparameters(self, document: Document) -> dict[str, Claim]:
        """Read the generated list, and PEFT's list on quantization."""
        used = claims(self._renamed(_used(document))) or super().hyperparameters(document)
        quantized = lists_below(document.lines, document.pairs, document.mentions(_QUANTIZED))
        return used | claims([item for item in quantized if item.name not in used])


def _used(document: Document) -> list[Item]:
    """Read the generated list; on a card of several trainings, first the last one above the results table."""
    starts = document.mentions(_USED)
    items = lists_below(document.lines, document.pairs, starts)
    if len(starts) > 1:
        results = training_log(document)
        above = [i for i in starts if results is not None and i < results]
        first = above[-1] if above else starts[0]
        end = min((i for i in starts if i > first), default=len(document.lines))
        items.sort(key=lambda item: not first < item.line <= end)
    return items

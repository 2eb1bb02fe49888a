"""The reader for every card without one of its own, from the parts that nearly all cards share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from repro.cards.document import Document
from repro.cards.interface import Reader
from repro.cards.lists import Item, all_items, bullet, claims, first_list
from repro.cards.metadata import metadata
from repro.cards.values import plain, snake
from repro.records.claims import Claim, Claims, Kind

#: Printed name in lower case to the package's name.
PACKAGES = {
    "transformers": "transformers",
    "pytorch": "torch",
    "torch": "torch",
    "tensorflow": "tensorflow",
    "datasets": "datasets",
    "tokenizers": "tokenizers",
    "peft": "peft",
    "accelerate": "accelerate",
    "trl": "trl",
    "sentence transformers": "sentence-transformers",
    "setfit": "setfit",
    "spanmarker": "span-marker",
}
_VERSION = re.compile(
    r"([A-Za-z][A-Za-z _-]{0,40}?)[`*]*(?:\s*(?::|==?)\s*|\s+)[`*]*\s*(v?[0-9]+\.[0-9][^`]{0,100})`?"
)
_MAX_HEADLINES = 5


@dataclass(frozen=True)
class GeneralReader(Reader):
    """Reads whatever sections, lists and tables a card has, by their titles.

    Attributes:
        kind: The kind of card.
        mark: Tells whether a document is of that kind.
    """

    kind: Kind
    mark: Callable[[Document], bool]

    def recognises(self, document: Document) -> bool:
        """Tell whether the card carries this kind's marks."""
        return self.mark(document)

    def read(self, document: Document) -> Claims:
        """Return what the sections of the card state."""
        return assemble(
            document,
            hyperparameters=hyperparameters(document),
            results=training_log(document),
        )


def assemble(document: Document, *, hyperparameters: dict[str, Claim], results: int | None) -> Claims:
    """Put the claims together: what is read alike from every card, and what the reader found."""
    return Claims(
        **metadata(document),
        hyperparameters=hyperparameters,
        versions=versions(document),
        evaluation=evaluation(document),
        results=None if results is None else document.tables[results],
        tables=tuple(table for at, table in document.tables.items() if at != results),
    )


def hyperparameters(document: Document) -> dict[str, Claim]:
    """Read the sections on hyperparameters: their bullets, bare pairs and two-column tables."""
    items: list[Item] = []
    for span in document.sections("hyperparameter", "hyper-parameter", "hyper parameter"):
        items.extend(all_items(document.lines, span))
        for table in (document.tables[at] for at in span if at in document.tables):
            if len(table.columns) == 2:
                pairs = (row for row in table.rows if len(row.cells) == 2 and row.cells[0].text)
                items.extend(Item(plain(row.cells[0].text), row.cells[1].text, row.line) for row in pairs)
    return claims(items)


def evaluation(document: Document) -> dict[str, Claim]:
    """Read the headline: the list below «achieves the following results», else the section on metrics."""
    for i in document.mentions("achieves the following result")[:_MAX_HEADLINES]:
        if found := _metrics(first_list(document.lines, i)):
            return found
    for span in document.sections("validation metrics"):
        if found := _metrics(all_items(document.lines, span)):
            return found
    return {}


def _metrics(items: Iterator[Item]) -> dict[str, Claim]:
    return claims(Item(name, text, line) for printed, text, line in items if (name := snake(printed)))


def training_log(document: Document) -> int | None:
    """Return where the table of losses by epoch or step stands, first below «Training results»."""
    timed = {at for at, table in document.tables.items() if {"epoch", "step"} & set(table.columns)}
    losses = {at for at, table in document.tables.items() if any("loss" in name for name in table.columns)}
    for span in document.sections("training results", "training logs"):
        for at in span:
            if at in timed or at in losses:
                return at
    return min(timed & losses, default=None)


def versions(document: Document) -> dict[str, Claim]:
    """Read the versions from their section, else from bullets anywhere that name a known package."""
    if not any(name in document.lowered for name in PACKAGES):
        return {}
    titled = [i for span in document.sections("framework version", "library version") for i in span]
    return _versions(document, titled) or _versions(document, range(len(document.lines)))


def _versions(document: Document, indices: Iterable[int]) -> dict[str, Claim]:
    found: dict[str, Claim] = {}
    for i in indices:
        content = bullet(document.lines[i])
        pair = _VERSION.fullmatch(content.strip("`*")) if content and len(content) < 200 else None
        package = PACKAGES.get(pair[1].lower()) if pair else None
        if pair and package and package not in found:
            text = pair[2].strip()
            found[package] = Claim(text=text, value=text.split()[0], line=i + 1)
    return found

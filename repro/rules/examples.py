"""How many training examples a card states, read once for all rules on it."""

from __future__ import annotations

import re

from repro.records.card import Card

_LONGEST_LINE = 2_000
_MOST_LINES = 200
_NUMBER = r"(\d{1,3}(?:[,\u202f]\d{3})+|\d{1,12})(k?)"
_EXAMPLES = re.compile(
    rf"{_NUMBER}\s+(?:[a-z]+\s+){{0,2}}train(?:ing)?\s+(?:[a-z]+\s+)?(?:examples|samples)\b"
    rf"|\btrain(?:ing)?\b[^.\d|]{{0,40}}?{_NUMBER}\s+(?:[a-z]+\s+)?(?:examples|samples)\b"
    rf"|\btraining\s+(?:examples|samples)\W{{1,5}}{_NUMBER}\b",
    re.IGNORECASE,
)
_SIZE_TAG = re.compile(r"dataset_size:(\d{1,12})")


def stated_examples(card: Card, lowered: str) -> list[tuple[int, int | None]]:
    """Return the numbers of training examples that a card states, with their lines."""
    found: list[tuple[int, int | None]] = []
    front = card.front_matter
    lines = enumerate(card.visible if "amples" in lowered else (), 1)
    for line, text in [each for each in lines if "amples" in each[1]][:_MOST_LINES]:
        for groups in _EXAMPLES.findall(text[:_LONGEST_LINE]):
            digits, thousands = next((groups[i], groups[i + 1]) for i in (0, 2, 4) if groups[i])
            number = int(digits.replace(",", "").replace("\u202f", ""))
            found.append((number * (1000 if thousands else 1), line))
    tags = front.data.get("tags") if front else None
    if front and isinstance(tags, list):
        sizes = (_SIZE_TAG.fullmatch(tag) for tag in tags if isinstance(tag, str))
        found.extend((int(size[1]), front.line("tags")) for size in sizes if size)
    return [(number, line) for number, line in found if number][:100]

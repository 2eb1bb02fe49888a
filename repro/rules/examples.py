"""How many training examples a card states, read once for all rules on it."""

from __future__ import annotations

import re

from repro.records.card import Card

_LONGEST_LINE = 2_000
_MOST_LINES = 200
_NUMBER = r"(\d{1,3}(?:[,\u202f]\d{3})+|\d{1,12})(k?)"
_EXAMPLES = re.compile(
    r"(?=[\dt])(?:"  # looked at before anything slower
    rf"{_NUMBER}\s+(?:[a-z]+\s+){{0,2}}train(?:ing)?\s+(?:[a-z]+\s+)?(?:examples|samples)\b"
    rf"|\btrain(?:ing)?\b[^.\d|]{{0,40}}?{_NUMBER}\s+(?:[a-z]+\s+)?(?:examples|samples)\b"
    rf"|\btraining\s+(?:examples|samples)\W{{1,5}}{_NUMBER}\b)",
    re.IGNORECASE,
)
_SIZE_TAG = re.compile(r"dataset_size:(\d{1,12})")


def stated_examples(card: Card, seen: str) -> list[tuple[int, int | None]]:
    """Return the numbers of training examples that a card states, with their lines.

    Args:
        card: The card.
        seen: Its visible lines as one text.
    """
    found: list[tuple[int, int | None]] = []
    line, at = 0, -1
    for _ in range(_MOST_LINES):
        start = seen.find("amples", at + 1)
        if start < 0:
            break
        line += seen.count("\n", max(at, 0), start)
        text = card.visible[line][:_LONGEST_LINE]
        if "train" in text.lower():
            for groups in _EXAMPLES.findall(text):
                digits, thousands = next((groups[i], groups[i + 1]) for i in (0, 2, 4) if groups[i])
                number = int(digits.replace(",", "").replace("\u202f", ""))
                found.append((number * (1000 if thousands else 1), line + 1))
        at = seen.find("\n", start)
        if at < 0:
            break
    return [(number, line) for number, line in (*found, *size_tags(card)) if number][:100]


def size_tags(card: Card) -> list[tuple[int, int | None]]:
    """Return the numbers of training examples that the front matter's tags state, with their line."""
    front = card.front_matter
    tags = front.data.get("tags") if front else None
    if front is None or not isinstance(tags, list):
        return []
    sized = [tag for tag in tags if isinstance(tag, str) and tag.startswith("dataset_size:")]
    numbers = [int(size[1]) for tag in sized if (size := _SIZE_TAG.fullmatch(tag))]
    return [(number, front.line("tags")) for number in numbers if number][:100]

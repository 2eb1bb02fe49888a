"""The words that the Hub understands in a card's front matter: keys, tasks, languages, metrics.

The table `hub_vocabulary.json` is shipped with the program. It is used to find a word that is *nearly* one of
these; that a word is not in it is no defect by itself, because anybody may add keys, tags and metrics.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from functools import cache, lru_cache
from pathlib import Path

import msgspec

_LONGEST = 60  # characters of a word that is compared at all
_SHORTEST = 4


class Vocabulary(msgspec.Struct, frozen=True):
    """The table.

    Attributes:
        pipeline_tags: The tasks that a `pipeline_tag` may name.
        former_pipeline_tags: Names that were tasks once, and today's.
        misnamed_pipeline_tags: Names that never were, and the tasks that are meant.
        languages: The two-letter codes of ISO 639-1.
        language_names: Names that are written instead of a code.
        not_languages: Codes of countries, or withdrawn ones, that are taken for a language's.
        metrics: Ids of common metrics.
        keys: Keys of the front matter that the Hub reads.
        other_keys: Keys that are common beside these, so that they are no misspelling.
        misspelt_keys: Keys that are written instead of one of these.
    """

    pipeline_tags: frozenset[str]
    former_pipeline_tags: Mapping[str, str]
    misnamed_pipeline_tags: Mapping[str, str]
    languages: frozenset[str]
    language_names: Mapping[str, str]
    not_languages: Mapping[str, str]
    metrics: frozenset[str]
    keys: frozenset[str]
    other_keys: frozenset[str]
    misspelt_keys: Mapping[str, str]


@cache
def vocabulary() -> Vocabulary:
    """Return the table."""
    path = Path(__file__).with_name("hub_vocabulary.json")
    return msgspec.json.decode(path.read_bytes(), type=Vocabulary)


@cache
def common_keys() -> frozenset[str]:
    """Return the keys that the Hub reads, and those that are common beside them."""
    words = vocabulary()
    return words.keys | words.other_keys


@lru_cache(4096)
def nearest_key(key: str) -> str | None:
    """Return the key that was probably meant, None where this is a key or is close to none.

    >>> nearest_key("licence"), nearest_key("pipline_tag"), nearest_key("my_notes")
    ('license', 'pipeline_tag', None)
    """
    words = vocabulary()
    if key in words.keys or key in words.other_keys:
        return None
    return words.misspelt_keys.get(key.lower()) or nearest(key, words.keys, 0.85)


@lru_cache(4096)
def nearest_task(tag: str) -> str | None:
    """Return the pipeline tag that was probably meant, None where no one is close."""
    words = vocabulary()
    lowered = tag.strip().lower().replace("_", "-").replace(" ", "-")
    if lowered in words.pipeline_tags:
        return lowered
    meant = words.former_pipeline_tags.get(lowered) or words.misnamed_pipeline_tags.get(lowered)
    return meant or nearest(lowered, words.pipeline_tags, 0.8)


@lru_cache(4096)
def nearest_metric(metric: str) -> str | None:
    """Return the metric that was probably meant, None where this is one or is close to none."""
    words = vocabulary()
    if metric in words.metrics:
        return None
    lowered = metric.strip().lower().replace(" ", "_").replace("-", "_")
    if lowered in words.metrics:
        return lowered
    return nearest(lowered, words.metrics, 0.85)


@lru_cache(4096)
def nearest_language(code: str) -> str | None:
    """Return the language code that was probably meant, None where it is not known."""
    words = vocabulary()
    lowered = code.strip().lower()
    if meant := words.language_names.get(lowered) or words.not_languages.get(lowered):
        return meant
    first = lowered.replace("_", "-").split("-", 1)[0]
    return first if first in words.languages and first != code else None


def nearest(word: str, words: Collection[str], cutoff: float) -> str | None:
    """Return the one of `words` that is closest to `word`, None where none is close.

    Words that are very short or very long are compared with nothing: the first are close to everything, and
    the time for the second grows with their length.
    """
    if not _SHORTEST <= len(word) <= _LONGEST:
        return None
    close = difflib.get_close_matches(word, sorted(words), n=1, cutoff=cutoff)
    return close[0] if close and close[0] != word else None

"""The Hub's words, and what is close to one of them."""

from __future__ import annotations

import pytest

from repro.facts.hub_vocabulary import (
    nearest_key,
    nearest_language,
    nearest_metric,
    nearest_task,
    vocabulary,
)


def test_what_is_meant_is_known() -> None:
    """Every word that stands for another stands for one of the table."""
    words = vocabulary()
    assert set(words.misspelt_keys.values()) <= words.keys
    assert not set(words.misspelt_keys) & (words.keys | words.other_keys)
    assert not words.keys & words.other_keys
    for tags in (words.former_pipeline_tags, words.misnamed_pipeline_tags):
        assert set(tags.values()) <= words.pipeline_tags
        assert not set(tags) & words.pipeline_tags
    assert set(words.language_names.values()) <= words.languages
    assert set(words.not_languages.values()) <= words.languages


def test_known_words_are_close_to_nothing() -> None:
    """A word of the table is never taken for another."""
    words = vocabulary()
    assert not any(map(nearest_key, words.keys | words.other_keys))
    assert not any(map(nearest_metric, words.metrics))
    assert all(nearest_task(tag) == tag for tag in words.pipeline_tags)


@pytest.mark.parametrize(
    ("found", "meant"),
    [
        (nearest_key("licence"), "license"),
        (nearest_key("my_notes"), None),
        (nearest_key("model-type"), None),
        (nearest_task("text_classification"), "text-classification"),
        (nearest_task("conversational"), "text-generation"),
        (nearest_task("x" * 1_000), None),
        (nearest_metric("Accuracy"), "accuracy"),
        (nearest_metric("eval_f1"), None),
        (nearest_language("jp"), "ja"),
        (nearest_language("zh-CN"), "zh"),
        (nearest_language("quenya"), None),
    ],
)
def test_nearest(found: str | None, meant: str | None) -> None:
    """A word that is nearly one of the table leads to it, any other to nothing."""
    assert found == meant

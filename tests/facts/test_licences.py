"""The table of licences: what is recognised, what is suggested, what base models are under."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.facts import licences
from repro.facts.licences import base_licence, canonical, identifiers, recognise, suggest, terms

FOLDER = Path(licences.__file__).parent


def test_every_identifier_is_recognised_as_itself() -> None:
    """An identifier, in whatever case, is itself and nothing else."""
    for name in identifiers():
        assert recognise(name) == suggest(name.upper()) == name


def test_aliases_are_identifiers() -> None:
    """What an alias stands for is in the table."""
    aliases = json.loads((FOLDER / "licences.json").read_text(encoding="utf-8"))["aliases"]
    assert set(aliases.values()) <= set(identifiers())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Apache 2.0", "apache-2.0"),
        ("apache2", "apache-2.0"),
        ("Apache License, Version 2.0", "apache-2.0"),
        ("MIT License", "mit"),
        ("CC BY-NC 4.0", "cc-by-nc-4.0"),
        ("cc-by-sa-4", "cc-by-sa-4.0"),
        ("gpl", "gpl"),
        ("GPLv3", "gpl-3.0"),
        ("GNU GPLv3", "gpl-3.0"),
        ("Llama 3.1", "llama3.1"),
        ("bigscience-bloom-rail", "bigscience-bloom-rail-1.0"),
        ("my own", None),
        ("see below", None),
        ("", None),
    ],
)
def test_suggestions(text: str, expected: str | None) -> None:
    """A licence in words or misspelt leads to its identifier; anything else to none."""
    assert suggest(text) == expected


@given(st.text(max_size=200))
def test_any_text_can_be_asked_about(text: str) -> None:
    """Every answer is an identifier or none."""
    assert suggest(text) in (None, *identifiers())
    base_licence(text)


@pytest.mark.parametrize(
    ("model", "licence", "kind"),
    [
        ("bert-base-uncased", "apache-2.0", "permissive"),
        ("google-bert/bert-base-uncased", "apache-2.0", "permissive"),
        ("roberta-base", "mit", "permissive"),
        ("meta-llama/Llama-2-7b-hf", "llama2", "community"),
        ("meta-llama/Meta-Llama-3-8B", "llama3", "community"),
        ("unsloth/Llama-3.2-1B-Instruct", "llama3.2", "community"),
        ("google/gemma-2b", "gemma", "community"),
        ("openai/whisper-large-v3", "apache-2.0", "permissive"),
        ("openai/whisper-large-v3-turbo", "mit", "permissive"),
        ("Qwen/Qwen2.5-7B-Instruct", "apache-2.0", "permissive"),
        ("Qwen/Qwen2.5-3B-Instruct", "Qwen research licence", "non-commercial"),
        ("bigscience/bloomz-560m", "bigscience-bloom-rail-1.0", "use-restricted"),
        ("facebook/opt-1.3b", "OPT-175B licence", "non-commercial"),
    ],
)
def test_base_models(model: str, licence: str, kind: str) -> None:
    """Well-known base models are under their licence, by old and new names, the longest row first."""
    found = base_licence(model)
    assert found is not None
    assert (found.name, found.terms) == (licence, kind)


@pytest.mark.parametrize("model", ["me/bert-base-uncased", "bert-finetuned", "./gpt2", "t5-small-mine", ""])
def test_other_peoples_models(model: str) -> None:
    """A model that is not in the table has no licence from it."""
    assert base_licence(model) is None


def test_old_names() -> None:
    """The first models on the Hub had no owner in their name; others keep what they have."""
    assert canonical("gpt2") == "openai-community/gpt2"
    assert canonical("me/gpt2") == "me/gpt2"
    assert canonical("my-model") == "my-model"


def test_licences_of_base_models_are_identifiers() -> None:
    """The table names identifiers that there are, and its agreements have terms that forbid something."""
    table = json.loads((FOLDER / "base_models.json").read_text(encoding="utf-8"))
    assert set(table["licences"]) <= set(identifiers())
    rows = [row for rows in table["licences"].values() for row in rows] + list(table["agreements"])
    assert len(rows) == len(set(rows))
    assert all(row == row.lower() for row in rows)
    assert {kind for _, kind in table["agreements"].values()} <= {"non-commercial", "community"}
    assert terms("my-own") == "open"

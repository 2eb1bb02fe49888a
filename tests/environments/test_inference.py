"""What a card does not print: inferred from what it prints and the moment, with the reason."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from repro.environments.inference import check_stream, infer, is_open
from repro.errors import BadInput
from repro.facts.streams import stream

MOMENT = datetime(2023, 8, 1, tzinfo=UTC)


def pins(**versions: str) -> dict[str, Version]:
    return {name: Version(version) for name, version in versions.items()}


def test_nothing_is_inferred_where_all_is_documented() -> None:
    """A card with the four versions, of a transformers that needs no accelerate, is complete."""
    assert (
        infer(pins(transformers="4.21.2", torch="1.13.0", datasets="2.7.1", tokenizers="0.12.1"), MOMENT)
        == {}
    )


def test_what_is_missing_is_bound_by_what_transformers_takes() -> None:
    """torch, datasets, tokenizers and accelerate: the newest of the moment that this transformers takes."""
    found = infer(pins(transformers="4.31.0"), MOMENT)
    assert list(found) == ["torch", "datasets", "tokenizers", "accelerate"]
    assert "0.13.3" in SpecifierSet(found["tokenizers"].specifier)
    assert "0.14.0" not in SpecifierSet(found["tokenizers"].specifier)
    assert found["accelerate"].specifier == ">=0.20.3"
    assert "transformers 4.31.0 takes" in found["tokenizers"].reason
    assert "decides the random stream" in found["accelerate"].reason


def test_a_tensorflow_card_needs_no_torch() -> None:
    """A card of TensorFlow gets neither torch nor accelerate."""
    found = infer(pins(transformers="4.35.2", tensorflow="2.8.0", datasets="2.0.0"), MOMENT)
    assert list(found) == ["tokenizers"]


def test_a_missing_transformers_is_of_the_moment() -> None:
    """Without transformers it is the newest of the moment, with accelerate where that one needs it."""
    documented = pins(torch="1.13.0", datasets="2.7.1", tokenizers="0.12.1")
    assert list(infer(documented, MOMENT)) == ["transformers", "accelerate"]
    assert list(infer(documented, datetime(2022, 12, 1, tzinfo=UTC))) == ["transformers"]


@pytest.mark.parametrize("transformers", ["4.31.0", "4.34.1", "4.37.2"])
@pytest.mark.parametrize("asked", ["B", "C"])
def test_every_accelerate_of_a_stream_gives_it(transformers: str, asked: str) -> None:
    """Where the stream is open, what is asked of accelerate admits those that give it, and no other."""
    found = infer(pins(transformers=transformers, torch="2.0.1"), MOMENT, stream=asked)["accelerate"]
    admitted = SpecifierSet(found.specifier)
    for accelerate in ("0.21.0", "0.24.1", "0.25.0", "0.26.0", "0.27.2", "1.2.1"):
        has = stream({"transformers": transformers, "torch": "2.0.1", "accelerate": accelerate})
        assert (accelerate in admitted) == (has == asked)


@pytest.mark.parametrize(
    ("versions", "asked"),
    [
        ({"transformers": "4.21.2", "torch": "1.13.0"}, "B"),
        ({"transformers": "4.40.0", "torch": "2.1.0"}, "B"),
        ({"transformers": "4.30.2"}, "C"),
        ({"torch": "1.13.0"}, "B"),
        ({"transformers": "4.35.0"}, "A2"),
        ({"transformers": "4.35.0"}, "; rm -rf /"),
    ],
)
def test_a_stream_that_cannot_be_is_refused(versions: dict[str, str], asked: str) -> None:
    """A stream can be chosen only where the documented versions leave it open."""
    with pytest.raises(BadInput) as caught:
        check_stream(asked, pins(**versions))
    assert "\n" not in caught.value.message


def test_a_stream_that_the_versions_have_anyway_may_be_asked_for() -> None:
    """Asking for what follows from the versions is no error."""
    check_stream("C", pins(transformers="4.40.0", torch="2.1.0"))
    check_stream("B", pins(transformers="4.31.0.dev0", torch="2.1.0"))
    check_stream(None, pins(transformers="4.21.2"))


@given(st.integers(6, 60), st.integers(0, 4), st.sampled_from(["", ".dev0", "rc1"]))
def test_what_is_open_is_what_the_facts_leave_open(minor: int, micro: int, suffix: str) -> None:
    """The stream is open exactly where the versions without accelerate do not decide it."""
    text = f"4.{minor}.{micro}"
    open_by_facts = stream({"transformers": text, "torch": "2.1.0"}) is None
    assert is_open(Version(text + suffix)) == open_by_facts

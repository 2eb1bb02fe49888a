"""The smallest conflicting set, on paper and with a registry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wheelhouse import House

from repro.environments import resolve
from repro.environments.conflict import smallest
from repro.errors import EnvironmentFailed

NAMES = st.lists(st.sampled_from("abcdefgh"), min_size=1, unique=True)
CARD = {"transformers": "4.21.2", "torch": "1.13.0", "datasets": "2.7.1", "tokenizers": "0.12.1"}


@given(NAMES, st.data())
def test_the_smallest_set_fails_and_no_part_of_it_does(names: list[str], data: st.DataObject) -> None:
    """Whatever excludes what: the set that is found still fails, and without any one member it does not."""
    subset = st.sets(st.sampled_from(names), min_size=1).map(frozenset)
    conflicts = data.draw(st.lists(subset, min_size=1, max_size=4))
    asked: list[frozenset[str]] = []

    def fails(left: frozenset[str]) -> bool:
        asked.append(left)
        return any(conflict <= left for conflict in conflicts)

    found = frozenset(smallest(names, fails))
    assert found in conflicts
    assert not any(conflict <= found - {name} for name in found for conflict in conflicts)
    assert len(asked) <= len(names)


@pytest.fixture
def house(index: House) -> House:
    index.add("transformers", "4.21.2")
    index.add("torch", "1.13.0")
    index.add("tokenizers", "0.12.1")
    index.add("tokenizers", "0.11.6")
    return index


def test_only_what_conflicts_is_named(house: House) -> None:
    """Of four documented versions the two that exclude each other are named, with the reason, in one line."""
    house.add("datasets", "2.7.1", requires=("tokenizers<0.12",))
    with pytest.raises(EnvironmentFailed) as caught:
        resolve(CARD)
    error = caught.value
    assert error.message.startswith(
        "datasets 2.7.1 and tokenizers 0.12.1 cannot be had together for Python 3.10"
    )
    assert "tokenizers<0.12" in error.message
    assert "torch" not in error.message
    assert "conclude" not in error.message
    assert "\n" not in error.message + error.hint
    assert len(error.message) < 200


def test_every_attempt_is_told(house: House) -> None:
    """The hint says as of when and for which Pythons; each attempt is a note, which `--verbose` prints."""
    house.add("datasets", "2.7.1", requires=("tokenizers<0.12",))
    with pytest.raises(EnvironmentFailed) as caught:
        resolve(CARD, moment="2022-12-31T00:00:00Z")
    assert "2022-12-31 (Python 3.11, 3.10, 3.9)" in caught.value.hint
    assert len(caught.value.__notes__) == 3
    assert all(note.startswith("as of 2022-12-31T00:00:00Z, Python 3.") for note in caught.value.__notes__)


def test_a_requirement_of_the_case_can_be_the_culprit(house: House) -> None:
    """A package of the case that cannot be had is named alone: the card's versions are not to blame."""
    house.add("datasets", "2.7.1")
    house.add("six", "1.16.0")
    with pytest.raises(EnvironmentFailed, match=r"^six==1\.15\.0 cannot be had for"):
        resolve(CARD, packages={"six": "1.15.0"})


def test_versions_without_a_common_python(house: House) -> None:
    """Wheels that no Python has together are told apart without uv: who has them for which Python."""
    house.add("datasets", "2.7.1", tag="cp37-none-any")
    house.pages["tokenizers"].clear()
    house.add("tokenizers", "0.12.1", tag="cp310-none-any")
    with pytest.raises(EnvironmentFailed) as caught:
        resolve(CARD)
    assert caught.value.message.startswith(
        "datasets 2.7.1 and tokenizers 0.12.1 cannot be had together as of "
    )
    assert "has them for 3." in caught.value.message
    assert "no Python" in caught.value.hint

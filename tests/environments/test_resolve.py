"""The whole planning against a registry on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from wheelhouse import MINOR, House, only, serve

from repro.environments import build, lock_digest, probe_imports, read_lock, resolve, this_platform
from repro.errors import BadInput, EnvironmentFailed
from repro.records.codec import from_json, to_json
from repro.records.environment import Environment

CARD = {"transformers": "4.31.0", "torch": "2.0.1+cu118", "tokenizers": "0.13.3"}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with serve() as house:
        only(house.address, monkeypatch, tmp_path)
        house.add("transformers", "4.31.0", uploaded="2023-07-18T20:00:00Z", requires=("tokenizers>=0.11",))
        house.add("torch", "2.0.1", uploaded="2023-05-08T12:00:00Z")
        house.add("tokenizers", "0.13.3", uploaded="2023-04-05T12:00:00Z", requires_python=f"<={MINOR}.99")
        house.add("accelerate", "0.21.0", uploaded="2023-07-13T12:00:00Z")
        house.add("accelerate", "0.25.0", uploaded="2023-12-01T12:00:00Z")
        yield house


def test_a_record_gives_every_reason(house: House) -> None:
    """Moment, Python, stream, deviations, sizes and the lock's digest are in the record, with reasons."""
    said: list[str] = []
    environment, lock = resolve(CARD, report=said.append)
    assert environment.documented == CARD
    assert environment.moment == "2023-08-01T20:00:00Z"
    assert "transformers 4.31.0" in environment.moment_reason
    assert environment.python_reason.startswith("the newest with wheels for all documented versions")
    assert environment.locked == read_lock(lock)
    assert environment.locked["accelerate"] == "0.21.0"
    assert environment.stream == "B"
    assert [one.what for one in environment.deviations] == ["torch build", "accelerate"]
    assert environment.lock_sha256 == lock_digest(lock)
    assert environment.platform == this_platform()
    assert environment.sizes.download_bytes is not None
    assert not environment.sizes.measured
    assert said
    assert from_json(to_json(environment), Environment, source="test") == environment


def test_a_later_moment_is_another_stream(house: House) -> None:
    """The card's commit decides which accelerate, and so which stream, it was."""
    environment, _ = resolve(CARD, published=datetime(2023, 12, 24, tzinfo=UTC))
    assert (environment.locked["accelerate"], environment.stream) == ("0.25.0", "C")


def test_a_moment_before_the_files_is_refused(house: House) -> None:
    """A moment at which a documented version did not exist yet is said to be one."""
    with pytest.raises(EnvironmentFailed, match="as of 2023-06-01"):
        resolve(CARD, moment="2023-06-01T00:00:00Z")


def test_a_python_that_lacks_a_wheel_of_the_closure_is_passed_over(house: House) -> None:
    """Where the newest Python cannot be locked, the next one is, and the reason says so."""
    house.add(
        "transformers", "4.30.0", uploaded="2023-07-18T20:00:00Z", requires=("tokenizers==0.13.3", "oldish")
    )
    house.add("oldish", "1.0", tag="cp310-none-any")
    environment, _ = resolve({**CARD, "transformers": "4.30.0"})
    assert environment.python == "3.10"
    assert "3.11 cannot be locked" in environment.python_reason


def test_a_yanked_documented_version_is_had(house: House) -> None:
    """What was published with a version that was withdrawn later can be had again."""
    house.add("transformers", "4.32.0", uploaded="2023-07-18T20:00:00Z", yanked=True)
    assert resolve({**CARD, "transformers": "4.32.0"})[0].locked["transformers"] == "4.32.0"


def test_an_unknown_version_names_its_neighbours(house: House) -> None:
    """A version that never existed is answered with those that did."""
    with pytest.raises(EnvironmentFailed, match=r"transformers 4\.31\.9 is not on the registry") as caught:
        resolve({**CARD, "transformers": "4.31.9"})
    assert "4.31.0" in caught.value.hint


def test_bad_input_asks_nobody(house: House) -> None:
    """Hostile texts are refused before any request."""
    for changes in ({"torch": "1; rm"}, {"to/rch": "1.0"}):
        with pytest.raises(BadInput):
            resolve({**CARD, **changes})
    with pytest.raises(BadInput):
        resolve(CARD, python="2.7")
    with pytest.raises(BadInput):
        resolve(CARD, moment="yesterday")
    assert house.requests == []


def test_a_package_without_wheels_is_built_from_source(house: House) -> None:
    """What the closure has only as a source distribution is locked and built all the same."""
    house.add_source("sourced", "1.0")
    environment, lock = resolve(CARD, packages={"sourced": "1.0"}, python=MINOR)
    assert environment.locked["sourced"] == "1.0"
    said: list[str] = []
    build(environment, lock, probe=probe_imports(["sourced", "torch"]), report=said.append)
    assert said[-1] == "trying it"


def test_documented_versions_are_never_built_from_source(house: House) -> None:
    """A documented version without a wheel is refused: its sources would need a toolchain of that day."""
    house.add_source("datasets", "2.14.0")
    with pytest.raises(EnvironmentFailed, match=r"datasets 2\.14\.0 has no wheel"):
        resolve({**CARD, "datasets": "2.14.0"})


def test_what_was_resolved_can_be_built(house: House) -> None:
    """Record and lock go straight into a build, whose probe imports the documented packages."""
    environment, lock = resolve(CARD, python=MINOR)
    assert environment.python_reason == "asked for"
    assert build(environment, lock).python.exists()

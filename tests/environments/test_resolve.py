"""The whole planning against a registry on this machine."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from wheelhouse import MINOR, House

from repro.environments import build, lock_digest, probe_imports, read_lock, resolve, this_platform
from repro.errors import BadInput, EnvironmentFailed
from repro.records.codec import from_json, to_json
from repro.records.environment import Environment

CARD = {"transformers": "4.31.0", "torch": "2.0.1+cu118", "tokenizers": "0.13.3"}


@pytest.fixture
def house(index: House) -> House:
    index.add("transformers", "4.31.0", uploaded="2023-07-18T20:00:00Z", requires=("tokenizers>=0.11",))
    index.add("torch", "2.0.1", uploaded="2023-05-08T12:00:00Z")
    index.add("tokenizers", "0.13.3", uploaded="2023-04-05T12:00:00Z", requires_python=f"<={MINOR}.99")
    index.add("datasets", "2.14.4", uploaded="2023-07-20T12:00:00Z")
    index.add("accelerate", "0.21.0", uploaded="2023-07-13T12:00:00Z")
    index.add("accelerate", "0.24.1", uploaded="2023-10-30T12:00:00Z")
    index.add("accelerate", "0.25.0", uploaded="2023-12-01T12:00:00Z")
    return index


def test_a_record_gives_every_reason(house: House) -> None:
    """Moment, Python, stream, deviations, what is inferred, attempts and sizes are in the record."""
    said: list[str] = []
    environment, lock = resolve(CARD, report=said.append)
    assert environment.documented == CARD
    assert environment.moment == "2023-08-01T20:00:00Z"
    assert "transformers 4.31.0" in environment.moment_reason
    assert environment.python_reason.startswith("the newest with wheels for all documented versions")
    assert environment.locked == read_lock(lock)
    assert environment.locked["accelerate"] == "0.21.0"
    assert environment.stream == "B"
    assert [one.what for one in environment.deviations] == ["torch build"]
    assert list(environment.inferred) == ["datasets", "accelerate"]
    assert [(one.moment, one.outcome) for one in environment.attempts] == [("2023-08-01T20:00:00Z", "locked")]
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


def test_accelerate_decides_the_stream_and_the_record_says_so(house: House) -> None:
    """With transformers 4.31 to 4.37 the card does not decide the stream: the record says what does."""
    reason = resolve(CARD)[0].inferred["accelerate"]
    assert "cards do not print it" in reason
    assert ">=0.20.3" in reason
    assert "decides the random stream" in reason


def test_the_other_stream_can_be_asked_for(house: House) -> None:
    """`B` at a moment of C takes the accelerate before, `C` before its time the one after: as a deviation."""
    later = datetime(2023, 12, 24, tzinfo=UTC)
    asked, _ = resolve(CARD, published=later, stream="B")
    assert (asked.locked["accelerate"], asked.stream) == ("0.24.1", "B")
    asked, _ = resolve(CARD, stream="C")
    assert (asked.locked["accelerate"], asked.stream) == ("0.25.0", "C")
    assert asked.moment == "2023-08-01T20:00:00Z"
    assert asked.deviations[-1].what == "accelerate"
    assert "stream C" in asked.deviations[-1].reason
    with pytest.raises(BadInput, match="stream A2"):
        resolve({**CARD, "transformers": "4.30.2"}, stream="B")


def test_a_stream_that_the_lock_has_not_is_refused(house: House) -> None:
    """An accelerate that is documented, or of the case, decides: another stream cannot be had with it."""
    accelerate = {"accelerate": "0.21.0"}
    for documented, packages in ((CARD | accelerate, {}), (CARD, accelerate)):
        with pytest.raises(EnvironmentFailed, match="with stream B"):
            resolve(documented, packages=packages, stream="C")


def test_what_is_missing_is_inferred(house: House) -> None:
    """A card that documents transformers alone gets the rest as of the moment, marked with the reason."""
    environment, _ = resolve({"transformers": "4.31.0"})
    assert environment.documented == {"transformers": "4.31.0"}
    assert list(environment.inferred) == ["torch", "datasets", "tokenizers", "accelerate"]
    assert "transformers 4.31.0 takes" in environment.inferred["tokenizers"]
    locked = {name: environment.locked[name] for name in environment.inferred}
    expected = {"torch": "2.0.1", "datasets": "2.14.4", "tokenizers": "0.13.3", "accelerate": "0.21.0"}
    assert locked == expected
    assert environment.deviations == ()


def test_a_missing_transformers_is_inferred(house: House) -> None:
    """A card that documents all but transformers gets the newest of the moment that fits."""
    house.add("transformers", "4.40.0", uploaded="2024-04-18T12:00:00Z")
    environment, _ = resolve({"torch": "2.0.1", "datasets": "2.14.4", "tokenizers": "0.13.3"})
    assert environment.locked["transformers"] == "4.31.0"
    assert list(environment.inferred) == ["transformers", "accelerate"]


def test_a_card_of_tensorflow_locks(house: House) -> None:
    """A card of TensorFlow locks with it and what it needs, without torch and accelerate."""
    house.add("tensorflow", "2.12.0", uploaded="2023-03-23T12:00:00Z", requires=("numpy<1.24",))
    house.add("numpy", "1.23.5")
    environment, _ = resolve({"transformers": "4.31.0", "tensorflow": "2.12.0"})
    assert environment.locked["tensorflow"] == "2.12.0"
    assert environment.locked["numpy"] == "1.23.5"
    assert not {"torch", "accelerate"} & environment.locked.keys()
    assert environment.stream is None


def test_a_development_version_falls_back_where_its_release_does_not_fit(house: House) -> None:
    """4.17.0.dev0 with tokenizers 0.11.0 is 4.16.2: 4.17.0, which it became, takes no such tokenizers."""
    house.add("transformers", "4.17.0", requires=("tokenizers>=0.11.1",), uploaded="2022-03-03T12:00:00Z")
    house.add("transformers", "4.16.2", requires=("tokenizers>=0.10.1",), uploaded="2022-01-31T12:00:00Z")
    house.add("tokenizers", "0.11.0", uploaded="2022-01-04T12:00:00Z")
    house.add("torch", "1.10.2", uploaded="2022-01-27T12:00:00Z")
    house.add("datasets", "1.18.2", uploaded="2022-01-28T12:00:00Z")
    house.add("setuptools", "60.5.0", uploaded="2022-01-05T12:00:00Z")  # torch 1.10 needs it, unsaid
    card = {"transformers": "4.17.0.dev0", "torch": "1.10.2", "datasets": "1.18.2", "tokenizers": "0.11.0"}
    environment, _ = resolve(card)
    (deviation,) = environment.deviations
    assert (deviation.what, deviation.published, deviation.actual) == (
        "transformers",
        "4.17.0.dev0",
        "4.16.2",
    )
    assert "4.17.0 cannot be locked" in deviation.reason
    assert environment.moment == "2022-02-14T12:00:00Z"
    assert [one.instead["transformers"] for one in environment.attempts[:-1]] == ["4.17.0"] * 3
    assert "tokenizers" in environment.attempts[0].outcome
    assert environment.attempts[-1].outcome == "locked"


def test_a_release_after_the_commit_still_stands_for_its_development_version(house: House) -> None:
    """The release that a development version became is tried first, even where the card is older than it."""
    house.add("transformers", "4.30.2", uploaded="2023-06-13T12:00:00Z")
    card = {**CARD, "transformers": "4.31.0.dev0"}
    environment, _ = resolve(card, published=datetime(2023, 7, 1, tzinfo=UTC))
    assert environment.locked["transformers"] == "4.31.0"
    assert environment.moment == "2023-08-01T20:00:00Z"
    first = environment.attempts[0]
    assert (first.moment, first.python) == ("2023-07-01T00:00:00Z", "")
    assert "no Python" in first.outcome


@pytest.mark.parametrize(
    ("uploaded", "moment", "reason"),
    [
        ("2023-08-10T12:00:00Z", "2023-08-22T12:00:00Z", "transformers 4.32.0, the next release"),
        ("2023-12-10T12:00:00Z", "2024-01-16T20:00:00Z", "half a year after the last documented file"),
    ],
)
def test_a_closure_that_cannot_be_had_at_once_is_had_later(
    house: House, uploaded: str, moment: str, reason: str
) -> None:
    """Where the closure was not whole two weeks after the last file, later moments are tried, and kept."""
    house.pages["datasets"].clear()
    house.add("datasets", "2.14.4", uploaded="2023-07-10T12:00:00Z", requires=("xxhash",))
    house.add("xxhash", "3.3.0", uploaded=uploaded)
    house.add("transformers", "4.32.0", uploaded="2023-08-22T12:00:00Z")
    environment, _ = resolve({**CARD, "datasets": "2.14.4"})
    assert environment.moment == moment
    assert environment.moment_reason.startswith(reason)
    assert environment.locked["transformers"] == "4.31.0"
    assert environment.attempts[0].moment == "2023-08-01T20:00:00Z"
    assert "xxhash" in environment.attempts[0].outcome
    assert all("\n" not in one.outcome and len(one.outcome) < 200 for one in environment.attempts)


def test_a_documented_python_is_taken(house: House) -> None:
    """A card that prints its Python gets it; one for which the closure cannot be had is a deviation."""
    environment, _ = resolve({**CARD, "python": "3.9.12"})
    assert (environment.python, environment.python_reason) == ("3.9", "the card documents 3.9.12")
    assert "python" not in environment.locked
    environment, _ = resolve({**CARD, "python": "2.7.18"})
    assert environment.deviations[-1].what == "python"
    assert environment.deviations[-1].published == "2.7.18"


def test_a_file_without_upload_time_is_locked_by_the_tables_date(house: House) -> None:
    """A registry that does not date a documented release is no hindrance: the shipped table dates it."""
    del house.pages["transformers"][0]["upload-time"]
    environment, _ = resolve(CARD)
    assert environment.locked["transformers"] == "4.31.0"
    assert environment.moment == "2023-08-01T20:12:21Z"  # the table has the second at which it appeared


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
    environment, _ = resolve({**CARD, "transformers": "4.32.0"})
    assert environment.locked["transformers"] == "4.32.0"
    assert environment.deviations[1:] == ()
    assert "transformers 4.32.0 was withdrawn" in environment.notes[0]


def test_a_yanked_version_that_cannot_be_locked_is_replaced(house: House) -> None:
    """Where a withdrawn version does not fit the others, the nearest of its series does, as a deviation."""
    july = "2023-07-18T20:00:00Z"
    house.add("transformers", "4.32.0", uploaded=july, yanked=True, requires=("tokenizers>=99",))
    house.add("transformers", "4.32.1", uploaded=july, requires=("tokenizers>=0.11",))
    environment, _ = resolve({**CARD, "transformers": "4.32.0"})
    assert environment.locked["transformers"] == "4.32.1"
    assert "withdrawn" in environment.deviations[0].reason
    assert environment.notes == ()


def test_an_unknown_version_names_its_neighbours(house: House) -> None:
    """A version that never existed is answered with those that did."""
    with pytest.raises(EnvironmentFailed, match=r"transformers 4\.31\.9 is not on the registry") as caught:
        resolve({**CARD, "transformers": "4.31.9"})
    assert "4.31.0" in caught.value.hint


def test_bad_input_asks_nobody(house: House) -> None:
    """Hostile texts are refused before any request."""
    for changes in ({"torch": "1; rm"}, {"to/rch": "1.0"}, {"python": "--index-url x"}):
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
    house.pages["datasets"].clear()
    house.add_source("datasets", "2.14.0")
    with pytest.raises(EnvironmentFailed, match=r"datasets 2\.14\.0 has no wheel"):
        resolve({**CARD, "datasets": "2.14.0"})


def test_what_has_only_sources_is_replaced_by_what_has_wheels(house: House) -> None:
    """A documented version without a wheel is replaced by the nearest that has one, as a deviation."""
    house.add_source("datasets", "2.14.0")
    environment, _ = resolve({**CARD, "datasets": "2.14.0"})
    deviation = environment.deviations[-1]
    assert (deviation.what, deviation.published, deviation.actual) == ("datasets", "2.14.0", "2.14.4")
    assert "no wheel" in deviation.reason


def test_what_was_resolved_can_be_built(house: House) -> None:
    """Record and lock go straight into a build, whose probe imports the documented packages."""
    environment, lock = resolve(CARD, python=MINOR)
    assert environment.python_reason == "asked for"
    assert build(environment, lock).python.exists()

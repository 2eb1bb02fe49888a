"""What stands for a documented version: itself, or the nearest that can be had, with its reason."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.version import Version
from wheelhouse import House

from repro.environments.platforms import this_platform
from repro.environments.registry import Registry
from repro.environments.substitutes import choices, combinations
from repro.errors import EnvironmentFailed

TRANSFORMERS = ("4.15.0", "4.16.0", "4.16.1", "4.16.2", "4.17.0", "4.18.0", "4.18.0rc1", "5.0.0rc0", "5.0.0")
TORCH = (
    "1.7.0",
    "1.8.0",
    "1.8.1",
    "1.9.0",
    "1.10.0",
    "1.10.2",
    "1.13.0",
    "1.13.1",
    "2.0.1",
    "2.1.0",
    "2.8.0",
)


@pytest.fixture
def house(index: House) -> House:
    for version in TRANSFORMERS:
        index.add("transformers", version)
    for version in TORCH:
        index.add("torch", version)
    for version in ("2.7.0", "2.7.1", "2.8.0", "2.9.0"):
        index.add("datasets", version)
    return index


def versions(name: str, text: str) -> list[str]:
    """Return the versions that stand for one, in order."""
    return [str(choice.version) for choice in choices(name, text, Registry())]


@pytest.mark.skipif(
    this_platform() != "linux-x86_64", reason="the registry's cu117 wheel is for Linux x86-64"
)
@pytest.mark.parametrize("text", ["1.13.0+cu117", "1.13.1+cu117", "1.10.2+cu102", "1.13.0"])
def test_the_registrys_own_build_is_no_deviation(house: House, text: str) -> None:
    """The registry's Linux wheel of torch 1.13.0 is the cu117 build, that of 1.10.2 the cu102 build."""
    (choice,) = choices("torch", text, Registry())
    assert (choice.deviation, choice.note) == (None, "")


@pytest.mark.parametrize("text", ["1.10.0+cu111", "2.0.1+cu117", "1.13.0+cpu", "1.13.1+cu116", "1.7.0+cu110"])
def test_other_builds_are_a_deviation(house: House, text: str) -> None:
    """A build that the registry does not have is recorded with the printed text and what is taken instead."""
    (choice,) = choices("torch", text, Registry())
    assert choice.deviation is not None
    assert choice.deviation.what == "torch build"
    assert choice.deviation.published == text
    assert choice.deviation.actual.startswith(text.partition("+")[0])


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("transformers", "4.17.0.dev0", ["4.17.0", "4.16.2"]),
        ("transformers", "4.16.2.dev0", ["4.16.2", "4.16.1"]),
        ("transformers", "5.0.0.dev0", ["5.0.0", "4.18.0"]),
        ("datasets", "2.8.1.dev0", ["2.9.0", "2.8.0"]),
        ("torch", "2.1.0.dev20230801", ["2.1.0", "2.0.1"]),
        ("torch", "2.8.0.dev20250319+cu128", ["2.8.0", "2.1.0"]),
        ("torch", "2.8.0a0+git1234", ["2.8.0", "2.1.0"]),
        ("torch", "2.8.0a0+50eac811a6.nv25.09", ["2.8.0", "2.1.0"]),
        ("torch", "1.8.2+cu111", ["1.8.1"]),
        ("torch", "2.1.0.post100", ["2.1.0"]),
        ("torch", "1.10.1+cu113", ["1.10.2"]),
        ("torch", "1.11.0", ["1.10.2", "1.13.0"]),
        ("transformers", "5.0.0rc0", ["5.0.0rc0"]),
    ],
)
def test_what_cannot_be_had_is_replaced_by_the_nearest(
    house: House, name: str, text: str, expected: list[str]
) -> None:
    """A development version, nightly, git or vendor build, and a release without files: by the nearest."""
    found = choices(name, text, Registry())
    assert [str(choice.version) for choice in found] == expected
    for choice in found:
        if str(choice.version) != text:
            assert choice.deviation is not None
            assert (choice.deviation.what, choice.deviation.published) == (name, text)
            assert choice.deviation.actual == str(choice.version)
            assert choice.deviation.actual in choice.deviation.reason


@pytest.mark.parametrize("text", ["4.16.99", "99.0.0", "4.99.0.dev0"])
def test_what_never_existed_is_replaced_by_nothing(house: House, text: str) -> None:
    """For a version of which nobody knows there is no stand-in: the error names what there is."""
    with pytest.raises(EnvironmentFailed, match="is not on the registry") as caught:
        choices("transformers", text, Registry())
    assert caught.value.hint.startswith("versions near it: ")


def test_a_yanked_version_stands_for_itself(house: House) -> None:
    """What was withdrawn is installed all the same, with a note; the nearest of its series comes next."""
    house.add("tokenizers", "0.12.0", yanked=True)
    house.add("tokenizers", "0.12.1")
    itself, other = choices("tokenizers", "0.12.0", Registry())
    assert (str(itself.version), itself.deviation) == ("0.12.0", None)
    assert "withdrawn" in itself.note
    assert other.deviation is not None
    assert "withdrawn" in other.deviation.reason


def test_a_yanked_release_does_not_stand_for_another(house: House) -> None:
    """A development version becomes the first release that was not withdrawn."""
    house.add("tokenizers", "0.11.6")
    house.add("tokenizers", "0.12.0", yanked=True)
    house.add("tokenizers", "0.12.1")
    assert versions("tokenizers", "0.12.0.dev0") == ["0.12.1", "0.11.6"]


def test_a_version_with_wheels_for_other_platforms_only(house: House) -> None:
    """A version without a wheel for this platform is replaced, and the reason says so."""
    house.add("tokenizers", "0.12.0", tag="cp310-cp310-somewhere_else")
    house.add("tokenizers", "0.12.1")
    (choice,) = choices("tokenizers", "0.12.0", Registry())
    assert choice.deviation is not None
    assert this_platform() in choice.deviation.reason


def test_a_file_without_upload_time_is_dated_by_the_table(house: House) -> None:
    """Where the registry does not say when a known release appeared, the shipped table does."""
    house.add("tokenizers", "0.12.1", uploaded=None)
    (choice,) = choices("tokenizers", "0.12.1", Registry())
    assert choice.undated
    assert choice.wheels[0].uploaded is not None
    assert choice.wheels[0].uploaded.isoformat().startswith("2022-04-13")


def test_combinations_go_from_near_to_far(house: House) -> None:
    """What every package became comes first, one step back for one of them next, both steps back last."""
    registry = Registry()
    of = {
        "transformers": choices("transformers", "4.17.0.dev0", registry),
        "datasets": choices("datasets", "2.7.1.dev0", registry),
        "torch": choices("torch", "1.13.0", registry),
    }
    found = [tuple(str(choice.version) for choice in each.values()) for each in combinations(of)]
    assert found[0] == ("4.17.0", "2.7.1", "1.13.0")
    assert found[-1] == ("4.16.2", "2.7.0", "1.13.0")
    assert len(set(found)) == 4


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.tuples(st.integers(4, 5), st.integers(0, 19), st.integers(0, 3)),
    st.sampled_from([".dev0", "a0+git1234567", ".dev20230801+cu118"]),
)
def test_a_stand_in_is_always_a_release_on_its_side(
    house: House, release: tuple[int, int, int], suffix: str
) -> None:
    """Whatever the development version: at most two stand-ins, final, on the registry, one on each side."""
    text = ".".join(map(str, release)) + suffix
    try:
        found = versions("transformers", text)
    except EnvironmentFailed:
        return
    assert 1 <= len(found) <= 2
    assert all(one in TRANSFORMERS and not Version(one).is_prerelease for one in found)
    assert all(Version(one) > Version(text) for one in found[:-1])
    if len(found) == 2:
        assert Version(found[1]) < Version(text)

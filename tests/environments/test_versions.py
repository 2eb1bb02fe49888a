"""Versions as printed become requirements; what is none is refused in one line."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from repro.environments.platforms import this_platform
from repro.environments.versions import parse_version, requirements
from repro.errors import BadInput, EnvironmentFailed

PUBLISHED = {"transformers": "4.21.2", "torch": "1.13.0+cu117", "datasets": "2.7.1", "tokenizers": "0.12.1"}


def test_local_tag_is_stripped_to_resolve() -> None:
    """No registry has the tagged version: the requirement is the public one."""
    assert requirements(PUBLISHED, {"scikit-learn": "*"}).lines() == (
        "transformers==4.21.2\ntorch==1.13.0\ndatasets==2.7.1\ntokenizers==0.12.1\nscikit-learn\n"
    )


@pytest.mark.skipif(
    this_platform() != "linux-x86_64", reason="the registry's cu117 wheel is for Linux x86-64"
)
@pytest.mark.parametrize("tag", ["1.13.0+cu117", "1.13.1+cu117", "1.10.2+cu102"])
def test_the_registrys_own_build_is_no_deviation(tag: str) -> None:
    """The registry's Linux wheel of torch 1.13.0 is the cu117 build, that of 1.10.2 the cu102 build."""
    assert requirements({**PUBLISHED, "torch": tag}, {}).deviations == ()


@pytest.mark.parametrize("tag", ["1.10.0+cu111", "2.0.1+cu117", "1.13.0+cpu", "1.13.1+cu116", "1.7.0+cu110"])
def test_other_builds_are_a_deviation(tag: str) -> None:
    """A build that the registry does not have is recorded with the printed text and what is taken instead."""
    (deviation,) = requirements({**PUBLISHED, "torch": tag}, {}).deviations
    assert deviation.what == "torch build"
    assert deviation.published == tag
    assert deviation.actual.startswith(tag.partition("+")[0])


@pytest.mark.parametrize(
    "text",
    ["4.21.2; rm -rf /", "../..", "9" * 10_000, "", "4.21.2\n-r evil", "*", "==4.21", "4.21.2 @ x", "٤.٢"],
)
def test_hostile_versions_are_refused(text: str) -> None:
    """A text that is no version is refused in one short line."""
    with pytest.raises(BadInput) as caught:
        requirements({**PUBLISHED, "transformers": text}, {})
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 80


@pytest.mark.parametrize("name", ["-r", "a b", "torch[cuda]", "x" * 200, "../torch", "torch\n-i"])
def test_hostile_names_are_refused(name: str) -> None:
    """A package's name cannot smuggle an option, an extra or a path."""
    with pytest.raises(BadInput):
        requirements(PUBLISHED, {name: "*"})


@given(st.text())
def test_parsing_returns_a_version_or_refuses(text: str) -> None:
    """Any text is a version or bad input; what is accepted is plain ASCII and reads back as itself."""
    with suppress(BadInput):
        version = parse_version("torch", text)
        assert Version(str(version)) == version
        assert text.strip().isascii()


def test_development_versions_are_refused_with_a_hint() -> None:
    """A development version names the release to use instead."""
    with pytest.raises(EnvironmentFailed, match="development version") as caught:
        requirements({**PUBLISHED, "transformers": "4.17.0.dev0"}, {})
    assert "4.17.0" in caught.value.hint


def test_missing_torch_is_refused_with_a_hint() -> None:
    """Without transformers or torch nothing can be trained: the error names the one that is missing."""
    with pytest.raises(EnvironmentFailed, match="torch"):
        requirements({"transformers": "4.21.2"}, {})
    assert requirements({"transformers": "4.21.2"}, {"torch": "1.13.0"}).extra["torch"] == Version("1.13.0")


def test_case_may_not_contradict_its_card() -> None:
    """A case that pins another version than the card prints is bad input."""
    with pytest.raises(BadInput, match=r"1\.12"):
        requirements(PUBLISHED, {"torch": "1.12.0"})


def test_accelerate_joins_where_the_trainer_needs_it() -> None:
    """Cards never print accelerate: from 4.29 on the newest of the moment is added, unless it is stated."""
    assert "accelerate" not in requirements(PUBLISHED, {}).extra
    assert requirements({**PUBLISHED, "transformers": "4.31.0"}, {}).extra["accelerate"] is None
    stated = requirements({**PUBLISHED, "transformers": "4.31.0"}, {"accelerate": "0.21.0"})
    assert stated.extra["accelerate"] == Version("0.21.0")

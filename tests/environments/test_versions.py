"""Versions as printed become requirements; what is none is refused in one line."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version
from wheelhouse import requirements

from repro.environments.versions import parse_version, read_versions
from repro.errors import BadInput, EnvironmentFailed

PUBLISHED = {"transformers": "4.21.2", "torch": "1.13.0+cu117", "datasets": "2.7.1", "tokenizers": "0.12.1"}


def test_local_tag_is_stripped_to_resolve() -> None:
    """No registry has the tagged version: the requirement is the public one."""
    assert requirements(PUBLISHED, {"scikit-learn": "*"}).lines() == (
        "transformers==4.21.2\ntorch==1.13.0\ndatasets==2.7.1\ntokenizers==0.12.1\nscikit-learn\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "4.21.2; rm -rf /",
        "../..",
        "9" * 10_000,
        "",
        "4.21.2\n-r evil",
        "*",
        "==4.21",
        "4.21.2 @ x",
        "٤.٢",
        "--index-url https://host.invalid",
        "4.21.2 --index-url x",
        "-r x",
        "4.21.2\\",
        "https://host.invalid/x",
    ],
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


def test_nothing_documented_is_refused() -> None:
    """Without any package's version there is no day to go back to; Python's alone is not enough."""
    for documented in ({}, {"python": "3.10.12"}):
        with pytest.raises(EnvironmentFailed, match="no package's version"):
            read_versions(documented, {})


def test_case_may_not_contradict_its_card() -> None:
    """A case that pins another version than the card prints is bad input; a tag is no contradiction."""
    with pytest.raises(BadInput, match=r"1\.12"):
        requirements(PUBLISHED, {"torch": "1.12.0"})
    assert requirements(PUBLISHED, {"torch": "1.13.0"}).extra == {}


RELEASES = st.lists(st.integers(0, 9999), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
SUFFIXES = st.sampled_from(["", ".dev0", ".dev20230801", "a0", "rc1", ".post100", "a0.dev3", "-dev20220102"])
TAGS = st.just("") | st.from_regex(r"\+[a-z0-9]{1,10}(\.[a-z0-9]{1,8}){0,2}", fullmatch=True)
PRINTED = st.tuples(RELEASES, SUFFIXES, TAGS).map("".join)


@given(PRINTED)
def test_every_version_that_cards_print_is_read(text: str) -> None:
    """Releases, nightlies, git suffixes, vendor builds: kept as printed, asked for without the local tag."""
    printed = read_versions({"Torch": f" {text} "}, {})
    assert printed.texts == {"torch": text}
    assert printed.versions["torch"] == Version(text)
    (line,) = requirements({"torch": text}, {}).lines().splitlines()
    name, _, version = line.partition("==")
    assert name == "torch"
    assert Version(version) == Version(Version(text).public)
    assert "+" not in version


@given(st.dictionaries(st.text(max_size=80), st.text(max_size=80), max_size=4))
def test_any_texts_become_plain_lines_or_are_refused(documented: dict[str, str]) -> None:
    """Whatever a card prints, what uv gets is one plain pin a line: no option, no path, no space."""
    with suppress(BadInput, EnvironmentFailed):
        wanted = requirements(documented, {})
        lines = wanted.lines().splitlines()
        assert len(lines) == len(wanted.documented)
        assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]*==[0-9][a-z0-9.!]*", line) for line in lines)

"""What holds for front matter."""

from __future__ import annotations

import subprocess
import sys

import pytest

from repro.cards.front_matter import split
from repro.records.card import Node


def read(text: str) -> tuple[dict[str, Node], int]:
    front_matter, body = split(text.split("\n"))
    return front_matter.data if front_matter else {}, body


def test_scalars_keep_their_printed_text() -> None:
    """Nothing is retyped: `no`, `1.10` and `2021-01-01` stay what was printed, null and nothing are None."""
    data, body = read("---\nlicense: no\ndatasets:\n- 1.10\n- 'null'\n- null\nday: 2021-01-01\nx:\n---\nbody")
    assert data == {"license": "no", "datasets": ["1.10", "null", None], "day": "2021-01-01", "x": None}
    assert body == 9


@pytest.mark.parametrize("text", ["# title\n---\na: b\n---", "text", "", "----\na: b\n---"])
def test_card_without_front_matter_is_all_body(text: str) -> None:
    """Without `---` on the first line nothing is front matter."""
    assert read(text) == ({}, 0)


@pytest.mark.parametrize(
    "line",
    [
        "x: &a [1]",
        "x: !!python/object/apply:os.system [ls]",
        "x: [" + "[" * 40,
        "x: @",
        "x: 'open",
        "We ",
        "\tx: y",
    ],
)
def test_unsafe_or_broken_yaml_leaves_the_simple_lines(line: str) -> None:
    """Anchors, tags, depth and errors cost their own line, not the rest of the front matter."""
    data, body = read(f'---\nlicense: mit\ntags:\n- a\n- "b c"\n{line}\npipeline_tag: fill-mask\n---\nbody')
    assert (data["license"], data["tags"], data["pipeline_tag"], body) == (
        "mit",
        ["a", "b c"],
        "fill-mask",
        8,
    )
    assert data.get("x") in (None, "'open")


def test_aliases_are_not_expanded() -> None:
    """A few lines of aliases cannot become a billion values."""
    bomb = "a: &a [x, x]\n" + "".join(
        f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    data, _ = read(f"---\n{bomb}license: mit\n---")
    assert data == {**dict.fromkeys("abcdefghi"), "license": "mit"}


@pytest.mark.parametrize("body", ["<!-- a comment -->", "# name", "## Title", "[![badge](x)](y)"])
def test_front_matter_never_closed_ends_where_the_body_begins(body: str) -> None:
    """Where the closing line is missing, a later rule in the body does not swallow the card."""
    data, at = read(f"---\nlicense: mit\nWe \n\n{body}\ntext: more\n\n---\n- x")
    assert data == {"license": "mit"}
    assert at == 4


def test_front_matter_never_closed_may_be_whole_otherwise() -> None:
    """Where only the closing line is missing, the YAML is read as YAML."""
    data, at = read("---\nmodel-index:\n- name: x\n\nprose: follows")
    assert (data, at) == ({"model-index": [{"name": "x"}]}, 3)


def test_very_long_front_matter_is_read_by_line() -> None:
    """A front matter of megabytes is not given to the YAML parser."""
    data, _ = read("---\nlicense: mit\nx: [" + "a," * 200_000 + "]\n---")
    assert data == {"license": "mit", "x": None}


def test_yaml_is_imported_only_when_needed() -> None:
    """Importing the readers does not import yaml."""
    code = "import sys, repro.cards; sys.exit('yaml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

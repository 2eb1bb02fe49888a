"""What holds for the regular part of YAML that is read without a parser."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.cards.front_matter import by_parser
from repro.cards.plain_yaml import plain_yaml

PIECES = st.sampled_from(
    [
        *"abc-:#'\"[]{}&*!|>%@`~,?.=\\ 1é\u00a0\t",
        "- ",
        "  ",
        ": ",
        "key:",
        "key: ",
        "\n",
        "\n",
        "\n  ",
        "\n- ",
        "\n  - ",
        "null",
        "[]",
        "'x'",
        '"x y"',
        "--- ",
        "...",
        "<<: ",
        "no",
        "\u2028",
        "\U0001f642",
        "./save",
        "name: x",
        "''",
    ]
)
LINES = st.lists(
    st.tuples(
        st.sampled_from(["", "", "  ", "    ", "- ", "  - ", "- - "]),
        st.sampled_from(
            [
                "a:",
                "a: ",
                "b-c: x",
                "d: 'e: f'",
                "text goes on",
                "'3.10'",
                "[]",
                "x: []",
                "",
                "g: h: i",
                "j #k",
            ]
        ),
    ).map("".join),
    max_size=12,
).map("\n".join)


@given(st.lists(PIECES, max_size=30).map("".join) | LINES)
def test_what_is_read_is_what_a_parser_reads(text: str) -> None:
    """Whatever is read without a parser equals what the parser reads; the rest is left to it."""
    read = plain_yaml(text.split("\n"))
    if read is not None:
        assert read == by_parser(text)
        assert repr(read) == repr(by_parser(text))  # the order of the keys, too


def test_generated_front_matter_needs_no_parser() -> None:
    """Lists, nested mappings, quoted names, empty lists and folded texts are regular."""
    text = (
        "license: no\ntags:\n- generated_from_trainer\nmodel-index:\n- name: '1.10'\n  results:\n  - task:\n"
        "      name: Text Classification\n    metrics:\n    - name: F1\n      value: 0.5\n"
        "- name: x\n  results: []\n"
        "widget:\n- text: one\n    two\n  also:\ndatasets:\n- null\n\nlanguage: ~"
    )
    data = plain_yaml(text.split("\n"))
    assert data == by_parser(text)
    assert data is not None
    assert (data["license"], data["datasets"], data["language"]) == ("no", [None], None)


@pytest.mark.parametrize(
    "text",
    [
        "a: [b]",
        "a: {b: c}",
        "a: |\n  b",
        "a: 'b''c'",
        'a: "\\n"',
        "a: &b c",
        "a: !b c",
        "a: b # c",
        "? a",
        "a: b: c",
        "- a",
        "a:\tb",
        "a: b\n\n  c",
        "a: b\n c: d",
        "'a': b",
    ],
)
def test_everything_else_needs_a_parser(text: str) -> None:
    """Flow collections, blocks, escapes, anchors, tags, comments and errors are not read here."""
    assert plain_yaml(text.split("\n")) is None

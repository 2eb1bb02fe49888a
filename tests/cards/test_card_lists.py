"""What holds for lists of stated values."""

from __future__ import annotations

import pytest

from repro.cards.lists import Item, all_items, claims, first_list, is_number, lists_below, pairs_in


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("- learning_rate: 5e-05", ("learning_rate", "5e-05")),
        (" - lr: 1", ("lr", "1")),
        ("* seed = 42", ("seed", "42")),
        ("• Seed: 42", ("Seed", "42")),
        ("•Seed: 42", ("Seed", "42")),
        ("- eval_batch_size : 8\t", ("eval_batch_size", "8")),
        ("- `seed`: 42", ("seed", "42")),
        ("- **Seed:** 42", ("Seed", "42")),
        ("- **Seed**: 42", ("Seed", "42")),
        ("- optimizer: Adam with betas=(0.9,0.999)", ("optimizer", "Adam with betas=(0.9,0.999)")),
        ("- gradient_accumulation_steps: 2*2 = 4", ("gradient_accumulation_steps", "2*2 = 4")),
        ("- mp_parameters: ", ("mp_parameters", "")),
        ("- F1: **0.98**23", ("F1", "**0.98**23")),
    ],
)
def test_bullet_states_a_name_and_a_text(line: str, expected: tuple[str, str]) -> None:
    """Every usual way to write a pair gives the bare name and the printed text."""
    assert list(first_list(["", line], 0)) == [Item(*expected, line=2)]


@pytest.mark.parametrize(
    "line",
    [
        "- ",
        "-",
        "- prose",
        "- [a](https://example.org): b",
        "- see https://example.org",
        "- : x",
        "---",
        "- " + "a" * 200 + ": b",
    ],
)
def test_bullet_without_a_pair_states_nothing(line: str) -> None:
    """Prose, links and addresses are no claims."""
    assert list(first_list(["", line], 0)) == []


def test_second_line_belongs_to_a_bullet_that_announces_it() -> None:
    """An optimizer with its arguments on the next line keeps both, and the list goes on."""
    lines = [
        "used:",
        "- optimizer: Use lion and the args are:",
        "No additional optimizer arguments",
        "- seed: 1",
    ]
    assert list(first_list(lines, 0)) == [
        Item("optimizer", "Use lion and the args are:\nNo additional optimizer arguments", 2),
        Item("seed", "1", 4),
    ]


@pytest.mark.parametrize("line", ["prose: here", "# title", "| a |", "```", "<br>"])
def test_list_ends_where_something_else_begins(line: str) -> None:
    """Prose, headings, tables and code end a list; blank lines and bullets without pairs do not."""
    lines = ["used:", "", "- a: 1", "", "- ", "- b: 2", "", line, "- c: 3"]
    assert [item.name for item in first_list(lines, 0)] == ["a", "b"]


@pytest.mark.parametrize("line", ["prose: here", "  and: so on", "No additional optimizer arguments"])
def test_line_directly_below_a_bullet_leaves_the_list_open(line: str) -> None:
    """As in Markdown, prose without a blank line above it belongs to its bullet, and states nothing more."""
    assert [item.name for item in first_list(["used:", "- a: 1", line, "- b: 2"], 0)] == ["a", "b"]


def test_sentence_may_take_two_lines() -> None:
    """A wrapped sentence above the list does not hide it."""
    assert [item.name for item in first_list(["It achieves the following", "results:", "", "- a: 1"], 0)] == [
        "a"
    ]


def test_each_list_ends_at_the_next_sentence() -> None:
    """Below several sentences each list is read once, with bullets or without; labels ask for numbers."""
    lines = ["first:", "- a: 1", "second:", "b: 2", "c: x", "third:", "", "prose", "d: 4"]
    assert [item.name for item in lists_below(lines, pairs_in(lines), [0, 2, 5])] == ["a", "b", "c"]
    assert [item.name for item in lists_below(lines, pairs_in(lines), [0, 2, 5], labels=True)] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5", True),
        ("91.1%", True),
        ("nan", True),
        ("**3**", True),
        ("No log", False),
        ("x", False),
        ("", False),
    ],
)
def test_numbers_are_told_from_words(text: str, expected: bool) -> None:
    """Numbers, percentages and what is not finite count as numbers; words and nothing do not."""
    assert is_number(text) == expected


def test_sections_may_state_pairs_without_bullets() -> None:
    """Within a section, bare `name: value` and `name = value` lines count; prose with a colon does not."""
    lines = ["loss: 0.5", "", "f1=0.25", "We used this: that", "- seed: 1"]
    assert [(item.name, item.text) for item in all_items(lines, pairs_in(lines), range(5))] == [
        ("loss", "0.5"),
        ("f1", "0.25"),
        ("seed", "1"),
    ]


def test_restated_claims_are_kept_where_they_differ() -> None:
    """Two learning rates are both read; the same one twice is one claim."""
    found = claims([Item("lr", "1", 1), Item("lr", "1", 2), Item("lr", "2", 3), Item("lr", "3", 4)])
    assert {name: (claim.text, claim.line) for name, claim in found.items()} == {
        "lr": ("1", 1), "lr (2)": ("2", 3), "lr (3)": ("3", 4),
    }  # fmt: skip

"""Cards that are judged together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repro.cards import read_card
from repro.records.card import Card
from repro.rules import Context, Found, RuleSet, check, check_all, rule
from repro.rules.builtin import builtin

PAGE = """{}.

It does so.

Why it matters:
    So.

How to mend:
    So.

Before:
    # a

After:
    # b
"""


def _odd(card: Card) -> Sequence[Found]:
    if card.target == "2":
        raise ValueError("of two")
    return [Found(f"read {card.target}")]


def _late(card: Card) -> Iterator[Found]:
    yield Found("begun")
    if card.target == "2":
        raise KeyError("later")


def test_a_rule_that_breaks_on_one_card_is_told_on_that_card_and_judges_the_others() -> None:
    """A rule that breaks on one of several cards is told on that one, and is asked about all others."""
    _odd.__doc__, _late.__doc__ = PAGE.format("Odd"), PAGE.format("Late")
    rules = RuleSet.of([rule("PX001", "note")(_odd), rule("PX002", "note")(_late)])
    cards = [read_card(f"# m{i}", target=str(i)) for i in range(4)]
    told = [
        [each.message for each in one.findings] for one in check_all([(c, Context()) for c in cards], rules)
    ]
    assert told[2] == [
        "the rule itself broke: ValueError: of two",
        "the rule itself broke: KeyError: 'later'",
    ]
    assert [told[i] for i in (0, 1, 3)] == [[f"read {i}", "begun"] for i in (0, 1, 3)]


def test_cards_judged_together_are_judged_as_each_by_itself() -> None:
    """What is said about a card does not depend on the cards that are judged with it."""
    texts = [
        "# m",
        "---\nlicense: mit\n---\n# m\n",
        "| Epoch | Step | Loss |\n|---|---|---|\n| 1 | 2 | 3 |\n",
        "a: 1",
    ]
    cards = [read_card(text, target="card.md") for text in texts]
    rules = RuleSet.of(builtin())
    assert check_all([(card, Context()) for card in cards], rules) == [check(card, rules) for card in cards]

"""A kit for people who write rules: two one-line tests a rule.

from repro.testing import check_page, findings

def test_page() -> None:
check_page(my_rule)

def test_leaves_alone() -> None:
assert findings(my_rule, "# a card without any table") == []
"""

from __future__ import annotations

from repro.cards import read_card
from repro.records.claims import Finding
from repro.rules import Context, Rule, RuleSet, check

__all__ = ["check_page", "findings"]


def findings(rule: Rule, text: str, context: Context | None = None) -> list[Finding]:
    """Return what one rule finds on a card.

    Args:
        rule: The rule.
        text: The card, front matter included.
        context: What is known beside the card, e.g. replicates.
    """
    card = read_card(text, target="card.md")
    return list(check(card, RuleSet.of([rule]), context).findings)


def check_page(rule: Rule, context: Context | None = None) -> None:
    """Check a rule against its own documentation.

    Args:
        rule: The rule.
        context: What is known beside the card.

    Raises:
        AssertionError: It broke, finds nothing on the card of `Before`, or something on that of `After`.
    """
    before = findings(rule, rule.page.before, context)
    after = findings(rule, rule.page.after, context)
    broken = [each.message for each in (*before, *after) if each.message.startswith("the rule itself broke")]
    assert not broken, broken  # noqa: S101 - this is a test's assertion
    assert before, f"{rule.id} finds nothing on the card of its `Before`"  # noqa: S101
    assert not after, f"{rule.id} finds on the card of its `After`: {after[0].message}"  # noqa: S101
    assert all(each.rule == rule.id for each in before)  # noqa: S101

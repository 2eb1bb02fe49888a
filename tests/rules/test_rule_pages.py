"""Every rule is what its page says."""

from __future__ import annotations

import pytest
from peer_samples import context

from repro.rules import Rule
from repro.rules.builtin import builtin
from repro.rules.interface import FAMILIES
from repro.testing import check_page


@pytest.mark.parametrize("rule", builtin(), ids=lambda rule: rule.id)
def test_finds_what_its_page_shows(rule: Rule) -> None:
    """A rule finds something on the card of `Before` and nothing on that of `After`."""
    check_page(rule, context() if "replicates" in rule.needs else None)


def test_ids_are_unique_and_in_a_family() -> None:
    """No id stands twice, and each begins with the letters and digit of its family."""
    ids = [rule.id for rule in builtin()]
    assert len(set(ids)) == len(ids)
    digits = dict(zip(FAMILIES, "1234567", strict=True))
    assert all(each[2] == digits[each[:2]] for each in ids)

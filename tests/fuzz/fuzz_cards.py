"""A coverage-guided fuzzer over reading and rules; `python tests/fuzz/fuzz_cards.py [CORPUS] [-runs=N] …`.

Options are libFuzzer's. An exception that is not the program's own, a rule that breaks, a claim on a line
that does not exist, or an audit that JSON cannot hold ends it with the input that did it.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["repro"]):
    from repro.cards import read_card
    from repro.errors import BadInput
    from repro.records.claims import Audit
    from repro.records.codec import to_json
    from repro.rules import RuleSet, check
    from repro.rules.builtin import builtin

    RULES = RuleSet.of(builtin())  # imports the families: they are to be followed, too


def one_card(data: bytes) -> None:
    """Read and audit one input.

    Raises:
        AssertionError: Something does not hold.
    """
    try:
        card = read_card(data.decode("utf-8", "replace"), target="fuzz")
    except BadInput:
        return
    checked = check(card, RULES)
    broken = [each for each in checked.findings if "the rule itself broke" in each.message]
    assert not broken, broken
    places = [each.line for each in checked.findings if each.line is not None]
    places += [claim.line for claim in card.claims.hyperparameters.values()]
    places += [row.line for table in card.claims.tables for row in table.rows]
    assert all(1 <= line <= len(card.lines) for line in places), places
    to_json(Audit(target="fuzz", kind=card.kind, claims=card.claims, findings=checked.findings))


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_card)
    atheris.Fuzz()

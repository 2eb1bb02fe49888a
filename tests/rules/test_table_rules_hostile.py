"""No table breaks a rule, makes it slow, or makes it say the same a thousand times."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from peer_samples import context
from table_samples import HEADER, card

from repro.cards import read_card
from repro.records.claims import Finding
from repro.rules import Context, RuleSet, check
from repro.rules.builtin import builtin

TABLE = RuleSet.of(rule for rule in builtin() if rule.family == "RT")
QUICK = RuleSet.of(rule for rule in TABLE.rules if rule.id not in ("RT210", "RT219"))

ODD = """No log||nan|-inf|inf|0|0.0|-1|1e-05|1e300|-1e308|1.41|1.4100|True
999999999999999999999999999999999999|{'a': 1}|1 .5|**2.0**|-|½|١|Stop & Train|1.0940|5e-324|100.0"""
odd = st.sampled_from(ODD.replace("\n", "|").split("|"))
cells = odd | st.integers(-5, 10**7).map(str) | st.floats(allow_nan=False).map(lambda v: f"{v:.4f}")
headers = st.lists(
    st.sampled_from([*HEADER, "Accuracy", "Train Loss", "Loss", "Eval Loss", "Wer"]), min_size=1, max_size=7
)
hyperparameters = st.dictionaries(
    st.sampled_from(
        [
            "train_batch_size",
            "total_train_batch_size",
            "gradient_accumulation_steps",
            "num_devices",
            "num_epochs",
            "training_steps",
            "learning_rate",
            "Train Batch Size",
        ]
    ),
    odd | st.integers(0, 64).map(str),
)


def judged(text: str, rules: RuleSet = TABLE, given_context: Context | None = None) -> list[Finding]:
    """All findings, none of which says that a rule broke."""
    found = list(check(read_card(text, target="card.md"), rules, given_context).findings)
    assert [each.message for each in found if "the rule itself broke" in each.message] == []
    return found


# Steps an epoch without an upper bound: an epoch that rounds to 0.
@example(
    header=["Training Loss", "Epoch", "Step"],
    rows=[["No log", "1e-05", "1e-05"]],
    stated={"train_batch_size": "1e-05"},
    headline={},
    peers=False,
)
@given(
    header=headers,
    rows=st.lists(st.lists(cells, max_size=8), max_size=14),
    stated=hyperparameters,
    headline=st.dictionaries(st.sampled_from(["Loss", "Accuracy", "eval_loss", "Wer"]), cells),
    peers=st.booleans(),
)
def test_no_table_breaks_a_rule(
    header: list[str], rows: list[list[str]], stated: dict[str, Any], headline: dict[str, str], peers: bool
) -> None:
    """Whatever stands in a table, every rule judges it, and every finding is one line of a card's line."""
    text = card(rows, header, headline=headline, **stated)
    for finding in judged(text, given_context=context() if peers else None):
        assert "\n" not in finding.message
        assert len(finding.message) < 600
        assert finding.line is None or 1 <= finding.line <= text.count("\n") + 1


@pytest.mark.parametrize(
    "row",
    [
        "| 1.1234 | 1.0 | 1 | 1.1234 |",
        "| nan | nan | 5 | inf |",
        "| 0 .1 | x1 | 1/2 | 1,2 |",
        "| No log | 1.0 | 5 | 0.5000 | 1 |",
    ],
)
def test_a_long_table_is_judged_in_linear_time_and_in_few_words(row: str) -> None:
    """Twenty thousand rows take less than a second, and no rule says more than 21 things for each column."""
    lines = [row] * 20_000
    lines[0] = "| 1.5 | 1.0 | 10 | 1.5000 |"
    text = card([], train_batch_size=8, num_epochs=3).replace(
        "### Framework", "\n".join(lines) + "\n\n### Framework"
    )
    text = text.replace("---|\n\n", "---|\n").replace("--- |\n\n", "--- |\n")
    read = read_card(text, target="card.md")
    assert read.claims.results is not None
    assert len(read.claims.results.rows) == len(lines)
    begun = time.perf_counter()
    found = check(read, QUICK).findings
    assert time.perf_counter() - begun < 5
    assert max(Counter(each.rule for each in found).values()) <= 21


def test_without_replicates_their_rules_say_why_they_are_silent() -> None:
    """A rule that needs replicates is skipped with the option that gives them."""
    skipped = check(read_card(card([("1.5", "1.0", 100, "1.6")]), target="card.md"), TABLE).skipped
    assert {"RT220", "RT221", "RT222", "RT223"} <= set(skipped["no replicates were given (--replicates)"])

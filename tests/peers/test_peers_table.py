"""The table of replicates: values as printed, read back by `--replicates`, and no formula in it."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from recipe_samples import ROWS, card

from repro.cards import read_card
from repro.comparison.replicates import read_replicates
from repro.peers.table import COLUMNS, evaluations, mixed_precision, to_csv, versions
from repro.records.claims import Claim
from repro.records.peers import Evaluated, Replicate
from repro.rules import Context, Subject


def subject(**changes: Any) -> Subject:
    """A card with changes."""
    return Subject(read_card(card(**changes), target="README.md"), Context())


def replicate(rows: tuple[Evaluated, ...]) -> Replicate:
    """A replicate with these rows."""
    return Replicate(
        model_id="user/model",
        revision="c" * 40,
        versions={"transformers": "4.21.2", "torch": "1.13.0+cu117"},
        mixed_precision="no",
        evaluation_loss="1.404",
        seed=42,
        stream="A2",
        rows=rows,
        note="seed 43 instead of 42",
    )


def test_values_stand_as_they_were_printed_and_are_read_back() -> None:
    """A loss keeps its digits, `No log` is an empty cell, and the reader of replicates takes the table."""
    rows, problem = evaluations(subject().progress)
    assert problem == ""
    text = to_csv([replicate(rows)])
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["training_loss"] for line in lines] == ["", "1.6866", "1.4997", "1.372"]
    assert [line["validation_loss"] for line in lines] == [row[3] for row in ROWS]
    (peer,) = read_replicates(text, source="peers.csv")
    assert (peer.model_id, peer.revision, peer.evaluation_loss) == ("user/model", "c" * 40, 1.404)
    assert peer.versions == {"transformers": "4.21.2", "torch": "1.13.0+cu117"}
    assert peer.by_step[100].training_loss is None
    assert peer.by_step[400].validation_loss == 1.404
    assert peer.note == "seed 43 instead of 42"


def test_the_columns_are_those_of_the_bundled_replicates() -> None:
    """The table has the columns of the bundled cases' own, in their order."""
    from repro.cases import loader

    bundled = loader.find_case("issues-128")
    assert bundled is not None
    assert (bundled / "peers.csv").read_text().splitlines()[0] == ",".join(COLUMNS)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (None, "no table of results"),
        ([("1.0", "1.0", "100", "nan")], "diverged"),
        ([("inf", "1.0", "100", "1.0")], "diverged"),
        ([("1.0", "1.0", "100", "1.1"), ("1.0", "1.5", "100", "1.0")], "does not follow"),
        ([("1.0", "1.0", "x", "1.1")], "no step or epoch"),
        ([("1.0", "-1", "100", "1.1")], "no step or epoch"),
        ([("1.0", "1.0", "100.5", "1.1")], "no step or epoch"),
        ([("No log", "1.0", "100", "none")], "no losses"),
    ],
)
def test_a_table_of_no_use_is_said_to_be_so(rows: Any, problem: str) -> None:
    """A table that the reader of replicates would refuse, or that has nothing to compare, is told why."""
    read, said = evaluations(subject(rows=rows).progress)
    assert read == ()
    assert problem in said


def test_markup_around_a_loss_is_not_in_the_table() -> None:
    """A best value in bold is a number."""
    rows, problem = evaluations(subject(rows=[("1.0", "1.0", "100", "**1.25**")]).progress)
    assert (rows, problem) == ((Evaluated("1.0", 100, "1.0", "1.25"),), "")


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t4.2", "4.21\x1b[31m", '4"', "x" * 65, ""]
)
def test_a_version_that_is_none_is_not_in_the_table(text: str) -> None:
    """Formulas, escapes and overlong texts are no versions."""
    found = versions({"transformers": Claim(text=text, line=1), "torch": Claim(text="2.0", line=2)})
    assert found == {"torch": "2.0"} or (text.strip() == "4.2" and found["transformers"] == "4.2")


def test_mixed_precision_is_printed_words_or_none() -> None:
    """What a card says about mixed precision stands in the table, unless it is no plain words."""
    assert mixed_precision(None) == "no"
    assert mixed_precision(Claim(text="Native AMP", line=1)) == "Native AMP"
    assert mixed_precision(Claim(text='=HYPERLINK("x")', line=1)) == "stated, not readable"

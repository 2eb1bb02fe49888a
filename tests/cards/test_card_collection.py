"""What holds on a collection of real cards, where one lies beside the checkout."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from repro.cards import read_card

CARDS = Path(__file__).parents[2].parent / "shared" / "cards"
INDEX = CARDS / "index.tsv"
ROWS = list(csv.DictReader(INDEX.read_text("utf-8").splitlines(), delimiter="\t")) if INDEX.is_file() else []
#: The index's short names; a card edited by hand keeps the kind of its generator.
KINDS = {"st": "sentence-transformers", "handedited": "trainer"}
EDITED_KERAS = {"122.md"}


@pytest.mark.skipif(not ROWS, reason="the collection is not beside this checkout")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_real_card_has_its_kind_and_version(row: dict[str, str]) -> None:
    """Every card of the collection is recognised, and its transformers version is the documented one."""
    audit = read_card((CARDS / row["file"]).read_bytes().decode("utf-8"), target=row["file"])
    expected = "keras" if row["file"] in EDITED_KERAS else KINDS.get(row["kind"], row["kind"])
    version = audit.claims.versions.get("transformers")
    assert audit.kind == expected
    assert (version.text if version else "") == row["transformers"]

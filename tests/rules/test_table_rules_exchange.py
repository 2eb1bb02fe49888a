"""RT210 finds the published defect exactly, and keeps it a hypothesis."""

from __future__ import annotations

from table_samples import card, curve, found, one, published

from repro.rules.table_exchange import columns_are_their_own, columns_can_be_told_apart

TRAINING = [2.1003, 1.6211, 1.4964, 1.41, 1.336, 1.2862, None, 1.2043, 1.1701, 1.1498, 1.1194, 1.1094]
TRAINING += [1.0913, 1.0683, 1.0607, 1.0558]
VALIDATION = [1.6578, 1.414, 1.304, 1.3011, 1.3095, 1.3739, 1.2743, 1.2019, 1.2696, 1.2507, 1.1398, 1.1309]
VALIDATION += [1.074, 1.1201, 1.169, 1.094]


def test_the_published_table_is_read_as_its_re_runs_say() -> None:
    """From epoch 7 the columns are exchanged, a training loss is lost and the rest a row too early."""
    finding = one(columns_are_their_own, published())
    evidence = finding.evidence
    assert finding.severity == "warning"
    assert (evidence["first_row"], evidence["last_row"]) == (7, 16)
    assert (evidence["first_epoch"], evidence["last_epoch"]) == (7, 16)
    assert (evidence["columns"], evidence["shift"]) == (["training_loss", "validation_loss"], -1)
    assert evidence["lost"] == {"column": "training_loss", "epoch": 7}
    assert evidence["mended"] == {"training_loss": TRAINING, "validation_loss": VALIDATION}


def test_the_message_says_rows_way_loss_and_fit() -> None:
    """Which rows, how far, what is lost and how much better it fits stand in one line."""
    message = one(columns_are_their_own, published()).message
    for part in ("exchanged", "7.0 to 16.0", "one row too early", "is lost", "1.0940", "times less"):
        assert part in message
    assert "\n" not in message


def test_the_line_is_the_first_row_that_reads_differently() -> None:
    """The finding stands where the exchange begins."""
    text = published()
    line = one(columns_are_their_own, text).line
    assert line is not None
    assert "| 1.2743 " in text.splitlines()[line - 1]


def test_an_ordinary_table_is_left_alone() -> None:
    """Two curves that each continue their own past are read as printed."""
    rows = curve(
        ["2.0974", "1.6388", "1.4846", "1.4003", "1.3393", "1.2848", "1.2385", "1.1974"],
        ["1.7064", "1.4335", "1.3750", "1.3749", "1.1970", "1.2826", "1.2652", "1.2158"],
    )
    assert found(columns_are_their_own, card(rows)) == []
    assert found(columns_can_be_told_apart, card(rows)) == []


def test_what_cannot_be_told_is_only_said_to_the_strict() -> None:
    """That two curves lie too near is no finding on an ordinary card."""
    assert columns_can_be_told_apart.profiles == {"strict"}

"""A card beside its replicates: what lies outside, which stream it has, and what could not be compared."""

from __future__ import annotations

from importlib import resources

import pytest
from peer_samples import context, peers
from table_samples import card, curve, found, one, published

from repro.comparison.replicates import Peer, read_replicates
from repro.rules import Context
from repro.rules.replicates import (
    RULES,
    can_be_laid_beside,
    has_a_known_stream,
    is_no_replicate_of_itself,
    lies_with_its_replicates,
)
from repro.testing import findings


@pytest.fixture(scope="module")
def public() -> tuple[Peer, ...]:
    """The eleven public re-runs of issues-128."""
    file = resources.files("repro.cases") / "issues-128" / "peers.csv"
    return read_replicates(file.read_text(encoding="utf-8"), source="peers.csv")


def as_card(peer: Peer, versions: bool = True) -> str:
    """A replicate's own table."""
    rows = [
        (each.training_loss, f"{each.epoch:.1f}", each.step, f"{each.validation_loss:.4f}")
        for each in peer.evaluations
    ]
    return card(rows, transformers=peer.versions["transformers"] if versions else "4.33.0")


def test_the_published_training_losses_lie_outside_from_epoch_7_on(public: tuple[Peer, ...]) -> None:
    """Of the exchanged epochs 7 to 16, all but 8 and 13 lie outside, as far as 34 standard deviations.

    At epochs 8 and 13 the two exchanged losses happen to be nearly the same.
    """
    training = next(
        each
        for each in findings(lies_with_its_replicates, published(), Context(peers=public))
        if each.evidence["column"] == "training_loss"
    )
    assert training.severity == "warning"
    assert training.evidence["outside"] == [7, 9, 10, 11, 12, 14, 15, 16]
    assert "8 of 16 rows (epochs 7, 9 to 12, 14 to 16)" in training.message
    assert "by up to 0.0947 at epoch 10.0: 1.2507" in training.message
    assert "34.6 standard deviations" in training.message
    assert all(row["beyond"] == 0 for row in training.evidence["rows"][:6])


def test_the_published_curve_is_of_none_of_the_three_streams(public: tuple[Peer, ...]) -> None:
    """Its zigzag correlates 0.40 at most, with stream C, though its versions say A."""
    finding = one(has_a_known_stream, published(), Context(peers=public))
    assert finding.severity == "note"
    assert "none of the 3 streams" in finding.message
    assert "0.40 at most, with stream C" in finding.message
    assert [each["name"] for each in finding.evidence["streams"]] == ["A", None, "C"]
    assert (finding.evidence["stream"], finding.evidence["by_versions"]) == (None, "A")


@pytest.mark.parametrize("at", range(11))
def test_every_public_re_run_lies_with_the_others(public: tuple[Peer, ...], at: int) -> None:
    """Each of them, judged by the ten others, has no loss outside and the stream of its versions."""
    others = Context(peers=[peer for i, peer in enumerate(public) if i != at])
    text = as_card(public[at])
    assert [rule.id for rule in RULES if found(rule, text, others)] == []


@pytest.mark.parametrize("versions", [("A", 0), ("B", 6), ("C", 8)])
def test_a_run_of_a_stream_that_is_not_given_is_a_note(
    public: tuple[Peer, ...], versions: tuple[str, int]
) -> None:
    """Judged by the other streams only, a run has at most two losses outside, which is a note."""
    stream, at = versions
    ranges = {"A": range(6), "B": range(6, 8), "C": range(8, 11)}
    others = [peer for i, peer in enumerate(public) if i not in ranges[stream]]
    text = as_card(public[at], versions=False)
    assert set(found(lies_with_its_replicates, text, Context(peers=others))) <= {"note"}
    assert "none of the 2 streams" in one(has_a_known_stream, text, Context(peers=others)).message


def test_a_replicate_that_is_the_card_is_left_out_and_said(public: tuple[Peer, ...]) -> None:
    """The card's own run among the replicates does not make its band."""
    text = as_card(public[3])
    finding = one(is_no_replicate_of_itself, text, Context(peers=public))
    assert "10 remain" in finding.message
    assert finding.evidence["replicate"].startswith("Makabaka/")
    assert found(lies_with_its_replicates, text, Context(peers=public)) == []


def test_a_stream_of_other_versions_is_a_warning() -> None:
    """A curve of stream C on a card that states 4.21 has other versions than it says."""
    text = as_card(peers()[3]).replace("4.41.2", "4.21.2")
    finding = one(has_a_known_stream, text, Context(peers=[*peers()[:3], peers()[4]]))
    assert finding.severity == "warning"
    assert "one of stream C (transformers 4.44.0)" in finding.message
    assert "versions stated say stream A" in finding.message


def test_two_replicates_are_too_few() -> None:
    """Two values have no standard deviation worth the name: the card is not judged, and that is said."""
    given = Context(peers=peers()[:2])
    text = as_card(peers()[2])
    assert found(lies_with_its_replicates, text, given) == []
    assert found(can_be_laid_beside, text, given) == ["note"]


def test_a_table_without_steps_is_laid_beside_by_its_epochs() -> None:
    """The replicates' steps fill in where the card prints epochs only."""
    rows = [(t, e, v) for t, e, _, v in curve(["9.0"] * 9, ["1.5000"] * 9)]
    text = card(rows, ("Training Loss", "Epoch", "Validation Loss"))
    assert "warning" in found(lies_with_its_replicates, text, context())


def test_a_table_without_losses_is_not_judged() -> None:
    """`No log` and metrics have no band."""
    text = card([("No log", "1.0", 100, "-")])
    assert found(lies_with_its_replicates, text, context()) == []
    assert found(can_be_laid_beside, text, context()) == ["note"]

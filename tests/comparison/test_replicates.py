"""Replicates are read strictly, grouped by their curves, and bound a further run as the textbook says."""

from __future__ import annotations

import contextlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.comparison.replicates import (
    Evaluation,
    Peer,
    Value,
    bounds,
    correlation,
    groups,
    lay_beside,
    read_replicates,
    split_self,
)
from repro.errors import BadInput

HEADER = "model_id,revision,transformers,pytorch,epoch,step,training_loss,validation_loss,note"


def peer(name: str, validation: list[float], transformers: str = "4.21.2") -> Peer:
    """A replicate with these validation losses, one an epoch of a hundred steps."""
    return Peer(
        model_id=name,
        revision="main",
        versions={"transformers": transformers, "torch": "1.13.0"},
        evaluations=tuple(Evaluation(i, 100 * i, None, v) for i, v in enumerate(validation, 1)),
    )


def value(loss: float, step: int = 100, unit: float = 1e-4) -> Value:
    """A published validation loss."""
    return Value("validation_loss", step // 100 - 1, step / 100, step, loss, unit)


def test_a_table_is_read_run_by_run() -> None:
    """Lines of one model and revision are one run, in the order of steps; missing losses are None."""
    lines = (
        "a/b,r1,4.21.2,1.13.0,2,200,1.5,1.4,",
        "a/b,r1,4.21.2,1.13.0,1,100,,1.6,",
        "a/b,r2,,,1,100,2,2,odd",
    )
    text = "\n".join([HEADER, *lines])
    first, second = read_replicates(text, source="peers.csv")
    assert (first.name, first.versions) == ("a/b@r1", {"transformers": "4.21.2", "torch": "1.13.0"})
    assert [(each.step, each.training_loss) for each in first.evaluations] == [(100, None), (200, 1.5)]
    assert (second.versions, second.note, second.stream) == ({}, "odd", None)
    assert first.stream == "A"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "peers.csv:1: no column epoch, model_id, step"),
        ("model_id,epoch,step\na,1,1\n", "peers.csv:1: no column training_loss or validation_loss"),
        (HEADER, "peers.csv: no replicates"),
        (f"{HEADER}\na,r,4,1,x,100,1,1,\n", "peers.csv:2: epoch: expected a number, found 'x'"),
        (f"{HEADER}\na,r,4,1,0,100,1,1,\n", "peers.csv:2: epoch: expected a number above 0"),
        (f"{HEADER}\na,r,4,1,1,1.5,1,1,\n", "peers.csv:2: step: expected a whole number"),
        (f"{HEADER}\na,r,4,1,1,100,nan,1,\n", "peers.csv:2: training_loss: expected a number, found 'nan'"),
        (f"{HEADER}\na,r,4,1,1,100,1e999,1,\n", "peers.csv:2: training_loss"),
        (f"{HEADER}\na,r,4,1,1,100,1_0,1,\n", "peers.csv:2: training_loss"),
        (f"{HEADER}\n,r,4,1,1,100,1,1,\n", "peers.csv:2: no model_id"),
        (f"{HEADER}\na,r,4,1,1,100,1,1,,,7\n", "peers.csv:2: too many cells"),
        (f"{HEADER}\na,r,4,1,1,100,1,1,\na,r,4,1,1,100,1,1,\n", "peers.csv:3: step 100 of a stands twice"),
        (f'{HEADER}\na,r,4,1,1,100,"1"x,1,\n', "peers.csv:2: no CSV"),
        (HEADER + "".join(f"\na{i},r,4,1,1,100,1,1," for i in range(101)), "peers.csv:102: more than 100"),
    ],
)
def test_what_is_no_table_of_replicates_is_refused_with_its_line(text: str, where: str) -> None:
    """Each refusal names file and line, what was expected, and gives a hint."""
    with pytest.raises(BadInput) as refused:
        read_replicates(text, source="peers.csv")
    assert refused.value.message.startswith(where)
    assert refused.value.hint


@given(st.text(alphabet='model_id,epoch,step,training_loss\n"\r\x00 1.5e', max_size=200))
def test_no_text_breaks_the_reader(rest: str) -> None:
    """Any text is read or refused."""
    for text in (rest, f"{HEADER}\n{rest}"):
        with contextlib.suppress(BadInput):
            assert read_replicates(text, source="peers.csv")


def test_the_bound_is_that_of_one_more_draw() -> None:
    """With one value it is t(0.975, k - 1)·s·sqrt(1 + 1/k) and half a printed unit."""
    (found,) = bounds([value(1.5)], [peer(str(i), [v]) for i, v in enumerate((1.0, 1.1, 1.2, 1.3))])
    t = 3.182446305284263  # Student's t, 3 degrees of freedom, 97.5 %
    spread = math.sqrt(sum((v - 1.15) ** 2 for v in (1.0, 1.1, 1.2, 1.3)) / 3)
    assert found.bound == pytest.approx(t * spread * math.sqrt(1.25) + 0.5e-4)
    assert found.mean == pytest.approx(1.15)
    assert found.peers == 4
    assert found.beyond == pytest.approx(max(0, 0.35 - found.bound))


def test_more_values_have_wider_bounds() -> None:
    """The level is shared out among all values, so that it holds for all together."""
    given = [peer(str(i), [v, v]) for i, v in enumerate((1.0, 1.1, 1.2, 1.3))]
    alone = bounds([value(1.5)], given)[0].bound
    together = bounds([value(1.5), value(1.5, 200)], given)
    assert all(each.bound > alone for each in together)


def test_printed_precision_is_part_of_the_bound() -> None:
    """Replicates that agree exactly leave half a unit of the last printed digit."""
    (found,) = bounds([value(1.41, unit=0.01)], [peer(str(i), [1.414]) for i in range(3)])
    assert found.bound == pytest.approx(0.005)
    assert found.beyond == 0


def test_the_level_holds_for_all_values_together() -> None:
    """Of many runs drawn like their replicates, about 5 % have any value outside."""
    draw = np.random.default_rng(7)
    outside = 0
    for _ in range(400):
        given = [peer(str(i), list(draw.normal(1, 0.1, 6))) for i in range(5)]
        published = [value(v, 100 * i, 1e-9) for i, v in enumerate(draw.normal(1, 0.1, 6), 1)]
        outside += any(each.beyond > 0 for each in bounds(published, given))
    assert 0.01 < outside / 400 < 0.08


def zigzag(seed: int, noise: float = 0.0) -> list[float]:
    """A falling curve with the zigzag of a stream."""
    own, other = np.random.default_rng(seed), np.random.default_rng(seed + int(1e6 * noise))
    return [2 - 0.3 * math.log(i) + own.normal(0, 0.05) + other.normal(0, noise) for i in range(1, 13)]


def test_streams_are_told_by_their_zigzags() -> None:
    """Runs with one zigzag are one group, whatever their versions, which name it where they agree."""
    given = [
        peer("a", zigzag(1), "4.21.2"),
        peer("c", zigzag(2), "4.44.0"),
        peer("b", zigzag(1, 0.005), "4.30.0"),
        peer("d", zigzag(2, 0.005), "4.33.0"),
    ]
    first, second = groups(given)
    assert ([each.model_id for each in first.peers], first.name) == (["a", "b"], "A")
    assert ([each.model_id for each in second.peers], second.name) == (["c", "d"], "C")
    assert first.describe() == "stream A (transformers 4.21.2 to 4.30.0)"
    contradicting = groups([peer("a", zigzag(1), "4.21.2"), peer("c", zigzag(1, 0.005), "4.44.0")])
    assert [group.name for group in contradicting] == [None]


def test_short_curves_are_grouped_by_versions() -> None:
    """Where curves are too short to tell, the versions do, and unknown versions stand alone."""
    short = [peer("a", [2, 1.5], "4.21.2"), peer("b", [2, 1.4], "4.20.0"), peer("c", [2, 1.5], "4.33.0")]
    assert [[each.model_id for each in group.peers] for group in groups(short)] == [["a", "b"], ["c"]]


def test_correlation_needs_eight_points_and_a_zigzag() -> None:
    """Few points and smooth curves have no correlation; a curve and itself have one."""
    curve = {100.0 * i: v for i, v in enumerate(zigzag(1), 1)}
    smooth = {step: 2 - 0.3 * math.log(step) for step in curve}
    assert correlation(curve, curve) == pytest.approx(1)
    assert correlation(curve, smooth) is None
    assert correlation(dict(list(curve.items())[:7]), curve) is None


def test_the_published_run_itself_is_parted_from_the_others() -> None:
    """Equal as printed in three values or more is the same run; two values may be chance."""
    own, other = peer("own", [1.50004, 1.4, 1.3]), peer("other", [1.5, 1.4, 1.3001])
    values = [value(1.5, 100), value(1.4, 200), value(1.3, 300)]
    assert split_self(values, [own, other]) == ((other,), (own,))
    assert split_self(values[:2], [own, other]) == ((own, other), ())


def test_nothing_common_is_laid_beside_nothing() -> None:
    """Without common steps there are no bounds and no nearest stream."""
    beside = lay_beside([value(1.5, 150)], [peer(str(i), zigzag(i)) for i in range(3)])
    assert (beside.bounded, beside.nearest) == ((), None)

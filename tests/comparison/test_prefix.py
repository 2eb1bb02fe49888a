"""The first epochs of a training, judged by the bounds of the whole."""

from __future__ import annotations

from typing import Any

import pytest
from curve_samples import PUBLISHED, run, table
from msgspec.structs import replace

from repro.assertions import assert_reproduced
from repro.cli.junit import comparison_as_junit
from repro.comparison import compare
from repro.comparison.decision import decided
from repro.records.run import Run, Stopped


def prefix(measured: list[Any], **options: Any) -> Run:
    """A run that was ended after the epochs measured."""
    whole = run(measured, table(PUBLISHED), **options)
    return replace(whole, result=Stopped(epochs=len(measured), of=len(PUBLISHED), reason="asked for"))


def test_a_prefix_has_a_verdict_and_is_no_reproduction() -> None:
    """The epochs that were trained are judged; the rest is to come; nothing is called reproduced."""
    found = compare(prefix([2.1003, 1.6211]))
    assert (found.verdict, found.reproduced, found.as_published) == ("identical", False, True)
    assert found.prefix is not None
    assert (found.prefix.epochs, found.prefix.of) == (2, 4)
    rows = found.metrics["validation_loss"].rows
    assert [row.within for row in rows] == [True, True, None, None]
    assert rows[3].published == "1.41"
    assert compare(prefix([2.1003, 1.9])).verdict == "different"


def test_an_epoch_that_is_missing_in_the_middle_is_no_prefix() -> None:
    """A prefix without a published evaluation before its end cannot be compared."""
    ended = prefix([2.1003, 1.6211, 1.4964])
    found = compare(replace(ended, epochs=(ended.epochs[0], ended.epochs[2])))
    assert found.verdict == "incomparable"


@pytest.mark.parametrize(
    ("measured", "is_decided"),
    [([2.1], False), ([2.12], False), ([2.2], True), ([2.1003, "nan"], True), ([2.1003, 1.63], False)],
)
def test_a_run_is_decided_when_a_value_lies_outside(measured: list[Any], is_decided: bool) -> None:
    """A value outside its bound, or none at all, decides; one within does not."""
    assert bool(decided(compare(prefix(measured)))) is is_decided


def test_a_finished_run_is_not_decided_early() -> None:
    """The comparison of a whole run says nothing of what could still come."""
    found = compare(run([9.0, 9.0, 9.0, 9.0], table(PUBLISHED)))
    assert not any(metric.decided for metric in found.metrics.values())
    assert found.prefix is None


def test_a_prefix_is_accepted_only_where_it_is_asked_for() -> None:
    """`assert_reproduced` takes a prefix for a reproduction only with `prefix=True`."""
    found = compare(prefix([2.1003]))
    with pytest.raises(AssertionError, match=r"a prefix of 1 of 4 epochs.*only of the first epochs"):
        assert_reproduced(found)
    assert assert_reproduced(found, "identical", prefix=True) is found


def test_junit_names_a_prefix() -> None:
    """The names in JUnit XML say that the verdict is on a prefix; outside it is a failure."""
    ended = prefix([2.2])
    text = comparison_as_junit(ended, compare(ended))
    assert 'name="validation_loss (a prefix of 1 of 4 epochs)"' in text
    assert 'failures="1"' in text


def test_epochs_that_accumulation_shortens_are_still_compared() -> None:
    """With `--micro-batch` an epoch may have fewer steps and seem to end early; it is the same epoch."""
    whole = run([float(text) for text in PUBLISHED], table(PUBLISHED), every=290)
    assert compare(whole).verdict == "incomparable"
    moved = tuple(replace(each, epoch=each.epoch - 0.01) for each in whole.epochs)
    split = replace(whole, epochs=moved, settings=replace(whole.settings, micro_batch=8))
    assert compare(split).verdict == "identical"

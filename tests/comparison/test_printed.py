"""Printed digits of a fast run that differ from those of the published path are named."""

from __future__ import annotations

from repro.comparison.printed import printed_differences
from repro.records.claims import Claims
from repro.records.run import Epoch, Measured, PublishedCase, Run, Settings


def a_run(identity: str, *losses: tuple[Measured, Measured]) -> Run:
    case = PublishedCase(name="c", title="c", digest="0", model="m", claims=Claims())
    epochs = tuple(
        Epoch(epoch=number, step=number, training_loss=training, validation_loss=validation)
        for number, (training, validation) in enumerate(losses, 1)
    )
    return Run(id=identity, case=case, settings=Settings(seed=1), epochs=epochs)


def test_each_value_that_prints_otherwise_is_named() -> None:
    """A difference in the last printed digit is listed with both texts; what prints alike is not."""
    published = a_run("p", (2.1, 1.00004), (2.0, 0.90001))
    training, validation = printed_differences(a_run("f", (2.1, 1.00006), (2.0, 0.90002)), published)
    assert "training loss beside run p of the published path: all print alike" in training
    assert "1 of 2 print otherwise (epoch 1: 1.0001 instead of 1.0000)" in validation
    assert "more than" not in validation


def test_a_loss_that_is_too_far_or_no_number_is_told() -> None:
    """More than 0.0001 apart is said so, and so is a loss that is not a number."""
    published = a_run("p", (2.1, 1.0), (2.0, 0.9))
    for other in (a_run("f", (2.1, 1.01), (2.0, 0.9)), a_run("f", (2.1, 1.0), (2.0, "nan"))):
        _, validation = printed_differences(other, published)
        assert "which is more than 0.0001" in validation


def test_without_a_run_of_the_published_path_it_says_so() -> None:
    """Nothing to compare with is one sentence."""
    (said,) = printed_differences(a_run("f", (2.1, 1.0)), None)
    assert "no finished run of the published path" in said

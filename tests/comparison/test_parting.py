"""Where two runs part: what is compared, what is not, and what it suggests."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from curve_samples import PUBLISHED, table
from curve_samples import run as sample

from repro.comparison.parting import part
from repro.records.difference import Difference
from repro.records.run import Device, Epoch, Failed, Run, Stopped, Timing

LOSSES = (2.1, 1.6, 1.5, 1.4)
CPU = Device(kind="cpu", name="one", threads=2, capability="AVX2")


def epoch(number: int, loss: float, **digests: str) -> Epoch:
    names = {"data_order": "o", "weights": "w", "optimizer": "p", "random_state": "r"} | digests
    return Epoch(epoch=number, step=291 * number, validation_loss=loss, digests=names)


def trained(**changes: Any) -> Run:
    """A run with all digests; `changes` replace fields."""
    epochs = tuple(epoch(number, loss) for number, loss in enumerate(LOSSES, 1))
    run = msgspec.structs.replace(sample([1.0], table(PUBLISHED)), epochs=epochs, device=CPU)
    return msgspec.structs.replace(run, **changes)


def with_packages(run: Run, stream: str = "A2", **packages: str) -> Run:
    environment = msgspec.structs.replace(run.environment, packages=packages, stream=stream)
    return msgspec.structs.replace(run, environment=environment)


def differing(found: Difference) -> set[str]:
    return {f"{aspect.name}.{each.what}" for aspect in found.aspects for each in aspect.differing}


def test_times_ids_and_resumes_do_not_count() -> None:
    """A run that was gone on with on another day is the same."""
    other = trained(id="f" * 12, timing=Timing(started="later", training_seconds=9), resumes=(291, 582))
    found = part(trained(), other)
    assert (found.verdict, found.first, found.causes) == ("same", None, ())
    assert (found.b.resumes, found.b.started) == ((291, 582), "later")


def test_the_first_point_is_named() -> None:
    """What parts first is named in its order, with what is still the same, and later epochs do not matter."""
    epochs = (
        epoch(1, 2.1),
        epoch(2, 1.6004, weights="x", optimizer="x"),
        epoch(3, 1.5, data_order="x", weights="x"),
        epoch(4, 1.4),
    )
    found = part(trained(), trained(epochs=epochs))
    assert found.first is not None
    assert (found.first.epoch, found.first.step) == (2, 582)
    assert found.first.parted == ("weights", "optimizer", "validation_loss")
    assert found.first.same == ("data_order", "random_state")
    assert found.losses_part == found.printed_part == 2
    assert found.largest == pytest.approx(0.0004)
    assert "epoch 2 (step 582): weights, optimizer and validation loss are not the same" in found.summary
    assert "data order and random state still are" in found.summary


def test_digits_that_are_not_printed_are_told_apart() -> None:
    """A loss that differs only behind the fourth decimal parts as stored, not as printed."""
    found = part(trained(), trained(epochs=(epoch(1, 2.1 + 3e-8), *trained().epochs[1:])))
    assert found.verdict == "parted"
    assert (found.losses_part, found.printed_part) == (1, None)


def test_what_only_one_has_is_said_and_is_no_parting() -> None:
    """A run from before there were further digests is compared by its weights; the others are named."""
    old = tuple(
        msgspec.structs.replace(each, digests={"weights": each.digests["weights"]})
        for each in trained().epochs
    )
    found = part(trained(), trained(epochs=old))
    assert found.verdict == "same"
    assert found.epochs[0].digests["data_order"] == "only a"
    assert any(
        "only A has" in note and "data order, optimizer and random state" in note for note in found.notes
    )


def test_other_conditions_with_the_same_results() -> None:
    """Where all digests agree though threads differ, that is not `same`, and is no parting either."""
    found = part(trained(), trained(device=msgspec.structs.replace(CPU, threads=1)))
    assert (found.verdict, found.first) == ("same results", None)
    assert differing(found) == {"device.threads"}
    assert "device" in found.summary


def test_packages_are_compared_one_by_one() -> None:
    """Spellings of a name are one package; another version, and one that only one has, are named."""
    one = with_packages(trained(), torch="1.13.0", scikit_learn="1.1", extra="1")
    other = with_packages(trained(), **{"torch": "1.13.1", "Scikit-Learn": "1.1"})
    assert differing(part(one, other)) == {"packages.torch", "packages.extra"}


def test_levels_of_determinism_are_conditions() -> None:
    """What torch read back counts where both records have it; an older record says nothing of it."""
    one, other = trained(determinism={"benchmark": "True"}), trained(determinism={"benchmark": "False"})
    assert differing(part(one, other)) == {"determinism.benchmark"}
    assert part(one, trained()).verdict == "same"


def test_an_unfinished_run_is_compared_as_far_as_it_went() -> None:
    """A run under way is the same so far; one that ended earlier than the other is not."""
    short = trained().epochs[:2]
    found = part(trained(), trained(epochs=short, result=None))
    assert found.verdict == "same"
    assert any("B is unfinished" in note for note in found.notes)
    assert part(trained(), trained(epochs=short)).verdict == "same results"
    failed = part(trained(), trained(epochs=short, result=Failed(reason="disk")))
    assert "result.status" in differing(failed)


def test_nothing_measured_is_never_called_the_same() -> None:
    """Two runs without an evaluation in common are not compared, and not the same."""
    found = part(trained(), trained(epochs=(), result=None))
    assert (found.verdict, found.epochs) == ("not compared", ())
    bare = tuple(msgspec.structs.replace(each, digests={}, validation_loss=None) for each in trained().epochs)
    assert part(trained(), trained(epochs=bare)).verdict == "not compared"


def test_not_a_number_is_itself() -> None:
    """Two runs that reach NaN at the same epoch do not part there; one alone does."""
    nan = tuple(msgspec.structs.replace(each, validation_loss="nan") for each in trained().epochs)
    assert part(trained(epochs=nan), trained(epochs=nan)).verdict == "same"
    found = part(trained(), trained(epochs=nan))
    assert (found.verdict, found.printed_part, found.largest) == ("parted", 1, None)


def test_an_evaluation_after_the_training_is_not_taken_for_the_epochs() -> None:
    """Of two evaluations at one step the first is compared with the first."""
    twice = (*trained().epochs, epoch(4, 9.0))
    assert part(trained(), trained(epochs=twice)).first is None


def test_other_steps_are_compared_by_epoch() -> None:
    """Runs on another amount of data share epochs, not steps, and that is what is suggested."""
    half = tuple(
        msgspec.structs.replace(each, step=each.step // 2, validation_loss=1.0) for each in trained().epochs
    )
    found = part(trained(), trained(epochs=half))
    assert len(found.epochs) == 4
    assert "another amount of data" in found.causes[0].cause


# ------------------------------------------------------------------------------------------------- causes


def parted(run: Run, at: int, *names: str) -> Run:
    """The run with other digests of these names from an epoch on."""
    changed = dict.fromkeys(names, "x")
    return msgspec.structs.replace(
        run,
        epochs=tuple(
            each if each.epoch < at else msgspec.structs.replace(each, digests=each.digests | changed)
            for each in run.epochs
        ),
    )


def test_an_older_torch_has_another_order() -> None:
    """A1 and A2 part in the data order, and torch 1.11 is named before anything that only rounds."""
    one = with_packages(trained(), "A1", torch="1.10.0", transformers="4.21.2")
    other = parted(with_packages(trained(), "A2", torch="1.13.0", transformers="4.21.2"), 2, "data_order")
    found = part(one, other)
    assert "random stream: A1 and A2" in found.causes[0].cause
    assert "torch 1.11" in found.causes[0].evidence
    assert any("other arithmetic: torch" in cause.cause for cause in found.causes[1:])


def test_with_the_same_order_the_stream_is_not_suspected() -> None:
    """Where the data order is proven the same, threads and instruction set are suspected, not the stream."""
    one = with_packages(trained(), "B", accelerate="0.24.1", transformers="4.35.2")
    other = with_packages(trained(), "C", accelerate="0.25.0", transformers="4.35.2")
    other = msgspec.structs.replace(
        other, device=msgspec.structs.replace(CPU, threads=1, capability="AVX512")
    )
    causes = [cause.cause for cause in part(one, parted(other, 1, "weights")).causes]
    assert not any("stream" in cause for cause in causes)
    assert "instruction set AVX2 and AVX512, threads 2 and 1" in causes[0]
    assert "accelerate 0.24.1 and 0.25.0" in causes[1]
    causes = [cause.cause for cause in part(one, parted(other, 1, "weights", "data_order")).causes]
    assert "random stream: B and C" in causes[0]


def test_another_seed_and_other_data_come_first() -> None:
    """Data and seed explain everything, so they stand before arguments and threads."""
    settings = msgspec.structs.replace(trained().settings, seed=43)
    other = trained(settings=settings, arguments={"learning_rate": 1e-3}, device=None)
    causes = [cause.cause for cause in part(trained(), parted(other, 1, "weights")).causes]
    assert causes[0] == "the seed: 42 and 43"
    assert causes[1] == "training arguments: learning_rate nothing and 0.001"


@pytest.mark.parametrize(("kind", "word"), [("cpu", "no record holds"), ("cuda", "not repeatable")])
def test_where_nothing_recorded_differs_that_is_said(kind: str, word: str) -> None:
    """Two runs alike in all that is recorded that part anyway lead to --prove-determinism."""
    device = msgspec.structs.replace(CPU, kind=kind)
    (cause,) = part(trained(device=device), parted(trained(device=device), 1, "weights")).causes
    assert word in cause.cause
    assert "--prove-determinism" in cause.test


def test_another_path_is_suspected_before_what_no_record_holds() -> None:
    """A fast path computes otherwise: where only weights part, it is what is named."""
    fast = trained(settings=msgspec.structs.replace(trained().settings, fast="same-stream"))
    epochs = tuple(
        msgspec.structs.replace(each, digests=each.digests | {"weights": "0" * 64}) for each in fast.epochs
    )
    found = part(trained(), msgspec.structs.replace(fast, epochs=epochs))
    assert "--fast nothing and same-stream" in found.causes[0].cause


def test_a_prefix_is_compared_as_far_as_it_went() -> None:
    """A run that was stopped after its first epochs is one side like another, and is said to be."""
    first = trained(epochs=trained().epochs[:1], result=Stopped(epochs=1, of=16.0, reason="asked for"))
    found = part(first, trained())
    assert found.a.state == "stopped"
    assert "A is stopped: compared as far as both went, 1 epoch" in found.notes

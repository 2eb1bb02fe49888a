"""Why a run is not identical: likely causes with their evidence, and what would test each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from packaging.version import InvalidVersion, Version

from repro.comparison.curve import Curve
from repro.comparison.streams import letter
from repro.facts.defaults import defaults
from repro.facts.streams import LONGEST_VERSION
from repro.records.comparison import REPRODUCED, Cause, Comparison
from repro.records.environment import Deviation
from repro.records.run import Run

# Deviations by what they can explain. Other data or weights are another training; then the software, then
# what only moves last digits.
_ANOTHER_TRAINING = ("data", "model", "seed")
# Causes of their own, with more to say than the deviation has.
_TOLD = ("random stream", "optimizer")
_SOFTWARE = ("transformers", "torch", "datasets", "tokenizers")
_TESTS = {
    "data": "repro run {case} with the pinned data file",
    "model": "repro run {case} with the pinned model",
    **dict.fromkeys(_SOFTWARE, "repro run {case}, in the documented versions"),
    "seed": "repro run {case}, with the documented seed",
    "fast same-stream": "repro run {case}, without --fast",
    "fast modern": "repro run {case}, without --fast",
    "device": "the same run on the hardware of the published one",
    "threads": "the same run with as many threads as the published one",
    "instruction set": "the same run on a processor with that instruction set",
}

# What moved a random stream to the next.
_MOVED = {
    ("A", "B"): "transformers 4.31 gave the sampler the global random state (pull request 24028)",
    ("B", "C"): "transformers 4.38, or accelerate 0.25, seeds the sampler anew each epoch (transformers "
    "pull request 28664, accelerate 2110)",
    ("A", "C"): "transformers 4.31 to 4.38 changed the sampler twice (pull requests 24028 and 28664)",
}
_SAMPLER = "torch 1.11 changed the sampler's order from epoch 2 on"

# The first release with another attention, by the words of a base model's name.
_ATTENTION = (
    ("distilbert", Version("4.46.3"), "4.40.2"),
    ("bert", Version("4.41.2"), "4.40.2"),
)
_ACCUMULATION = Version("4.46")  # pull requests 34191, 34263, 35438 and 37766
# Tasks whose head is made new: most scripts make it before the Trainer seeds (transformers 9903, 11965).
_NEW_HEAD = ("classification", "question-answering", "multiple-choice", "regression")


def likely_causes(
    comparison: Comparison, published: Curve, measured: Curve, run: Run | None = None
) -> tuple[Cause, ...]:
    """List what may explain a difference, most telling first; nothing where the values are identical.

    Args:
        comparison: What the comparison says so far.
        published: The published curve.
        measured: The measured one.
        run: The run's record, where one was compared.
    """
    if comparison.verdict == "identical":
        return ()
    return tuple(_causes(comparison, published, measured, run))


def _causes(comparison: Comparison, published: Curve, measured: Curve, run: Run | None) -> Iterator[Cause]:
    again = f"repro run {run.case.name}" if run is not None else "a run"
    deviations = run.deviations if run is not None else ()
    yield from _suspect_table(comparison, run)
    yield from other_size(published, measured)
    if not any(each.what == "seed" for each in deviations):
        yield from _other_seed(published, measured, again)
    # A stream that curves or versions tell explains more than the deviation of the version that brought it.
    another = [each for each in deviations if each.what in _ANOTHER_TRAINING]
    if comparison.stream.match == "different" and not _differ(published.seed, measured.seed):
        yield _other_stream(comparison, published, measured, again)
    yield from _stated(another, again)
    yield from other_defaults(published.versions, measured.versions, run, again)
    yield from _new_head(comparison, run, again)
    told = (*_ANOTHER_TRAINING, *_TOLD)
    yield from _stated([each for each in deviations if each.what not in told], again)
    if comparison.verdict in REPRODUCED and comparison.verdict != "identical":
        yield _noise(comparison, again)


def _suspect_table(comparison: Comparison, run: Run | None) -> Iterator[Cause]:
    for reading in comparison.readings:
        better = reading.reproduced and not comparison.reproduced
        yield Cause(
            cause=f"the published table: {reading.reading}",
            evidence=f"read that way the run is {reading.verdict}"
            + ("" if better else f" too: {reading.reason}"),
            test=f"repro audit {run.case.name if run is not None else 'CARD'} --select {reading.rule}, "
            "and the training log of the published run",
        )


def other_size(published: Curve, measured: Curve) -> Iterator[Cause]:
    """Yield another number of steps an epoch, where two curves have one."""
    theirs, ours = _steps_an_epoch(published), _steps_an_epoch(measured)
    if theirs is None or ours is None or abs(theirs - ours) < 0.5:
        return
    yield Cause(
        cause=f"another amount of data, or another batch: {ours:g} steps an epoch instead of {theirs:g}",
        evidence="steps and epochs of the two curves",
        test="the same number of training examples, batch size, devices and accumulation steps",
    )


def _steps_an_epoch(curve: Curve) -> float | None:
    for point in reversed(curve.points):
        if point.step is not None and point.epoch is not None and point.epoch > 0:
            return point.step / point.epoch
    return None


def _other_seed(published: Curve, measured: Curve, again: str) -> Iterator[Cause]:
    if _differ(published.seed, measured.seed):
        yield Cause(
            cause=f"seed: {measured.seed} instead of {published.seed}: other data order, masks and dropout",
            evidence="the seeds that the two state",
            test=f"{again}, with seed {published.seed}",
        )


def _differ(one: int | None, other: int | None) -> bool:
    return one is not None and other is not None and one != other


def _other_stream(comparison: Comparison, published: Curve, measured: Curve, again: str) -> Cause:
    theirs, ours = letter(published), letter(measured)
    moved = what_moved(theirs, ours)
    names = {published.stream, measured.stream} - {None}
    wanted = f" --stream {theirs}" if theirs in ("B", "C") and again.startswith("repro") and names else ""
    return Cause(
        cause="another random stream: other data order and other masks under the same seed",
        evidence=f"{comparison.stream.reason}{f'; {moved}' if moved else ''}",
        test=f"{again}{wanted}, in the documented versions",
    )


def what_moved(one: str | None, other: str | None) -> str:
    """Say what moved the random stream between two letters; for twice `A` what parts A1 from A2."""
    if one is None or other is None:
        return ""
    return _MOVED.get((min(one, other), max(one, other)), _SAMPLER if one == other == "A" else "")


def other_defaults(
    theirs: Mapping[str, str], ours: Mapping[str, str], run: Run | None, again: str
) -> Iterator[Cause]:
    """Yield what changed in transformers between the two releases without a card showing it."""
    before, after = _version(theirs.get("transformers")), _version(ours.get("transformers"))
    if before is None or after is None or before == after:
        return
    between = f"transformers {theirs['transformers']} and {ours['transformers']}"
    first, second = (_optimizer(versions) for versions in (theirs, ours))
    if first is not None and second is not None and first != second:
        yield Cause(
            cause=f"the default optimizer: {second} instead of {first}",
            evidence=f"it changed between {between}, and a card of before 4.46 does not say which it was",
            test=f'{again}, in the documented versions, or with optim="{first}"',
        )
    model = (run.case.model if run is not None else "").lower()
    low, high = min(before, after), max(before, after)
    for word, since, last in _ATTENTION:
        if word in model:
            if low < since <= high:
                yield Cause(
                    cause="the attention: scaled_dot_product_attention on one side only",
                    evidence=f"{word} has it from about {since} on ({last} not), between {between}",
                    test=f'{again}, in the documented versions, or with attn_implementation="eager"',
                )
            break
    accumulates = run is not None and run.arguments.get("gradient_accumulation_steps", 1) not in (1, None)
    if accumulates and low < _ACCUMULATION <= high:
        yield Cause(
            cause="the training loss under gradient accumulation is reported otherwise",
            evidence=f"about transformers 4.46 to 4.47 (pull requests 34191 and 35438), between {between}",
            test="compare the validation losses alone",
        )


def _optimizer(versions: Mapping[str, str]) -> str | None:
    known = defaults(versions["transformers"], versions.get("torch"))
    return None if known is None else known.optimizer


def _version(text: str | None) -> Version | None:
    if text is None or len(text) > LONGEST_VERSION:
        return None
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _new_head(comparison: Comparison, run: Run | None, again: str) -> Iterator[Cause]:
    task = (run.case.claims.task or "") if run is not None else ""
    if comparison.verdict == "matching" or not any(word in task for word in _NEW_HEAD):
        return
    yield Cause(
        cause="the new head's weights: the documented seed may not cover them",
        evidence="the Trainer seeds in its constructor, after most scripts have made the model "
        "(transformers issues 9903 and 11965)",
        test=f"{again}, with set_seed before from_pretrained",
    )


def _stated(deviations: list[Deviation], again: str) -> Iterator[Cause]:
    order = list(_TESTS)
    for each in sorted(
        deviations, key=lambda one: order.index(one.what) if one.what in order else len(order)
    ):
        test = _TESTS.get(each.what, "repro run {case} without this deviation")
        yield Cause(
            cause=f"{each.what}: {each.actual} instead of {each.published}",
            evidence=each.reason,
            test=test.format(case=again.removeprefix("repro run ")),
        )


def _noise(comparison: Comparison, again: str) -> Cause:
    rows = [row for metric in comparison.metrics.values() for row in metric.rows if row.within is not None]
    shares = [abs(row.difference) / row.bound for row in rows if row.difference is not None and row.bound > 0]
    from_replicates = any(metric.bound_source == "replicates" for metric in comparison.metrics.values())
    source = "the noise of the replicates" if from_replicates else "the assumed bound"
    return Cause(
        cause="noise alone",
        evidence=f"every difference is within {source}, the largest at {max(shares, default=0.0):.0%} of it",
        test=f"{again}, with other seeds: their spread is the noise",
    )

"""Why a run is not identical: likely causes with their evidence, and what would test each."""

from __future__ import annotations

from collections.abc import Iterator

from repro.records.comparison import Cause, Stream, Verdict
from repro.records.run import Run

# What is recorded as a deviation, and the run that would show whether it matters; most telling first.
_TESTS = {
    "data": "repro run {case} with the pinned data file",
    "model": "repro run {case} with the pinned model",
    **dict.fromkeys(
        ("transformers", "torch", "datasets", "tokenizers"), "repro run {case}, in the documented versions"
    ),
    "seed": "repro run {case}, with the documented seed",
    "device": "the same run on the hardware of the published one",
    "threads": "the same run with as many threads as the published one",
    "instruction set": "the same run on a processor with that instruction set",
}


def likely_causes(run: Run, verdict: Verdict, stream: Stream) -> tuple[Cause, ...]:
    """List what may explain a difference, most telling first; nothing where the values are identical."""
    return () if verdict == "identical" else tuple(_causes(run, stream))


def _causes(run: Run, stream: Stream) -> Iterator[Cause]:
    case = run.case.name
    if stream.match == "different":
        yield Cause(
            cause="another random stream: other data order and other masks under the same seed",
            evidence=stream.reason,
            test=f"repro run {case}, in the documented versions",
        )
    order = list(_TESTS)
    for deviation in sorted(
        run.deviations, key=lambda each: order.index(each.what) if each.what in order else len(order)
    ):
        test = _TESTS.get(deviation.what, "repro run {case} without this deviation")
        yield Cause(
            cause=f"{deviation.what}: {deviation.actual} instead of {deviation.published}",
            evidence=deviation.reason,
            test=test.format(case=case),
        )

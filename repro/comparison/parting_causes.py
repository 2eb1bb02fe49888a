"""What may have parted two runs: known causes, by what they differ in and by what parts first."""

from __future__ import annotations

from collections.abc import Iterator

from repro.comparison.causes import other_defaults, other_size, what_moved
from repro.comparison.curve import of_run
from repro.records.comparison import Cause
from repro.records.difference import Difference, Differing
from repro.records.run import Run

_DIGITS_ONLY = (
    "sums are split and rounded otherwise: on a CPU that moves digests and digits that are not printed"
)
_NAMED_PACKAGES = 4


def suggest(a: Run, b: Run, found: Difference) -> Iterator[Cause]:
    """Yield what may have parted two runs, most telling first.

    Args:
        a: A run.
        b: Another.
        found: Where they part, and what differs in what they were asked for.
    """
    assert found.first is not None  # noqa: S101 - they part
    differing = {(aspect.name, each.what): each for aspect in found.aspects for each in aspect.differing}
    same_order = "data_order" in found.first.same
    again = f"`repro run {a.case.name}`"
    causes = [
        *_another_training(differing, again),
        *other_size(of_run(a), of_run(b)),
        *([] if same_order else _order(a, b, differing, found)),
        *_arguments(differing),
        *other_defaults(a.environment.packages, b.environment.packages, a, again),
        *_kernels(differing, found),
        *_case(differing),
        *_packages(differing),
    ]
    yield from causes or [_nothing_recorded(a)]


_Differing = dict[tuple[str, str], Differing]


def _another_training(differing: _Differing, again: str) -> Iterator[Cause]:
    """Yield other data, weights or seed: no equality is to be had with these."""
    for aspect, what, name in (
        ("data", "git_blob", "the data"),
        ("settings", "model", "the starting weights handed over"),
        ("case", "model", "the starting weights"),
        ("settings", "seed", "the seed"),
        ("settings", "rehearse", "the steps of the rehearsal"),
    ):
        if (each := differing.get((aspect, what))) is not None:
            yield Cause(
                cause=f"{name}: {_both(each)}",
                evidence=f"{aspect} of the two records",
                test=f"{again} twice with the same",
            )


def _case(differing: _Differing) -> Iterator[Cause]:
    """Yield the case's files, of which a record has only the digest."""
    if ("case", "files") in differing and not any(aspect == "data" for aspect, _ in differing):
        yield Cause(
            cause="the case: its files are not the same",
            evidence="their SHA-256: a recipe, a tokenizer or how the data are built may be another",
            test="both with one case folder",
        )


def _order(a: Run, b: Run, differing: _Differing, found: Difference) -> Iterator[Cause]:
    """Yield what gives another data order under one seed."""
    stream = differing.get(("environment", "stream"))
    if stream is not None and stream.a and stream.b:
        moved = what_moved(stream.a[0], stream.b[0])
        yield Cause(
            cause=f"the random stream: {_both(stream)}: another data order under the same seed",
            evidence=moved or "their versions",
            test="both with the versions of one of them, accelerate and torch included",
        )
    devices = {run.device.kind for run in (a, b) if run.device is not None}
    letter = a.environment.stream == b.environment.stream == "B"
    if letter and len(devices) > 1 and found.first is not None and found.first.epoch > 1:
        yield Cause(
            cause="stream B on two kinds of device",
            evidence="its data order from epoch 2 on depends on what dropout drew from the CPU's stream",
            test="both on one kind of device",
        )


def _arguments(differing: _Differing) -> Iterator[Cause]:
    found = [each for (aspect, _), each in differing.items() if aspect == "arguments"]
    if found:
        named = [f"{_short(each.what)} {_both(each)}" for each in found[:_NAMED_PACKAGES]]
        yield Cause(
            cause=f"training arguments: {_listed(named, len(found))}",
            evidence="arguments of the two records",
            test="both with the same arguments",
        )


def _kernels(differing: _Differing, found: Difference) -> Iterator[Cause]:
    """Yield what rounds otherwise: it leaves the data order as it is."""
    named = [
        f"{name} {_both(each)}"
        for aspect, what, name in (
            ("device", "kind", "device"),
            ("packages", "torch", "torch"),
            ("device", "capability", "instruction set"),
            ("device", "threads", "threads"),
            ("device", "name", "processor"),
            ("device", "driver", "driver"),
            ("settings", "determinism", "determinism"),
            ("settings", "fast", "--fast"),
        )
        if (each := differing.get((aspect, what))) is not None
    ]
    if named:
        printed = "" if found.printed_part is not None else "; here all losses are the same as printed"
        yield Cause(
            cause=f"other arithmetic: {', '.join(named)}",
            evidence=f"{_DIGITS_ONLY}{printed}",
            test="both with as many threads on one kind of processor or GPU: only there digests compare",
        )


def _packages(differing: _Differing) -> Iterator[Cause]:
    named = [
        f"{_short(what)} {_both(each)}"
        for (aspect, what), each in differing.items()
        if aspect == "packages" and what not in ("torch", "transformers")
    ]
    if named:
        yield Cause(
            cause=f"other packages: {_listed(named[:_NAMED_PACKAGES], len(named))}",
            evidence="packages of the two records",
            test="both with one environment.lock",
        )


def _nothing_recorded(a: Run) -> Cause:
    gpu = a.device is not None and a.device.kind != "cpu"
    return Cause(
        cause="the training itself is not repeatable there" if gpu else "something that no record holds",
        evidence="nothing that is recorded differs; "
        + (
            "many of a GPU's kernels add in an order that changes"
            if gpu
            else "on a CPU two runs should be equal"
        ),
        test=f"`repro run {a.case.name} --prove-determinism`, and with `--determinism strict`",
    )


def _both(each: Differing) -> str:
    return f"{_short(each.a)} and {_short(each.b)}"


def _short(text: str | None) -> str:
    text = "nothing" if text is None else text
    return text if len(text) <= 40 else f"{text[:12]}…"


def _listed(named: list[str], count: int) -> str:
    more = count - len(named)
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")

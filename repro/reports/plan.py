"""A plan in words, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator

from repro.environments.disk import gigabytes
from repro.records.plan import Disk, Lengths, Memory, Plan
from repro.records.run import Timing
from repro.records.span import Span
from repro.reports.formats import count, duration, line

_PREFIXES = ("", "k", "M", "G", "T", "P", "E", "Z")


def plan_in_words(plan: Plan) -> Iterator[str]:
    """Yield the lines that `repro plan` prints."""
    steps, times, compute = plan.steps, plan.times, plan.compute
    device = plan.device
    threads = f", {_many(device.threads, 'thread')}" if device.kind == "cpu" else ""
    yield _row(
        "device", f"{device.kind} ({line(device.name)}{threads}); {times.measured_steps} steps measured"
    )
    for each in plan.stand_ins:
        yield _row("stand-in", line(each))
    whole = f"{count(steps.whole)} in {steps.epochs:g} epochs of {count(steps.an_epoch)}"
    if steps.planned < steps.whole:
        whole = f"the first {count(steps.planned)} of {whole}"
    evaluations, checkpoints = _many(steps.evaluations, "evaluation"), _many(steps.checkpoints, "checkpoint")
    yield _row("steps", f"{whole}; {evaluations}, {checkpoints}")
    yield _row("training set", _lengths(plan.train, plan.sequence_length))
    yield _row("evaluation set", _lengths(plan.evaluation, plan.sequence_length))
    yield _row(
        "model",
        f"{_si(compute.parameters)} parameters; {_si(compute.step)}FLOP a step, "
        f"{_si(compute.training + compute.evaluation)}FLOP in all, {_si(compute.per_second)}FLOP/s measured",
    )
    yield _row("memory", _memory(plan.memory))
    if plan.disk is not None:
        yield _row("disk", _disk(plan.disk))
    yield _row("start-up", _span(times.start_up))
    yield _row("training", _span(times.training))
    for name, span in (
        ("steps", times.steps),
        ("evaluation", times.evaluation),
        ("digests", times.digests),
        ("checkpoints", times.checkpoints),
    ):
        if span.estimate:
            yield _row(f"  {name}", _span(span))
    yield _row("in all", _span(times.whole))
    for each in plan.warnings:
        yield f"warning: {line(each)}"


def against_plan(timing: Timing) -> str:
    """Return what a training took against what was planned; nothing where nobody planned it."""
    planned, took = timing.planned, timing.training_seconds
    if planned is None or planned.estimate <= 0 or took <= 0:
        return ""
    share = round(100 * (took / planned.estimate - 1))
    off = "as planned" if share == 0 else f"{abs(share)} % {'more' if share > 0 else 'less'}"
    where = "inside" if planned.low <= took <= planned.high else "outside"
    return f"planned {_span(planned)}; it took {duration(took)}, {off}, {where} the range"


def _row(name: str, text: str) -> str:
    return f"{name:<15} {text}"


def _lengths(of: Lengths, sequence_length: int) -> str:
    spread = f"{of.maximum} tokens"
    if of.minimum < of.maximum:
        spread = f"{of.minimum} to {of.maximum} tokens (median {of.median:g}, 95 % at most {of.p95})"
    return (
        f"{count(of.examples)} examples of {spread}; "
        f"padding {_percent(of.padding)}, {_percent(of.padding_if_fixed)} if all had {sequence_length}"
    )


def _memory(of: Memory) -> str:
    if of.peak is None:
        return "this system does not say"
    parts = {
        "weights": of.weights,
        "gradients": of.gradients,
        "optimizer": of.optimizer,
        "activations": of.activations,
        "program": of.program,
    }
    said = ", ".join(f"{name} {gigabytes(size)}" for name, size in parts.items() if size)
    there = "" if of.available is None else f"; {gigabytes(of.available)} available"
    return f"{gigabytes(of.peak)} at most ({said}){there}"


def _disk(of: Disk) -> str:
    checkpoints = f"checkpoints {gigabytes(of.checkpoints)}" if of.checkpoints else "no checkpoints"
    environment = ""
    if of.environment is not None:
        how = f"{gigabytes(of.download)} downloaded" if of.download else "built already"
        environment = f"; environment {gigabytes(of.environment)}, {how}"
    return f"{checkpoints}, outputs {gigabytes(of.outputs)}; {gigabytes(of.free)} free{environment}"


def _span(span: Span) -> str:
    return f"{duration(span.estimate)} ({duration(span.low)} to {duration(span.high)})"


def _many(number: int, what: str) -> str:
    return f"{count(number) if number else 'no'} {what}{'' if number == 1 else 's'}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _si(number: float) -> str:
    """Return a number with three digits and a prefix: `2.61 T`."""
    at = 0
    while number >= 999.5 and at < len(_PREFIXES) - 1:
        number, at = number / 1000, at + 1
    return f"{number:.3g} {_PREFIXES[at]}"

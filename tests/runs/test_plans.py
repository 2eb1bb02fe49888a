"""Plans that are kept, and runs that are held against them."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from repro.records.codec import load
from repro.records.plan import (
    Compute,
    Lengths,
    Memory,
    Plan,
    PlannedSteps,
    Times,
)
from repro.records.run import Run, Timing
from repro.records.span import Span
from repro.reports.plan import against_plan, plan_in_words
from repro.runs import plans

EXAMPLE = next((Path(__file__).parents[2] / "reports").glob("example/**/run.json"))
SPAN = Span(estimate=100.0, low=90.0, high=110.0)
NONE = Span(estimate=0.0, low=0.0, high=0.0)
LENGTHS = Lengths(examples=1, minimum=1, median=1, mean=1, p95=1, maximum=1, padding=0, padding_if_fixed=0)


def plan_of(run: Run) -> Plan:
    """A plan of a run, on the device that the run had."""
    assert run.device is not None
    return Plan(
        case=run.case.name,
        run=run.id,
        made="2026-01-01T00:00:00Z",
        settings=run.settings,
        device=run.device,
        steps=PlannedSteps(epochs=1, an_epoch=1, whole=1, planned=1, evaluations=1, checkpoints=1),
        sequence_length=1,
        train=LENGTHS,
        evaluation=LENGTHS,
        compute=Compute(
            parameters=1, multiplied=1, layers=1, hidden_size=1, step=1, training=1, evaluation=1,
            per_second=1,
        ),
        memory=Memory(
            peak=1, program=1, weights=1, gradients=1, optimizer=1, activations=1, available=1
        ),
        times=Times(
            measured_steps=4,
            first_step=1.0,
            environment=0.0,
            start_up=NONE,
            steps=SPAN,
            evaluation=NONE,
            digests=NONE,
            checkpoints=NONE,
            training=SPAN,
            whole=SPAN,
        ),
    )  # fmt: skip


def kept(run: Run) -> Run:
    """Keep a plan of the run; return the run held against it."""
    plans.keep(plan_of(run), run.case.digest, run.environment.lock_sha256)
    return plans.with_plan(run)


def test_a_run_is_held_against_the_plan_of_its_case_and_settings(cache: Path) -> None:
    """A kept plan goes into the record of the run that it was made for and of its replicates alone."""
    run = load(EXAMPLE, Run)
    assert plans.with_plan(run).timing.planned is None
    assert kept(run).timing.planned == SPAN
    replicate = replace(run, settings=replace(run.settings, seed=run.settings.seed + 1))
    assert plans.with_plan(replicate).timing.planned == SPAN
    assert run.device is not None
    for other in (
        replace(run, settings=replace(run.settings, rehearse=20)),
        replace(run, case=replace(run.case, digest="another")),
        replace(run, environment=replace(run.environment, lock_sha256="another")),
        replace(run, device=replace(run.device, threads=99)),
    ):
        assert plans.with_plan(other).timing.planned is None


def test_a_broken_plan_is_none(cache: Path) -> None:
    """A kept plan that cannot be read, as of another release, never stops a run."""
    run = kept(load(EXAMPLE, Run))
    (file,) = (cache / "plans").iterdir()
    file.write_text('{"schema": "repro.plan/9"}')
    assert plans.with_plan(replace(run, timing=Timing())).timing.planned is None


def test_what_it_took_against_what_was_planned() -> None:
    """The report says how far off the plan was, and whether the stated range held; without a plan nothing."""
    assert against_plan(Timing(training_seconds=104.0)) == ""
    assert "4 % more, inside the range" in against_plan(Timing(training_seconds=104.0, planned=SPAN))
    assert "25 % less, outside the range" in against_plan(Timing(training_seconds=75.0, planned=SPAN))
    assert "as planned" in against_plan(Timing(training_seconds=100.2, planned=SPAN))


def test_a_plan_in_words() -> None:
    """The lines name stand-ins and warnings, with nothing in them that acts on a terminal."""
    plan = plan_of(load(EXAMPLE, Run))
    lines = list(
        plan_in_words(replace(plan, stand_ins=("model: \x1b[31mred",), warnings=("memory is tight\n",)))
    )
    assert not any("\x1b" in each or "\n" in each for each in lines)
    assert any(each.startswith("stand-in") and "red" in each for each in lines)
    assert lines[-1] == "warning: memory is tight"
    assert any(each.startswith("training ") and "1 min 40 s" in each for each in lines)

"""The record of a run, put together from what was asked for and what the events say so far."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from repro.records.case import Hardware
from repro.records.run import DataSizes, Result, Run
from repro.runs.deviations import fast_deviation, observed_deviations
from repro.runs.state import RunState


@dataclass(frozen=True)
class DataSource:
    """The data file's git blob id, and where it comes from in words."""

    git_blob: str
    origin: str


def run_so_far(
    begun: Run, state: RunState, result: Result | None, *, hardware: Hardware | None, data: DataSource
) -> Run:
    """Return the record as of now.

    Args:
        begun: The record before the worker's first event.
        state: What the events say.
        result: How it ended; None while it is under way or can be gone on with.
        hardware: What the published run ran on, or None where nobody says.
        data: Where the data come from.
    """
    run = replace(
        begun,
        epochs=state.epochs,
        resumes=state.resumes,
        result=result,
        timing=replace(begun.timing, training_seconds=round(state.seconds, 3)),
    )
    if (started := state.started) is not None:
        known = {each.what for each in begun.deviations}
        seen = observed_deviations(
            begun.case.claims, hardware, begun.settings, started, arguments=begun.arguments
        )
        run = replace(
            run,
            device=started.device,
            determinism=started.determinism,
            environment=replace(begun.environment, packages=started.packages, python=started.python),
            deviations=(*begun.deviations, *(each for each in seen if each.what not in known)),
        )
    if state.fast is not None:
        run = replace(run, deviations=(*run.deviations, fast_deviation(state.fast)))
    if state.data is not None and (training := state.training) is not None:
        sizes = DataSizes(
            train_examples=state.data.train_examples,
            eval_examples=state.data.eval_examples,
            steps_per_epoch=round(training.max_steps / training.epochs),
            git_blob=data.git_blob,
            origin=data.origin,
        )
        run = replace(run, data=sizes)
    return run

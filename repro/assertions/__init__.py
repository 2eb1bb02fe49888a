"""Assertions on one's own training, for any test runner; the pytest plugin adds fixtures and a summary.

from repro.assertions import assert_close_curve, assert_reproduced

assert_reproduced("reports/demo/0123456789ab", at_least="matching")
assert_close_curve(trainer.state.log_history, "README.md", tolerance=0.02)

Importing this costs next to nothing: every pytest run of everybody who has this package installed does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repro.assertions.references import ReferenceFile
    from repro.records.comparison import Comparison, Verdict
    from repro.records.run import Run
    from repro.workflows import Outcome

__all__ = ["assert_close_curve", "assert_reproduced"]

DEFAULT_TOLERANCE = 0.02


@dataclass(frozen=True)
class Checked:
    """What an assertion found, in words, for a summary.

    Attributes:
        verdict: A verdict, `close`, `apart`, or `updated` for a file of reference values.
        what: What was compared.
        detail: The largest difference, or why nothing could be compared.
        where: The run's folder or the file; empty where there is none.
        good: Whether the assertion held.
    """

    verdict: str
    what: str
    detail: str
    where: str = ""
    good: bool = True


#: Who is told what each assertion found; only the last one is, so that a test runner in a test has its own.
listeners: list[Callable[[Checked], None]] = []


def tell(checked: Checked) -> None:
    """Tell the listener, where there is one."""
    if listeners:
        listeners[-1](checked)


@contextmanager
def _with_hint() -> Iterator[None]:
    """Let a traceback show the hint of an error, too."""
    from repro.errors import ReproError

    try:
        yield
    except ReproError as error:
        error.add_note(f"hint: {error.hint}")
        raise


def assert_reproduced(
    run: Outcome | Comparison | Run | str | Path, at_least: Verdict = "consistent", *, prefix: bool = False
) -> Comparison:
    """Assert that a run came out as published.

    Args:
        run: What `repro_run` or `workflows.run` returned, a run's record, its comparison, or its folder.
        at_least: The worst verdict that is accepted: `identical`, `matching`, `consistent`, …
        prefix: Accept a verdict on the first epochs (`--until-epoch`), too.

    Returns:
        The comparison.

    Raises:
        AssertionError: The verdict is worse: verdict and reason, the tables, the worst row, likely causes.
        BadInput: No such run or verdict, or the run is not finished.
    """
    __tracebackhide__ = True  # pytest shows the caller's line, not ours
    from repro.assertions.outcomes import judged, problem_with

    with _with_hint():
        seen = judged(run)
        problem = problem_with(seen, at_least, prefix=prefix)
    tell(seen.checked(good=not problem))
    if problem:
        raise AssertionError(problem)
    return seen.comparison


def assert_close_curve(
    measured: Any,
    published: Any | ReferenceFile,
    tolerance: float | Mapping[str, float] = DEFAULT_TOLERANCE,
    metric: str | Sequence[str] | None = None,
) -> None:
    """Assert that a measured curve lies within a tolerance of a published one, point by point.

    Curves are matched by step where both have steps, else by epoch where both have epochs, else by place. Two
    values that are not finite in the same way agree. What is read from text may differ by half a unit of the
    last printed digit more.

    Args:
        measured: Numbers; a mapping of step (or, with float keys, epoch) to number, or of metric to such a
            curve; a `log_history` or what has one; a run; or a file or folder: `trainer_state.json`, a run,
            a card, a CSV table.
        published: As `measured`, or a file of references (`repro_reference` in pytest).
        tolerance: The largest |measured - published|, or one for each metric.
        metric: What to compare; by default the metrics that a mapping or a file of references names, else
            `validation_loss`. `eval_loss` and `loss` are understood as a Trainer means them.

    Raises:
        AssertionError: A value lies outside or is missing: the table, the worst row, likely causes.
        BadInput: Something is no curve, or no tolerance.
    """
    __tracebackhide__ = True
    from repro.assertions.closeness import compare_curves

    with _with_hint():
        problem, checked = compare_curves(measured, published, tolerance, metric)
    tell(checked)
    if problem:
        raise AssertionError(problem)

"""What a person sees: progress and questions on standard error, results on standard output."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from repro.cli.options import shared
from repro.errors import BadInput, Interrupted
from repro.records.codec import to_json
from repro.records.comparison import REPRODUCED, ComparedRow, Comparison, Metric, Prefix
from repro.records.environment import Deviation
from repro.records.event import AnyEvent, EpochEnded, Started, TrainingBegan
from repro.reports.formats import (
    MISSING,
    bound,
    difference,
    duration,
    epoch,
    line,
    loss,
    metric_title,
    prefix_words,
    so_far,
)
from repro.reports.plan import against_plan
from repro.runs.gpus import ways_out
from repro.runs.pace import Pace
from repro.runs.state import RunState
from repro.workflows import Outcome

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_PLAIN_EVERY_SECONDS = 30.0
_CAUSES_SHOWN = 3


def emit(text: str) -> None:
    """Print one result on standard output."""
    sys.stdout.write(text + "\n")


def say(text: str) -> None:
    """Print one line of talk on standard error, with nothing in it that acts on a terminal."""
    sys.stderr.write(line(text) + "\n")
    sys.stderr.flush()


def print_error(error: BaseException, message: str, hint: str, code: int) -> None:
    """Print an error: two lines on standard error, a document on standard output under `--json`."""
    if shared.verbose:
        import traceback

        traceback.print_exception(error)
    if shared.json:
        body = {"schema": "repro.error/1", "error": message, "hint": hint, "exit_code": code}
        emit(to_json(body, indent=0 if shared.lines else 2))
    word = "stopped" if isinstance(error, Interrupted | KeyboardInterrupt) else "error"
    say(message if message.startswith(word) else f"{word}: {message}")
    if hint:
        say(f"hint: {hint}")


def ask_removal(question: str, *, unasked: str, hint: str) -> None:
    """Ask before something is removed; Enter is a no.

    Args:
        question: What is removed.
        unasked: What to say where nobody can answer.
        hint: How to say yes beforehand.

    Raises:
        BadInput: Nobody can answer.
        Interrupted: The answer was no.
    """
    if not can_ask():
        raise BadInput(unasked, hint)
    say(question)
    sys.stderr.write("go on? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Interrupted("nothing was removed")


def can_ask() -> bool:
    """Whether somebody sits at a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


class Console:
    """The observer of the command: a live bar on a terminal, plain lines elsewhere.

    Args:
        yes: Answer every question with yes.
    """

    def __init__(self, *, yes: bool) -> None:
        self._yes = yes
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._said = time.monotonic()
        self._pace = Pace()
        self._live = sys.stderr.isatty()

    def say(self, text: str) -> None:
        """Print one line, above the bar where there is one."""
        if self._progress is not None:
            self._progress.console.print(line(text), markup=False, highlight=False)
        else:
            say(text)

    def confirm(self, text: str) -> bool:
        """State it, and ask where somebody can answer."""
        self.say(text)
        if self._yes or not can_ask():
            return True
        sys.stderr.write("go on? [Y/n] ")
        sys.stderr.flush()
        answer = sys.stdin.readline()
        # Enter is yes; the end of the input is not.
        return answer != "" and answer.strip().lower() in ("", "y", "yes")

    def event(self, event: AnyEvent, state: RunState) -> None:
        """Draw what happened; redrawn at most four times a second, because the training needs the cores."""
        if isinstance(event, Started) and event.unused_gpu:
            self.say(f"{event.device_reason}: training on the CPU")
            self.say(f"hint: {ways_out(event.packages.get('torch', ''), event.unused_gpu)}")
        self._pace.take(event)
        if state.training is None:
            return
        if isinstance(event, TrainingBegan):
            self._begin(state, event)
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=state.step, state=self._so_far(state))
        elif time.monotonic() - self._said > _PLAIN_EVERY_SECONDS:
            self._said = time.monotonic()
            self.say(f"step {state.step} of {state.training.last_step}, {self._so_far(state)}")

    def measured(self, epoch: EpochEnded, comparison: Comparison) -> None:
        """Print what an epoch measured, with the published values and a mark where it lies outside."""
        self.say(epoch_line(epoch, comparison))
        self._said = time.monotonic()

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _begin(self, state: RunState, event: TrainingBegan) -> None:
        data = state.data
        size = (
            "" if data is None else f" on {data.train_examples} examples, evaluated on {data.eval_examples}"
        )
        whole = f"{event.max_steps} steps in {event.epochs:g} epochs"
        if event.last_step < event.max_steps:
            whole = f"the first {event.last_step} of {whole}"
        self.say(f"training {whole}{size}")
        if event.stop_after is None:
            self.say("published values stand in brackets")
        if not self._live:
            return
        from rich.console import Console as RichConsole
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._progress = Progress(
            MofNCompleteColumn(),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[state]}"),
            console=RichConsole(stderr=True),
            refresh_per_second=4,
            transient=True,
            expand=True,
        )
        self._progress.start()
        self._task = self._progress.add_task(
            "", total=event.last_step, completed=event.resumed_from, state=self._so_far(state)
        )

    def _so_far(self, state: RunState) -> str:
        """Return epoch, loss, pace and time left, what is not known yet left out."""
        seconds, samples = self._pace.seconds_left(state), self._pace.samples_a_second
        parts = [f"epoch {_epoch(state)}"]
        if state.loss is not None:
            parts.append(f"loss {loss(state.loss)}")
        if samples is not None:
            parts.append(f"{samples:.3g} samples/s" if samples < 100 else f"{samples:.0f} samples/s")
        parts.append("measuring the pace" if seconds is None else f"{duration(max(1.0, seconds))} left")
        return ", ".join(parts)


def _epoch(state: RunState) -> str:
    assert state.training is not None  # noqa: S101 - said only while training
    done = state.step / state.training.max_steps * state.training.epochs
    return f"{done:.1f}/{state.training.epochs:g}"


def epoch_line(event: EpochEnded, comparison: Comparison) -> str:
    """Return what an epoch measured, the published values in brackets: `… loss 3.7257 (3.7300, OUTSIDE)`."""
    parts = []
    for name, value in (("training_loss", event.training_loss), ("validation_loss", event.validation_loss)):
        metric = comparison.metrics.get(name)
        last = [row for row in metric.rows if row.measured is not None][-1:] if metric is not None else []
        published = "".join(
            f" ({line(row.published)}{'' if row.within is not False else ', OUTSIDE'})"
            for row in last
            if row.published is not None and row.measured == value
        )
        parts.append(f"{name.replace('_', ' ')} {loss(value)}{published}")
    return f"epoch {epoch(event.epoch)}: {', '.join(parts)}"


def print_comparison(deviations: Iterable[Deviation], comparison: Comparison) -> None:
    """Print the table of every metric and the verdict."""
    for name, metric in comparison.metrics.items():
        emit(_table(name, metric))
    print_deviations(deviations)
    for each in comparison.replicates.left_out:
        emit(line(f"replicate left out: {each.name}: {each.reason}"))
    for note in comparison.notes:
        emit(line(f"note: {note}"))
    if not comparison.as_published and not comparison.rehearsal:
        for cause in comparison.causes[:_CAUSES_SHOWN]:
            emit(line(f"likely cause: {cause.cause} ({cause.evidence}); to test it: {cause.test}"))
    emit(line(f"verdict: {comparison.verdict} ({_in_words(comparison)})"))
    emit(line(comparison.reason))
    for reading in comparison.readings:
        word = _judged(reading.verdict in REPRODUCED, comparison.prefix)
        emit(line(f"in the other reading: {reading.verdict} ({word}): {reading.reason}"))


def print_deviations(deviations: Iterable[Deviation]) -> None:
    """Print a line for each deviation."""
    for each in deviations:
        emit(line(f"deviation: {each.what}: {each.actual} instead of {each.published} ({each.reason})"))


def _in_words(comparison: Comparison) -> str:
    if comparison.rehearsal:
        return "a rehearsal, not a reproduction"
    return _judged(comparison.as_published, comparison.prefix)


def _judged(good: bool, prefix: Prefix | None) -> str:
    if prefix is None:
        return "reproduced" if good else "not reproduced"
    return f"{so_far(good, prefix)}; {prefix_words(prefix)}, not the whole training"


def _table(name: str, metric: Metric) -> str:
    header = ("epoch", "step", "published", "measured", "difference", "bound", "")
    rows = [
        (
            epoch(row.epoch),
            MISSING if row.step is None else str(row.step),
            line(row.published or MISSING),
            loss(row.measured),
            difference(row.difference),
            f"±{bound(row.bound)}",
            _mark(row),
        )
        for row in metric.rows
    ]
    widths = [max(len(row[at]) for row in [header, *rows]) for at in range(len(header))]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [header, *rows]
    ]
    title = f"{metric_title(name)}: {metric.verdict}; bound {metric.bound_source} ({metric.bound_reason})"
    return "\n".join([line(title), *lines, ""])


def _mark(row: ComparedRow) -> str:
    if row.within is None:
        return ""
    if not row.within:
        return "OUTSIDE"
    return "OUT OF BAND" if row.in_band is False else "within"


def print_outcome(outcome: Outcome, *, json: bool) -> None:
    """Print what a run amounts to: the comparison as JSON, or the table and where the report is."""
    proof = outcome.run.determinism_proof
    if json:
        import msgspec

        folder = str(outcome.folder)
        determinism = proof if proof is not None else msgspec.UNSET
        emit(to_json(msgspec.structs.replace(outcome.comparison, folder=folder, determinism=determinism)))
        return
    print_comparison(outcome.run.deviations, outcome.comparison)
    if proof is not None:
        emit(line(f"determinism: {proof.summary}"))
    if planned := against_plan(outcome.run.timing):
        emit(f"training: {planned}")
    emit(f"report: {outcome.folder / 'report.html'}")


def exit_code(comparison: Comparison) -> int:
    """Return 0 as published, be it a prefix, or for a rehearsal that went through, else 1."""
    return 0 if comparison.as_published or comparison.rehearsal else 1

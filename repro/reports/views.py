"""View models: a run and its comparison in words, so that templates decide nothing.

Everything here is text ready to show, except that nothing is escaped: that is the renderer's, in one place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from repro.records.claims import Claims, Table
from repro.records.codec import to_json
from repro.records.comparison import REPRODUCED, ComparedRow, Comparison, Metric, Prefix, Verdict
from repro.records.run import Completed, Failed, Measured, Run, Skipped, Stopped
from repro.reports import formats
from repro.reports.energy import energy_method, energy_used
from repro.reports.evaluations import EvaluationView, evaluation_view
from repro.reports.formats import MISSING
from repro.reports.markdown import front_matter, shell
from repro.reports.metadata import metadata
from repro.reports.plan import against_plan
from repro.reports.plots import Plot, Plots

NOT_STATED = "not stated"
#: Rows shown of a long table; the files beside the report hold all of them.
MOST_ROWS = 200
T = TypeVar("T")

_MEANINGS: dict[Verdict, str] = {
    "identical": "Every value, printed as the generator prints it, is the published one.",
    "matching": "Same random stream, and every difference lies within the noise of that stream.",
    "consistent": "Another random stream or seed, and within what such runs differ by.",
    "different": "The values can be compared, and lie further apart than the bounds allow.",
    "diverged": "One of the curves left the range of sensible losses where the other did not.",
    "incomparable": "The published and measured values do not describe the same thing.",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and what belongs to it; `url` where the value may be followed."""

    label: str
    value: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class VerdictView:
    """The verdict in words.

    Attributes:
        kind: `yes`, `no` or `open`, for the style sheet.
        sign: One character that says the same as the words.
        title: The verdict in two or three words.
        word: The verdict's own name, or nothing where none was reached.
        meaning: What that name stands for.
        reason: The one sentence why.
        hint: What to do about it, where something can be done.
    """

    kind: str
    sign: str
    title: str
    word: str
    meaning: str
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class RowView:
    """One compared epoch; `outside` rows are marked by sign and word."""

    epoch: str
    step: str
    published: str
    measured: str
    difference: str
    bound: str
    sign: str
    mark: str
    outside: bool


@dataclass(frozen=True, slots=True)
class MetricView:
    """One metric's comparison; `omitted` says which rows are not shown, `plots` is None without rows."""

    title: str
    verdict: str
    reason: str
    summary: str
    bound: str
    bound_reason: str
    rows: tuple[RowView, ...]
    omitted: str
    curves: Plot | None
    differences: Plot | None


@dataclass(frozen=True, slots=True)
class TableView:
    """A plain table: every row has as many cells as the header; `omitted` says which rows are not shown."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    omitted: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All that `report.html` and `card.md` show."""

    model: str
    case: str
    title: str
    summary: str
    rehearsal: str
    prefix: str
    verdict: VerdictView
    glance: tuple[Fact, ...]
    metrics: tuple[MetricView, ...]
    stream: str
    causes: TableView
    claims: tuple[Fact, ...]
    published: TableView
    measured: TableView
    remarks: tuple[str, ...]
    deviations: TableView
    assumptions: TableView
    tolerances: TableView
    versions: TableView
    environment: tuple[Fact, ...]
    packages: TableView
    device: tuple[Fact, ...]
    data: tuple[Fact, ...]
    hyperparameters: TableView
    arguments: TableView
    timing: tuple[Fact, ...]
    digests: TableView
    commands: str
    provenance: tuple[Fact, ...]
    evaluations: tuple[EvaluationView, ...]
    front_matter: str


def report(run: Run, comparison: Comparison, plots: Mapping[str, Plots]) -> Report:
    """Put a run and its comparison into words.

    Args:
        run: The run, finished or not.
        comparison: Its comparison.
        plots: Figures by metric.

    Returns:
        The view that the templates print.
    """
    case, environment = run.case, run.environment
    claims = case.claims
    rehearsal = comparison.rehearsal or run.settings.rehearse is not None
    model = formats.line(claims.name or case.title or case.name)
    verdict = _verdict(run, comparison, rehearsal=rehearsal)
    name = f"./{case.name}" if case.name.startswith("-") else case.name
    return Report(
        model=model,
        case=case.name,
        title="" if formats.line(case.title) == model else case.title,
        summary=case.summary,
        rehearsal=_rehearsal(run) if rehearsal else "",
        prefix=_prefix(comparison.prefix) if comparison.prefix else "",
        verdict=verdict,
        glance=_glance(run, comparison),
        metrics=tuple(_metric(key, metric, plots.get(key)) for key, metric in comparison.metrics.items()),
        stream=_stream(comparison),
        causes=table_view(
            ("Likely cause", "Evidence", "What would test it"),
            ((cause.cause, cause.evidence, cause.test) for cause in comparison.causes),
        ),
        claims=claims_facts(claims),
        published=printed_table(claims.results),
        measured=table_view(
            ("Training Loss", "Epoch", "Step", "Validation Loss"),
            (
                (
                    _logged(at.training_loss),
                    str(round(at.epoch, 4)),
                    str(at.step),
                    _logged(at.validation_loss),
                )
                for at in run.epochs
            ),
        ),
        remarks=(*case.remarks, *_remarks(comparison)),
        deviations=table_view(
            ("What", "Published", "This run", "Why"),
            ((one.what, one.published or NOT_STATED, one.actual, one.reason) for one in run.deviations),
        ),
        assumptions=table_view(
            ("What", "The card says", "Assumed", "Why"),
            ((one.what, NOT_STATED, one.value, one.reason) for one in case.assumptions),
        ),
        tolerances=table_view(
            ("Metric", "Bound", "Why"),
            (
                (formats.metric_title(key), f"±{formats.bound(one.bound)}, assumed", one.reason)
                for key, one in case.tolerances.items()
            ),
        ),
        versions=_versions(environment.documented, environment.packages | {"python": environment.python}),
        environment=_facts(
            ("Python", environment.python or "not recorded"),
            ("Why this Python", environment.python_reason),
            ("Resolved as of", environment.moment or "the user's own environment, no moment"),
            ("Why this moment", environment.moment_reason),
            ("Random stream", environment.stream or "unknown for these versions"),
            *((f"Not documented: {name}", why) for name, why in environment.inferred.items()),
            *(("Note", note) for note in environment.notes),
            ("Lock, SHA-256", environment.lock_sha256 or "none"),
        ),
        packages=table_view(("Package", "Installed"), environment.packages.items(), most=2_000),
        device=_device(run),
        data=_data(run),
        hyperparameters=table_view(
            ("Hyperparameter", "As published", "Line"),
            ((key, claim.text, str(claim.line)) for key, claim in claims.hyperparameters.items()),
        ),
        arguments=table_view(
            ("Argument", "Value"), ((key, _value(value)) for key, value in run.arguments.items())
        ),
        timing=_facts(
            ("Started", run.timing.started or "not recorded"),
            ("Environment", formats.duration(run.timing.environment_seconds)),
            ("Training", formats.duration(run.timing.training_seconds)),
            ("Against the plan", against_plan(run.timing)),
            ("Gone on from step", ", ".join(str(step) for step in run.resumes)),
            ("Energy", energy_used(run.energy)),
            ("Energy, how it was had", energy_method(run.energy)),
        ),
        digests=table_view(
            ("Epoch", "Of", "SHA-256"),
            (
                (formats.epoch(at.epoch), what, digest)
                for at in run.epochs
                for what, digest in at.digests.items()
            ),
        ),
        commands="\n".join(
            (
                "pip install .    # in a clone of repro",
                shell("repro", "run", name),
                shell("repro", "check", f"reports/{case.name}/{run.id}"),
            )
        ),
        provenance=_facts(
            ("Run", run.id),
            ("Case", case.name),
            ("Case, SHA-256", case.digest),
            ("Claims published at", case.source or NOT_STATED),
            ("Seed", str(run.settings.seed)),
            ("Environment asked for", run.settings.environment),
            ("Device asked for", run.settings.device),
            ("Own model, SHA-256", run.settings.model or ""),
            ("Own data, git blob", run.settings.data or ""),
        ),
        evaluations=tuple(
            evaluation_view(each, claims.evaluation["loss"].text if "loss" in claims.evaluation else "")
            for each in run.evaluations
        ),
        front_matter=front_matter(metadata(run, comparison, model, rehearsal=rehearsal)),
    )


def _remarks(comparison: Comparison) -> Iterator[str]:
    """Yield what should be known about the comparison, in sentences."""
    for reading in comparison.readings:
        word = "reproduced" if reading.reproduced else "not reproduced"
        if comparison.prefix is not None:
            word = formats.so_far(reading.verdict in REPRODUCED, comparison.prefix)
        yield formats.sentence(f"{reading.rule}: {reading.reading}")
        yield formats.sentence(f"read that way, the run is {reading.verdict} ({word}): {reading.reason}")
    for left in comparison.replicates.left_out:
        yield formats.sentence(f"the replicate {left.name} was left out: {left.reason}")
    for note in comparison.notes:
        yield formats.sentence(note)


def _verdict(run: Run, comparison: Comparison, *, rehearsal: bool) -> VerdictView:
    # How the run ended comes first: a verdict over a broken run would hide the break.
    match run.result:
        case Failed(reason=reason, hint=hint):
            return VerdictView("no", "✕", "Training failed", "", "", formats.sentence(reason), hint)
        case Skipped(reason=reason):
            return VerdictView("open", "–", "Nothing was trained", "", "", formats.sentence(reason))
        case None:
            return VerdictView("open", "…", "Run not finished", "", "", formats.sentence(comparison.reason))
        case Completed() | Stopped():
            pass
    if rehearsal:
        # What it is worth stands in `Report.rehearsal`.
        return VerdictView("open", "…", "Rehearsal, not a reproduction", "", "", "")
    word = comparison.verdict
    if comparison.prefix is not None and word != "incomparable":
        sign = "…" if comparison.as_published else "✕"
        title = formats.so_far(comparison.as_published, comparison.prefix)
        kind = "open" if comparison.as_published else "no"
        return VerdictView(
            kind, sign, f"Prefix: {title}", word, _MEANINGS[word], formats.sentence(comparison.reason)
        )
    if comparison.reproduced:
        kind, sign, title = "yes", "✓", "Reproduced"
    elif word == "incomparable":
        kind, sign, title = "no", "?", "Not comparable"
    else:
        kind, sign, title = "no", "✕", "Not reproduced"
    return VerdictView(kind, sign, title, word, _MEANINGS[word], formats.sentence(comparison.reason))


def _rehearsal(run: Run) -> str:
    steps = run.settings.rehearse
    how_far = "" if steps is None else f" of {formats.count(steps)} {'step' if steps == 1 else 'steps'}"
    return (
        f"This is a rehearsal{how_far}: it shows that environment, data and training work. "
        "It is not a reproduction, and its losses must not be read as results."
    )


def _prefix(prefix: Prefix) -> str:
    text = (
        f"This verdict is on {formats.prefix_words(prefix)}, on the schedule of the whole. It is not a "
        "reproduction of the published run; the same command without --until-epoch and --stop-when-decided "
        "goes on from here."
    )
    return f"{text} {formats.sentence(f'ended early: {prefix.stopped}')}" if prefix.stopped else text


def _glance(run: Run, comparison: Comparison) -> tuple[Fact, ...]:
    rows = [row for metric in comparison.metrics.values() for row in metric.rows]
    judged = [row for row in rows if row.within is not None]
    within = sum(row.within is True for row in judged)
    apart = [abs(row.difference) for row in rows if row.difference is not None]
    return _facts(
        (
            "Within bounds",
            f"{formats.count(within)} of {formats.count(len(judged))} values" if judged else "",
        ),
        ("Largest difference", formats.loss(max(apart)) if apart else ""),
        ("Epochs measured", formats.count(len(run.epochs))),
        ("Deviations", str(len(run.deviations)) if run.deviations else "none recorded"),
        ("Device", (run.device.name or run.device.kind) if run.device else "not recorded"),
        ("Training time", formats.duration(run.timing.training_seconds)),
        ("Energy", energy_used(run.energy)),
        (
            "Determinism proof",
            formats.sentence(run.determinism_proof.summary) if run.determinism_proof else "",
        ),
    )


def _metric(key: str, metric: Metric, plots: Plots | None) -> MetricView:
    outside = sum(row.within is False for row in metric.rows)
    judged = sum(row.within is not None for row in metric.rows)
    if judged:
        summary = f"{judged - outside} of {judged} values within the bound, {outside} outside."
    else:
        summary = "No value could be compared."
    shown, omitted = _thinned(metric.rows, marked=lambda row: row.within is False)
    return MetricView(
        title=formats.metric_title(key),
        verdict=metric.verdict,
        reason=formats.sentence(metric.reason),
        summary=summary,
        bound="assumed" if metric.bound_source == "assumed" else "from replicates",
        bound_reason=formats.sentence(metric.bound_reason),
        rows=tuple(_row(row) for row in shown),
        omitted=omitted,
        curves=plots.curves if plots else None,
        differences=plots.differences if plots else None,
    )


def _row(row: ComparedRow) -> RowView:
    sign, mark = {True: ("✓", "within"), False: ("✕", "outside"), None: (MISSING, "not compared")}[row.within]
    return RowView(
        epoch=formats.epoch(row.epoch),
        step=str(row.step),
        published=MISSING if row.published is None else row.published,
        measured=formats.loss(row.measured),
        difference=formats.difference(row.difference),
        bound=formats.bound(row.bound),
        sign=sign,
        mark=mark,
        outside=row.within is False,
    )


def _thinned(rows: Sequence[T], marked: Any = None, most: int = MOST_ROWS) -> tuple[Sequence[T], str]:
    """Return at most `most` rows in order, the marked ones (up to half of them) before others, and a note."""
    if len(rows) <= most:
        return rows, ""
    kept = [at for at, row in enumerate(rows) if marked is not None and marked(row)][: most // 2]
    rest = most - len(kept)
    even = {round(number * (len(rows) - 1) / (rest - 1)) for number in range(rest)}
    chosen = sorted(even | set(kept))
    note = f"{len(chosen)} of {formats.count(len(rows))} rows are shown; the JSON files hold all."
    return [rows[at] for at in chosen], note


def table_view(header: tuple[str, ...], rows: Iterable[tuple[str, ...]], most: int = MOST_ROWS) -> TableView:
    """Return a table of at most `most` rows."""
    shown, omitted = _thinned(tuple(rows), most=most)
    return TableView(header, tuple(shown), omitted)


def printed_table(results: Table | None) -> TableView:
    """Return the table as printed; short rows are filled up, so that every row has all columns."""
    if results is None:
        return TableView((), ())
    width = max([len(results.header), *(len(row.cells) for row in results.rows)])
    header = (*results.header, *[""] * (width - len(results.header)))
    rows = (tuple(cell.text for cell in row.cells) for row in results.rows)
    return table_view(header, ((*cells, *[""] * (width - len(cells))) for cells in rows))


def _facts(*pairs: tuple[str, str]) -> tuple[Fact, ...]:
    """Return facts; those without a value are left out, web addresses can be followed."""
    return tuple(Fact(label, value, formats.web_address(value)) for label, value in pairs if value)


def claims_facts(claims: Claims) -> tuple[Fact, ...]:
    """Return what a card says of itself, and its headline results."""
    return _facts(
        ("Model", claims.name or NOT_STATED),
        ("Fine-tuned from", claims.base_model or NOT_STATED),
        ("Task", claims.task or NOT_STATED),
        ("Data sets", ", ".join(claims.datasets) or NOT_STATED),
        ("Licence", claims.license or NOT_STATED),
        *((formats.metric_title(key), claim.text) for key, claim in claims.evaluation.items()),
    )


def _logged(value: Measured | None) -> str:
    """Return a measured value as the Trainer's own cards print it: they can be read, and audited, alike."""
    return "No log" if value is None else formats.loss(value)


def _stream(comparison: Comparison) -> str:
    stream = comparison.stream
    words = {"same": "the same random stream", "different": "different random streams", "unclear": "unclear"}
    text = f"Published and measured run: {words[stream.match]}"
    if stream.name:
        text += f"; this run follows stream {stream.name}"
    return f"{text}. {formats.sentence(stream.reason)}".strip()


def _versions(documented: Mapping[str, str], packages: Mapping[str, str]) -> TableView:
    installed = {_normal(name): version for name, version in packages.items()}

    def mark(name: str, version: str) -> tuple[str, str]:
        found = installed.get(_normal(name))
        if found is None:
            return MISSING, "– not installed"
        if found == version:
            return found, "✓ as documented"
        # A local tag names a build; where the build is another one, that is a deviation of its own.
        return found, "✓ as documented, but for the build's tag" if found == version.split("+")[
            0
        ] else "✕ differs"

    return table_view(
        ("Package", "Documented", "Installed", "Mark"),
        ((name, version, *mark(name, version)) for name, version in documented.items()),
    )


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _device(run: Run) -> tuple[Fact, ...]:
    if run.device is None:
        return ()
    return _facts(
        ("Device", run.device.kind),
        ("Device name", run.device.name),
        ("Capability", run.device.capability),
        ("Threads", str(run.device.threads or "")),
        ("Platform", run.device.platform),
        ("Determinism", run.settings.determinism),
        (
            "Determinism, as torch has it",
            "; ".join(f"{name} {value}" for name, value in run.determinism.items()),
        ),
    )


def _data(run: Run) -> tuple[Fact, ...]:
    if run.data is None:
        return ()
    return _facts(
        ("Training examples", formats.count(run.data.train_examples)),
        ("Evaluation examples", formats.count(run.data.eval_examples)),
        ("Steps an epoch", formats.count(run.data.steps_per_epoch)),
        ("Data from", run.data.origin),
        ("Data, git blob", run.data.git_blob),
    )


def _value(value: Any) -> str:
    match value:
        case str():
            return value
        case float():
            return repr(value)  # Python's form of a number is the one that cards print: 5e-05, not 0.00005
        case _:
            return to_json(value, indent=0)

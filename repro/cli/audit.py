"""`repro audit`."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from repro.cli.options import Json, Templates, Verbose, shared

if TYPE_CHECKING:
    from repro.audits.command import Outcome, Request
    from repro.audits.configuration import Configuration
    from repro.rules import Context

_FAILING = {
    "error": ("error",),
    "warning": ("error", "warning"),
    "note": ("error", "warning", "note"),
    "never": (),
}
Words = list[str] | None


def audit(
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="TARGET...",
            help="Cards, folders of cards, JSON lines or Parquet with a card a row, cases, addresses, "
            "hub:user/model[@revision], or - for standard input.",
        ),
    ],
    format: Annotated[  # noqa: A002
        Literal["text", "json", "markdown", "html", "sarif", "junit"],
        typer.Option("--format", help="Output for people or machines; JSON of several cards is one a line."),
    ] = "text",
    json: Json = False,
    fail_on: Annotated[
        Literal["error", "warning", "note", "never"] | None,
        typer.Option("--fail-on", help="The least severity that exits with 1; error unless configured."),
    ] = None,
    profile: Annotated[
        Literal["default", "strict", "hub"] | None, typer.Option("--profile", help="Which rules are asked.")
    ] = None,
    select: Annotated[
        Words,
        typer.Option("--select", help="Ask only these: ids or families, by commas.", metavar="IDS"),
    ] = None,
    ignore: Annotated[Words, typer.Option("--ignore", help="Do not ask these rules.", metavar="IDS")] = None,
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", help="Findings that were there before are held back.", metavar="FILE"),
    ] = None,
    write_baseline: Annotated[
        bool, typer.Option("--write-baseline", help="Write all findings to the baseline, and exit with 0.")
    ] = False,
    exceptions: Annotated[
        bool, typer.Option("--exceptions/--no-exceptions", help="Whether exceptions in the cards count.")
    ] = True,
    plugins: Annotated[
        bool, typer.Option("--plugins/--no-plugins", help="Whether rules of other packages are asked.")
    ] = True,
    online: Annotated[
        bool, typer.Option("--online", help="Ask the Hub about base models and commits.")
    ] = False,
    replicates: Annotated[
        Path | None,
        typer.Option("--replicates", help="Public replicates to compare with, as CSV.", metavar="FILE"),
    ] = None,
    card_column: Annotated[
        str | None,
        typer.Option("--card-column", help="The column with the cards; card.", metavar="NAME"),
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", help="Processes that audit; 0 for one a core.", min=0)
    ] = 1,
    out: Annotated[Path | None, typer.Option("--out", help="Write to a file.", metavar="FILE")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the JSON lines in --out.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file of --out.")] = False,
    findings_only: Annotated[
        bool, typer.Option("--findings-only", help="JSON without claims and without what could not apply.")
    ] = False,
    summary: Annotated[
        Path | None,
        typer.Option("--summary", help="Counts by rule: .json, .txt, .svg or .png.", metavar="FILE"),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="A TOML file with [tool.repro].", metavar="FILE"),
    ] = None,
    isolated: Annotated[bool, typer.Option("--isolated", help="Without any configuration.")] = False,
    templates: Templates = None,
    verbose: Verbose = False,
) -> int:
    """Read what cards claim and say what is wrong with them, offline and without training."""
    # Not through workflows: it brings what environments and runs need, and an audit is to start at once.
    from repro.audits.auditor import Settings
    from repro.audits.command import Request, work
    from repro.audits.stream import Format
    from repro.cli.progress import Progress
    from repro.errors import BadInput, Interrupted
    from repro.reports.audits.words import plural
    from repro.rules.selection import words

    shared.json = json = json or format == "json"
    shared.lines = True  # an error may come behind audits that were written, one a line
    for both, names in (
        (resume and overwrite, "--resume and --overwrite"),
        (config and isolated, "--config and --isolated"),
    ):
        if both:
            raise BadInput(f"{names} exclude each other", "leave one out")
    configured = _configuration(config, isolated=isolated)
    if baseline is None and configured.baseline is not None:
        baseline = Path(configured.baseline)
    fail_on = fail_on or configured.fail_on or "error"
    color, width = _terminal() if out is None else (False, 0)
    request = Request(
        targets=tuple(targets),
        settings=Settings(
            profile=profile or configured.profile or "default",
            select=words(select) or configured.select,
            ignore=words(ignore) or configured.ignore,
            plugins=plugins and configured.plugins,
            exceptions=exceptions and configured.exceptions,
            online=online,
            context=_context(replicates),
        ),
        format=Format(
            name="json" if json else format,
            findings_only=findings_only,
            color=color,
            width=width,
            verbose=verbose,
            fail_on=fail_on,
            templates=templates,
        ),
        column=card_column or configured.card_column or "card",
        jobs=jobs,
        out=out,
        resume=resume,
        overwrite=overwrite,
        baseline=baseline,
        write_baseline=write_baseline,
    )
    if summary is not None:
        _check_ending(summary)
    _tune()
    with Progress(shown=out is not None) as progress:
        try:
            outcome = work(request, progress)
        except KeyboardInterrupt as error:
            hint = "the same command with --resume goes on" if json and out is not None else ""
            raise Interrupted(f"stopped after {plural(progress.cards, 'card')}", hint) from error
    _tell(outcome, request, summary)
    failed = any(outcome.summary.by_severity.get(severity) for severity in _FAILING[fail_on])
    return 1 if failed and not write_baseline else 0


def _tune() -> None:
    """Set up this process, and those that it forks, for many small things one after the other."""
    # Cards leave no cycles behind, and looking for them over and over costs a twentieth of the time.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    # Tables are small matrices: threads of numpy only get into each other's way, and into that of --jobs.
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def _configuration(path: Path | None, *, isolated: bool) -> Configuration:
    from repro.audits.configuration import Configuration, find_configuration, load_configuration

    if isolated:
        return Configuration()
    path = path or find_configuration(Path.cwd())
    return Configuration() if path is None else load_configuration(path)


def _context(replicates: Path | None) -> Context:
    from repro.rules import Context

    if replicates is None:
        return Context()
    from repro.comparison.replicates import read_replicates  # brings numpy
    from repro.records.codec import read_text

    return Context(peers=read_replicates(read_text(replicates), source=str(replicates)))


def _terminal() -> tuple[bool, int]:
    """Return whether to colour standard output, and how wide it is; 0 for no terminal."""
    if not sys.stdout.isatty():
        return False, 0
    import shutil

    from repro.reports.audits.as_text import color_wanted

    return color_wanted(sys.stdout, os.environ), shutil.get_terminal_size().columns


def _check_ending(path: Path) -> None:
    """Refuse a summary that cannot be written before the cards are read, not after."""
    from repro.errors import BadInput
    from repro.reports.audits.statistics import ENDINGS

    if path.suffix.lower() not in ENDINGS:
        raise BadInput(
            f"{path}: no summary ends in {path.suffix or 'nothing'}", f"one of {', '.join(ENDINGS)}"
        )


def _tell(outcome: Outcome, request: Request, path: Path | None) -> None:
    """Say on standard error what all of it amounts to, and write the summary."""
    if path is not None:
        from repro.reports.audits.statistics import save_summary

        save_summary(path, outcome.summary, outcome.rules, templates=request.format.templates)
    from repro.reports.audits.words import plural

    if outcome.several:
        from repro.reports.audits.as_text import summary_text

        sys.stderr.write(summary_text(outcome.summary, outcome.rules))
    if outcome.earlier:
        _say(f"{plural(outcome.earlier, 'card')} of them audited before")
    if request.write_baseline:
        _say(f"{request.baseline}: {plural(outcome.known, 'finding')} known from now on")
    elif outcome.gone:
        gone = plural(outcome.gone, "finding")
        _say(f"{request.baseline}: {gone} of it there no more; --write-baseline takes them out")


def _say(text: str) -> None:
    from repro.reports.formats import line

    sys.stderr.write(f"{line(text)}\n")

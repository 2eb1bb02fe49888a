"""From a run's record to its comparison with the published table."""

from __future__ import annotations

from repro.comparison import curves
from repro.comparison.causes import likely_causes
from repro.comparison.streams import by_versions
from repro.comparison.tolerances import stated
from repro.comparison.verdict import judge, overall
from repro.records.claims import Table
from repro.records.comparison import REPRODUCED, Comparison, Metric, Stream, Verdict
from repro.records.run import Run


def compare(run: Run) -> Comparison:
    """Compare a run with the table as its card prints it; nothing in the table is mended.

    Args:
        run: A completed run or a rehearsal; its record holds the published claims and tolerances.

    Returns:
        The verdict for each metric and over all. A rehearsal, and a run that was evaluated at other points
        than the published one, is `incomparable`, and says why.
    """
    stream = by_versions(run.environment.documented, run.environment.stream)
    metrics: dict[str, Metric] = {}
    verdict: Verdict = "incomparable"
    table = run.case.claims.results
    rehearsal = run.settings.rehearse is not None
    if rehearsal:
        reason = "a rehearsal: it proves that the recipe runs, and cannot be compared"
    elif table is None or not table.rows:
        reason = "the card has no table of results"
    elif reason := curves.evaluation_points(table, run.epochs):
        pass
    else:
        metrics = _metrics(run, table, stream)
        if metrics:
            verdict, reason = overall(metrics)
        else:
            reason = f"the card's table has no loss that the run measures ({', '.join(table.header)})"
    return Comparison(
        verdict=verdict,
        reproduced=verdict in REPRODUCED,
        reason=reason,
        stream=stream,
        metrics=metrics,
        causes=() if rehearsal else likely_causes(run, verdict, stream),
        rehearsal=rehearsal,
        run=run.id,
    )


def _metrics(run: Run, table: Table, stream: Stream) -> dict[str, Metric]:
    laid = {name: curves.pairs(name, table, run.epochs) for name in curves.METRICS}
    return {
        name: judge(pairs, stated(name, run.case.tolerances), stream) for name, pairs in laid.items() if pairs
    }

"""Evaluations on somebody's own texts in words: for the report, the card and the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from repro.records.evaluation import Evaluation, Measurement, Spread
from repro.reports import formats


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """One evaluation: a table that the templates print as any other, and what stands around it."""

    title: str
    read: str
    masks: str
    notes: tuple[str, ...]
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    omitted: str = ""


def evaluation_view(evaluation: Evaluation, published_loss: str) -> EvaluationView:
    """Put an evaluation into words.

    Args:
        evaluation: The evaluation.
        published_loss: The card's own evaluation loss as printed; empty where it states none.
    """
    rows = [("Your texts", *row) for row in _rows(evaluation.own)]
    if evaluation.case is not None:
        rows += [("The case's evaluation data", *row) for row in _rows(evaluation.case)]
    if published_loss:
        rows.append(("The case's evaluation data", "as published", published_loss, formats.MISSING, ""))
    seeds = len(evaluation.mask_seeds)
    return EvaluationView(
        title=evaluation.file,
        read=formats.sentence(read(evaluation)),
        masks=(
            f"{evaluation.mask_probability:.0%} of the tokens are masked at random, drawn {seeds} "
            f"{'time' if seeds == 1 else 'times'} (seeds {evaluation.mask_seeds[0]} to "
            f"{evaluation.mask_seeds[-1]}), the same for both models; loss as the training evaluates it. "
            f"The weights are those of step {evaluation.step}, SHA-256 {evaluation.weights[:16]}…; "
            f"{evaluation.device}, {evaluation.when}. The texts themselves are not kept."
        ),
        notes=tuple(formats.sentence(note) for note in evaluation.notes),
        header=("Texts", "Model", "Loss, mean", "Range", "Perplexity"),
        rows=tuple(rows),
    )


def read(evaluation: Evaluation) -> str:
    """Say what was read of the file."""
    parts = [
        f"{formats.count(evaluation.own.texts)} {'text' if evaluation.own.texts == 1 else 'texts'}",
        f"{formats.count(evaluation.tokens)} tokens",
        f"{evaluation.unknown_share:.1%} unknown to the vocabulary",
    ]
    if evaluation.truncated is not None:
        cut = f"cut at the case's {evaluation.sequence_length} tokens"
        parts.append(f"{formats.count(evaluation.truncated)} {cut}")
    else:
        parts.append("read by the case's own recipe, its evaluation half")
    if evaluation.empty:
        parts.append(f"{formats.count(evaluation.empty)} left out as blank or without a known word")
    if evaluation.limit is not None:
        parts.append(f"only the first {formats.count(evaluation.limit)} were read")
    return ", ".join(parts)


def measured(measurement: Measurement) -> Iterator[tuple[str, str]]:
    """Yield each model, and in a phrase what it reached."""
    for model, mean, spread, perplexity in _rows(measurement):
        yield model, f"loss {mean} ({spread}), perplexity {perplexity}"


def _rows(measurement: Measurement) -> Iterator[tuple[str, str, str, str]]:
    yield "Trained", *_cells(measurement.trained)
    if measurement.base is not None:
        yield "Base, before the training", *_cells(measurement.base)
    if measurement.gain is not None:
        mean, spread, factor = _cells(measurement.gain)
        yield "Gain by the training (base − trained)", mean, spread, f"÷ {factor}"


def _cells(spread: Spread) -> tuple[str, str, str]:
    return (
        formats.loss(spread.mean),
        f"{formats.loss(spread.lowest)} to {formats.loss(spread.highest)}",
        _perplexity(spread),
    )


def _perplexity(spread: Spread) -> str:
    value = float(spread.perplexity)
    return f"{value:,.2f}" if value < 1e6 else formats.loss(spread.perplexity)

"""A difference of two runs for people: lines for a terminal, Markdown for an issue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from repro.comparison.parting import place
from repro.records.difference import Difference, EpochPair, LossPair, Side
from repro.reports import formats
from repro.reports.formats import MISSING, cell, columns, line
from repro.reports.views import TableView, table_view

_MOST_DIFFERING = 8  # of one aspect
_MOST_EPOCHS = 6
_LONGEST_CELL = 40
_SIGNS = {"same": "same", "different": "DIFFERS", "only a": "only A", "only b": "only B"}


@dataclass(frozen=True, slots=True)
class DifferenceView:
    """All that is shown; `more` says what of the differing things is left out."""

    sign: str
    summary: str
    sides: TableView
    losses: str
    differing: TableView
    more: str
    same: str
    epochs: TableView
    causes: TableView
    notes: tuple[str, ...]
    aside: str


def view(found: Difference) -> DifferenceView:
    """Put a difference into words; nothing is escaped yet."""
    rows, more = [], []
    for aspect in found.aspects:
        rows += [
            (aspect.name, cell(each.what), cell(each.a), cell(each.b))
            for each in aspect.differing[:_MOST_DIFFERING]
        ]
        if (left := len(aspect.differing) - _MOST_DIFFERING) > 0:
            more.append(f"{left} more of {aspect.name}")
    return DifferenceView(
        sign="✓" if found.verdict == "same" else "✕",
        summary=formats.sentence(found.summary),
        sides=table_view(
            ("", "Run", "Case", "Seed", "State", "Epochs", "Device"),
            (_side(letter, side) for letter, side in (("A", found.a), ("B", found.b))),
        ),
        losses=_losses(found),
        differing=table_view(("Of", "What", "A", "B"), rows),
        more=f"Not shown: {', '.join(more)} (`--json` has all)." if more else "",
        same=", ".join(_same(found)),
        epochs=_epochs(found),
        causes=table_view(
            ("What that suggests", "Evidence", "What would test it"),
            ((each.cause, each.evidence, each.test) for each in found.causes),
        ),
        notes=tuple(formats.sentence(note) for note in found.notes),
        aside=_aside(found),
    )


def as_lines(found: Difference) -> Iterator[str]:
    """Yield the lines for a terminal, with nothing in them that acts on it."""
    shown = view(found)
    yield from columns(shown.sides.rows)
    yield ""
    yield line(shown.summary)
    if shown.losses:
        yield shown.losses
    if shown.differing.rows:
        yield "What differs in what they were asked for, and had:"
        yield from columns((("", *shown.differing.header[1:]), *shown.differing.rows), indent="  ")
        if shown.more:
            yield shown.more
    if shown.same:
        yield f"In common: {shown.same}."
    if shown.causes.rows:
        yield "What that suggests, most telling first:"
        for number, (cause, evidence, test) in enumerate(shown.causes.rows, 1):
            yield line(f"{number}. {cause}")
            yield f"   {line(evidence)}; to test it: {line(test)}"
    if shown.epochs.rows:
        yield ""
        yield from columns((shown.epochs.header, *shown.epochs.rows), right=True)
        if shown.epochs.omitted:
            yield shown.epochs.omitted
    for note in shown.notes:
        yield line(f"Note: {note}")
    yield line(f"Aside: {shown.aside}")


def as_markdown(found: Difference) -> str:
    """Return Markdown to paste into an issue; whatever a record says in it is escaped."""
    from repro.reports.rendering import fill, markdown_environment, template_folders

    return fill(markdown_environment(template_folders(None)), "diff.md.j2", difference=view(found)).rstrip()


def _side(letter: str, side: Side) -> tuple[str, ...]:
    return (
        letter,
        cell(side.name) if len(side.name) <= _LONGEST_CELL else f"…{line(side.name)[-_LONGEST_CELL:]}",
        cell(side.case),
        f"seed {cell(side.settings.get('seed'))}",
        side.state,
        formats.counted(side.epochs, "epoch"),
        cell(side.device or None),
    )


def _losses(found: Difference) -> str:
    if found.largest is None:
        return ""
    if found.losses_part is None:
        return "" if found.verdict != "parted" else "All losses are the same, to the last digit."
    stored = f"Losses part at epoch {formats.epoch(found.losses_part)}, by at most {found.largest:.2g}"
    stored += "; as printed, "
    if found.printed_part is None:
        return f"{stored}with four decimals, all are the same."
    return f"{stored}with four decimals, at epoch {formats.epoch(found.printed_part)}."


def _same(found: Difference) -> Iterator[str]:
    for aspect in found.aspects:
        if aspect.compared and not aspect.differing:
            yield f"{aspect.name} ({aspect.compared})" if aspect.name == "packages" else aspect.name


def _epochs(found: Difference) -> TableView:
    """The evaluations around the point at which they part, and the last."""
    pairs = found.epochs
    if found.first is None:
        shown = pairs[-1:]
    else:
        at = next(number for number, pair in enumerate(pairs) if pair.step == found.first.step)
        shown = pairs[max(0, at - 1) : at + _MOST_EPOCHS - 2]
        shown += pairs[-1:] if pairs[-1] not in shown else ()
    digests = sorted({name for pair in pairs for name in pair.digests}, key=place)[:_MOST_DIFFERING]
    losses = list(dict.fromkeys(name for pair in pairs for name in pair.losses))
    left = len(pairs) - len(shown)
    return TableView(
        header=("Epoch", "Step", *(_title(name) for name in (*digests, *losses))),
        rows=tuple(_row(pair, digests, losses) for pair in shown),
        omitted=f"{left} of {len(pairs)} epochs are not shown." if left else "",
    )


def _title(name: str) -> str:
    return cell(name.replace("_", " "))


def _row(pair: EpochPair, digests: list[str], losses: list[str]) -> tuple[str, ...]:
    return (
        formats.epoch(pair.epoch),
        str(pair.step),
        *(_SIGNS[pair.digests[name]] if name in pair.digests else MISSING for name in digests),
        *(_loss(pair.losses.get(name)) for name in losses),
    )


def _loss(pair: LossPair | None) -> str:
    if pair is None:
        return MISSING
    if pair.same:
        return f"{formats.loss(pair.a)} same"
    if pair.difference is None:
        return f"{formats.loss(pair.a)} / {formats.loss(pair.b)}"
    return f"{formats.loss(pair.a)} {pair.difference:+.1e}".replace("-", formats.MINUS)


def _aside(found: Difference) -> str:
    parts = []
    for letter, side in (("A", found.a), ("B", found.b)):
        text = f"{letter} began {cell(side.started) if side.started else 'at no recorded time'}"
        text += f", trained {formats.duration(side.training_seconds)}"
        if side.resumes:
            text += f", was gone on with {len(side.resumes)} times"
        parts.append(text)
    return "; ".join(parts)

"""Plots as SVG: published and measured curves, and their differences with bounds.

Two forms come out of each figure: one for the page, coloured by the page's CSS, and one that stands alone.
"""

from __future__ import annotations

import io
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repro.records.claims import decimal
from repro.records.comparison import ComparedRow, Metric
from repro.reports.formats import clean, difference, epoch, loss, metric_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SVG = "http://www.w3.org/2000/svg"
_INK, _MUTED, _RULE, _ACCENT, _PAPER = "#000001", "#000002", "#000003", "#000004", "#000005"
_ERROR, _WARNING, _NOTE = "#000006", "#000007", "#000008"
#: The style's colours: as the page's variables, and as plain ones for a file that stands alone.
_COLOURS = {
    _INK: ("var(--ink)", "#1d1b18"),
    _MUTED: ("var(--muted)", "#5d5850"),
    _RULE: ("var(--rule)", "#dcd7cc"),
    _ACCENT: ("var(--accent)", "#0a5a7d"),
    _PAPER: ("var(--paper)", "#ffffff"),
    # Far apart in lightness too, so that they can be told apart in grey.
    _ERROR: ("var(--error)", "#9c1c14"),
    _WARNING: ("var(--bar-warning)", "#c98a12"),
    _NOTE: ("var(--bar-note)", "#a9cddd"),
}
_SEVERITIES = {"error": _ERROR, "warning": _WARNING, "note": _NOTE}
#: Beyond this, a value is noted but not drawn: ticks and transforms overflow.
_DRAWABLE = 1e30
#: Points kept of a long curve; more cannot be told apart at the width of a page.
_MOST_POINTS = 800
_MOST_MARKERS = 64


@dataclass(frozen=True, slots=True)
class Plot:
    """One figure.

    Attributes:
        name: The file's name without its ending.
        title: One line, also the figure's accessible name.
        description: What a reader who cannot see it needs to know.
        note: What the figure cannot show, for every reader; mostly nothing.
        inline: SVG for the page.
        file: SVG for a file of its own.
    """

    name: str
    title: str
    description: str
    note: str
    inline: str
    file: str


@dataclass(frozen=True, slots=True)
class Plots:
    """The two figures of one metric."""

    curves: Plot
    differences: Plot


def draw(metrics: Mapping[str, Metric], style: Path) -> dict[str, Plots]:
    """Draw the two figures of every metric that has rows.

    Args:
        metrics: As in the comparison.
        style: A Matplotlib style sheet.

    Returns:
        The figures by metric, in the order of `metrics`.
    """
    if not any(metric.rows for metric in metrics.values()):
        return {}
    # Imported here: nearly a second that only rendering should pay. Never pyplot: it keeps global figures.
    import matplotlib.style

    drawn: dict[str, Plots] = {}
    with matplotlib.style.context(str(style), after_reset=True):
        for number, (key, metric) in enumerate(metrics.items(), start=1):
            if metric.rows:
                slug = re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")[:40] or "metric"
                taken = any(plots.curves.name == f"{slug}-curves" for plots in drawn.values())
                name = f"{slug}-{number}" if taken else slug
                title = metric_title(key)
                drawn[key] = Plots(_curves(name, title, metric.rows), _differences(name, title, metric.rows))
    return drawn


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its label, what stands at its end, and its length by severity."""

    label: str
    remark: str
    lengths: Mapping[str, int]


def draw_bars(name: str, title: str, description: str, bars: Sequence[Bar], style: Path) -> Plot:
    """Draw horizontal bars by severity, the first bar on top; arguments as in `Plot`."""
    import matplotlib.style

    with matplotlib.style.context(str(style), after_reset=True):
        return _plot(*_bars(title, bars), name, title, description)


def draw_bars_png(title: str, bars: Sequence[Bar], style: Path) -> bytes:
    """Draw the same as PNG, in the plain colours."""
    import matplotlib
    import matplotlib.style

    with matplotlib.style.context(str(style), after_reset=True):
        # The style's colours are names, replaced in SVG afterwards; pixels need the colours themselves.
        for key, value in list(matplotlib.rcParams.items()):
            if isinstance(value, str) and (name := f"#{value.lstrip('#')}") in _COLOURS:
                matplotlib.rcParams[key] = _COLOURS[name][1]
        figure, axes = _bars(title, bars, plain=True)
        if axes.get_legend_handles_labels()[1]:
            figure.legend(loc="outside lower left", ncols=3)
        buffer = io.BytesIO()
        # No version of Matplotlib in the file: the same counts give the same bytes.
        figure.savefig(buffer, format="png", dpi=160, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def _bars(title: str, bars: Sequence[Bar], *, plain: bool = False) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    def colour(name: str) -> str:
        return _COLOURS[name][1] if plain else name

    figure = Figure(figsize=(8.4, 1.2 + 0.27 * max(len(bars), 1)))
    axes = figure.subplots()
    axes.set_title(title, loc="left")
    places = range(len(bars))
    left = [0] * len(bars)
    for severity, name in _SEVERITIES.items():
        lengths = [bar.lengths.get(severity, 0) for bar in bars]
        if any(lengths):
            axes.barh(
                places,
                lengths,
                0.66,
                left=left,
                color=colour(name),
                label=severity,
                edgecolor=colour(_INK),
                linewidth=0.5,
            )
        left = [a + b for a, b in zip(left, lengths, strict=True)]
    for place, end, bar in zip(places, left, bars, strict=True):
        axes.annotate(
            clean(bar.remark),
            (end, place),
            (4, 0),
            textcoords="offset points",
            va="center",
            color=colour(_MUTED),
        )
    axes.set_yticks(list(places), [clean(bar.label) for bar in bars])
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_xlim(0, 1.5 * max(left, default=1) or 1)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.set_xlabel("Findings")
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    return figure, axes


def _curves(name: str, title: str, rows: Sequence[ComparedRow]) -> Plot:
    figure, axes = _figure(rows)
    epochs = [row.epoch or 0.0 for row in rows]
    published = [_published(row) for row in rows]
    measured = [_drawable(row.measured) for row in rows]
    bounds = [_drawable(row.bound) for row in rows]
    shown = [value for value in (*published, *measured) if not math.isnan(value)]
    log = bool(shown) and min(shown) > 0 and max(shown) > 50 * min(shown)
    if log:
        _logarithmic(axes)
    even = range(0, len(rows), math.ceil(len(rows) / _MOST_POINTS))
    if not log:
        axes.fill_between(
            [epochs[at] for at in even],
            [published[at] - bounds[at] for at in even],
            [published[at] + bounds[at] for at in even],
            color=_MUTED,
            alpha=0.18,
            linewidth=0,
            label="Bound",
        )
        _band(axes, epochs, rows, even)
    marked = len(rows) <= _MOST_MARKERS
    _line(axes, epochs, published, _INK, "--", "Published", "s" if marked else "", _PAPER)
    _line(axes, epochs, measured, _ACCENT, "-", "Measured", "o" if marked else "", _ACCENT)
    unit = f"{title} (logarithmic)" if log else title
    description = (
        f"{unit} by epoch, {len(rows)} points. Published, dashed with squares: {_span(published)}. "
        f"Measured, solid with dots: {_span(measured)}."
    )
    heading = f"{unit}: published and measured"
    return _plot(figure, axes, f"{name}-curves", heading, description, _undrawn(rows))


def _band(axes: Axes, epochs: Sequence[float], rows: Sequence[ComparedRow], even: Iterable[int]) -> None:
    """Draw where one more run lies by the replicates; that need not be around the published curve."""
    bands = [row.band or (math.nan, math.nan) for row in rows]
    if all(math.isnan(low) for low, _ in bands):
        return
    kept = list(even)
    for side, label in (
        (0, "Replicates"),
        (1, "_"),
    ):  # Matplotlib leaves a label that begins so out of the legend
        axes.plot(
            [epochs[at] for at in kept],
            [_drawable(bands[at][side]) for at in kept],
            color=_MUTED,
            linestyle=":",
            linewidth=0.9,
            label=label,
        )


def _differences(name: str, title: str, rows: Sequence[ComparedRow]) -> Plot:
    """Draw differences in units of their bounds, which differ from row to row."""
    figure, axes = _figure(rows)
    axes.set_ylabel("Bounds")
    axes.axhspan(-1, 1, color=_MUTED, alpha=0.18, linewidth=0, label="Bound")
    axes.axhline(0, color=_MUTED, linewidth=0.8)
    for within, marker, colour, size, label in (
        (True, "o", _ACCENT, 22, "Within"),
        (False, "x", _INK, 40, "Outside"),
    ):
        points = [row for row in rows if row.within is within and _comparable(row)]
        kept = [points[at] for at in _kept([_in_bounds(row) for row in points])]
        if kept:
            axes.scatter(
                [row.epoch or 0.0 for row in kept],
                [_in_bounds(row) for row in kept],
                marker=marker,
                color=colour,
                s=size,
                label=label,
                zorder=3,
            )
    compared = [row for row in rows if _comparable(row)]
    outside = sum(row.within is False for row in rows)
    largest = max(compared, key=lambda row: abs(_in_bounds(row)), default=None)
    description = (
        f"Measured minus published by epoch, in units of the bound, {len(compared)} points, "
        f"{outside} of {len(rows)} outside."
    )
    if largest is not None:
        description += (
            f" The largest is {difference(largest.difference)} at epoch {epoch(largest.epoch)}, "
            f"{abs(_in_bounds(largest)):.2f} of its bound."
        )
    heading = f"{title}: measured minus published, in units of the bound"
    return _plot(figure, axes, f"{name}-differences", heading, description)


def _in_bounds(row: ComparedRow) -> float:
    """Return a difference in units of its bound; of a bound of 0 there are none."""
    if row.bound <= 0:
        return 0.0 if row.difference == 0 else math.nan
    return (row.difference or 0.0) / row.bound


def _figure(rows: Sequence[ComparedRow]) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure()
    axes = figure.subplots()
    axes.set_xlabel("Epoch")
    if max(row.epoch or 0.0 for row in rows) >= 2:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, steps=[1, 2, 4, 5, 10]))
    return figure, axes


def _logarithmic(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_yscale("log")
    # Plain numbers: the usual powers of ten are formulas, which the style turns off for hostile names.
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="y", which="minor", length=0)


def _line(
    axes: Axes, xs: list[float], ys: list[float], colour: str, dashes: str, label: str, marker: str, face: str
) -> None:
    kept = _kept(ys)
    axes.plot(
        [xs[at] for at in kept],
        [ys[at] for at in kept],
        color=colour,
        linestyle=dashes,
        label=label,
        marker=marker or None,
        markerfacecolor=face,
        markeredgewidth=1.1,
    )


def _kept(ys: Sequence[float]) -> list[int]:
    """Return the indices to draw: all, or the ends of every bucket of a long curve, so that peaks stay."""
    if len(ys) <= _MOST_POINTS:
        return list(range(len(ys)))
    size = math.ceil(2 * len(ys) / _MOST_POINTS)
    kept: set[int] = {0, len(ys) - 1}
    for start in range(0, len(ys), size):
        bucket = range(start, min(start + size, len(ys)))
        finite = [at for at in bucket if not math.isnan(ys[at])]
        # A gap must stay a gap: its first index is kept, and NaN breaks the line there.
        kept.update(next(([at] for at in bucket if math.isnan(ys[at])), []))
        if finite:
            kept |= {min(finite, key=ys.__getitem__), max(finite, key=ys.__getitem__)}
    return sorted(kept)


def _published(row: ComparedRow) -> float:
    number = decimal(row.published or "")
    return math.nan if number is None else _drawable(float(number))


def _drawable(value: float | str | None) -> float:
    number = math.nan if value is None else float(value)
    return number if abs(number) < _DRAWABLE else math.nan


def _comparable(row: ComparedRow) -> bool:
    return row.difference is not None and not math.isnan(_drawable(_in_bounds(row)))


def _span(values: Sequence[float]) -> str:
    shown = [value for value in values if not math.isnan(value)]
    return f"from {loss(shown[0])} to {loss(shown[-1])}" if shown else "no value"


def _undrawn(rows: Sequence[ComparedRow]) -> str:
    """Say how many measured values cannot be drawn: a curve that just stops would look like a short run."""
    number = sum(row.measured is not None and math.isnan(_drawable(row.measured)) for row in rows)
    return f"Measured values not drawn, because they are not finite or too large: {number}." if number else ""


def _plot(figure: Figure, axes: Axes, name: str, title: str, description: str, note: str = "") -> Plot:
    if axes.get_legend_handles_labels()[1]:
        figure.legend(loc="outside upper left", ncols=3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg")
    root = ET.fromstring(buffer.getvalue())  # noqa: S314 - Matplotlib's own output, made just now
    _tidy(root, name)
    for tag, text in (("desc", description), ("title", title)):
        element = ET.Element(tag, {"id": f"{name}-{tag}"})
        element.text = clean(text)
        root.insert(0, element)
    width, height = root.attrib["viewBox"].split()[2:]
    root.attrib = {
        "class": "plot",
        "viewBox": root.attrib["viewBox"],
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-desc",
        "stroke-linejoin": "round",
        "font-size": "9.5",
    }
    inline = _coloured(ET.tostring(root, encoding="unicode"), page=True)
    root.attrib |= {"xmlns": _SVG, "width": width, "height": height, "font-family": "system-ui, sans-serif"}
    root.insert(2, ET.Element("rect", {"width": "100%", "height": "100%", "fill": _PAPER}))
    file = _coloured(ET.tostring(root, encoding="unicode"), page=False)
    return Plot(name, title, description, note, inline, f'<?xml version="1.0" encoding="utf-8"?>\n{file}\n')


def _tidy(root: ET.Element, name: str) -> None:
    """Make Matplotlib's SVG fit to stand beside others inside a page.

    Its style sheet would apply to the whole page, its ids repeat in every figure, its metadata hold a date
    and its fonts are not the page's.
    """
    for element in list(root.iter()):
        for child in list(element):
            if child.tag in {f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"}:
                element.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        attributes = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
        if "id" in attributes and element.tag == "g":
            del attributes["id"]  # nothing refers to groups
        elif "id" in attributes:
            attributes["id"] = f"{name}-{attributes['id']}"
        if "href" in attributes:
            attributes["href"] = attributes["href"].replace("#", f"#{name}-", 1)
        if "clip-path" in attributes:
            attributes["clip-path"] = attributes["clip-path"].replace("#", f"#{name}-", 1)
        if element.tag == "text":
            attributes["style"] = re.sub(r"font(-[a-z]+)?: [^;]*;? ?", "", attributes.get("style", ""))
        element.attrib = attributes


def _coloured(svg: str, *, page: bool) -> str:
    return re.sub("|".join(_COLOURS), lambda found: _COLOURS[found[0]][0 if page else 1], svg)

"""The energy of a training in words."""

from __future__ import annotations

from repro.records.energy import Energy
from repro.reports import formats


def energy_used(energy: Energy | None) -> str:
    """Return energy and emissions in a phrase; nothing where nobody measured."""
    if energy is None:
        return ""
    text = f"{energy.kwh * 1000:.3g} Wh" if energy.kwh < 0.1 else f"{energy.kwh:,.3g} kWh"
    if energy.co2_kg is None:
        return f"{text}; no country was given, so emissions are not known"
    return f"{text}, {energy.co2_kg * 1000:,.3g} g CO₂ equivalents ({energy.country})"


def energy_method(energy: Energy | None) -> str:
    """Return how it was had, and over how long; nothing where nobody measured."""
    if energy is None:
        return ""
    starts = "" if energy.starts == 1 else f" in {energy.starts} starts"
    over = f"over {formats.duration(energy.seconds)}{starts}"
    return "; ".join((f"by {energy.tool} beside the training, {over}", *energy.methods))

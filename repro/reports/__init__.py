"""Reports: view models, plots, and the rendering of `templates/`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repro.reports.rendering import render

__all__ = ["render"]


def __getattr__(name: str) -> object:
    """Import the renderer when it is asked for: the command needs `formats` alone, and has to be quick."""
    if name == "render":
        from repro.reports.rendering import render

        return render
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Reports: view models, plots, and the rendering of `templates/`."""

from repro.reports.rendering import render

__all__ = ["render"]

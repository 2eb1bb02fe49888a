"""Rendering: from a run and its comparison to `card.md`, `report.html` and `plots/`."""

from __future__ import annotations

import importlib.resources
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from repro.errors import BadInput
from repro.records.codec import write_atomic
from repro.records.comparison import Comparison
from repro.records.run import Run
from repro.reports import formats, markdown, plots, views

if TYPE_CHECKING:
    import jinja2

_STYLE = "repro.mplstyle"


def render(
    run: Run, comparison: Comparison, folder: Path, *, templates: Path | None = None
) -> tuple[Path, ...]:
    """Write the report of one run.

    Args:
        run: The run, finished or not.
        comparison: Its comparison.
        folder: The run's folder.
        templates: A folder whose files come before the packaged ones of the same name.

    Returns:
        The files written: `card.md`, `report.html`, then `plots/*.svg`.

    Raises:
        BadInput: `templates` is no folder, a template is wrong, or `folder` cannot be written.
    """
    folders: tuple[Path, ...] = (packaged_templates(),)
    if templates is not None:
        if not templates.is_dir():
            raise BadInput(f"{templates}: no such folder of templates", "name a folder with *.j2 files")
        folders = (templates, *folders)
    style = next(path for path in (folder / _STYLE for folder in folders) if path.is_file())
    figures = plots.draw(comparison.metrics, style)
    report = views.report(run, comparison, figures)
    # Everything is rendered before anything is written: a wrong template leaves the old report whole.
    contents = {
        folder / "card.md": _render(_markdown(folders), "card.md.j2", report),
        folder / "report.html": _render(_html(folders), "report.html.j2", report),
    }
    for pair in figures.values():
        for plot in (pair.curves, pair.differences):
            contents[folder / "plots" / f"{plot.name}.svg"] = plot.file
    for path, content in contents.items():
        write_atomic(path, content)
    return tuple(contents)


def packaged_templates() -> Path:
    """Return the folder of the templates that come with the program."""
    try:
        return Path(str(importlib.resources.files("repro.templates")))
    except ModuleNotFoundError:  # running from the source tree, nothing installed
        return Path(__file__).parents[2] / "templates"


def _environment(folders: tuple[Path, ...], *, autoescape: bool) -> jinja2.Environment:
    # Imported here: only rendering should pay for it.
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([str(folder) for folder in folders]),
        undefined=jinja2.StrictUndefined,
        autoescape=autoescape,  # noqa: S701 - off for Markdown only, which escapes by its `finalize`
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _html(folders: tuple[Path, ...]) -> jinja2.Environment:
    from markupsafe import Markup

    environment = _environment(folders, autoescape=True)

    def finalize(value: object) -> object:
        """Clean what a template prints; Jinja escapes it afterwards."""
        return formats.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    def svg(plot: plots.Plot) -> Markup:
        """Print a figure as it is: `plots` made it, and escaped the texts in it."""
        return Markup(plot.inline)  # noqa: S704 - the one place, see above

    environment.finalize = finalize
    environment.filters["svg"] = svg
    return environment


def _markdown(folders: tuple[Path, ...]) -> jinja2.Environment:
    # No HTML escaping: `markdown.finalize` escapes whatever is printed, HTML in it included.
    environment = _environment(folders, autoescape=False)
    environment.finalize = markdown.finalize
    for function in (markdown.code, markdown.fenced, markdown.link, markdown.table):
        environment.filters[function.__name__] = function
    return environment


def _render(environment: jinja2.Environment, name: str, report: views.Report) -> str:
    import jinja2

    hint = "compare it with the packaged template of the same name, or leave --templates out"
    try:
        return environment.get_template(name).render(report=report)
    except jinja2.TemplateSyntaxError as error:
        where = error.name or name
        raise BadInput(f"template {where}, line {error.lineno}: {error.message}", hint) from error
    except jinja2.TemplateNotFound as error:
        raise BadInput(f"template {error.name}: not found", hint) from error
    except jinja2.UndefinedError as error:
        raise BadInput(f"template {_place(error, name)}: {error.message}", hint) from error
    except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise BadInput(f"template {_place(error, name)}: {formats.line(str(error))}", hint) from error


def _place(error: Exception, name: str) -> str:
    """Return the template's name and line where `error` arose: Jinja puts both into the traceback."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.endswith((".j2", ".css"))
    ]
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else name

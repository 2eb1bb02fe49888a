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
    folders = template_folders(templates)
    figures = plots.draw(comparison.metrics, plot_style(folders))
    report = views.report(run, comparison, figures)
    # Everything is rendered before anything is written: a wrong template leaves the old report whole.
    contents = {
        folder / "card.md": fill(markdown_environment(folders), "card.md.j2", report=report),
        folder / "report.html": fill(html_environment(folders), "report.html.j2", report=report),
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


def template_folders(templates: Path | None) -> tuple[Path, ...]:
    """Return the folders in which templates are looked for, the user's first.

    Raises:
        BadInput: `templates` is no folder.
    """
    if templates is None:
        return (packaged_templates(),)
    if not templates.is_dir():
        raise BadInput(f"{templates}: no such folder of templates", "name a folder with *.j2 files")
    return (templates, packaged_templates())


def plot_style(folders: tuple[Path, ...]) -> Path:
    """Return the first style sheet of plots in `folders`."""
    return next(path for path in (folder / _STYLE for folder in folders) if path.is_file())


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


def html_environment(folders: tuple[Path, ...]) -> jinja2.Environment:
    """Return the environment of HTML templates: whatever they print is cleaned and escaped."""
    from markupsafe import Markup

    environment = _environment(folders, autoescape=True)

    def finalize(value: object) -> object:
        """Clean what a template prints; Jinja escapes it afterwards."""
        return formats.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    def svg(plot: plots.Plot) -> Markup:
        """Print a figure as it is: `plots` made it, and escaped the texts in it."""
        return Markup(plot.inline)  # noqa: S704 - the one place, see above

    def prose(text: str) -> Markup:
        """Print a sentence of a rule: what stands between backticks becomes code, all of it is escaped."""
        return Markup("").join(
            Markup("<code>{}</code>").format(piece) if is_code else piece
            for is_code, piece in formats.spans(formats.clean(text))
        )

    environment.finalize = finalize
    environment.filters |= {"svg": svg, "prose": prose}
    return environment


def markdown_environment(folders: tuple[Path, ...]) -> jinja2.Environment:
    """Return the environment of Markdown templates: whatever they print is escaped."""
    # No HTML escaping: `markdown.finalize` escapes whatever is printed, HTML in it included.
    environment = _environment(folders, autoescape=False)
    environment.finalize = markdown.finalize
    for function in (markdown.code, markdown.fenced, markdown.link, markdown.prose, markdown.table):
        environment.filters[function.__name__] = function
    return environment


def fill(environment: jinja2.Environment, name: str, **values: object) -> str:
    """Return a template filled with values.

    Raises:
        BadInput: The template is wrong; names its file and line.
    """
    import jinja2

    hint = "compare it with the packaged template of the same name, or leave --templates out"
    try:
        return environment.get_template(name).render(values)
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

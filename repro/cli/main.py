"""`repro`: collects the verbs, and turns every error into one line, one hint and an exit code."""

from __future__ import annotations

import sys
from typing import Any

import typer

import repro
from repro.cli import (
    audit,
    check,
    compare,
    diff,
    doctor,
    env,
    env_matrix,
    env_prune,
    evaluate,
    peers,
    plan,
    report,
    rules,
    run,
    runs,
    runs_rm,
    schema,
    show,
)
from repro.cli.options import shared
from repro.errors import Interrupted, ReproError

# UsageError: Typer's own since it carries its parser inside itself, click's before; this finds either.
_UsageError: Any = typer.BadParameter.__bases__[0]
#: Behind `env` and `runs`: verbs with options of their own; a case of that name is `./matrix`.
_WORDS = {"env": ("matrix", "prune"), "runs": ("rm",)}
_UNEXPECTED = 70  # EX_SOFTWARE of sysexits.h: no user's fault

app = typer.Typer(
    name="repro",
    add_completion=False,
    rich_markup_mode=None,  # plain help: rich alone takes longer to import than the help to print
    pretty_exceptions_enable=False,
    help="Is what a model card says true, and can it be had again?",
    epilog="Exit codes: 0 as published, 1 not reproduced, 2 bad input, 3 environment cannot be built, "
    "4 training failed, 5 Hub or network, 130 interrupted.",
)
app.command("run")(run.run)
app.command("show")(show.show)
app.command("plan")(plan.plan)
app.command("report")(report.report)
app.command("check")(check.check)
app.command("evaluate")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("diff")(diff.diff)
app.command("runs")(runs.runs)
app.command("runs rm")(runs_rm.runs_rm)
app.command("env")(env.env)
app.command("env matrix")(env_matrix.env_matrix)
app.command("env prune")(env_prune.env_prune)
app.command("audit")(audit.audit)
app.command("peers")(peers.peers)
app.command("rules")(rules.rules)
app.command("doctor")(doctor.doctor)
app.command("schema")(schema.schema)


def _print_version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"repro {repro.__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", help="Print the version.", is_eager=True, callback=_print_version
    ),
) -> None:
    pass


def main() -> None:
    """Run the command and exit; the entry point of `repro`."""
    sys.exit(call(sys.argv[1:]))


def call(arguments: list[str]) -> int:
    """Run the command.

    Args:
        arguments: What stands behind `repro` on the command line.

    Returns:
        The exit code.
    """
    shared.reset()
    if arguments[1:2] and arguments[1] in _WORDS.get(arguments[0], ()):
        arguments = [" ".join(arguments[:2]), *arguments[2:]]
    try:
        code = app(arguments or ["--help"], prog_name="repro", standalone_mode=False)
        sys.stdout.flush()
    except ReproError as error:
        return _fail(error, error.message, error.hint, error.exit_code)
    except _UsageError as error:
        return _fail(error, error.format_message(), "see `repro --help`", 2)
    except (KeyboardInterrupt, typer.Abort) as error:
        return _fail(error, "stopped", "", Interrupted.exit_code)
    except BrokenPipeError:
        # Whoever read our output has enough (`repro audit … | head`); nothing is wrong.
        sys.stdout = None  # so that the interpreter does not flush it again
        return 0
    except Exception as error:  # noqa: BLE001 - the last line of defence
        what = f"unexpected {type(error).__name__}: {' '.join(str(error).split())[:300]}"
        return _fail(error, what, "this is a defect of repro: please report it with --verbose", _UNEXPECTED)
    return code if isinstance(code, int) else 0


def _fail(error: BaseException, message: str, hint: str, code: int) -> int:
    from repro.cli.console import print_error

    print_error(error, message, hint, code)
    return code

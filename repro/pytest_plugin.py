"""The pytest plugin: fixtures, a marker, `--repro-update` and a summary; docs/ci.md shows it at work.

pytest imports this in every run of everybody who has this package installed. So it imports nothing that
pytest has not imported already, and does nothing until a test asks for it.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from repro.assertions import Checked, assert_reproduced, listeners, tell

if TYPE_CHECKING:
    from repro.assertions.references import ReferenceFile
    from repro.errors import ReproError
    from repro.workflows import Outcome

_UPDATE = "--repro-update"
_MARKER = "repro"
_UPDATED = "updated"
_MOST_LINES = 30
# Each phase's report carries what was checked in it; xdist sends reports to who writes the summary.
_REPORTED = "repro_checked"


class RunFactory(Protocol):
    """What the fixture `repro_run` gives."""

    def __call__(
        self,
        case: str | Path = "demo",
        *,
        out: str | Path | None = None,
        fresh: bool = False,
        skip_unavailable: bool = False,
        **options: Any,
    ) -> Outcome:
        """Run a case, once in a test run, whoever asks and in however many processes.

        Args:
            case: A bundled case or a case folder; relative folders begin at pytest's rootdir.
            out: Where runs land; by default the ini value `repro_out`. An unfinished run there is gone on
                with, a finished one is compared again.
            fresh: Start anew.
            skip_unavailable: Skip the test where environment, model or data cannot be had.
            options: The other fields of `repro.workflows.RunOptions`.
        """
        ...


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option and the ini value."""
    group = parser.getgroup("repro")
    group.addoption(
        _UPDATE,
        action="store_true",
        default=False,
        help="write what was measured into the files of repro_reference, for a review, instead of comparing",
    )
    parser.addini("repro_out", "where repro_run's runs land, from the rootdir", default="reports")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and begin to listen to assertions."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(case, at_least=None, **options): the run that the fixture repro_outcome gives; with "
        "at_least the test also asserts that it came out so well",
    )
    config.pluginmanager.register(_Checks(f"{config.rootpath}{os.sep}"), "repro-checks")


class _Checks:
    """What was checked in this test run."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._new: list[dict[str, Any]] = []
        self._told: dict[tuple[str, ...], bool] = {}
        listeners.append(self._listen)

    def _listen(self, checked: Checked) -> None:
        self._new.append(vars(checked))

    def pytest_unconfigure(self) -> None:
        """Stop listening."""
        if self._listen in listeners:
            listeners.remove(self._listen)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, Any, None]:
        """Hang what was checked on the report of the phase in which it was."""
        outcome = yield
        if self._new:
            new, self._new = self._new, []
            setattr(outcome.get_result(), _REPORTED, new)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect; where xdist distributes, this is the process that it reports to."""
        for each in getattr(report, _REPORTED, ()):
            # One run may be looked at by many tests, in several processes: it is told once.
            key = (each["verdict"], each["what"], each["detail"], each["where"])
            self._told[key] = self._told.get(key, True) and each["good"]

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Write the section, where there is something to tell."""
        if not self._told:
            return
        from repro.reports.formats import line  # what a card or a case says cannot act on the terminal

        terminalreporter.section("repro")
        told = sorted(self._told.items(), key=lambda each: (each[1], each[0][0] != _UPDATED, each[0]))
        for (verdict, *words), good in told[:_MOST_LINES]:
            colour = "red" if not good else "yellow" if verdict == _UPDATED else "green"
            terminalreporter.write(f"{line(verdict):<12}  ", **{colour: True})
            shown = (line(word).replace(self._root, "") for word in words if word)
            terminalreporter.line("  ".join(shown))
        if len(told) > _MOST_LINES:
            terminalreporter.line(f"… and {len(told) - _MOST_LINES} more")
        if any(verdict == _UPDATED for verdict, *_ in self._told):
            terminalreporter.line("Review the updated files before you commit them.")


# ------------------------------------------------------------------------------------------------ runs


@pytest.fixture(scope="session")
def repro_run(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> RunFactory:
    """Give a function that runs a case and returns run, comparison and folder.

    `run = repro_run("demo")`; other arguments are those of `repro.workflows.RunOptions`.
    """
    made: dict[str, Outcome | ReproError] = {}

    def run(
        case: str | Path = "demo",
        *,
        out: str | Path | None = None,
        fresh: bool = False,
        skip_unavailable: bool = False,
        **options: Any,
    ) -> Outcome:
        from repro.assertions.outcomes import judged
        from repro.errors import EnvironmentFailed, Interrupted, NetworkFailed, ReproError

        arguments = _arguments(pytestconfig, {"case": case, "out": out, "fresh": fresh, **options})
        key = _digest(sorted(arguments.items()))
        if key not in made:
            try:
                made[key] = outcome = _run_once(
                    arguments, key, _shared_folder(pytestconfig, tmp_path_factory)
                )
                tell(judged(outcome).checked())
            except Interrupted as error:
                pytest.exit(f"{error.message} ({error.hint})", returncode=error.exit_code)
            except ReproError as error:
                made[key] = error
        result = made[key]
        if not isinstance(result, ReproError):
            return result
        if skip_unavailable and isinstance(result, EnvironmentFailed | NetworkFailed):
            pytest.skip(result.message)
        pytest.fail(_two_lines(result), pytrace=False)

    return run


def _two_lines(error: ReproError) -> str:
    return f"{error.message}\nhint: {error.hint}"


@pytest.fixture
def repro_outcome(request: pytest.FixtureRequest, repro_run: RunFactory) -> Outcome:
    """Give the run that the test's marker names: `@pytest.mark.repro("demo", at_least="matching")`."""
    marker = request.node.get_closest_marker(_MARKER)
    if marker is None or not (marker.args or "case" in marker.kwargs):
        pytest.fail(
            'repro_outcome needs a case: @pytest.mark.repro("demo", at_least="matching")', pytrace=False
        )
    options = dict(marker.kwargs)
    options.pop("at_least", None)
    return repro_run(*marker.args, **options)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Assert what the marker says, as a failure of the test itself; the marker alone does nothing."""
    marker = pyfuncitem.get_closest_marker(_MARKER)
    asked = {} if marker is None else marker.kwargs
    at_least = asked.get("at_least")
    outcome: Any = pyfuncitem.funcargs.get("repro_outcome")
    if at_least is None or outcome is None:
        return
    from repro.errors import ReproError

    problem = ""
    try:
        assert_reproduced(outcome, at_least, prefix="until_epoch" in asked)
    except AssertionError as error:
        problem = str(error)
    except ReproError as error:
        problem = _two_lines(error)
    if problem:  # outside of `except`, or pytest would show it twice
        pytest.fail(problem, pytrace=False)


def _arguments(config: pytest.Config, given: dict[str, Any]) -> dict[str, Any]:
    """Return fields of `RunOptions`; relative folders begin at the rootdir, wherever pytest is called."""
    from dataclasses import fields

    from repro.cases.loader import bundled
    from repro.workflows import RunOptions

    names = [each.name for each in fields(RunOptions)]
    if unknown := given.keys() - set(names):
        pytest.fail(
            f"repro_run has no option {', '.join(sorted(unknown))}\nhint: there are {', '.join(names)}",
            pytrace=False,
        )
    given["out"] = given["out"] or config.getini("repro_out")
    for name in ("out", "model", "data", "kit", "templates"):
        if given.get(name) is not None:
            given[name] = config.rootpath / given[name]
    case = str(given["case"])
    given["case"] = (
        str(config.rootpath / case) if case not in bundled() and (config.rootpath / case).exists() else case
    )
    return given


def _run_once(arguments: dict[str, Any], key: str, shared: Path | None) -> Outcome:
    """Run, or take what another process of this test run has made.

    Args:
        arguments: Fields of `RunOptions`.
        key: Names them.
        shared: A folder of this test run that all its processes have; None where there is but one process.
    """
    from repro import workflows

    options = workflows.RunOptions(**arguments)
    if shared is None:
        return workflows.run(options, _talk())
    from filelock import FileLock

    from repro import errors
    from repro.records.codec import write_atomic

    note = shared / f"repro-{key}.json"
    # One lock a case: two requests that differ in a detail may end in one folder.
    with FileLock(shared / f"repro-{_digest([options.case, options.out])}.lock"):
        if note.exists():
            said = json.loads(note.read_text())
            if "folder" in said:
                return workflows.check(said["folder"])
            raise getattr(errors, said["error"])(said["message"], said["hint"])
        try:
            outcome = workflows.run(options, _talk())
        except errors.Interrupted:
            raise
        except errors.ReproError as error:
            told = {"error": type(error).__name__, "message": error.message, "hint": error.hint}
            write_atomic(note, json.dumps(told))
            raise
        write_atomic(note, json.dumps({"folder": str(outcome.folder)}))
    return outcome


def _talk() -> Any:
    """Return an observer whose lines pytest shows where a test fails, or at once with `-s`."""
    from repro.workflows import Silent

    class Talk(Silent):
        """Says on standard error what is done."""

        def say(self, text: str) -> None:
            """Say one line."""
            from repro.reports.formats import line

            sys.stderr.write(line(text) + "\n")

        def confirm(self, text: str) -> bool:
            """Say what is about to be done, and agree: nobody can be asked."""
            self.say(text)
            return True

    return Talk()


def _shared_folder(config: pytest.Config, temporary: pytest.TempPathFactory) -> Path | None:
    """Return the folder that all processes of this test run have in common, None where there is but one."""
    return temporary.getbasetemp().parent if hasattr(config, "workerinput") else None


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


# ------------------------------------------------------------------------------------------ references


@pytest.fixture
def repro_reference(
    request: pytest.FixtureRequest, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str | Path], ReferenceFile]:
    """Give a function that names a file of reference curves beside the test, for `assert_close_curve`.

    With `--repro-update` the assertion writes what was measured into it and holds.
    """

    def reference(name: str | Path) -> ReferenceFile:
        from repro.assertions.references import ReferenceFile

        path = request.path.parent / name
        shared = _shared_folder(pytestconfig, tmp_path_factory)
        return ReferenceFile(
            path,
            update=bool(pytestconfig.getoption(_UPDATE)),
            lock=shared / f"repro-{_digest(str(path))}.lock" if shared else None,
            hint=f"`pytest {_UPDATE}` writes what was measured into it; review it, then commit it",
        )

    return reference

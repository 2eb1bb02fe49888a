"""The plugin in real pytest runs of a project of somebody else, in one process and in several."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from repro import workflows
from repro.cases import load_case, loader
from repro.records.run import Settings
from repro.runs.folders import RunFolder, run_id

pytest_plugins = ["pytester"]

EXAMPLE = Path(__file__).parents[1] / "reports" / "example"
HEAVY = "{'msgspec', 'numpy', 'scipy', 'typer', 'huggingface_hub', 'jinja2', 'yaml', 'matplotlib', 'torch'}"


def section(result: pytest.RunResult) -> list[str]:
    """The lines of the summary section."""
    lines = result.outlines
    heads = [at for at, line in enumerate(lines) if re.fullmatch(r"=+ repro =+", line)]
    if not heads:
        return []
    (head,) = heads
    end = next(at for at, line in enumerate([*lines, "="]) if at > head and line.startswith("="))
    return [line for line in lines[head + 1 : end] if line]


@pytest.fixture
def finished(pytester: pytest.Pytester) -> Path:
    """A finished run of the demo where `repro_run` looks for it: the committed example, really trained."""
    environment, _ = workflows.environment_of("demo")
    identity = run_id(load_case("demo").digest, environment.lock_sha256, Settings(seed=42))
    folder = pytester.path / "reports" / "demo" / identity
    shutil.copytree(EXAMPLE, folder)
    run = RunFolder(folder)
    run.save(msgspec.structs.replace(run.load(), id=identity))
    return folder


def spoil(folder: Path) -> None:
    """Move one validation loss of a run away from the published one."""
    run = RunFolder(folder).load()
    epoch = msgspec.structs.replace(run.epochs[2], validation_loss=9.0)
    RunFolder(folder).save(msgspec.structs.replace(run, epochs=(*run.epochs[:2], epoch, *run.epochs[3:])))


# ---------------------------------------------------------------------------------- whoever has it


def test_loading_it_imports_nothing_heavy() -> None:
    """The plugin is loaded in everybody's pytest: it brings in nothing of this program but itself."""
    code = (
        "import sys, pytest; before = set(sys.modules); import repro.pytest_plugin\n"
        f"new = set(sys.modules) - before; print(sorted(new & {HEAVY}))\n"
        "print(sorted(each for each in new if each.startswith('repro')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['repro', 'repro.assertions', 'repro.pytest_plugin']"]


def test_it_is_inert_unless_used(pytester: pytest.Pytester) -> None:
    """Tests of others, with a marker `repro` of their own, run as ever: no section, no import, no warning."""
    pytester.makepyfile(
        f"""
        import sys
        import pytest

        @pytest.mark.repro
        @pytest.mark.repro("issue 12", at_least=3)
        def test_of_others():
            assert not {HEAVY} & set(sys.modules)
        """
    )
    result = pytester.runpytest_subprocess("--strict-markers", "-Werror", "-n", "2")
    result.assert_outcomes(passed=1)
    assert section(result) == []
    assert [path.name for path in pytester.path.iterdir() if path.name == "reports"] == []


def test_it_is_registered(pytester: pytest.Pytester) -> None:
    """An installed package is enough: option, marker and fixtures are there, and can be blocked."""
    assert "--repro-update" in pytester.runpytest_subprocess("--help").stdout.str()
    assert "@pytest.mark.repro(case" in pytester.runpytest_subprocess("--markers").stdout.str()
    fixtures = pytester.runpytest_subprocess("--fixtures").stdout.str()
    for name in ("repro_run", "repro_outcome", "repro_reference"):
        assert re.search(rf"^{name}\b", fixtures, re.MULTILINE)
    without = pytester.runpytest_subprocess("-p", "no:repro.pytest_plugin", "--help")
    assert "--repro-update" not in without.stdout.str()
    pytester.makeconftest("pytest_plugins = ['repro.pytest_plugin']")  # named once more, it is still one
    assert pytester.runpytest_subprocess("-p", "repro.pytest_plugin", "--markers").ret == 0


# ------------------------------------------------------------------------------------------- runs

RUNS = """
    import pytest
    from repro.assertions import assert_reproduced

    def test_by_hand(repro_run):
        run = repro_run("demo")
        assert run is repro_run("demo")
        assert_reproduced(run, at_least="identical")
        assert run.run.data.train_examples == 900

    @pytest.mark.repro("demo", at_least="matching")
    def test_by_marker(repro_outcome):
        assert repro_outcome.comparison.reproduced

    @pytest.mark.repro(case="demo", at_least="identical")
    @pytest.mark.usefixtures("repro_outcome")
    class TestMarkedTogether:
        def test_one(self): pass
        def test_two(self, repro_outcome): assert repro_outcome.folder.is_dir()
"""


@pytest.mark.parametrize("processes", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_run_and_its_marker(pytester: pytest.Pytester, finished: Path, processes: tuple[str, ...]) -> None:
    """All tests look at one run, and the section tells it once: verdict, largest difference, folder."""
    pytester.makepyfile(RUNS)
    result = pytester.runpytest_subprocess("-Werror", *processes)
    result.assert_outcomes(passed=4)
    (line,) = section(result)
    assert line.split()[:2] == ["identical", "demo"]
    assert "largest difference 0.0000 (validation loss, epoch 1)" in line
    assert line.endswith(f"  {finished.relative_to(pytester.path)}")


def test_a_run_that_was_not_reproduced(pytester: pytest.Pytester, finished: Path) -> None:
    """By hand and by marker the test itself fails: verdict, table, worst row, and none of our code."""
    spoil(finished)
    pytester.makepyfile(RUNS)
    result = pytester.runpytest_subprocess("-n", "2")
    result.assert_outcomes(failed=4)
    said = result.stdout.str()
    assert "demo: different, not at least identical: validation loss: 1 of 16 values" in said
    assert "demo: different, not at least matching: " in said
    failures, _ = said.split("short test summary info")  # in hosted CI pytest says all of it there again
    assert failures.count("OUTSIDE <- worst") == 4
    assert "repro/assertions" not in said
    (line,) = section(result)
    assert line.startswith("different     demo  largest difference ")


def test_a_marker_without_a_level_gives_the_run_alone(pytester: pytest.Pytester, finished: Path) -> None:
    """Without `at_least` nothing is asserted: the test looks for itself. Another word is refused."""
    spoil(finished)
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.repro("demo")
        def test_it(repro_outcome):
            assert repro_outcome.comparison.verdict == "different"

        @pytest.mark.repro("demo", at_least="good")
        def test_no_verdict(repro_outcome): pass
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["'good' is no verdict", "hint: one of identical, matching, *"])


def test_folders_begin_at_the_rootdir(pytester: pytest.Pytester, finished: Path) -> None:
    """`repro_out`, `out` and case folders do not depend on where pytest is called."""
    finished.parents[1].rename(pytester.path / "kept")
    shutil.copytree(Path(loader.__file__).parent / "demo", pytester.path / "my-case")
    pytester.makeini("[pytest]\nrepro_out = kept\n")
    pytester.mkdir("sub").joinpath("test_it.py").write_text(
        "def test_it(repro_run, pytestconfig):\n"
        "    root = pytestconfig.rootpath\n"
        "    assert repro_run().folder.parents[1] == root / 'kept'\n"
        "    assert repro_run('demo', out='kept').folder == repro_run(out=root / 'kept').folder\n"
    )
    result = pytester.runpytest_subprocess("--rootdir", str(pytester.path), "-c", "tox.ini", "sub")
    result.assert_outcomes(passed=1)


def test_errors_are_two_lines(pytester: pytest.Pytester) -> None:
    """What cannot be run fails with one line and one hint, in each test that wants it, and is tried once."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", range(3))
        def test_no_such_case(repro_run, number): repro_run("dmeo")
        def test_no_such_option(repro_run): repro_run("demo", colour=3)
        def test_no_marker(repro_outcome): pass
        """
    )
    result = pytester.runpytest_subprocess("-n", "2")
    result.assert_outcomes(failed=4, errors=1)
    said = result.stdout.str()
    assert "Traceback" not in said
    assert result.outlines.count("dmeo: no such case") == 3
    assert "hint: bundled cases: demo, issues-128" in said
    assert "repro_run has no option colour" in said
    assert 'repro_outcome needs a case: @pytest.mark.repro("demo", at_least="matching")' in said


def test_skipped_only_where_that_is_asked(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a registry a new environment cannot be had: a failure, or with `skip_unavailable` a skip."""
    monkeypatch.setenv("REPRO_CACHE_DIR", str(pytester.path / "cache"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple/")
    cases = Path(loader.__file__).parent
    shutil.copytree(cases, pytester.path / "cases", ignore=shutil.ignore_patterns("__pycache__", "*.py[cod]"))
    card = pytester.path / "cases" / "demo" / "card.md"
    card.write_text(card.read_text().replace("Transformers 4.21.2", "Transformers 4.22.2"))
    pytester.makepyfile(
        """
        import pytest

        def test_needed(repro_run):
            repro_run("cases/demo")

        @pytest.mark.repro("cases/demo", at_least="matching", skip_unavailable=True)
        def test_welcome(repro_outcome):
            pass
        """
    )
    result = pytester.runpytest_subprocess("-rs")
    result.assert_outcomes(failed=1, skipped=1)
    assert re.search(r"SKIPPED .*127\.0\.0\.1", result.stdout.str())


# ----------------------------------------------------------------------------------------- curves

CURVES = """
    import json
    from pathlib import Path
    import pytest
    from repro.assertions import assert_close_curve

    MEASURED = json.loads(Path(__file__).with_name("measured.json").read_text())

    @pytest.mark.parametrize("metric", sorted(MEASURED))
    def test_curve(repro_reference, metric):
        assert_close_curve(MEASURED, repro_reference("references/curve.json"), tolerance=0.02, metric=metric)
"""


def measure(pytester: pytest.Pytester, **metrics: list[float]) -> None:
    (pytester.path / "measured.json").write_text(json.dumps(metrics))


def test_references_under_review(pytester: pytest.Pytester) -> None:
    """Missing fails with the option's name; the option writes; then it holds, until something changes.

    Several processes may write into one file at once, and no metric is lost.
    """
    metrics = {f"m{number}": [1.0 + number, 0.5] for number in range(8)}
    pytester.makepyfile(CURVES)
    measure(pytester, **metrics)
    path = pytester.path / "references" / "curve.json"

    result = pytester.runpytest_subprocess("-n", "2")
    result.assert_outcomes(failed=8)
    assert "hint: `pytest --repro-update` writes what was measured into it" in result.stdout.str()
    assert not path.exists()

    result = pytester.runpytest_subprocess("--repro-update", "-n", "2")
    result.assert_outcomes(passed=8)
    told = section(result)
    assert len([each for each in told if each.startswith("updated")]) == 8
    assert all(each.endswith("2 new values  references/curve.json") for each in told[:-1])
    assert told[-1] == "Review the updated files before you commit them."
    assert set(json.loads(path.read_text())["metrics"]) == set(metrics)
    assert [each.name for each in path.parent.iterdir()] == ["curve.json"]

    before = path.read_bytes()
    measure(pytester, **{**metrics, "m3": [4.0, 0.6]})
    result = pytester.runpytest_subprocess("-n", "2")
    result.assert_outcomes(passed=7, failed=1)
    assert "m3: 1 of 2 values lie outside ±0.02; the worst is +0.1000 at point 2" in result.stdout.str()
    assert path.read_bytes() == before

    result = pytester.runpytest_subprocess("--repro-update", "-n", "2")
    result.assert_outcomes(passed=8)
    (updated,) = (each for each in section(result) if each.startswith("updated"))
    assert updated.endswith("m3  1 of 2 values changed  references/curve.json")
    assert json.loads(path.read_text())["metrics"]["m3"][1] == {"value": 0.6}


def test_references_are_written_in_one_process(pytester: pytest.Pytester) -> None:
    """Without xdist the option writes, too: several metrics into one file, none of them lost."""
    pytester.makepyfile(CURVES)
    measure(pytester, f1=[0.3], accuracy=[0.5])
    pytester.runpytest_subprocess("--repro-update").assert_outcomes(passed=2)
    written = json.loads((pytester.path / "references" / "curve.json").read_text())
    assert written["metrics"] == {"accuracy": [{"value": 0.5}], "f1": [{"value": 0.3}]}


def test_a_listener_is_gone_with_its_run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pytest run inside another one takes nothing from the outer one and leaves nothing behind."""
    pytester.makepyfile(
        test_outer="""
        from repro.assertions import assert_close_curve, listeners
        pytest_plugins = ["pytester"]

        def test_outer(pytester):
            before = list(listeners)
            pytester.makepyfile(test_inner=
                "from repro.assertions import assert_close_curve\\n"
                "def test_inner(): assert_close_curve([1.0], [1.01])\\n"
            )
            result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
            result.assert_outcomes(passed=1)
            assert any("largest difference 0.0100" in line for line in result.outlines)
            assert listeners == before
            assert_close_curve([1.0], [1.015])
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1)
    assert section(result) == ["close         validation loss  largest difference 0.0150 at point 1"]


def test_a_check_in_a_fixture_is_told_too(pytester: pytest.Pytester) -> None:
    """What a fixture asserts, while it is set up or taken down, stands in the section as well."""
    pytester.makepyfile(
        """
        import pytest
        from repro.assertions import assert_close_curve

        @pytest.fixture
        def trained():
            assert_close_curve([1.0], [1.001])
            yield
            assert_close_curve([1.0], [1.5])

        def test_it(trained): pass
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=1)
    assert [each.split()[0] for each in section(result)] == ["apart", "close"]


def test_a_long_section_is_cut(pytester: pytest.Pytester) -> None:
    """Of a hundred comparisons those that failed come first, and the rest is counted."""
    pytester.makepyfile(
        """
        import pytest
        from repro.assertions import assert_close_curve

        @pytest.mark.parametrize("number", range(100))
        def test_it(number):
            assert_close_curve({"m%d" % number: [1.0]}, {"m%d" % number: [2.0 if number == 77 else 1.0]})
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=99, failed=1)
    lines = section(result)
    assert lines[0].startswith("apart         m77  1 of 1 values lie outside")
    assert lines[-1] == "… and 70 more"

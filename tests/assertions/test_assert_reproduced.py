"""A run that came out as well as asked, or not, and what is said then."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from repro.assertions import assert_reproduced
from repro.comparison import compare
from repro.errors import BadInput
from repro.records.codec import load
from repro.records.comparison import VERDICTS, Comparison, Stream
from repro.records.run import Run
from repro.runs.folders import RunFolder
from repro.workflows import Outcome, check

EXAMPLE = Path(__file__).parents[2] / "reports" / "example"


@pytest.fixture
def different(tmp_path: Path) -> Path:
    """The committed example with one value moved."""
    run = load(EXAMPLE / "run.json", Run)
    moved = msgspec.structs.replace(
        run.epochs[4], validation_loss=float(run.epochs[4].validation_loss or 0) + 0.05
    )
    RunFolder(tmp_path).save(msgspec.structs.replace(run, epochs=(*run.epochs[:4], moved, *run.epochs[5:])))
    return tmp_path


def test_whatever_stands_for_a_run() -> None:
    """An outcome, a record, a comparison, a folder and a file's name are the same run."""
    outcome = check(str(EXAMPLE))
    for run in (outcome, outcome.run, outcome.comparison, EXAMPLE, str(EXAMPLE), EXAMPLE / "run.json"):
        assert assert_reproduced(run, at_least="identical").verdict == "identical"


@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_order_of_the_verdicts(verdict: Any) -> None:
    """A verdict is good enough for itself and for every worse one, and for no better one."""
    comparison = Comparison(
        verdict=verdict, reproduced=False, reason="because", stream=Stream(match="same"), metrics={}
    )
    for wanted in VERDICTS:
        if VERDICTS.index(wanted) >= VERDICTS.index(verdict):
            assert_reproduced(comparison, at_least=wanted)
        else:
            with pytest.raises(AssertionError, match=f"{verdict}, not at least {wanted}: because"):
                assert_reproduced(comparison, at_least=wanted)


def test_by_default_what_counts_as_reproduced(different: Path) -> None:
    """Without a word `consistent` is enough and `different` is not."""
    assert_reproduced(EXAMPLE)
    with pytest.raises(AssertionError, match="different, not at least consistent"):
        assert_reproduced(different)


def test_the_message(different: Path) -> None:
    """First verdict and why in one line, then the tables that are not good enough, the worst row marked."""
    with pytest.raises(AssertionError) as caught:
        assert_reproduced(different, at_least="matching")
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("demo: different, not at least matching: validation loss: 1 of 16 values")
    (worst,) = (each for each in lines if each.endswith("OUTSIDE <- worst"))
    assert worst.split()[:5] == ["5", "145", "3.0112", "3.0612", "+0.0500"]
    assert "published" in str(caught.value)
    assert not any(each.startswith("Training loss") for each in lines)
    assert lines[-1] == f"run: {different}"


def test_likely_causes_stand_below(different: Path) -> None:
    """What the comparison holds likely is told, with what would test it."""
    run = load(different / "run.json", Run)
    settings = msgspec.structs.replace(run.settings, seed=43)
    outcome = Outcome(run, compare(msgspec.structs.replace(run, settings=settings)), different)
    assert outcome.comparison.causes
    with pytest.raises(AssertionError, match=r"likely cause: .+; to test it: "):
        assert_reproduced(outcome)


def test_without_a_known_cause_the_differences_speak(different: Path) -> None:
    """A run in the documented software, on the documented hardware: the shape says what is likely."""
    unexplained = msgspec.structs.replace(check(str(different)).comparison, causes=())
    with pytest.raises(AssertionError, match=r"likely cause: noise: .+15 of 16 values agree"):
        assert_reproduced(unexplained)
    (metric,) = (each for each in unexplained.metrics.values() if each.verdict == "different")
    rows = (msgspec.structs.replace(metric.rows[0], measured="nan", difference=None, within=False),)
    broken = {"validation_loss": msgspec.structs.replace(metric, verdict="diverged", rows=rows)}
    with pytest.raises(AssertionError, match=r"likely cause: one of the two trainings diverged"):
        assert_reproduced(msgspec.structs.replace(unexplained, metrics=broken))


def test_bad_input(tmp_path: Path) -> None:
    """No run, another word than a verdict, and a thing that is no run are each refused in one line."""
    with pytest.raises(BadInput, match="no run there"):
        assert_reproduced(tmp_path)
    with pytest.raises(BadInput, match="'good' is no verdict"):
        assert_reproduced(EXAMPLE, at_least="good")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="int is no run"):
        assert_reproduced(3)  # type: ignore[arg-type]


def test_pytest_is_not_needed() -> None:
    """The assertions work where pytest cannot be imported, e.g. in unittest or a script."""
    code = (
        "import sys; sys.modules['pytest'] = sys.modules['_pytest'] = None\n"
        "from repro.assertions import assert_close_curve, assert_reproduced\n"
        f"assert_reproduced({str(EXAMPLE)!r}, at_least='identical')\n"
        "assert_close_curve([1.0], [1.0])\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

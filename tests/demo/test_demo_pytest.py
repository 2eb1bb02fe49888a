"""The plugin with a real training: one for all tests and all processes."""

from __future__ import annotations

import os

import pytest

pytestmark = pytest.mark.environment
pytest_plugins = ["pytester"]

HOME = os.environ.get("HOME")  # pytester takes it away, and with it the cache of environments


def test_one_training_for_all_processes(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes ask for a fresh run of the demo at the same time: one trains, both get its run."""
    if HOME is not None:
        monkeypatch.setenv("HOME", HOME)
    pytester.makepyfile(
        """
        import pytest
        from repro.assertions import assert_close_curve, assert_reproduced

        @pytest.mark.parametrize("number", [1, 2])
        def test_demo(repro_run, number):
            run = repro_run("demo", fresh=True)
            assert_reproduced(run, at_least="matching")
            published = [cell.text for cell in run.run.case.claims.results.column("validation_loss")]
            assert_close_curve(run, published, tolerance=0.001)

        @pytest.mark.repro("demo", fresh=True, at_least="matching")
        def test_marker(repro_outcome):
            assert repro_outcome.run.data.train_examples == 900
        """
    )
    result = pytester.runpytest_subprocess("-n", "2", "-Werror")
    result.assert_outcomes(passed=3)
    (folder,) = (pytester.path / "reports" / "demo").iterdir()
    events = (folder / "events.jsonl").read_text()
    assert [events.count(f'"event": "{name}"') for name in ("started", "finished")] == [1, 1]
    assert any(f"reports/demo/{folder.name}" in line for line in result.outlines)

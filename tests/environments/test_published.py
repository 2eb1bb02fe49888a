"""The published run's environment, really built: several GB, once, in the user's cache."""

from __future__ import annotations

import json
import subprocess

import pytest

from repro.environments import Built, build, child_environment, resolve, this_platform
from repro.errors import NetworkFailed
from repro.records.environment import Environment

DOCUMENTED = {"transformers": "4.21.2", "torch": "1.13.0+cu117", "datasets": "2.7.1", "tokenizers": "0.12.1"}
PACKAGES = {"scikit-multilearn": "0.2.0", "scikit-learn": "*"}
VERSIONS = """
import json, datasets, skmultilearn.model_selection, tokenizers, torch, transformers, pyarrow
print(json.dumps({module.__name__: module.__version__
    for module in (datasets, tokenizers, torch, transformers, pyarrow)}))
"""

pytestmark = [
    pytest.mark.environment,
    pytest.mark.skipif(this_platform() != "linux-x86_64", reason="published for Linux x86-64"),
]


@pytest.fixture(scope="module")
def published() -> tuple[Environment, Built]:
    """Return the record and the built environment of the published versions."""
    try:
        environment, lock = resolve(DOCUMENTED, packages=PACKAGES)
    except NetworkFailed as error:
        pytest.skip(f"the configured registry cannot be reached: {error.message}")
    return environment, build(environment, lock)


def test_the_record_is_of_that_day(published: tuple[Environment, Built]) -> None:
    """Two weeks after datasets 2.7.1, Python 3.10, stream A2, no deviation: the wheel is the build."""
    environment, _ = published
    assert environment.moment == "2022-12-06T17:20:22Z"
    assert (environment.python, environment.stream, environment.deviations) == ("3.10", "A2", ())
    assert "datasets 2.7.1" in environment.moment_reason
    assert "tokenizers 0.12.1 has none for 3.11" in environment.python_reason


def test_it_prints_what_the_card_prints(published: tuple[Environment, Built]) -> None:
    """The built environment imports and prints the documented versions, torch's local tag included."""
    _, built = published
    done = subprocess.run(
        [built.python, "-c", VERSIONS], env=child_environment(), capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert {name: found[name] for name in DOCUMENTED} == DOCUMENTED
    assert found["pyarrow"].startswith("10.")


def test_the_estimate_of_its_size_is_near(published: tuple[Environment, Built]) -> None:
    """The estimate, which decides whether a build is begun, is within a quarter of the measured size."""
    environment, built = published
    assert environment.sizes.disk_bytes is not None
    assert 0.75 < environment.sizes.disk_bytes / built.disk_bytes < 1.25

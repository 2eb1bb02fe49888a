"""The demo from an offline kit, on a machine without a network: downloads and training."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from hashlib import file_digest
from pathlib import Path

import pytest

from repro.cases import load_case
from repro.environments.kit import MANIFEST
from repro.records.codec import load
from repro.records.kit import Kit
from repro.workflows import build_environment

pytestmark = pytest.mark.environment

# `RECORD` holds paths; uv leaves a note on each wheel that it took from a folder.
NOTES = ("RECORD", "uv_cache.json")
SECONDS = 1800  # for the machine, not for the program: a bound so that nothing waits for ever


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Path]:
    """A folder whose several GB do not stay."""
    folder = tmp_path / "large"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def apart() -> list[str]:
    """Return what takes the network away from a command."""
    try:
        if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode == 0:
            return ["unshare", "--net"]
    except OSError:
        pass
    pytest.skip("the network cannot be taken away here (unshare --net)")


def contents(folder: Path) -> dict[str, str]:
    """Return the files of an environment's packages, but for byte code and notes on their origin."""
    found = {}
    for path in folder.glob("lib/python*/site-packages/**/*"):
        if path.is_file() and "__pycache__" not in path.parts and path.name not in NOTES:
            with path.open("rb") as file:
                found[str(path.relative_to(folder))] = file_digest(file, "sha256").hexdigest()
    return found


def test_the_demo_runs_from_its_kit_without_a_network(large: Path) -> None:
    """`env demo --kit`, then `run demo --kit` without a network and with empty caches: reproduced.

    The environment that comes out has the same files, byte for byte, as the one that was built online.
    """
    kit, cache = large / "the kit", large / "cache"
    subprocess.run([sys.executable, "-m", "repro", "env", "demo", "--kit", kit], check=True, timeout=SECONDS)
    listed = load(kit / MANIFEST, Kit)
    assert listed.missing == ()
    assert sum(one.path.startswith("wheels/") for one in listed.files) == 46
    empty = {"REPRO_CACHE_DIR": str(cache), "UV_CACHE_DIR": str(large / "uv"), "HF_HOME": str(large / "hf")}
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "repro",
        "run",
        "demo",
        "--kit",
        kit,
        "--out",
        large / "out",
        "--json",
    ]
    done = subprocess.run(
        [*apart(), *command], capture_output=True, text=True, check=False, timeout=SECONDS,
        stdin=subprocess.DEVNULL, env={**os.environ, **empty},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["reproduced"] is True
    (offline,) = (cache / "environments").glob("*/")
    locked = load_case("demo").locked
    assert locked is not None
    online = build_environment(*locked).folder
    assert contents(offline) == contents(online) != {}

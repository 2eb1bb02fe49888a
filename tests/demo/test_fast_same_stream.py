"""`--fast same-stream` in the locked environment: the same random stream, the same losses, less work."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from repro.cases import load_case, loader
from repro.environments import child_environment
from repro.records.codec import load
from repro.records.comparison import Comparison
from repro.records.run import Run
from repro.runs.local import WORKER
from repro.workflows import build_environment

pytestmark = pytest.mark.environment

CASES = Path(loader.__file__).parent
EPOCHS = 3


def repro(*arguments: str | Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """Run the command with a cache of the test's own."""
    done = subprocess.run(
        [sys.executable, "-m", "repro", *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "REPRO_CACHE_DIR": str(cache)},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the demo's environment and nothing else."""
    locked = load_case("demo").locked
    assert locked is not None
    environment = build_environment(*locked).folder
    folder = tmp_path_factory.mktemp("cache")
    (folder / "environments").mkdir()
    (folder / "environments" / environment.name).symlink_to(environment)
    return folder


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the demo whose card ends after a few epochs."""
    folder = tmp_path_factory.mktemp("cases") / "cases"
    shutil.copytree(CASES, folder, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    shutil.copy(CASES / "issues-128" / "data.py", folder / "issues-128")
    card = folder / "demo" / "card.md"
    lines = card.read_text().replace("num_epochs: 16", f"num_epochs: {EPOCHS}").splitlines(keepends=True)
    rows = [at for at, line in enumerate(lines) if line.startswith("|")]
    card.write_text("".join(line for at, line in enumerate(lines) if at not in rows[2 + EPOCHS :]))
    return folder / "demo"


@pytest.fixture(scope="module")
def both(case: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folders of two runs: of the published path, and of the fast one after it."""
    out = tmp_path_factory.mktemp("fast") / "reports"
    folders = []
    for flags in ((), ("--fast", "same-stream")):
        done = repro("run", case, *flags, "--out", out, "--json", cache=cache)
        folders.append(Path(json.loads(done.stdout)["folder"]))
    return folders[0], folders[1]


def test_every_loss_is_that_of_the_published_path(both: tuple[Path, Path]) -> None:
    """Each training and validation loss lies within 0.0001 of the published path's."""
    published, fast = (load(folder / "run.json", Run).epochs for folder in both)
    assert len(fast) == len(published) == EPOCHS
    for one, other in zip(published, fast, strict=True):
        for name in ("training_loss", "validation_loss"):
            assert float(getattr(other, name)) == pytest.approx(float(getattr(one, name)), abs=1e-4)


def test_the_random_stream_is_the_same(both: tuple[Path, Path]) -> None:
    """Behind each epoch all random states are those of the published path: nothing more or less was drawn."""
    published, fast = (load(folder / "run.json", Run).epochs for folder in both)
    for one, other in zip(published, fast, strict=True):
        for name in ("random_state", "data_order"):
            assert other.digests[name] == one.digests[name]
    markers = sorted(path.relative_to(both[0]) for path in both[0].glob("checkpoints/*/complete.json"))
    assert len(markers) == 2
    for path in markers:
        one, other = (json.loads((folder / path).read_text()) for folder in both)
        assert other["position"]["epoch_state"] == one["position"]["epoch_state"]


def test_the_record_names_each_means(both: tuple[Path, Path]) -> None:
    """A fast run is a run of its own, with a deviation by name that lists its means; the other has none."""
    published, fast = (load(folder / "run.json", Run) for folder in both)
    assert published.id != fast.id
    assert not [each for each in published.deviations if each.what.startswith("fast")]
    (deviation,) = [each for each in fast.deviations if each.what == "fast same-stream"]
    assert "language-model head: on masked positions (cls)" in deviation.actual
    assert "made anew" in deviation.actual
    assert "gradients: freed after each step" in deviation.actual


def test_the_report_lists_printed_digits_that_differ(both: tuple[Path, Path]) -> None:
    """The report says how many values print otherwise than those of the published path, and names them."""
    published, fast = (load(folder / "run.json", Run) for folder in both)
    losses = [
        (f"{float(a.validation_loss or 0):.4f}", f"{float(b.validation_loss or 0):.4f}")
        for a, b in zip(published.epochs, fast.epochs, strict=True)
    ]
    differ = [pair for pair in losses if pair[0] != pair[1]]
    (note,) = [each for each in load(both[1] / "comparison.json", Comparison).notes if "validation" in each]
    said = f"{len(differ)} of {EPOCHS} print otherwise" if differ else "all print alike"
    assert said in note
    assert all(f"{other} instead of {one}" in note for one, other in differ)
    assert said in (both[1] / "report.html").read_text()


def test_tokenised_data_are_mapped_the_second_time(
    both: tuple[Path, Path], case: Path, cache: Path, tmp_path: Path
) -> None:
    """The second run takes the Arrow cache; a changed data.py, which may make other data, misses it."""
    kept = sorted((cache / "tokenised").iterdir())
    assert len(kept) == 1
    first_epoch = ("--until-epoch", "1", "--fresh", "--out", tmp_path, "--json")
    done = repro("run", case, "--fast", "same-stream", *first_epoch, cache=cache)
    again = load(Path(json.loads(done.stdout)["folder"]) / "run.json", Run)
    (deviation,) = [each for each in again.deviations if each.what == "fast same-stream"]
    assert "tokenised data: from the Arrow cache" in deviation.actual
    assert again.epochs == load(both[1] / "run.json", Run).epochs[:1]
    changed = tmp_path / "cases"
    shutil.copytree(case.parent, changed)
    with (changed / "issues-128" / "data.py").open("a") as file:
        file.write("\n# another line\n")
    flags = ("--rehearse", "--steps", "1", "--fast", "same-stream")
    repro("run", changed / "demo", *flags, "--out", tmp_path / "other", cache=cache)
    assert len(list((cache / "tokenised").iterdir())) == 2


def test_heads_of_many_families() -> None:
    """On masked positions alone, each family's own head gives the same loss and gradients.

    From the same random numbers, with label smoothing and without any mask, too; a model whose head is not
    known stays as it is.
    """
    locked = load_case("demo").locked
    assert locked is not None
    done = subprocess.run(
        [build_environment(*locked).python, Path(__file__).with_name("heads_in_environment.py"), WORKER],
        capture_output=True,
        text=True,
        env=child_environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert said.pop("Bart")["head"] is None
    assert said.pop("unknown") == {"head": None, "reason": "Unknown has no head that is known"}
    assert said.pop("dropout in the head")["reason"].endswith("other random numbers are drawn")
    assert set(said) == {"Bert", "Roberta", "DistilBert", "Albert", "Electra", "MPNet", "DebertaV2"}
    for name, found in said.items():
        assert found["head"], name
        assert found["loss"] < 1e-5, name
        assert found["smoothed"] < 1e-5, name
        assert found["gradients"] < 1e-5, name
        assert found["same_draws"], name
        assert found["without_mask"] == ["nan", "nan", 0.0, 0.0], name

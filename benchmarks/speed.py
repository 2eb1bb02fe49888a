"""Measure what docs/performance.md states, side by side in one run.

    python benchmarks/speed.py [--pairs N] [--out FILE]

Needs the demo's environment built (`repro run demo`) and uv's package cache warm; run it on an idle machine.
Prints Markdown. Whole commands are timed as a user waits for them; the training phase is compared with the
plain script pair by pair, because the speed of a machine drifts.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from repro.cases import load_case
from repro.environments import lookup

PLAIN = Path(__file__).with_name("plain_demo.py")


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3, help="trainings of each kind")
    parser.add_argument("--out", type=Path, help="write the table here too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = "\n".join([*_machine(), "", *_table(Path(folder), options.pairs)]) + "\n"
    sys.stdout.write(text)
    if options.out is not None:
        options.out.write_text(text, encoding="utf-8")


def _machine() -> list[str]:
    document = json.loads(_command("doctor", "--json").stdout)
    return [
        f"Machine: {document['processor']}, {document['cores']} cores, {document['platform']}, "
        f"Python {platform.python_version()}, {document['uv']}.",
        "Figures are medians with the smallest and the largest in brackets.",
    ]


def _table(folder: Path, pairs: int) -> list[str]:
    rows = ["| what | measured | runs | goal |", "|---|---|---|---|"]

    def row(what: str, values: Sequence[float], goal: str, unit: str = " s") -> None:
        middle = statistics.median(values)
        text = f"{middle:.3g}{unit} ({min(values):.3g}–{max(values):.3g})"
        rows.append(f"| {what} | {text} | {len(values)} | {goal} |")

    ours, plains, whole = _trainings(folder, pairs)
    run = next((folder / "out" / "demo").iterdir())
    row("`repro --help`", _times(lambda: _command("--help"), 10), "0.2 s")
    row("`repro check RUN`", _times(lambda: _command("check", run), 10), "1 s")
    row("`repro report RUN`", _times(lambda: _command("report", run), 5), "4 s")
    row("`repro run demo`, environment built", whole, "90 s")
    build, hit = _builds(folder)
    row("environment build, package cache warm (`repro env demo`)", build, "40 s")
    row("the same again: cache hit", hit, "1 s")
    row("training phase of `repro run demo`", ours, "–")
    row("training phase of the plain script", plains, "–")
    ratios = [a / b for a, b in zip(ours, plains, strict=True)]
    row("ratio, pair by pair", ratios, "1.02 at most", "")
    return rows


def _trainings(folder: Path, pairs: int) -> tuple[list[float], list[float], list[float]]:
    """Train in turn with and without this program; check that the losses are the same to the last digit."""
    locked = load_case("demo").locked
    assert locked is not None
    built = lookup(locked[0])
    assert built is not None, "build the demo's environment first: repro run demo"
    ours, plains, whole = [], [], []
    for _ in range(pairs):
        start = time.perf_counter()
        _command("run", "demo", "--fresh", "--out", folder / "out")
        whole.append(time.perf_counter() - start)
        newest = max((folder / "out" / "demo").iterdir(), key=lambda path: path.stat().st_mtime)
        run = json.loads((newest / "run.json").read_text())
        request = json.loads((newest / "request.json").read_text())
        ours.append(json.loads((newest / "result.json").read_text())["value"]["seconds"])
        plain = _plain(built.python, request, folder)
        plains.append(plain["seconds"])
        losses = [entry["eval_loss"] for entry in plain["losses"] if "eval_loss" in entry]
        assert losses == [epoch["validation_loss"] for epoch in run["epochs"]], "the losses differ"
    return ours, plains, whole


def _plain(python: Path, request: dict[str, Any], folder: Path) -> dict[str, Any]:
    model, data = request["model"], request["data"]
    done = subprocess.run(
        [python, PLAIN, data["build"], data["file"], model["config"], model["vocabulary"]],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONNOUSERSITE": "1", "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "2"},
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _builds(folder: Path) -> tuple[list[float], list[float]]:
    """Build the environment three times in an empty cache; after each, look it up again."""
    builds, hits = [], []
    for _ in range(3):
        environ = {**os.environ, "REPRO_CACHE_DIR": str(folder / "cache")}
        builds += _times(lambda: _command("env", "demo", "--yes", environ=environ), 1)  # noqa: B023
        hits += _times(lambda: _command("env", "demo", environ=environ), 3)  # noqa: B023
        shutil.rmtree(folder / "cache")
    return builds, hits


def _times(call: Callable[[], object], count: int) -> list[float]:
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds


def _command(
    *arguments: str | Path, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("repro"), *arguments],
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
        env=environ,
    )


if __name__ == "__main__":
    main()

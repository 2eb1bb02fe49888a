"""Measure what building an environment takes beside `uv pip sync` of the same lock, pair by pair in one run.

    python benchmarks/environment_speed.py [--pairs N] [--case CASE] [--out FILE]

Needs uv's package cache warm (`repro env demo` fills it) and hard links between it and the temporary folder;
run it on an idle machine. Prints Markdown. Building is all that this program does to an environment before
and after its probe: finding the interpreter, making the folder, `uv pip sync`, measuring its size, the
marker. The probe, here the import of the documented packages, is stated by itself; while it runs, the files
are compared with their wheels.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from repro.cases import load_case
from repro.environments import build, find_interpreter, probe_imports
from repro.environments.cache import python_of
from repro.environments.uvtool import uv_binary
from repro.records.environment import Environment


def main() -> None:
    """Measure in turn and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=7, help="builds of each kind")
    parser.add_argument("--case", default="demo", help="whose lock is built")
    parser.add_argument("--out", type=Path, help="write the table here too")
    options = parser.parse_args()
    locked = load_case(options.case).locked
    assert locked is not None, "the case carries no lock"
    with tempfile.TemporaryDirectory() as folder:
        text = "\n".join(_table(*locked, Path(folder), options.pairs)) + "\n"
    sys.stdout.write(text)
    if options.out is not None:
        options.out.write_text(text, encoding="utf-8")


def _table(environment: Environment, lock: str, folder: Path, pairs: int) -> list[str]:
    _build(environment, lock, folder)  # fills the caches of both
    plain, ours, probes = [], [], []
    for number in range(pairs):
        if number % 2:  # whoever comes first finds other things in the system's cache
            plain.append(_plain(environment, lock, folder))
        seconds, probe = _build(environment, lock, folder)
        if not number % 2:
            plain.append(_plain(environment, lock, folder))
        ours.append(seconds)
        probes.append(probe)
    rows = ["| what | measured | runs | goal |", "|---|---|---|---|"]
    for what, values, goal, unit in (
        ("`uv pip sync`, package cache warm", plain, "–", " s"),
        ("the same lock built by this program, but for the probe", ours, "–", " s"),
        ("ratio, pair by pair", [a / b for a, b in zip(ours, plain, strict=True)], "1.3 at most", ""),
        ("the probe, and beside it the comparison of all files with their wheels", probes, "–", " s"),
    ):
        rows.append(f"| {what} | {_spread(values, unit)} | {len(values)} | {goal} |")
    return rows


def _spread(values: Sequence[float], unit: str) -> str:
    return f"{statistics.median(values):.3g}{unit} ({min(values):.3g}–{max(values):.3g})"


def _plain(environment: Environment, lock: str, folder: Path) -> float:
    """Return the seconds of `uv pip sync` in a new virtual environment."""
    place = folder / "plain"
    python = find_interpreter(environment.python).path
    subprocess.run([uv_binary(), "venv", "--quiet", "--no-project", "--python", python, place], check=True)
    (place / "lock.txt").write_text(lock, encoding="utf-8")
    command = [uv_binary(), "pip", "sync", "--quiet", "--require-hashes", "--only-binary", ":all:"]
    start = time.perf_counter()
    subprocess.run([*command, "--python", python_of(place), place / "lock.txt"], check=True)
    seconds = time.perf_counter() - start
    shutil.rmtree(place)
    return seconds


def _build(environment: Environment, lock: str, folder: Path) -> tuple[float, float]:
    """Return the seconds of a build without those of its probe, and those."""
    inner, times = probe_imports(environment.documented), []

    def probe(python: Path) -> None:
        start = time.perf_counter()
        inner(python)
        times.append(time.perf_counter() - start)

    start = time.perf_counter()
    built = build(environment, lock, cache=folder / "cache", probe=probe)
    seconds = time.perf_counter() - start - sum(times)
    assert not built.from_cache
    shutil.rmtree(built.folder)
    return seconds, sum(times)


if __name__ == "__main__":
    main()

"""Measure what environments take: building beside `uv pip sync` of the same lock, pair by pair, and locking.

    python benchmarks/environment_speed.py [--pairs N] [--case CASE] [--out FILE]

Needs uv's package cache warm (`repro env demo` fills it), hard links between it and the temporary folder, and
the registry for locking anew; run it on an idle machine. Prints Markdown. Building is all that this program
does to an environment before and after its probe: finding the interpreter, making the folder, `uv pip sync`,
measuring its size, the marker. The probe, here the import of the documented packages, is stated by itself;
while it runs, the files are compared with their wheels. Where other programs are at work, processor time is
the steadier figure.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
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
        text = "\n".join(_table(*locked, options.case, Path(folder), options.pairs)) + "\n"
    sys.stdout.write(text)
    if options.out is not None:
        options.out.write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Spent:
    """Seconds, and seconds of processor time, of this process and its children."""

    wall: float
    processor: float

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.wall - other.wall, self.processor - other.processor)

    @classmethod
    def now(cls) -> Spent:
        """Return what was spent so far."""
        used = os.times()
        processor = used.user + used.system + used.children_user + used.children_system
        return cls(time.perf_counter(), processor)


def _table(environment: Environment, lock: str, case: str, folder: Path, pairs: int) -> list[str]:
    _build(environment, lock, folder)  # fills the caches of both
    plain, ours, probes = [], [], []
    for number in range(pairs):
        if number % 2:  # whoever comes first finds other things in the system's cache
            plain.append(_plain(environment, lock, folder))
        spent, probe = _build(environment, lock, folder)
        if not number % 2:
            plain.append(_plain(environment, lock, folder))
        ours.append(spent)
        probes.append(probe)
    known = [_command("env", case, "--lock-only") for _ in range(pairs)]
    anew = [_command("env", case, "--lock-only", "--relock") for _ in range(pairs)]
    both = list(zip(ours, plain, strict=True))
    beside = "the probe, and beside it the comparison of all files with their wheels"
    rows = [
        _row("`uv pip sync`, package cache warm", [one.wall for one in plain]),
        _row("the same lock built by this program, but for the probe", [one.wall for one in ours]),
        _row("ratio, pair by pair", [a.wall / b.wall for a, b in both], "1.3 at most", ""),
        _row("ratio of processor time", [a.processor / b.processor for a, b in both], "1.3 at most", ""),
        _row(beside, [one.wall for one in probes]),
        _row("locking what is locked, the whole command", [one.wall for one in known], "0.3 s"),
        _row("the same, processor time", [one.processor for one in known], "0.3 s"),
        _row("locking anew, uv's pages warm", [one.wall for one in anew], "20 s"),
    ]
    return ["| what | measured | runs | goal |", "|---|---|---|---|", *rows]


def _row(what: str, values: Sequence[float], goal: str = "–", unit: str = " s") -> str:
    return f"| {what} | {_spread(values, unit)} | {len(values)} | {goal} |"


def _spread(values: Sequence[float], unit: str) -> str:
    return f"{statistics.median(values):.3g}{unit} ({min(values):.3g}–{max(values):.3g})"


def _plain(environment: Environment, lock: str, folder: Path) -> Spent:
    """Return what `uv pip sync` takes in a new virtual environment."""
    place = folder / "plain"
    python = find_interpreter(environment.python).path
    subprocess.run([uv_binary(), "venv", "--quiet", "--no-project", "--python", python, place], check=True)
    (place / "lock.txt").write_text(lock, encoding="utf-8")
    command = [uv_binary(), "pip", "sync", "--quiet", "--require-hashes", "--only-binary", ":all:"]
    start = Spent.now()
    subprocess.run([*command, "--python", python_of(place), place / "lock.txt"], check=True)
    spent = Spent.now() - start
    shutil.rmtree(place)
    return spent


def _build(environment: Environment, lock: str, folder: Path) -> tuple[Spent, Spent]:
    """Return what a build takes without its probe, and what that takes."""
    inner, probes = probe_imports(environment.documented), []

    def probe(python: Path) -> None:
        start = Spent.now()
        inner(python)
        probes.append(Spent.now() - start)

    start = Spent.now()
    built = build(environment, lock, cache=folder / "cache", probe=probe)
    spent = Spent.now() - start - probes[0]
    assert not built.from_cache
    shutil.rmtree(built.folder)
    return spent, probes[0]


def _command(*arguments: str) -> Spent:
    """Return what a command takes, from the start of its process to the end."""
    start = Spent.now()
    subprocess.run([sys.executable, "-m", "repro", *arguments], check=True, capture_output=True)
    return Spent.now() - start


if __name__ == "__main__":
    main()

"""How well `repro plan` foretells what a training takes: estimate, actual and ratio, pair by pair.

    python benchmarks/plan_accuracy.py --pairs 5

A pair is a plan and, at once, the run that it is about: the demo, and a rehearsal of issues-128. Prints a row
a pair, and for each of the two the mean ratio, its spread, and how many actual times lay in the stated range.
Run it on a machine that does nothing else.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path


def repro(*arguments: str) -> str:
    """Run the command; returns what it printed."""
    command = [sys.executable, "-m", "repro", *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout


def pair(case: list[str], measured: list[str], out: str) -> tuple[float, float, bool]:
    """Plan and run; returns the estimate and the actual seconds of the training, and whether in the range."""
    planned = json.loads(repro("plan", *case, *measured, "--out", out, "--json"))["times"]["training"]
    done = json.loads(repro("run", *case, "--out", out, "--fresh", "--json"))
    actual = json.loads((Path(done["folder"]) / "run.json").read_text())["timing"]["training_seconds"]
    return planned["estimate"], actual, planned["low"] <= actual <= planned["high"]


def main() -> None:
    """Measure the pairs, the two cases in turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--steps", default="20", help="steps of the rehearsal of issues-128")
    parser.add_argument("--measure-steps", help="steps that a plan measures")
    parser.add_argument("--demo", default="demo", help="another case than the demo, e.g. a shorter one")
    parser.add_argument("--only", choices=("demo", "issues-128"))
    asked = parser.parse_args()
    measured = ["--measure-steps", asked.measure_steps] if asked.measure_steps else []
    cases = {
        "demo": [asked.demo],
        "issues-128": ["issues-128", "--rehearse", "--steps", asked.steps],
    }
    found: dict[str, list[tuple[float, float, bool]]] = {
        name: [] for name in cases if asked.only in (None, name)
    }
    print(f"{'case':<12} {'estimate':>9} {'actual':>9} {'ratio':>6}  in range", flush=True)
    with tempfile.TemporaryDirectory() as out:
        for _ in range(asked.pairs):
            for name, rows in found.items():
                rows.append(pair(cases[name], measured, out))
                estimate, actual, inside = rows[-1]
                ratio = f"{actual / estimate:>6.3f}"
                print(f"{name:<12} {estimate:>7.1f} s {actual:>7.1f} s {ratio}  {inside}", flush=True)
    for name, rows in found.items():
        ratios = [actual / estimate for estimate, actual, _ in rows]
        spread = f" ± {statistics.stdev(ratios):.3f}" if len(ratios) > 1 else ""
        within = sum(row[2] for row in rows)
        near = sum(abs(each - 1) <= 0.15 for each in ratios)
        print(
            f"{name}: actual / estimate {statistics.fmean(ratios):.3f}{spread}; "
            f"{near} of {len(rows)} within 15 %, {within} in the stated range"
        )


if __name__ == "__main__":
    main()

"""How often a comparison is wrong, and what it can see: on simulated curves, and on public re-runs.

python benchmarks/comparison_calibration.py [--peers CSV] [--rounds N]

Draws curves like the public re-runs of `issues-128`: their mean curve, an independent error of each random
stream and each run at each epoch, with the standard deviations measured within and between their streams. In
each round a published curve, a run and nine replicates of three streams are drawn, and compared as `repro
compare` does. What should be reproduced and is not is a false alarm; what was trained otherwise and is not
reproduced is power. Changes are made to the mean curve, read at other places between its epochs. Then each
public re-run is judged against each other one, the two of them left out of the replicates.
"""

from __future__ import annotations

import argparse
import itertools
import platform
from collections import Counter
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np

from repro.comparison.curve import LOSSES, Curve, Point
from repro.comparison.judgement import compare_curves
from repro.comparison.noise import Array, estimate
from repro.comparison.streams import labels
from repro.curve_sources import read_curves
from repro.records.claims import Cell
from repro.records.comparison import Verdict

_STREAMS = (5, 2, 2)  # replicates of each random stream, as many as nine of the eleven public ones have
_STEPS = 291

Change = Callable[[Array, Array], Array]
#: What is done to the mean curve at its epochs; the epoch before the first is read off a line in log epoch.
_CHANGES: dict[str, Change] = {
    "learning rate × 2: twice as far at each epoch, up to the end": lambda at, mean: _read(
        mean, np.minimum(2 * at, len(at))
    ),
    "batch × 2: half as many steps": lambda at, mean: _read(mean, at / 2),
    "one epoch of data missing": lambda at, mean: _read(mean, np.maximum(at - 1, 0.5)),
    "every loss 1 % higher": lambda _, mean: mean * 1.01,
    "every loss 3 % higher": lambda _, mean: mean * 1.03,
    "labels unmasked: a fifth of the loss": lambda _, mean: mean * 0.2,
}


def _read(mean: Array, at: Array) -> Array:
    epochs = np.log(np.arange(1, len(mean) + 1))
    slope = (mean[1] - mean[0]) / (epochs[1] - epochs[0])
    inside = np.interp(np.log(at), epochs, mean)
    return np.where(at < 1, mean[0] + slope * np.log(at), inside)


class Recipe:
    """The mean curve and the noise of a recipe, as measured on its re-runs."""

    def __init__(self, peers: tuple[Curve, ...], seed: int) -> None:
        self.random = np.random.default_rng(seed)
        of = labels(peers)
        self.mean: dict[str, Array] = {}
        self.within: dict[str, Array] = {}
        self.between: dict[str, Array] = {}
        for metric in LOSSES:
            values = np.array([[point.value(metric) for point in peer.points] for peer in peers], dtype=float)
            noise = estimate(values, of, 1e-4)
            assert noise.within is not None
            assert noise.total is not None
            self.mean[metric] = noise.mean
            self.within[metric] = noise.within.deviation
            between = noise.total.deviation**2 - noise.within.deviation**2
            self.between[metric] = np.sqrt(np.maximum(between, 0))

    def stream(self) -> dict[str, Array]:
        """Draw what a random stream does to each metric."""
        return {name: self.random.normal(0, sd) for name, sd in self.between.items()}

    def run(self, name: str, stream: dict[str, Array], change: Change | None = None) -> Curve:
        """Draw a run of a stream."""
        points = []
        epochs = np.arange(1, len(self.mean[LOSSES[0]]) + 1, dtype=float)
        curves = {}
        for metric, mean in self.mean.items():
            level = mean if change is None else change(epochs, mean)
            curves[metric] = level + stream[metric] + self.random.normal(0, self.within[metric])
        for at, epoch in enumerate(epochs):
            cells = {
                metric: Cell(f"{curve[at]:.4f}", round(float(curve[at]), 4))
                for metric, curve in curves.items()
            }
            points.append(Point(float(epoch), int(epoch) * _STEPS, cells))
        return Curve(name, tuple(points))


def compared(recipe: Recipe, change: Change | None, *, same: bool) -> tuple[Verdict, bool]:
    """Draw one situation and compare; return the verdict and whether the stream was told rightly."""
    streams = [recipe.stream() for _ in _STREAMS]
    replicates = [
        recipe.run(f"peer {of}-{at}", streams[of]) for of, count in enumerate(_STREAMS) for at in range(count)
    ]
    published = recipe.run("published", streams[0])
    measured = recipe.run("run", streams[0] if same else streams[1], change)
    found = compare_curves(published, measured, replicates)
    return found.verdict, found.stream.match == ("same" if same else "different")


def main() -> None:
    """Print the tables in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    bundled = Path(str(files("repro.cases"))) / "issues-128" / "peers.csv"
    parser.add_argument("--peers", type=Path, default=bundled)
    parser.add_argument("--rounds", type=int, default=400)
    options = parser.parse_args()
    peers = read_curves(options.peers)
    print(
        f"{platform.machine()}, Python {platform.python_version()}; {options.rounds} rounds a row, seed 1.\n"
    )
    print("| the run | stream | matching | consistent | different | diverged, rescaled | stream told |")
    print("|---|---|---|---|---|---|---|")
    for same in (True, False):
        for name, change in {"as published": None, **_CHANGES}.items():
            recipe = Recipe(peers, 1)
            found = [compared(recipe, change, same=same) for _ in range(options.rounds)]
            count = Counter(verdict for verdict, _ in found)
            shares = [
                count["identical"] + count["matching"],
                count["consistent"],
                count["different"],
                count["diverged"] + count["incomparable"],
                sum(right for _, right in found),
            ]
            cells = " | ".join(f"{share / options.rounds:.1%}" for share in shares)
            print(f"| {name} | {'the same' if same else 'another'} | {cells} |", flush=True)
    print(f"\nEach of {len(peers)} public re-runs against each other one:\n")
    print("| streams | pairs | matching | consistent | different |\n|---|---|---|---|---|")
    of = labels(peers)
    table: dict[str, Counter[str]] = {"one": Counter(), "two": Counter()}
    for i, j in itertools.permutations(range(len(peers)), 2):
        verdict = compare_curves(peers[i], peers[j], peers).verdict
        table["one" if of[i] == of[j] else "two"][verdict] += 1
    for name, verdicts in table.items():
        cells = " | ".join(str(verdicts[word]) for word in ("matching", "consistent", "different"))
        print(f"| {name} | {verdicts.total()} | {cells} |")


if __name__ == "__main__":
    main()

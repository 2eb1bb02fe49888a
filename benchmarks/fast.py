"""Measure `--fast` against the published path, side by side in one run, for docs/performance.md.

    python benchmarks/fast.py [--rounds N] [--steps N] [--current PYTHON] [--write]

A BERT of base shape with a vocabulary of 30,522, initialised from a seed, on the recipe of `issues-128` (its
batch and length) with made-up issues: nothing is downloaded. Needs the demo's environment (`repro env
demo`); today's software is that of PYTHON, by default the interpreter that runs this. The ways take turns
(A B C A B C), because the speed of a machine drifts. Ends with an error where a loss of `same-stream` is
further than 0.0001 from the published path's.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from repro import inputs
from repro.cases import load_case
from repro.cases.synthetic import git_blob, write_issues
from repro.comparison.printed import CLOSE
from repro.environments import cache_folder, child_environment, lookup
from repro.errors import ReproError
from repro.records.case import Generate
from repro.records.event import AnyEvent, EpochEnded, FastPath, Started, Step
from repro.runs import local
from repro.runs.arguments import training_arguments

DOCS = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- benchmarks/fast.py -->", "<!-- end of benchmarks/fast.py -->"
CASE = load_case("issues-128")
LENGTH, MASKED = CASE.case.task.sequence_length, CASE.case.task.mask_probability
GOALS = {"same-stream": "1.15 on a CPU", "modern": "2.2 on a CPU with AMX"}
# Dense bfloat16 products, in 10^12 operations a second, by a word of the GPU's name (NVIDIA's data sheets).
PEAKS = {"H200": 989, "H100": 989, "A100": 312, "L40S": 362, "L4": 121, "A10": 125, "4090": 165, "3090": 71}


@dataclass
class Way:
    """One way to train, and what was measured of it: one value a round."""

    name: str
    mode: str | None
    python: Path
    variables: dict[str, str]
    steps: list[float] = field(default_factory=list)
    evaluations: list[float] = field(default_factory=list)
    losses: list[tuple[float, float]] = field(default_factory=list)
    started: Started | None = None
    fast: FastPath | None = None


def main() -> None:
    """Measure, check the losses, print the table and with `--write` put it into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2, help="trainings of each kind")
    parser.add_argument("--steps", type=int, default=3, help="steps a training; the first one is not counted")
    parser.add_argument("--batch", type=int, help="another batch than the recipe's, for a trial")
    parser.add_argument("--current", type=Path, default=Path(sys.executable), help="today's interpreter")
    parser.add_argument("--write", action="store_true", help="write the table of docs/performance.md")
    options = parser.parse_args()
    ways = _ways(options.current)
    arguments = training_arguments(CASE.card.claims.hyperparameters, where="the card") | CASE.case.arguments
    arguments["num_train_epochs"] = 1
    if options.batch:
        arguments["per_device_train_batch_size"] = options.batch
    batch = arguments["per_device_train_batch_size"]
    with tempfile.TemporaryDirectory() as folder:
        request = _request(Path(folder), arguments, options.steps)
        for number in range(options.rounds):
            for way in ways:
                _train(way, request, Path(folder))
                print(f"round {number + 1}, {way.name}: {way.steps[-1]:.2f} s a step", file=sys.stderr)
    text = "\n".join([*_machine(ways, batch, options.steps), "", *_table(ways, batch)]) + "\n"
    print(text, end="")
    if options.write:
        before, rest = DOCS.read_text(encoding="utf-8").split(BEGIN)
        DOCS.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    apart = _apart(ways[1], ways[0])
    if not apart <= CLOSE:
        sys.exit(f"error: a loss of same-stream is {apart:.2g} from the published path's")


def _ways(current: Path) -> list[Way]:
    assert CASE.locked is not None
    built = lookup(CASE.locked[0])
    if built is None:
        sys.exit("error: the locked environment is not built: repro env demo")
    threads = {"OMP_NUM_THREADS": str(os.cpu_count() or 1)}
    variables = child_environment() | threads
    ways = [
        Way("published path", None, built.python, variables),
        Way("`--fast same-stream`", "same-stream", built.python, variables),
    ]
    with tempfile.TemporaryDirectory() as scratch:
        packages = local.call(current, "describe", Path(scratch), variables)["packages"]
    if "torch" in packages:
        ways.append(Way("`--fast modern`", "modern", current, variables))
    else:
        print("--fast modern is left out: that interpreter has no torch", file=sys.stderr)
    return ways


def _request(folder: Path, arguments: dict[str, Any], steps: int) -> dict[str, Any]:
    """The request of a training of one short epoch with its evaluation, and no checkpoint."""
    prepared = inputs.prepare(
        CASE,
        inputs.Handed(),
        cache_folder(),
        rehearse=True,
        accept_other_model=False,
        accept_other_data=False,
    )
    data = folder / "issues.jsonl"
    batch = arguments["per_device_train_batch_size"]
    write_issues(Generate(seed=7, unlabelled=batch * steps, labelled=64), data)
    return {
        "recipe": CASE.case.task.kind.replace("-", "_"),
        "device": "auto",
        "model": prepared.model,
        "data": {
            "build": str(CASE.path(CASE.case.data.build).absolute()),
            "file": str(data),
            "git_blob": git_blob(data.read_bytes()),
            "cache": str(folder / "tokenised"),
        },
        "sequence_length": LENGTH,
        "mask_probability": MASKED,
        "arguments": arguments,
        "stop_after": steps,
        "until_epoch": None,
        "checkpoint_minutes": 0,
        "report_to": None,
        "reports": None,
        "resume": None,
    }


def _train(way: Way, request: dict[str, Any], folder: Path) -> None:
    """Train once and keep the middle of its steps, the first one left out."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        events: list[AnyEvent] = []
        paths = {"events": f"{scratch}/events.jsonl", "checkpoints": f"{scratch}/checkpoints"}
        try:
            local.train(
                way.python,
                {**request, **paths, "fast": way.mode},
                Path(scratch),
                way.variables,
                after=0,
                on_event=events.append,
            )
        except ReproError as error:
            sys.exit(f"error: {way.name}: {error.message}")
    first: dict[int, float] = {}  # the end of an epoch says its last step once more
    for each in events:
        if isinstance(each, Step):
            first.setdefault(each.step, each.time)
    ends = list(first.values())
    assert len(ends) == request["stop_after"], "steps took less than half a second: use a larger batch"
    way.steps.append(statistics.median(b - a for a, b in pairwise(ends)))
    for event in events:
        match event:
            case Started():
                way.started = event
            case FastPath():
                way.fast = event
            case EpochEnded(training_loss=training, validation_loss=validation):
                way.evaluations.append(event.time - ends[-1])
                way.losses.append((float(training or math.nan), float(validation or math.nan)))


def _machine(ways: Sequence[Way], batch: int, steps: int) -> list[str]:
    started = ways[0].started
    assert started is not None
    device = started.device
    driver = f", driver {device.driver}" if device.driver else ""
    said = [
        f"{device.name}, {device.capability}{driver}, {device.threads} threads; load average "
        f"{os.getloadavg()[0]:.1f}; batch {batch}, length {LENGTH}, {steps - 1} counted steps a training.",
        "Figures are medians over the rounds with the smallest and the largest in brackets.",
    ]
    for way in ways:
        if way.fast is not None:
            means = "; ".join(f"{what}: {how}" for what, how in way.fast.means.items())
            without = "".join(f"; without {what}: {why}" for what, why in way.fast.left_out.items())
            said += ["", f"{way.name}: {means}{without}."]
    return said


def _table(ways: Sequence[Way], batch: int) -> list[str]:
    rows = [
        "| way | device | torch | transformers | samples a second | step, ratio | evaluation, ratio "
        "| largest difference of a loss | share of the peak | goal |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    first = ways[0]
    for way in ways:
        assert way.started is not None
        cells = [
            way.name,
            way.started.device.kind,
            way.started.packages["torch"],
            way.started.packages["transformers"],
            _spread([batch / seconds for seconds in way.steps]),
            _spread([a / b for a, b in zip(first.steps, way.steps, strict=True)]),
            _spread([a / b for a, b in zip(first.evaluations, way.evaluations, strict=True)]),
            f"{_apart(way, first):.1g}",
            _share(way, batch),
            GOALS.get(way.mode or "", "–"),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.3g} ({min(values):.3g}–{max(values):.3g})"


def _apart(way: Way, first: Way) -> float:
    pairs = zip(way.losses, first.losses, strict=True)
    apart = [abs(a - b) for ours, theirs in pairs for a, b in zip(ours, theirs, strict=True)]
    return math.nan if any(map(math.isnan, apart)) else max(apart)


def _share(way: Way, batch: int) -> str:
    """The share of a GPU's peak; the model's operations alone count, each forward product thrice."""
    assert way.started is not None
    name = way.started.device.name
    peak = next((value for word, value in PEAKS.items() if word in name), None)
    if way.started.device.kind != "cuda" or peak is None:
        return "–"
    layers, width, vocabulary = 12, 768, 30_522
    tokens = batch * LENGTH
    forward: float = tokens * layers * (24 * width**2 + 4 * LENGTH * width)
    forward += tokens * (MASKED if way.mode else 1) * 2 * width * (width + vocabulary)
    return f"{3 * forward / statistics.median(way.steps) / peak / 1e12:.0%}"


if __name__ == "__main__":
    main()

"""Cards a second of `repro audit`, beside the Hub client's `ModelCard(text)`, side by side in one run.

python benchmarks/audit_speed.py CARDS [--texts N] [--pairs N] [--busy] [--profile]

Makes some thousands of distinct texts from a folder of cards and lays them into one file of JSON lines. Then,
in turn: a process that loads each text with `huggingface_hub.ModelCard`, whose clock runs over the loads
alone (its start, its import and the reading of the file are not counted); and `repro audit FILE --format json
--out FILE` with one process and with two, whose clock is the whole command's, start included. Ratios are
taken pair by pair, because the speed of a machine drifts. On a machine with other work to do, `--busy` counts
processor time instead, and leaves out two processes. `--profile` says where the time of one process goes.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

# Not a last zero: which column has them is a signature of the generator, and has to stay what it is.
_DECIMALS = re.compile(r"\b[0-9]+\.[0-9]{3}[1-9]\b")
_RATE = re.compile(r"(learning_rate: )[1-9]")
_TITLE = re.compile(r"^# .*\S", re.MULTILINE)

MODEL_CARD = """
import json, logging, sys, time
from huggingface_hub import ModelCard
logging.disable(logging.CRITICAL)
texts = [json.loads(line)["card"] for line in open(sys.argv[1], encoding="utf-8")]
refused = 0
start = time.perf_counter(), time.process_time()
for text in texts:
    try:
        ModelCard(text)
    except Exception:
        refused += 1
print(time.perf_counter() - start[0], time.process_time() - start[1], refused)
"""


# Installed programs have their byte code beside them; where none is written, the compiler would be measured.
ENVIRON = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


class Taken(NamedTuple):
    """Seconds by the clock, and of the processor."""

    wall: float
    processor: float


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cards", type=Path, help="a folder of cards")
    parser.add_argument("--texts", type=int, default=4_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--busy", action="store_true", help="count processor time")
    parser.add_argument("--profile", action="store_true", help="say where the time goes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "cards.jsonl"
        count = write(path, distinct(options.cards, options.texts))
        size = path.stat().st_size / count / 1e3
        print(f"{count} distinct texts, {size:.1f} kB each, {os.cpu_count()} cores\n")
        table(path, count, options.pairs, busy=options.busy)
        if options.profile:
            profile(path)


def distinct(cards: Path, count: int, *, shorter_half: bool = False) -> Iterator[str]:
    """Yield texts that are all different and still cards: other names, rates, and last digits of losses."""
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in sorted(cards.glob("*.md"))]
    if shorter_half:
        texts = sorted(texts, key=len)[: len(texts) // 2]
    chance = random.Random(0)  # noqa: S311 - the same texts each time
    for i in range(count):
        text = texts[i % len(texts)]
        # The same number becomes the same other one: a loss that is printed twice still is.
        digits = {number: str(chance.randrange(1, 10)) for number in _DECIMALS.findall(text)}
        text = _DECIMALS.sub(lambda found: found[0][:-1] + digits[found[0]], text)  # noqa: B023 - used at once
        text = _RATE.sub(lambda found: f"{found[1]}{chance.randrange(1, 10)}", text)
        named, found = _TITLE.subn(lambda title: f"{title[0]}-{i}", text, count=1)  # noqa: B023 - used at once
        yield named if found else f"{text}\nNumber {i}.\n"


def write(path: Path, texts: Iterator[str]) -> int:
    """Write JSON lines; return how many, all different."""
    seen = set()
    with path.open("w", encoding="utf-8") as file:
        for text in texts:
            seen.add(hash(text))
            file.write(json.dumps({"modelId": f"user/{len(seen)}", "card": text}) + "\n")
    return len(seen)


def table(path: Path, count: int, pairs: int, *, busy: bool) -> None:
    """Measure in turn and print."""
    kinds: dict[str, Callable[[], Taken]] = {
        "`ModelCard(text)`, loads alone": lambda: model_card(path),
        "`repro audit`, one process, start included": lambda: audit(path, 1),
        "`repro audit --jobs 2`, start included": lambda: audit(path, 2),
    }
    if busy:
        kinds.popitem()
    audit(path, 1)  # byte code and files are there from now on
    model_card(path)
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(pairs):
        for name, measure in kinds.items():
            seconds[name].append(measure()[busy])
    base, one, *two = seconds.values()
    print(f"| what | cards a second{' of processor time' if busy else ''} |\n|---|---|")
    for name, values in seconds.items():
        print(f"| {name} | {spread([count / each for each in values], '.0f')} |")
    print("\n| ratio, pair by pair | measured | goal |\n|---|---|---|")
    print(f"| one process to `ModelCard` | {spread(ratios(base, one))} | 1.5, better 2 |")
    for each in two:
        print(f"| two processes to one | {spread(ratios(one, each))} | 1.8 |")


def ratios(slower: Sequence[float], faster: Sequence[float]) -> list[float]:
    """Return how many times as fast, pair by pair."""
    return [a / b for a, b in zip(slower, faster, strict=True)]


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """Return the median, and the smallest and largest in brackets."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def model_card(path: Path) -> Taken:
    """Load each text with the Hub client; return what the loads took."""
    done = subprocess.run(
        [sys.executable, "-c", MODEL_CARD, path], capture_output=True, text=True, check=True, env=ENVIRON
    )
    wall, processor, _ = map(float, done.stdout.split())
    return Taken(wall, processor)


def audit(path: Path, jobs: int) -> Taken:
    """Audit the file; return what the whole command took."""
    out = path.with_suffix(".out")
    command: list[str | Path] = [
        Path(sys.executable).with_name("repro"),
        "audit",
        path,
        "--format",
        "json",
        "--isolated",
    ]
    before = os.times()
    done = subprocess.run(
        [*command, "--jobs", str(jobs), "--out", out, "--overwrite", "--fail-on", "never"],
        capture_output=True,
        check=False,
        env=ENVIRON,
    )
    after = os.times()
    assert done.returncode == 0, done.stderr.decode()
    return Taken(
        after.elapsed - before.elapsed,
        after.children_user + after.children_system - before.children_user - before.children_system,
    )


def profile(path: Path) -> None:
    """Print where the time of one process goes: reading, each rule, writing."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as the command does
    from repro.audits import Settings, open_targets
    from repro.audits.stream import Bench, Format
    from repro.cards import read_card
    from repro.rules import Context, Subject

    bench = Bench(Settings(), Format("json", several=True))
    chunks = [[*chunk.read()] for target in open_targets([str(path)]) for chunk in target.chunks()]
    sources = [source for chunk in chunks for source in chunk]
    spent: dict[str, float] = defaultdict(float)
    gc.disable()  # all cards are held here, which the program never does
    start = time.perf_counter()
    cards = [read_card(source.text, target=source.target) for source in sources]
    spent["reading"] = time.perf_counter() - start
    for card in cards:
        subject = Subject(card, Context())
        for rule in bench.auditor.rules:
            start = time.perf_counter()
            inputs = [getattr(subject, name) for name in rule.needs]
            asked = time.perf_counter()
            spent[f"inputs of {rule.id}"] += asked - start
            if None not in inputs:
                for _ in rule.check(*inputs):
                    pass
                spent[rule.id] += time.perf_counter() - asked
    start = time.perf_counter()
    shown = [audited.shown for chunk in chunks for audited in bench.auditor.several(chunk)]
    spent["all but writing, as it is"] = time.perf_counter() - start
    start = time.perf_counter()
    for each in shown:
        bench.writer.card(each).encode()
    spent["writing"] = time.perf_counter() - start
    print("\n| what | microseconds a card |\n|---|---|")
    for name, seconds in sorted(spent.items(), key=lambda item: -item[1])[:40]:
        print(f"| {name} | {seconds / len(sources) * 1e6:.1f} |")


if __name__ == "__main__":
    main()

"""Can a run be lost? SIGKILL at random moments; each time the same command goes on, to the same end.

    python benchmarks/kills.py [--kills 50] [--streams A,B,C] [--epochs 4] [--seed N] [--out FOLDER]

For each random stream the demo is trained undisturbed once, in an environment of that stream and without
checkpoints inside epochs; then again with these and with kills: of `repro run`, of its worker, or of both,
at any moment, while a checkpoint is written, around an evaluation, or between two epochs. Losses, digests,
comparison, card and report must be those of the undisturbed run but for times and the history of resumes,
and no worker may outlive its parent. Prints the table of docs/runs.md; ends with 1 if anything differs.
Environments that are not there are built. On a busy machine `--examples 180` makes the trainings short.
Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from repro.cases import loader
from repro.cases.synthetic import git_blob, write_issues
from repro.records.case import Generate

CASES = Path(loader.__file__).parent
HEADING = "### Framework versions\n\n"
#: Documented versions by stream; torch is the demo's, so that the environments share most of their files.
VERSIONS: dict[str, dict[str, str]] = {
    "A": {},
    "B": {"Transformers": "4.35.2", "Datasets": "2.15.0", "Tokenizers": "0.15.0", "Accelerate": "0.24.1"},
    "C": {"Transformers": "4.40.2", "Datasets": "2.19.1", "Tokenizers": "0.19.1", "Accelerate": "0.30.1"},
}
MOMENTS = ("any", "any", "checkpoint", "evaluation", "between epochs", "start")
KILLS_PER_RUN = 5
#: Checkpoints that are not whole yet.
WRITTEN = "*/*/checkpoints/.writing/checkpoint-*"
# Often enough that a kill inside an epoch is gone on from inside it.
OFTEN = "0.01"


def main() -> int:
    """Kill in every stream and print the table."""
    parser = argparse.ArgumentParser(description="a run cannot be lost")
    parser.add_argument("--kills", type=int, default=50, help="kills altogether (%(default)s)")
    parser.add_argument("--streams", default="A,B,C", help="of: %(default)s")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument(
        "--examples", type=int, default=900, help="training examples (%(default)s: the demo's)"
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--out", type=Path, help="keep cases and runs here")
    asked = parser.parse_args()
    print(f"seed {asked.seed}", file=sys.stderr)
    draw = random.Random(asked.seed)  # noqa: S311 - moments, not secrets
    streams = asked.streams.split(",")
    print("| stream | transformers | kills | runs | where they hit | gone on inside an epoch | end |")
    print("|---|---|---|---|---|---|---|", flush=True)
    good = True
    with tempfile.TemporaryDirectory() as scratch:
        for at, stream in enumerate(streams):
            kills = asked.kills // len(streams) + (at < asked.kills % len(streams))
            out = (asked.out or Path(scratch)).absolute()
            case = write_case(out / f"stream-{stream}", VERSIONS[stream], asked.epochs, asked.examples)
            good &= kill_in(stream, case, kills, out, draw)
    return 0 if good else 1


def kill_in(stream: str, case: Path, kills: int, out: Path, draw: random.Random) -> bool:
    """Train with kills in one stream, print its row, and say whether every end was the undisturbed one."""
    undisturbed = finish(case, out / f"undisturbed-{stream}", minutes="0")
    where: Counter[str] = Counter()
    ends, inside, runs = [], 0, 0
    per_epoch = json.loads((undisturbed / "run.json").read_text())["data"]["steps_per_epoch"]
    for done in range(0, kills, KILLS_PER_RUN):
        runs += 1
        folder = out / f"killed-{stream}-{runs}"
        for _ in range(min(KILLS_PER_RUN, kills - done)):
            where[kill_once(case, folder, draw)] += 1
        killed = finish(case, folder)
        inside += sum(
            step % per_epoch != 0 for step in json.loads((killed / "run.json").read_text())["resumes"]
        )
        ends += difference(undisturbed, killed)
    hits = ", ".join(f"{name} {count}" for name, count in sorted(where.items()))
    release = VERSIONS[stream].get("Transformers", "4.21.2")
    end = "DIFFERENT: " + "; ".join(ends) if ends else "the same"
    print(
        f"| {stream} | {release} | {sum(where.values())} | {runs} | {hits} | {inside} | {end} |", flush=True
    )
    return not ends


def write_case(folder: Path, versions: dict[str, str], epochs: int, examples: int) -> Path:
    """Write the demo as a case of its own: fewer epochs and examples, other versions where they are given."""
    shutil.copytree(CASES / "demo", folder, dirs_exist_ok=True)
    for name in ("data.py", "environment.json", "environment.lock"):
        shutil.copy(CASES / "issues-128" / name, folder)
    case, card = (folder / "case.toml").read_text(), (folder / "card.md").read_text()
    card = card.replace("num_epochs: 16", f"num_epochs: {epochs}")
    rows = [line for line in card.splitlines(keepends=True) if line.startswith("| ")][1:]
    for row in rows[epochs:]:
        card = card.replace(row, "")
    if versions:
        case = re.sub(r"^lock = .*\n", "", case, flags=re.MULTILINE)
        printed = {"Transformers": "", "Pytorch": "1.13.0", **versions}
        card = card.partition(HEADING)[0] + HEADING
        card += "".join(f"- {name} {version}\n" for name, version in printed.items())
    data = Generate(seed=7, unlabelled=examples, labelled=max(40, examples * 120 // 900))
    write_issues(data, folder / "issues.jsonl")
    blob = git_blob((folder / "issues.jsonl").read_bytes())
    case = re.sub(
        r"unlabelled = \d+, labelled = \d+", f"unlabelled = {examples}, labelled = {data.labelled}", case
    )
    case = re.sub(r'git_blob = ".*"', f'git_blob = "{blob}"', case)
    (folder / "case.toml").write_text(case.replace("../issues-128/", ""))
    (folder / "card.md").write_text(card)
    return folder


def start(case: Path, out: Path, minutes: str = OFTEN) -> subprocess.Popen[bytes]:
    """Start the command, or go on: it is the same one."""
    out.mkdir(parents=True, exist_ok=True)
    options = ["--device", "cpu", "--checkpoint-minutes", minutes]
    command = [sys.executable, "-m", "repro", "run", str(case), "--out", str(out), *options]
    with (out / "printed.log").open("ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def finish(case: Path, out: Path, minutes: str = OFTEN) -> Path:
    """Have the command go on to the end; return the run's folder."""
    code = start(case, out, minutes).wait()
    if code not in (0, 1):  # 1: not the published numbers, which nobody expects of another release
        raise SystemExit(f"{case.name}: ended with {code}:\n{(out / 'printed.log').read_text()[-2000:]}")
    return next(out.glob("*/*/run.json")).parent


def kill_once(case: Path, out: Path, draw: random.Random) -> str:
    """Start or go on, kill at a random moment, and say where it hit."""
    process = start(case, out)
    wait_for_moment(draw.choice(MOMENTS), process, out, draw)
    victims = draw.choice(("command", "worker", "both"))
    found = list(workers(out))
    hit = phase(out) if process.poll() is None else "after the end"
    if victims != "worker" or not found:
        process.kill()
    if victims != "command":
        for worker in found:
            kill(worker)
    process.wait()
    until = time.monotonic() + 10
    while list(workers(out)):
        assert time.monotonic() < until, "a worker outlived its parent"
        time.sleep(0.02)
    return hit


def wait_for_moment(moment: str, process: subprocess.Popen[bytes], out: Path, draw: random.Random) -> None:
    """Wait for a moment of a kind; no longer than the command runs."""
    if moment == "start":
        time.sleep(draw.uniform(0, 8))
        return
    wait(lambda: bool(list(workers(out))), process)  # until then the log may lose what is behind a checkpoint
    begun, epochs = said(out, "training"), said(out, "epoch")
    wait(lambda: said(out, "training") > begun, process)
    if moment == "checkpoint":
        wait(lambda: bool(list(out.glob(WRITTEN))), process)
        time.sleep(draw.uniform(0, 0.05))
    elif moment == "between epochs":
        wait(lambda: said(out, "epoch") > epochs, process)
        time.sleep(draw.uniform(0, 0.3))
    elif moment == "evaluation":
        wait(lambda: phase(out) == "in an evaluation", process)
        time.sleep(draw.uniform(0, 0.3))
    else:
        time.sleep(draw.uniform(0, 12))


def said(out: Path, event: str) -> int:
    """Count the events of a kind."""
    return sum(text.count(f'"event": "{event}"') for text in logs(out))


def wait(happened: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Wait until something happened or the command is over."""
    while process.poll() is None and not happened():
        time.sleep(0.005)


def logs(out: Path) -> list[str]:
    """Return the event logs there."""
    return [path.read_text() for path in out.glob("*/*/events.jsonl")]


def phase(out: Path) -> str:
    """Tell from the event log what the worker does."""
    if not list(workers(out)):
        return "before or after the worker"
    if list(out.glob(WRITTEN)):
        return "in a checkpoint"
    lines = [json.loads(line) for text in logs(out) for line in text.splitlines() if line.endswith("}")]
    last = lines[-1]["event"] if lines else ""
    if last in ("", "started", "data"):
        return "before the training"
    if last == "epoch" or (last == "checkpoint" and _ended(lines)):
        return "between epochs"
    if last == "finished":
        return "after the training"
    length = next((each["max_steps"] / each["epochs"] for each in lines if each["event"] == "training"), 1)
    step = lines[-1].get("step", 0)
    return "in an evaluation" if step and step % length == 0 else "in an epoch"


def _ended(lines: list[dict[str, Any]]) -> bool:
    return len(lines) > 1 and lines[-2]["event"] == "epoch"


def workers(out: Path) -> Iterator[int]:
    """The process ids of the workers of the runs there."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
            state = (path.parent / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z" and any(
            word.startswith(os.fsencode(out) + b"/") and word.endswith(b"/request.json") for word in words
        ):
            yield int(path.parent.name)


def kill(process: int) -> None:
    """Kill a process that may be gone."""
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return


def difference(undisturbed: Path, killed: Path) -> list[str]:
    """Say in what two finished runs differ but times and the history of resumes."""
    records = [json.loads((folder / "run.json").read_text()) for folder in (undisturbed, killed)]
    own = {name: records[0][name] for name in ("id", "timing", "resumes")}
    found = [f"run.json: {key}" for key in records[0] if {**records[1], **own}[key] != records[0][key]]
    with tempfile.TemporaryDirectory() as scratch:  # rendered with the other's times, all must be the same
        copy = Path(scratch) / killed.name
        shutil.copytree(killed, copy, ignore=shutil.ignore_patterns("checkpoints"))
        (copy / "run.json").write_text(json.dumps({**records[1], **own}))
        subprocess.run([sys.executable, "-m", "repro", "report", copy], check=True, capture_output=True)
        files = ("comparison.json", "card.md", "report.html")
        found += [each for each in files if (copy / each).read_bytes() != (undisturbed / each).read_bytes()]
    return found


if __name__ == "__main__":
    sys.exit(main())

"""Is a run what a plain script of that release would have been, bit for bit?

For each release the demo is trained twice in one environment: by `repro run`, with its events, digests and
checkpoints, and by `benchmarks/plain_training.py`, which calls the Trainer and knows nothing of this program.
Losses, final weights, data order and the final random states must be the same.

    python benchmarks/faithful.py [--releases 4.6.1,4.21.2] [--epochs 3] [--out FOLDER]

Environments that are not there are built, one after the other (up to 4 GB each, less where they share files).
Prints a table for docs/runs.md and ends with 1 if anything differs. CPU only.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from repro.cases import loader
from repro.environments import lookup
from repro.environments.build import child_environment
from repro.records.codec import load
from repro.records.run import Run
from repro.runs.folders import RunFolder
from repro.workflows.environments import environment_of

PLAIN = Path(__file__).with_name("plain_training.py")
CASES = Path(loader.__file__).parent
# What the cards document: all three streams, both kinds of A, both ways to B and to C. With torch 1.13 where
# that can be had, so that the environments share most of their files.
RELEASES: dict[str, dict[str, str]] = {
    "4.6.1": {"torch": "1.8.1", "datasets": "1.7.0", "tokenizers": "0.10.3", "python": "3.7"},
    "4.21.2": {},  # the demo as it is, in its own lock
    "4.30.2": {"torch": "1.13.0", "datasets": "2.7.1", "tokenizers": "0.13.3", "accelerate": "0.20.3"},
    "4.35.2": {"torch": "1.13.0", "datasets": "2.15.0", "tokenizers": "0.15.0", "accelerate": "0.24.1"},
    "4.40.2": {"torch": "1.13.0", "datasets": "2.19.1", "tokenizers": "0.19.1", "accelerate": "0.30.1"},
    "5.24.0": {"torch": "2.15.0", "datasets": "5.2.0", "tokenizers": "0.23.3", "accelerate": "1.15.0"},
}
PRINTED = {
    "transformers": "Transformers",
    "torch": "Pytorch",
    "datasets": "Datasets",
    "tokenizers": "Tokenizers",
    "accelerate": "Accelerate",
    "python": "Python",
}
HEADING = "### Framework versions\n\n"
Value = str | list[float]


@dataclass(frozen=True)
class Measured:
    """What one training gave: its losses, evaluation after training, and digests at its end."""

    losses: list[float]
    weights: str
    data_order: str
    random_state: str


def main() -> int:
    """Train every release twice and print the table."""
    parser = argparse.ArgumentParser(description="a run and a plain script, bit for bit")
    parser.add_argument("--releases", default=",".join(RELEASES), help="of: %(default)s")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--out", type=Path, help="keep cases and runs here")
    asked = parser.parse_args()
    print("| transformers | torch | accelerate | Python | stream | epochs | losses | weights | ", end="")
    print("data order | random states |\n" + "|---" * 10 + "|", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        rows = [compare(each, asked.epochs, asked.out or Path(scratch)) for each in asked.releases.split(",")]
    return 0 if all(rows) else 1


def compare(release: str, epochs: int, out: Path) -> bool:
    """Train one release twice, print its row, and say whether all is the same."""
    versions = RELEASES[release] and {"transformers": release, **RELEASES[release]}
    case = write_case(out / f"transformers-{release}", versions, epochs)
    folder = run_ours(case, out / "runs")
    run = load(folder / "run.json", Run)
    ours, theirs = measured(run, RunFolder(folder)), run_plain(case, folder, run, epochs)
    pairs: list[tuple[Value, Value]] = [
        (ours.losses, theirs.losses),
        (ours.weights, theirs.weights),
        (ours.data_order, theirs.data_order),
        (ours.random_state, theirs.random_state),
    ]
    packages = run.environment.packages
    about = [release, packages["torch"], packages.get("accelerate", "none"), run.environment.python]
    cells = [*about, run.environment.stream or "?", str(epochs), *(same(*pair) for pair in pairs)]
    print("| " + " | ".join(cells) + " |", flush=True)
    return all(mine == their for mine, their in pairs)


def same(mine: Value, their: Value) -> str:
    """Say whether two values are the same, and begin the digest of what they are."""
    if mine != their:
        return f"DIFFERENT: {mine} and {their}"
    digest = mine if isinstance(mine, str) else hashlib.sha256(json.dumps(mine).encode()).hexdigest()
    return f"equal ({digest[:8]})"


def write_case(folder: Path, versions: Mapping[str, str], epochs: int) -> Path:
    """Write the demo as a case of its own: fewer epochs, and other versions where they are given."""
    shutil.copytree(CASES / "demo", folder, dirs_exist_ok=True)
    for name in ("data.py", "environment.json", "environment.lock"):
        shutil.copy(CASES / "issues-128" / name, folder)
    case, card = (folder / "case.toml").read_text(), (folder / "card.md").read_text()
    card = card.replace("num_epochs: 16", f"num_epochs: {epochs}")
    card = "\n".join(line for line in card.splitlines() if _epoch(line) <= epochs) + "\n"
    if versions:
        case = re.sub(r"^lock = .*\n", "", case, flags=re.MULTILINE)
        printed = "".join(f"- {PRINTED[name]} {version}\n" for name, version in versions.items())
        card = card.partition(HEADING)[0] + HEADING + printed
    (folder / "case.toml").write_text(case.replace("../issues-128/", ""))
    (folder / "card.md").write_text(card)
    return folder


def _epoch(line: str) -> float:
    """Return the epoch of a row of the card's table; 0 for any other line."""
    found = re.match(r"\| [\d.]+ +\| ([\d.]+) ", line)
    return float(found[1]) if found else 0.0


def run_ours(case: Path, out: Path) -> Path:
    """Have `repro run` train the case anew; return the run's folder."""
    options = ["--fresh", "--device", "cpu", "--out", str(out), "--json"]
    command = [sys.executable, "-m", "repro", "run", str(case), *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):  # 1: not the demo's numbers, which nobody expects of another release
        raise SystemExit(f"repro run {case.name} ended with {done.returncode}")
    return Path(json.loads(done.stdout)["folder"])


def measured(run: Run, folder: RunFolder) -> Measured:
    """Return what a run recorded; the random states are those of its last checkpoint."""
    checkpoint = folder.last_checkpoint()
    assert checkpoint is not None
    state = json.loads((checkpoint.path / "complete.json").read_bytes())["position"]["epoch_state"]
    states = [state["python"], state["numpy"][1:], list(base64.b64decode(state["torch"]))]
    last = run.epochs[-1].digests
    return Measured(
        [float(loss or "nan") for each in run.epochs for loss in (each.training_loss, each.validation_loss)],
        last["weights"],
        last.get("data_order", "not recorded"),
        hashlib.sha256(json.dumps(states).encode()).hexdigest(),
    )


def run_plain(case: Path, folder: Path, run: Run, epochs: int) -> Measured:
    """Run the plain script in the same environment, on the same files, with as many threads."""
    built = lookup(environment_of(str(case))[0])
    assert built is not None
    assert run.device is not None
    request = json.loads((folder / "request.json").read_text())
    data, model = request["data"], request["model"]
    done = subprocess.run(
        [built.python, PLAIN, data["build"], data["file"], model["config"], model["vocabulary"], str(epochs)],
        stdout=subprocess.PIPE,
        text=True,
        env={**child_environment(), "OMP_NUM_THREADS": str(run.device.threads)},
        cwd=folder,
        check=True,
    )
    printed = json.loads(done.stdout.splitlines()[-1])
    return Measured(**printed)


if __name__ == "__main__":
    sys.exit(main())

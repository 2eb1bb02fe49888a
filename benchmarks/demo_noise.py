"""Measure how far threads and instruction sets move the demo's losses: where the demo's bounds come from.

    python benchmarks/demo_noise.py FOLDER_OF_A_DEMO_RUN

Trains the plain script once for each setting, in the demo's environment, and prints the largest difference of
any loss from that of the first setting, as a Markdown table.
"""

import json
import subprocess
import sys
from pathlib import Path

from repro.cases import load_case
from repro.environments import child_environment, lookup

SETTINGS: tuple[dict[str, str], ...] = (
    {"OMP_NUM_THREADS": "2"},
    {"OMP_NUM_THREADS": "1"},
    {"OMP_NUM_THREADS": "4"},
    {"OMP_NUM_THREADS": "2", "ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE"},
)


def main(run: str) -> None:
    """Train and print."""
    request = json.loads((Path(run) / "request.json").read_text())
    model, data = request["model"], request["data"]
    locked = load_case("demo").locked
    assert locked is not None
    built = lookup(locked[0])
    assert built is not None, "build the demo's environment first: repro run demo"
    script = Path(__file__).with_name("plain_demo.py").absolute()
    print("| setting | training losses | evaluation losses |\n|---|---|---|", flush=True)
    first: dict[str, list[float]] = {}
    for setting in SETTINGS:
        done = subprocess.run(
            [built.python, script, data["build"], data["file"], model["config"], model["vocabulary"]],
            capture_output=True,
            text=True,
            check=True,
            env={**child_environment(), **setting},
        )
        log = json.loads(done.stdout.splitlines()[-1])["losses"]
        losses = {name: [entry[name] for entry in log if name in entry] for name in ("loss", "eval_loss")}
        first = first or losses
        moved = [max(abs(a - b) for a, b in zip(losses[name], first[name], strict=True)) for name in losses]
        words = ", ".join(f"`{name}={value}`" for name, value in setting.items())
        print(f"| {words} | {moved[0]:.1e} | {moved[1]:.1e} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])

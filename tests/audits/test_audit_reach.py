"""What an audit touches: an audit hook of Python's own sees each file and each socket of a real process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

# Installed before anything of the program is imported; what it writes is one line for each event.
HOOK = """
import os, sys

def hook(event, arguments):
    if event.startswith(("open", "os.listdir", "os.scandir", "socket.", "subprocess.", "os.exec", "os.system",
                         "os.posix_spawn", "urllib.", "ctypes.dlopen")):
        name = arguments[0] if arguments else ""
        if isinstance(name, int) and event == "open":
            return  # a file that is open already
        os.write(LOG, (event + " " + ascii(os.fsdecode(name) if isinstance(name, bytes) else name) + "\\n").encode())

LOG = os.open(os.environ["EVENTS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
os.set_inheritable(LOG, True)
sys.addaudithook(hook)
"""
#: A card whose text names files, folders and addresses in all the ways in which programs are told to open them.
CARD = """---
license: other
license_link: {secret}
base_model: {folder}/weights
datasets:
- {secret}
- json:{secret}
- !include {secret}
model-index:
- name: {secret}
  results: []
extends: file://{secret}
---
<!-- repro: ignore-file {secret} -->
<!-- repro: baseline {secret} -->
<!DOCTYPE a [<!ENTITY b SYSTEM "file://{secret}">]>

# [{secret}]({secret}) ![]({secret}) &b;

@{secret}
{{% include "{secret}" %}}
<img src="file://{secret}"><iframe src="{secret}"></iframe><link rel="import" href="secret.txt">
[a]: ../secret.txt
![](https://example.org/image.png) https://example.org/card.md http://127.0.0.1:9/ hub:user/model

This model is a fine-tuned version of [{folder}/weights](file://{secret}) on the {secret} dataset.
It achieves the following results on the evaluation set:
- Loss: 0.5

### Training hyperparameters

The following hyperparameters were used during training:
- output_dir: {folder}
- config: {secret}
- seed: 42

### Training results

| Training Loss | Epoch | Step | Validation Loss |
|:-------------:|:-----:|:----:|:---------------:|
| 1.5           | 1.0   | 100  | 1.4000          |
| 1.2           | 2.0   | 200  | 1.3000          |
| 1.1           | 3.0   | 300  | 1.2500          |

### Framework versions

- Transformers 4.21.2
- Pytorch {secret}
"""


def events(folder: Path, *arguments: str) -> list[tuple[str, str]]:
    """Audit in a folder and return the events, with the absolute path of each file."""
    hooks, log = folder.parent / "hooks", folder.parent / "events"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(HOOK)
    done = subprocess.run(
        [sys.executable, "-B", "-m", "repro", "audit", *arguments, "--fail-on", "never"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(hooks), "EVENTS": str(log)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = [line.partition(" ") for line in log.read_text().splitlines()]
    assert len(seen) > 100, "the hook was not installed"
    return [(event, str(folder / name.strip("'\""))) for event, _, name in seen]


def outside(seen: list[tuple[str, str]], folder: Path, *allowed: Path) -> list[tuple[str, str]]:
    """Return the events that are neither Python and its packages nor allowed."""
    own = Path(__file__).parents[2] / "repro"
    places = {
        *sysconfig.get_paths().values(),
        sys.prefix,
        sys.base_prefix,
        str(own),
        str(folder.parent / "hooks"),
    }
    # What Python and its libraries ask the system for, whatever they are told.
    places |= {"/dev/null", "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices", "/sys/fs/cgroup"}
    ours = (*places, *[str(each) for each in allowed])
    return [
        (event, name)
        for event, name in seen
        if event not in ("open", "os.listdir", "os.scandir")
        or not os.path.realpath(name).startswith(tuple(os.path.realpath(each) for each in ours))
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a card that names what stands beside the folder."""
    folder = tmp_path / "cards"
    folder.mkdir()
    secret = tmp_path / "secret.txt"
    secret.write_text("hf_" + "a" * 34)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "config.json").write_text("{}")
    (folder / "card.md").write_text(CARD.format(secret=secret, folder=tmp_path))
    return folder


def test_an_audit_reads_nothing_but_its_target(folder: Path) -> None:
    """Without `--online` no socket is made, no process started, and no file read that the card's text names."""
    seen = events(folder, "card.md", "--profile", "strict", "--isolated", "--json")
    assert outside(seen, folder, folder / "card.md") == []
    assert ("open", str(folder / "card.md")) in seen


if __name__ == "__main__":
    print(json.dumps([]))

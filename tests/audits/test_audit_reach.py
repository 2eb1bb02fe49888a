"""What an audit touches: an audit hook of Python's own sees each file and each socket of a real process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

CASES = Path(__file__).parents[2] / "repro" / "cases"

# Installed before anything of the program is imported; what it writes is one line for each event.
HOOK = """
import os, sys

def hook(event, arguments):
    if event.startswith(("open", "os.listdir", "os.scandir", "socket.", "subprocess.", "os.exec", "os.system",
                         "os.posix_spawn", "urllib.", "ctypes.dlopen")):
        name = arguments[0] if arguments else ""
        if event == "socket.__new__":
            name = int(arguments[1])  # its family
        if isinstance(name, int) and event == "open":
            return  # a file that is open already
        name = os.fsdecode(name) if isinstance(name, bytes) else name
        os.write(LOG, (event + " " + ascii(name) + "\\n").encode())

LOG = os.open(os.environ["EVENTS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
os.set_inheritable(LOG, True)
sys.addaudithook(hook)
"""
#: A card whose text names files, folders and addresses in the ways in which programs are told to open them.
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


def events(where: Path, *arguments: str | Path) -> list[tuple[str, str]]:
    """Audit in an empty folder beside the target; return the events, each file with its absolute path."""
    hooks, log, empty = where / "hooks", where / "events", where / "empty"
    hooks.mkdir()
    empty.mkdir()
    (hooks / "sitecustomize.py").write_text(HOOK)
    done = subprocess.run(
        [sys.executable, "-B", "-m", "repro", "audit", *map(str, arguments), "--fail-on", "never"],
        cwd=empty,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(hooks), "EVENTS": str(log)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = [line.partition(" ") for line in log.read_text().splitlines()]
    assert len(seen) > 100, "the hook was not installed"
    return [(event, str(empty / name.strip("'\""))) for event, _, name in seen]


def beside(seen: list[tuple[str, str]], where: Path, *allowed: Path) -> set[tuple[str, str]]:
    """Return the events that are neither the reading of Python, its packages and the system, nor allowed."""
    places = [
        *sysconfig.get_paths().values(),
        sys.prefix,
        sys.base_prefix,
        Path(__file__).parents[2] / "repro",
    ]
    places += ["/dev/null", "/proc", "/sys", where / "hooks", where / "empty", *allowed]
    ours = tuple(os.path.realpath(str(place)) for place in places)
    return {
        (event, name)
        for event, name in seen
        if event not in ("open", "os.listdir", "os.scandir") or not os.path.realpath(name).startswith(ours)
    }


@pytest.fixture
def where(tmp_path: Path) -> Path:
    """A folder with a card that names what stands beside it."""
    secret = tmp_path / "secret.txt"
    secret.write_text("hf_" + "a" * 34)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "config.json").write_text("{}")
    (tmp_path / "cards").mkdir()
    for name in ("a.md", "b.md", "page.html"):
        head = "<!doctype html>" if name == "page.html" else ""
        (tmp_path / "cards" / name).write_text(head + CARD.format(secret=secret, folder=tmp_path))
    return tmp_path


@pytest.mark.parametrize("options", [("--isolated",), ("--profile", "strict", "--json")])
def test_an_audit_reads_nothing_but_its_target(where: Path, options: tuple[str, ...]) -> None:
    """Without `--online` no socket is made, no process started, and no file read that the card names."""
    target = where / "cards" / "a.md"
    seen = events(where, target, *options)
    assert ("open", str(target)) in seen
    assert beside(seen, where, target) <= {
        ("os.listdir", str(where)),
        ("open", str(where / "pyproject.toml")),
    }


def test_an_audit_of_a_folder_reads_nothing_beside_it(where: Path) -> None:
    """Nor in several processes, where a link in the folder leads out of it, or lies about what it is."""
    (where / "cards" / "link.md").symlink_to(where / "secret.txt")
    (where / "cards" / "more").symlink_to(where / "weights")
    rows = where / "cards.jsonl"
    text = (where / "cards" / "b.md").read_text()
    rows.write_text("".join(json.dumps({"card": text}) + "\n" for _ in range(200)))
    seen = events(where, where / "cards", rows, "--isolated", "--jobs", "2", "--json")
    assert {("open", str(where / "cards" / "b.md")), ("open", str(rows))} <= {*seen}
    # The pipes between the processes are no network.
    pipes = {("socket.__new__", str(where / "empty" / str(family))) for family in (socket.AF_UNIX, -1)}
    assert beside(seen, where, where / "cards", rows) <= pipes
    assert not [name for _, name in seen if name.endswith(("link.md", "config.json"))]


def test_the_hook_sees_what_it_is_to_see(where: Path) -> None:
    """With `--online` and a Hub on a closed port, the same hook reports the socket."""
    environ = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(where / "hf"), "HF_HUB_OFFLINE": "0"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        card = where / "cards" / "asks.md"
        card.write_text("---\nlicense: mit\nbase_model: user/base\n---\n\n# m\n")
        seen = events(where, card, "--online", "--isolated")
    assert any(event in ("socket.connect", "socket.getaddrinfo") for event, _ in beside(seen, where, card))


def test_a_case_in_a_folder_does_not_lead_out_of_it(where: Path) -> None:
    """A `case.toml` among the cards names a card in its own folder, or the audit refuses it."""
    case = (CASES / "demo" / "case.toml").read_text()
    (where / "cards" / "case.toml").write_text(case.replace('card = "card.md"', 'card = "../secret.txt"'))
    done = subprocess.run(
        [sys.executable, "-m", "repro", "audit", str(where / "cards"), "--isolated"],
        cwd=where,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "the card ../secret.txt is not in the case's folder" in done.stderr
    (where / "cards" / "case.toml").write_text(case.replace('card = "card.md"', 'card = "a.md"'))
    seen = events(where, where / "cards", "--isolated")
    own = [where / "cards" / "a.md", where / "cards" / "case.toml"]
    assert beside(seen, where, *own) == set()

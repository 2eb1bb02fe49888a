"""What `repro doctor` finds, and what it says is missing for the bundled cases."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from repro.cases.loader import bundled, load_case
from repro.environments import environment_folder
from repro.machine import examine
from repro.records.codec import json_schema
from repro.records.machine import CaseState, Machine

posix = pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for nvidia-smi")


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without network, GPU and caches, whose only interpreter is this one."""
    with socket.socket() as free:  # a port on which nobody listens
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    for variable, value in {
        "HOME": str(tmp_path),
        "PATH": str(tmp_path / "bin"),
        "UV_PYTHON_INSTALL_DIR": str(tmp_path / "pythons"),
        "REPRO_CACHE_DIR": str(tmp_path / "cache"),
        "UV_DEFAULT_INDEX": f"{nobody}/simple",
        "HF_ENDPOINT": nobody,
    }.items():  # fmt: skip
        monkeypatch.setenv(variable, value)
    for variable in ("PYENV_ROOT", "CONDA_PREFIX", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def look() -> tuple[Machine, dict[str, CaseState]]:
    found = examine([load_case(name) for name in bundled()])
    return found, {each.name: each for each in found.cases}


def lacking(state: CaseState) -> str:
    assert all(each.what and each.how for each in state.missing)
    return "\n".join(f"{each.what}: {each.how}" for each in state.missing)


def gpu(folder: Path, line: str) -> None:
    (folder / "bin").mkdir()
    tool = folder / "bin" / "nvidia-smi"
    tool.write_text(f"#!{sys.executable}\nprint({line!r})\n")
    tool.chmod(0o755)


def test_what_is_missing_and_how_to_get_it(alone: Path) -> None:
    """Without network each case says what it lacks of interpreter, packages, model and data, with a way."""
    found, states = look()
    assert set(states) == {"demo", "issues-128"}
    assert (found.registry.reachable, found.hub.reachable) == (False, False)
    both = [lacking(states[name]) for name in ("demo", "issues-128")]
    for text in both:
        assert "no registry can be asked" in text
        if sys.version_info[:2] != (3, 10):
            assert "uv python install 3.10" in text
    assert "--model FOLDER" not in both[0]
    assert "the model google-bert/bert-base-uncased" in both[1]
    assert "--model FOLDER" in both[1]
    assert "--data FILE" in both[1]


def test_the_processor_is_described(alone: Path) -> None:
    """Cores, usable threads and instruction sets are those of this machine."""
    found, _ = look()
    assert found.cores == os.cpu_count()
    assert 1 <= found.threads <= found.cores
    if Path("/proc/cpuinfo").exists():
        flags = Path("/proc/cpuinfo").read_text().split()
        assert set(found.features) <= set(flags)
        assert ("avx2" in found.features) == ("avx2" in flags)


@posix
def test_a_gpu_that_the_documented_torch_cannot_use(alone: Path) -> None:
    """On a Hopper both cases say that torch 1.13.0 has no kernels for it, and name both ways out."""
    gpu(alone, "NVIDIA H100 80GB HBM3, 535.104.05, 81559, 9.0")
    found, states = look()
    assert found.gpus == ("NVIDIA H100 80GB HBM3, sm_90, driver 535.104.05, 80 GiB",)
    assert found.accelerators[0].memory_bytes == 81559 * 2**20
    for state in states.values():
        assert "torch 1.13.0 has no kernels for this GPU (NVIDIA H100 80GB HBM3, sm_90)" in lacking(state)
        assert "--device cpu" in lacking(state)
        assert "--torch 2.1.0" in lacking(state)


@posix
@pytest.mark.parametrize(
    "line", ["NVIDIA A100-SXM4-40GB, 535.1.5, 40960, 8.0", "Tesla V100, 450.51.06, 16160"]
)
def test_a_gpu_that_can_be_used_or_is_not_known_is_nothing_missing(alone: Path, line: str) -> None:
    """A GPU that torch 1.13.0 has kernels for, or one of unknown capability, is no trouble."""
    gpu(alone, line)
    found, states = look()
    assert len(found.accelerators) == 1
    assert "no kernels" not in "".join(map(lacking, states.values()))


def test_what_torch_said_at_the_probe_is_shown(alone: Path) -> None:
    """A built environment's probe knows which instruction set that torch chose here, and its threads."""
    case = load_case("demo")
    assert case.locked is not None
    environment, lock = case.locked
    folder = environment_folder(environment)
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder / "environment.lock").write_bytes(lock.encode())
    marker = {"schema": "repro.built/1", "lock_sha256": environment.lock_sha256, "python": "3.10.13"}
    (folder / "complete.json").write_text(json.dumps({**marker, "seconds": 1.0, "disk_bytes": 1}))
    assert look()[1]["demo"].built
    assert look()[1]["demo"].missing == ()
    (folder / "probe").mkdir()
    seen = {"devices": {"cpu": {"capability": "AVX2", "threads": 2, "features": ["avx2"]}}}
    (folder / "probe" / "result.json").write_text(json.dumps({"status": "completed", "value": seen}))
    state = look()[1]["demo"]
    assert (state.torch, state.cpu_capability, state.threads) == ("1.13.0", "AVX2", 2)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"value": null}', '{"value": {"devices": {"cpu": 3}}}'])
def test_another_probe_does_no_harm(alone: Path, text: str) -> None:
    """A probe of another release, or half a file, is as good as none."""
    test_what_torch_said_at_the_probe_is_shown(alone)
    case = load_case("demo")
    assert case.locked is not None
    (environment_folder(case.locked[0]) / "probe" / "result.json").write_text(text)
    state = look()[1]["demo"]
    assert (state.built, state.cpu_capability, state.threads) == (True, "", None)


def doctor(*options: str) -> str:
    command = [sys.executable, "-m", "repro", "doctor", *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_command_says_all_of_it(alone: Path) -> None:
    """What is missing is one line each, once for all cases that lack it, and the document is valid."""
    document: Any = json.loads(doctor("--json"))
    jsonschema.validate(document, json_schema(Machine))
    assert document["schema"] == "repro.doctor/1"
    lines = doctor().splitlines()
    names = {line[:12].strip().split(" ")[0] for line in lines}
    assert {"repro", "processor", "GPU", "interpreter", "uv", "registry", "Hub", "cache", "case"} <= names
    missing = [line for line in lines if line.startswith("missing")]
    lacked = {each["what"] for case in document["cases"] for each in case["missing"]}
    assert len(missing) == len(set(missing)) == len(lacked)
    assert any("(for demo, issues-128)" in line for line in missing)


def test_who_does_not_answer_is_not_waited_for(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that takes the connection request and never answers is told to be out of reach."""
    silent = "http://[100::1]:9"  # the discard-only block: packets go nowhere
    monkeypatch.setenv("HF_ENDPOINT", silent)
    found, _ = look()
    assert not found.hub.reachable
    assert found.hub.reason

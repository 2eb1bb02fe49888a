"""The recipe of the published run, inside its locked environment, on issues whose outcome is known."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from repro.cases import load_case, loader
from repro.environments import child_environment
from repro.workflows import build_environment

pytestmark = pytest.mark.environment

CASES = Path(loader.__file__).parent
CODE = """
import json, runpy, sys
import transformers
build = runpy.run_path(sys.argv[1])["build"]
tokenizer = transformers.BertTokenizerFast(vocab_file=sys.argv[2], do_lower_case=True)
train, evaluation = build(sys.argv[3], tokenizer, 16)
said = [
    {"columns": sorted(each.column_names), "texts": [tokenizer.decode(row["input_ids"]) for row in each],
     "lengths": [len(row["input_ids"]) for row in each],
     "special": [row["special_tokens_mask"] for row in each]}
    for each in (train, evaluation)
]
print(json.dumps(said))
"""


def built(issues: list[dict[str, Any]], tmp_path: Path) -> list[dict[str, Any]]:
    """Run `build` on these issues in the locked environment."""
    locked = load_case("demo").locked
    assert locked is not None
    environment = build_environment(*locked)
    file = tmp_path / "issues.jsonl"
    file.write_text("".join(json.dumps(issue) + "\n" for issue in issues))
    done = subprocess.run(
        [environment.python, "-c", CODE, CASES / "issues-128/data.py", CASES / "demo/model/vocab.txt", file],
        capture_output=True,
        text=True,
        env=child_environment(),
        check=True,
    )
    said: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return said


def issue(title: str, body: str | None, *labels: str) -> dict[str, Any]:
    return {"title": title, "body": body, "labels": [{"name": name} for name in labels], "number": 1}


def test_the_recipe(tmp_path: Path) -> None:
    """Issues without one of the nine labels train, in order and once each; half of the others evaluate.

    A text is title, empty line and body; it is cut at the sequence length; a missing body is empty.
    """
    plain = [
        issue("training bert", "the loss", "wontfix"),
        issue("training bert", "the loss"),  # the same text again
        issue("pipeline", None),
        issue("a long one", "training " * 50),
    ]
    labelled = [issue(f"typo {number}", "page", "Documentation") for number in range(6)]
    labelled += [issue(f"usage {number}", "page", "Usage", "PyTorch") for number in range(6)]
    train, evaluation = built([*labelled[:5], *plain, *labelled[5:]], tmp_path)
    assert train["texts"][:2] == ["[CLS] training bert the loss [SEP]", "[CLS] pipeline [SEP]"]
    assert len(train["texts"]) == 3
    assert train["lengths"][2] == 16
    assert len(evaluation["texts"]) == 6
    assert sum("typo" in text for text in evaluation["texts"]) == 3
    for each in (train, evaluation):
        assert {"attention_mask", "input_ids", "special_tokens_mask"} <= set(each["columns"])
        assert not {"text", "labels"} & set(each["columns"])
        assert all((mask[0], mask[-1], sum(mask)) == (1, 1, 2) for mask in each["special"])


def test_the_split_is_always_the_same(tmp_path: Path) -> None:
    """The evaluation set does not depend on what drew random numbers before: the split seeds for itself."""
    labelled = [issue(f"typo {number}", "page", "Documentation") for number in range(40)]
    labelled += [issue(f"usage {number}", "page", "Usage") for number in range(40)]
    issues = [issue("training bert", "the loss"), *labelled]
    assert built(issues, tmp_path) == built(issues, tmp_path)

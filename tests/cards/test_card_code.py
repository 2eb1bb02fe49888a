"""What holds for claims in blocks of code, JSON and dicts."""

from __future__ import annotations

import time

import pytest
from markdown_it import MarkdownIt

from repro.cards import read_card
from repro.records.claims import Claim, Claims

CALL = """```python
from transformers import TrainingArguments
model = Model.from_pretrained("bert", num_labels=2)
args = TrainingArguments(
    output_dir="out",  # here
    learning_rate=2e-5, num_train_epochs=3,
    fp16=torch.cuda.is_available(),
    per_device_train_batch_size=4 * 2,
    lr_scheduler_kwargs={"min_lr": 1e-6},
    betas=(0.9, 0.999),
    optim='adamw_torch',
)
trainer = Trainer(model=model, args=args, patience=3)
```
"""


def read(text: str) -> Claims:
    return read_card(text, target="card.md").claims


def stated(claims: dict[str, Claim]) -> dict[str, tuple[str, int]]:
    return {name: (claim.text, claim.line) for name, claim in claims.items()}


@pytest.mark.parametrize("heading", ["## Usage", "## Training", "## Hyperparameters"])
def test_arguments_of_the_trainer(heading: str) -> None:
    """A call of TrainingArguments states its plain arguments and no others, in any section."""
    assert stated(read(f"# x\n{heading}\n{CALL}").hyperparameters) == {
        "output_dir": ("out", 7),
        "learning_rate": ("2e-5", 8),
        "num_train_epochs": ("3", 8),
        "betas": ("(0.9, 0.999)", 12),
        "optim": ("adamw_torch", 13),
    }


def test_call_on_a_page() -> None:
    """A rendered card's code states the same."""
    text = f"# x\n\n## Usage\n\n{CALL}"
    page = read(f"<html>{MarkdownIt().render(text)}</html>")
    assert {name: c.text for name, c in page.hyperparameters.items()} == {
        name: c.text for name, c in read(text).hyperparameters.items()
    }


def test_list_of_the_card_comes_first() -> None:
    """Code adds nothing to a list that the card prints."""
    text = f"# x\n## Training hyperparameters\n- seed: 1\n## Usage\n{CALL}"
    assert list(read(text).hyperparameters) == ["seed"]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("epoch=4\nlr = 2e-5  # low\nmodel = x\n", {"epoch": ("4", 4), "lr": ("2e-5", 5)}),
        ("lr: 2e-5\noptimizer: adamw_torch\nwords: [a, b]\n", {
            "lr": ("2e-5", 4), "optimizer": ("adamw_torch", 5),
        }),
        ('{\n  "seed": 42,\n  "loss": "mse"\n}\n', {"seed": ("42", 5), "loss": ("mse", 6)}),
        ("config = dict(\n  lr=1e-4,\n  epochs=3)\n", {"lr": ("1e-4", 5), "epochs": ("3", 6)}),
        ("- seed: 1\n- optimizer: Adam with betas=(0.9,0.999)\n", {
            "seed": ("1", 4), "optimizer": ("Adam with betas=(0.9,0.999)", 5),
        }),
        ("python run.py --seed 42\nx = f(seed=1)\nfor i in y: pass\nrate: float\n", {}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("title", ["## Hyperparameters", "**Hyperparameters**"])
def test_code_on_hyperparameters(title: str, block: str, expected: dict[str, tuple[str, int]]) -> None:
    """Below a title on hyperparameters, the pairs that fill lines of a block are hyperparameters."""
    assert stated(read(f"# x\n{title}\n```\n{block}```\n").hyperparameters) == expected


def test_code_on_the_training() -> None:
    """Below a title on the training, two known names and more are hyperparameters, and other names none."""
    block = '```json\n{"learning_rate": 5e-06, "per_device_train_batch_size": 2, "id": "a/b", "n": 3}\n```\n'
    for title in ("## Training", "### Training config", "**Training arguments:**"):
        assert stated(read(f"# x\n\n{title}\n{block}").hyperparameters) == {
            "learning_rate": ("5e-06", 5),
            "per_device_train_batch_size": ("2", 5),
        }
    assert read(f"# x\n\n## Usage\n{block}").hyperparameters == {}
    assert read("# x\n## Training\n```\nseed = 1\nmodel = load()\n```\n").hyperparameters == {}


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ('{"Training Loss": 0.1324,\n "Accuracy": 0.91,\n "Set": "dev"\n}\n', {
            "training_loss": ("0.1324", 4), "accuracy": ("0.91", 5),
        }),
        ("wer: 12.5\ncer = 3.1\nbatch_size=8\n", {"wer": ("12.5", 4), "cer": ("3.1", 5)}),
        ('[{"f1": 0.5}, {"f1": 0.4}]\n', {"f1": ("0.5", 4), "f1 (2)": ("0.4", 4)}),
        ('{\n  "at_k": 10\n}\n', {}),
        ("wer = load('wer')\nbatch_size = 8\n", {}),
        ("{'loss': 0.5, 'learning_rate': 1e-05, 'epoch': 1.0}\n", {}),
    ],
)  # fmt: skip
def test_code_on_results(block: str, expected: dict[str, tuple[str, int]]) -> None:
    """Below a title on results, a block of nothing but pairs states measures; settings do not."""
    assert stated(read(f"# x\n## Results\n```json\n{block}```\n").evaluation) == expected
    assert read(f"# x\n## Usage\n```json\n{block}```\n").evaluation == {}


def test_dict_over_several_lines() -> None:
    """A dict of numbers with a metric, one pair a line, is results anywhere; a step's log is none."""
    text = "# x\n\n{'best_exact': 79.1,\n 'f1': 80.25,\n 'total': 100}\n\nBye.\n\n{'size': 1,\n 'rows': 2}\n"
    assert stated(read(text).evaluation) == {
        "best_exact": ("79.1", 3),
        "f1": ("80.25", 4),
        "total": ("100", 5),
    }
    page = read(f"<html>{MarkdownIt().render(text)}</html>").evaluation
    assert {name: c.text for name, c in page.items()} == {"best_exact": "79.1", "f1": "80.25", "total": "100"}
    text = "# x\n\n## Results\n\n{'exact': 79.1, 'total': 100}\n{'loss': 1.5,\n 'grad_norm': 2.0}\n"
    assert stated(read(text).evaluation) == {"exact": ("79.1", 5), "total": ("100", 5)}


@pytest.mark.parametrize("line", [" - {}", "TrainOutput({})", "```\nTrainOutput({})\n```"])
def test_what_train_returned(line: str) -> None:
    """What `train()` returned is read with all its metrics, in code, too."""
    output = "global_step=100, training_loss=0.5, metrics={'train_runtime': 7.25, 'total_flos': 4.6e+18}"
    text = f"# x\n\n{line.format(output)}\n"
    found = read(text).evaluation
    assert {name: claim.text for name, claim in found.items()} == {
        "global_step": "100",
        "training_loss": "0.5",
        "train_runtime": "7.25",
        "total_flos": "4.6e+18",
    }
    assert all("global_step" in text.split("\n")[claim.line - 1] for claim in found.values())


@pytest.mark.parametrize("title", ["Hyperparameters", "Results"])
@pytest.mark.parametrize(
    "unit",
    ["a=", "a=[1,", "a='", '"a', "TrainingArguments(", "a=(1 ", "{", "a.", "a: b\n", "{'f1': 1,\n", "- "],
)  # fmt: skip
def test_hostile_code_is_read_in_linear_time(title: str, unit: str) -> None:
    """What is never closed, or repeated without end, takes time in proportion to the card."""
    blocks = f"```\n{unit * (15_000 // len(unit))}\n```\n\n" * 30 + unit * (100_000 // len(unit))
    start = time.process_time()
    read(f"# x\n## {title}\n{blocks}")
    assert time.process_time() - start < 5

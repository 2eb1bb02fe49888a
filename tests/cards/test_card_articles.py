"""What holds for articles: typographic bullets, names in words, tables without pipes."""

from __future__ import annotations

import pytest

from repro.cards import read_card
from repro.cards.names import hyperparameter
from repro.cards.tables import find_aligned
from repro.records.card import Card

ARTICLE = """bert-base-uncased-issues-128

This model is a fine-tuned version of bert-base-uncased on an unknown dataset.
It achieves the following results on the evaluation set:
• Loss: 1.0940

Training Hyperparameters
• Learning Rate: 5e-05
• Train Batch Size: 32
• Evaluation Batch Size: 8
• Seed: 42
• Optimizer: Adam with betas=(0.9,0.999) and epsilon=1e-08
• LR Scheduler Type: Linear
• Number of Epochs: 16
• Colour Scheme: dark

Training Results
Training Loss Epoch Step Validation Loss
----------------------------------------
2.1003 1.0 291 1.6578
No log 2.0 582

Framework Versions
• Transformers: 4.21.2
• PyTorch: 1.13.0+cu117
"""


def read(text: str) -> Card:
    return read_card(text, target="article.txt")


@pytest.mark.parametrize("bullet", ["• ", "•", "- ", ""])
def test_article_is_read_with_the_names_of_a_card(bullet: str) -> None:
    """Whatever its bullets, an article's names in words become those that the Trainer prints."""
    card = read(ARTICLE.replace("• ", bullet))
    claims = card.claims
    assert (card.kind, claims.name, claims.base_model) == (
        "article",
        "bert-base-uncased-issues-128",
        "bert-base-uncased",
    )
    expected = {
        "learning_rate": ("5e-05", 8),
        "train_batch_size": ("32", 9),
        "eval_batch_size": ("8", 10),
        "seed": ("42", 11),
        "optimizer": ("Adam with betas=(0.9,0.999) and epsilon=1e-08", 12),
        "lr_scheduler_type": ("Linear", 13),
        "num_epochs": ("16", 14),
    }
    if bullet:  # without one, only known names are told from prose
        expected["colour_scheme"] = ("dark", 15)
    assert {name: (claim.text, claim.line) for name, claim in claims.hyperparameters.items()} == expected
    assert {name: claim.text for name, claim in claims.versions.items()} == {
        "transformers": "4.21.2",
        "torch": "1.13.0+cu117",
    }
    assert {name: (claim.text, claim.line) for name, claim in claims.evaluation.items()} == {
        "loss": ("1.0940", 5)
    }
    assert claims.results is not None
    assert claims.results.columns == ("training_loss", "epoch", "step", "validation_loss")
    assert [(row.line, [cell.value for cell in row.cells]) for row in claims.results.rows] == [
        (20, [2.1003, 1.0, 291, 1.6578]),
        (21, [None, 2.0, 582]),
    ]


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("Learning Rate", "learning_rate"),
        ("Training batch size", "train_batch_size"),
        ("Random seed", "seed"),
        ("Evaluation Batch Size", "eval_batch_size"),
        ("Epochs", "num_epochs"),
        ("LR scheduler", "lr_scheduler_type"),
        ("Number of training epochs", "num_epochs"),
        ("Optimiser", "optimizer"),
        ("Warm-up ratio", "lr_scheduler_warmup_ratio"),
        ("Mixed Precision Training", "mixed_precision_training"),
        ("Gradient Accumulation Steps", "gradient_accumulation_steps"),
        ("Total Train Batch Size", "total_train_batch_size"),
        ("Number of Devices", "num_devices"),
        ("Favourite", None),
    ],
)
def test_names_in_words_have_the_names_of_the_trainer(name: str, canonical: str | None) -> None:
    """Usual words for a hyperparameter give the Trainer's name; all other words give none."""
    assert hyperparameter(name) == canonical


@pytest.mark.parametrize(
    ("header", "row", "columns"),
    [
        ("Training Loss\tEpoch\tStep", "1.5\t1.0\t10", ("Training Loss", "Epoch", "Step")),
        (
            "Training Loss   Epoch  My Own Metric",
            "1.5  1.0  0.3",
            ("Training Loss", "Epoch", "My Own Metric"),
        ),
        (
            "Epoch Training Loss Validation Loss F1",
            "1 No log 0.5 nan",
            ("Epoch", "Training Loss", "Validation Loss", "F1"),
        ),
        ("Step Train Loss Wer", "10 **0.5** 12.5%", ("Step", "Train Loss", "Wer")),
    ],
)
def test_columns_without_pipes(header: str, row: str, columns: tuple[str, ...]) -> None:
    """Columns are told apart by tabs, by gaps, or by the names that training logs have."""
    for above, below in (("", ""), ("-----\n", ""), ("", "-----  ----\n")):
        text = f"{above}{header}\n{below}{row}\n\n{row}\ntext"
        ((_, table),) = find_aligned(text.split("\n"))
        assert (table.header, len(table.rows)) == (columns, 2)


@pytest.mark.parametrize(
    "text",
    [
        "Epoch My Own Metric Loss\n1.0 2.0 3.0",  # two ways to divide the header
        "In each step\n1 2 3",
        "Step by step, the loss\nfalls to 1.5 2.5",
        "Epoch Loss\n1.0",
        "| Epoch | Step |\n1 2",
        "Epoch  Step\ntext  text",
    ],
)
def test_what_is_no_clear_table_is_none(text: str) -> None:
    """Prose, single values and headers that cannot be divided make no table."""
    assert list(find_aligned(text.split("\n"))) == []


def test_card_with_headings_is_no_article() -> None:
    """A Markdown card with names in words stays `other`, and known names are read wherever they stand."""
    card = read("# x\n\n## Training\n\n- **Learning rate**: 5e-5\n- Batch size: 16\n- Colour: red\n")
    assert card.kind == "other"
    assert list(card.claims.hyperparameters) == ["learning_rate", "batch_size"]

"""Cards in the generator's form for the tests; nothing here was trained."""

from __future__ import annotations

from collections.abc import Sequence

Rows = Sequence[tuple[str, str, str, str]]
#: Training loss, epoch, step, validation loss.
ROWS: Rows = (
    ("No log", "1.0", "100", "1.7266"),
    ("1.6866", "2.0", "200", "1.4698"),
    ("1.4997", "3.0", "300", "1.4586"),
    ("1.372", "4.0", "400", "1.404"),
)
HYPERPARAMETERS = {
    "learning_rate": "5e-05",
    "train_batch_size": "32",
    "eval_batch_size": "8",
    "seed": "42",
    "optimizer": "Adam with betas=(0.9,0.999) and epsilon=1e-08",
    "lr_scheduler_type": "linear",
    "num_epochs": "4",
}
VERSIONS = {"Transformers": "4.21.2", "Pytorch": "1.13.0+cu117", "Datasets": "2.7.1", "Tokenizers": "0.12.1"}


def card(
    *,
    name: str = "tiny-issues",
    base: str | None = "sample/tiny",
    rows: Rows | None = ROWS,
    versions: dict[str, str] | None = None,
    loss: str = "1.404",
    dataset: str = "an unknown dataset",
    **changes: str | None,
) -> str:
    """Return a card; `changes` are hyperparameters, None takes one away."""
    stated = {key: value for key, value in {**HYPERPARAMETERS, **changes}.items() if value is not None}
    tuned = f"This model is a fine-tuned version of [{base}](https://example.org/{base}) on {dataset}."
    lines = [
        f"# {name}",
        "",
        tuned if base else "",
        "It achieves the following results on the evaluation set:",
        f"- Loss: {loss}",
        "",
        "### Training hyperparameters",
        "",
        "The following hyperparameters were used during training:",
        *(f"- {key}: {value}" for key, value in stated.items()),
    ]
    if rows is not None:
        lines += [
            "",
            "### Training results",
            "",
            "| Training Loss | Epoch | Step | Validation Loss |",
            "|:-------------:|:-----:|:----:|:---------------:|",
            *(f"| {' | '.join(row)} |" for row in rows),
        ]
    lines += ["", "### Framework versions", "", *(f"- {k} {v}" for k, v in (versions or VERSIONS).items())]
    return "\n".join(lines) + "\n"


def shifted(by: float) -> Rows:
    """Return the rows of another run: every validation loss a little higher."""
    return tuple((t, epoch, step, f"{float(v) + by:.4f}") for t, epoch, step, v in ROWS)

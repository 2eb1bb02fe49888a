"""Printed hyperparameters become the TrainingArguments that they stand for, or a refusal."""

from __future__ import annotations

import pytest

from repro.cards import read_card
from repro.errors import BadInput
from repro.runs.arguments import run_arguments, training_arguments

HEAD = "# m\n\n### Training hyperparameters\n\nThe following hyperparameters were used during training:\n"


def arguments(*lines: str) -> dict[str, object]:
    """Read a card with these hyperparameter lines and return its arguments."""
    text = (
        HEAD
        + "".join(f"- {line}\n" for line in lines)
        + "\n### Framework versions\n\n- Transformers 4.21.2\n"
    )
    return training_arguments(read_card(text, target="card.md").claims.hyperparameters, where="card.md")


def test_the_published_run() -> None:
    """The hyperparameters of the published run give exactly the arguments of its script."""
    found = arguments(
        "learning_rate: 5e-05",
        "train_batch_size: 32",
        "eval_batch_size: 8",
        "seed: 42",
        "optimizer: Adam with betas=(0.9,0.999) and epsilon=1e-08",
        "lr_scheduler_type: linear",
        "num_epochs: 16",
    )
    assert found == {
        "learning_rate": 5e-05,
        "per_device_train_batch_size": 32,
        "per_device_eval_batch_size": 8,
        "seed": 42,
        "adam_beta1": 0.9,
        "adam_beta2": 0.999,
        "adam_epsilon": 1e-08,
        "lr_scheduler_type": "linear",
        "num_train_epochs": 16,
    }


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("lr_scheduler_warmup_steps: 500.0", "warmup_steps", 500),
        ("lr_scheduler_warmup_ratio: 0.1", "warmup_ratio", 0.1),
        ("training_steps: 2000", "max_steps", 2000),
        ("gradient_accumulation_steps: 4", "gradient_accumulation_steps", 4),
        ("mixed_precision_training: Native AMP", "fp16", True),
        ("label_smoothing_factor: 0.1", "label_smoothing_factor", 0.1),
        ("optimizer: Adafactor", "optim", "adafactor"),
        (
            "optimizer: Use adamw_torch with betas=(0.9,0.99) and epsilon=1e-06 and "
            "optimizer_args=No additional optimizer arguments",
            "adam_beta2",
            0.99,
        ),
        (
            "optimizer: Use OptimizerNames.ADAMW_TORCH_FUSED with betas=(0.9,0.999) and epsilon=1e-08",
            "optim",
            "adamw_torch_fused",
        ),
        (
            "optimizer: Use OptimizerNames.ADAMW_TORCH with betas=(0.8,0.999) and epsilon=1e-08 and "
            "optimizer_args=No additional optimizer arguments",
            "adam_beta1",
            0.8,
        ),
    ],
)
def test_other_lines(line: str, name: str, value: object) -> None:
    """Each line of the generator's grammar that a single process can honour is passed on."""
    assert arguments(line)[name] == value


@pytest.mark.parametrize(
    "line",
    [
        "train_batch_size: 32.5",
        "learning_rate: fast",
        "lr_scheduler_type: 3",
        "seed: 2*2 = 4",
        "distributed_type: multi-GPU",
        "optimizer: Lion with betas=(0.9,0.99)",
        "optimizer: Use OptimizerNames.ADAMW_BNB with betas=(0.9,0.999) and epsilon=1e-08",
        "mixed_precision_training: Apex, opt level O1",
        "quantum_annealing: on",
    ],
)
def test_what_cannot_be_honoured_is_refused(line: str) -> None:
    """A value that is none, or a setting that a run here cannot honour, is refused with card and line."""
    with pytest.raises(BadInput) as caught:
        arguments(line)
    assert caught.value.message.startswith(f"card.md:6: {line.split(':')[0]}")
    assert caught.value.hint


def test_a_total_that_follows_from_others_is_not_passed() -> None:
    """The total batch follows from its factors and is no argument of the Trainer."""
    assert arguments("train_batch_size: 8", "total_train_batch_size: 32") == {
        "per_device_train_batch_size": 8
    }


def test_the_case_adds_to_the_card_and_the_user_has_the_last_word_on_the_seed() -> None:
    """A case's arguments win over the card's, and a seed that is asked for over both; without any it ends."""
    claims = read_card(HEAD + "- seed: 42\n- num_epochs: 16\n", target="card.md").claims.hyperparameters
    of_case = {"seed": 43, "evaluation_strategy": "epoch"}
    assert run_arguments(claims, {}, None, where="card.md") == {"seed": 42, "num_train_epochs": 16}
    assert run_arguments(claims, of_case, None, where="card.md") == {"num_train_epochs": 16, **of_case}
    assert run_arguments(claims, of_case, 44, where="card.md")["seed"] == 44
    with pytest.raises(BadInput, match="states no seed"):
        run_arguments({}, {}, None, where="card.md")

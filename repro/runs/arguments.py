"""From what a card prints to the TrainingArguments that it stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from repro.errors import BadInput
from repro.records.claims import Claim

# Printed name -> TrainingArguments of transformers 4.21 (the worker knows later names).
_DIRECT = {
    "learning_rate": "learning_rate",
    "train_batch_size": "per_device_train_batch_size",
    "eval_batch_size": "per_device_eval_batch_size",
    "seed": "seed",
    "gradient_accumulation_steps": "gradient_accumulation_steps",
    "lr_scheduler_type": "lr_scheduler_type",
    "lr_scheduler_warmup_ratio": "warmup_ratio",
    "lr_scheduler_warmup_steps": "warmup_steps",
    "num_epochs": "num_train_epochs",
    "training_steps": "max_steps",
    "label_smoothing_factor": "label_smoothing_factor",
}
_WHOLE = {
    "train_batch_size",
    "eval_batch_size",
    "seed",
    "gradient_accumulation_steps",
    "lr_scheduler_warmup_steps",
    "training_steps",
}
_TEXT = {"lr_scheduler_type"}
# They follow from others on one device; checked, not passed.
_DERIVED = {"total_train_batch_size", "total_eval_batch_size"}
_ADAM = re.compile(
    r"(?:Adam|Use (?:OptimizerNames\.)?(?P<name>adamw_(?:torch|torch_fused|hf))) with "
    r"betas=\((?P<beta1>[\d.e-]+), ?(?P<beta2>[\d.e-]+)\) and epsilon=(?P<epsilon>[\d.e-]+)"
    r"(?: and optimizer_args=No additional optimizer arguments)?",
    re.IGNORECASE,
)


def training_arguments(claims: Mapping[str, Claim], *, where: str) -> dict[str, Any]:
    """Return the TrainingArguments that the printed hyperparameters stand for.

    Args:
        claims: Hyperparameters by their printed name.
        where: What to call the card in an error.

    Returns:
        Arguments by the names of transformers 4.21, values as `int`, `float`, `str` or `bool`.

    Raises:
        BadInput: A value that is none, or a hyperparameter that a run here cannot honour: a run that
            quietly left it out would not be the published one.
    """
    arguments: dict[str, Any] = {}
    for name, claim in claims.items():
        if name in _DIRECT:
            arguments[_DIRECT[name]] = _value(name, claim, where)
        elif name in _SPECIAL:
            arguments |= _SPECIAL[name](claim, where)
        elif name not in _DERIVED:
            raise _refused(name, claim, where)
    return arguments


def run_arguments(
    claims: Mapping[str, Claim], of_case: Mapping[str, Any], seed: int | None, *, where: str
) -> dict[str, Any]:
    """Return the TrainingArguments of a run: the card's, then the case's own, then the seed asked for.

    Args:
        claims: Hyperparameters by their printed name.
        of_case: What the case says that the card does not print; where it says otherwise, it wins.
        seed: The seed asked for, or None.
        where: What to call the card in an error.

    Raises:
        BadInput: As in `training_arguments`, or there is no seed.
    """
    arguments = training_arguments(claims, where=where) | dict(of_case)
    if seed is not None:
        arguments["seed"] = seed
    if "seed" not in arguments:
        raise BadInput(f"{where}: the card states no seed", "give one with --seed")
    return arguments


def _value(name: str, claim: Claim, where: str) -> int | float | str:
    value = claim.value
    if name in _TEXT and isinstance(value, str) and value.isidentifier():
        return value
    if isinstance(value, int | float) and name not in _TEXT:
        # 5.x prints whole numbers of steps as floats.
        if name not in _WHOLE:
            return value
        if float(value).is_integer() and value >= 0:
            return int(value)
    expected = "a name" if name in _TEXT else "a whole number" if name in _WHOLE else "a number"
    raise BadInput(
        f"{where}:{claim.line}: {name}: expected {expected}, found {claim.text[:40]!r}",
        "mend the card of your case, and note in case.toml what you assumed",
    )


def _optimizer(claim: Claim, where: str) -> dict[str, Any]:
    """The label is "Adam" up to 4.45 whatever ran: then the release's default optimizer is what runs."""
    if claim.text.strip().lower() == "adafactor":
        return {"optim": "adafactor"}
    found = _ADAM.fullmatch(claim.text.strip())
    if not found:
        raise _refused("optimizer", claim, where)
    named = {"optim": found["name"].lower()} if found["name"] else {}
    return named | {
        "adam_beta1": float(found["beta1"]),
        "adam_beta2": float(found["beta2"]),
        "adam_epsilon": float(found["epsilon"]),
    }


def _mixed_precision(claim: Claim, where: str) -> dict[str, Any]:
    if claim.text.strip() != "Native AMP":
        raise _refused("mixed_precision_training", claim, where)
    return {"fp16": True}


_SPECIAL: dict[str, Callable[[Claim, str], dict[str, Any]]] = {
    "optimizer": _optimizer,
    "mixed_precision_training": _mixed_precision,
}


def _refused(name: str, claim: Claim, where: str) -> BadInput:
    return BadInput(
        f"{where}:{claim.line}: {name}: {claim.text[:60]} cannot be honoured here",
        "a run that left it out would not be the published one; `repro audit` still reads the card",
    )

"""Names in words, as articles and people write them, to the names that the Trainer prints."""

from __future__ import annotations

from functools import lru_cache

from repro.cards.values import snake

_USUAL = {
    "training": "train",
    "evaluation": "eval",
    "validation": "eval",
    "number": "num",
    "of": "",
    "optimiser": "optimizer",
}
#: The Trainer's names, and what else people call them (in usual words).
NAMES = {
    "learning_rate": ("initial_learning_rate", "lr"),
    "train_batch_size": ("batch_size_train", "train_batch"),
    "eval_batch_size": ("batch_size_eval", "eval_batch"),
    "seed": ("random_seed",),
    "distributed_type": (),
    "num_devices": (),
    "gradient_accumulation_steps": ("gradient_accumulation",),
    "total_train_batch_size": (),
    "total_eval_batch_size": (),
    "optimizer": (),
    "lr_scheduler_type": (
        "lr_scheduler",
        "lr_schedule",
        "scheduler",
        "scheduler_type",
        "learning_rate_scheduler",
        "learning_rate_scheduler_type",
        "learning_rate_schedule",
    ),
    "lr_scheduler_warmup_ratio": ("warmup_ratio", "lr_warmup_ratio", "learning_rate_warmup_ratio"),
    "lr_scheduler_warmup_steps": ("warmup_steps", "lr_warmup_steps", "num_warmup_steps"),
    "training_steps": ("train_steps", "num_train_steps", "max_steps"),
    "num_epochs": ("epochs", "train_epochs", "num_train_epochs"),
    "mixed_precision_training": ("mixed_precision_train", "mixed_precision"),
    "label_smoothing_factor": ("label_smoothing",),
    "weight_decay": (),
    "batch_size": (),
}
_CANONICAL = {alias: name for name, aliases in NAMES.items() for alias in (name, *aliases)}


@lru_cache(maxsize=1_000)  # cards print the same few names
def hyperparameter(printed: str) -> str | None:
    """Return the Trainer's name for a hyperparameter, None where it has none.

    >>> hyperparameter("Number of Epochs"), hyperparameter("LR Scheduler Type"), hyperparameter("Colour")
    ('num_epochs', 'lr_scheduler_type', None)
    """
    name = snake(printed).replace("warm_up", "warmup")
    words = name.split("_")
    if "" not in words and _USUAL.keys().isdisjoint(words):
        return _CANONICAL.get(name)
    return _CANONICAL.get("_".join(usual for word in words if (usual := _USUAL.get(word, word))))


def in_words(printed: str) -> bool:
    """Tell whether a name is written for people rather than as an identifier in lower case.

    >>> in_words("Seed"), in_words("seed"), in_words("training precision")
    (True, False, True)
    """
    return not (printed.isidentifier() and printed.islower())

"""What transformers' Trainer did where a card does not say, and what its card generator can print.

Read from the published wheels (`training_args.py`, `trainer_utils.py`, `modelcard.py`, `trainer.py`,
`utils/import_utils.py`) of some eighty releases from 4.6.1 to 5.23.0; a release stands here where it is the
first one of its minor series that has the thing. A development version counts as the release it became.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType

from packaging.version import InvalidVersion, Version

_LONGEST = 64

# The default optimizer.
ADAMW_TORCH = Version("4.32")  # 4.31.0 still has adamw_hf; 4.32.0 is the first with torch's own AdamW
ADAMW_FUSED = Version("4.54")  # with torch >= 2.8; 4.53.3 has adamw_torch for every torch
FUSED_TORCH = Version("2.8")
OPTIMIZER_ARGUMENT = Version("4.16")  # before it there was no `optim`, only `adafactor`; AdamW was adamw_hf

# What the generator prints.
OPTIMIZER_NAMED = Version("4.46")  # `Use adamw_torch with …`; up to 4.45.2 `Adam with …`, whatever ran
WARMUP_RATIO_GONE = Version("5.0")  # 4.57.6 prints lr_scheduler_warmup_ratio, 5.0.0rc0 does not
WARMUP_STEPS_FRACTION = Version("5.0")  # from here on warmup_steps below 1 is a ratio; before it was cut off
BF16 = Version("4.13")  # 4.12.0 has no bf16
GRADIENT_CHECKPOINTING = Version("4.11")

#: The first series that has a scheduler; those of 4.6.1 and before are not listed.
SCHEDULERS: Mapping[str, Version | None] = MappingProxyType(
    {
        "linear": None,
        "cosine": None,
        "cosine_with_restarts": None,
        "polynomial": None,
        "constant": None,
        "constant_with_warmup": None,
        "inverse_sqrt": Version("4.27"),
        "reduce_lr_on_plateau": Version("4.29"),
        "cosine_with_min_lr": Version("4.40"),
        "warmup_stable_decay": Version("4.41"),
        "cosine_warmup_with_min_lr": Version("4.54"),
        "greedy": Version("5.4"),
    }
)
#: Schedulers that take no notice of a warmup.
WITHOUT_WARMUP = frozenset({"constant", "reduce_lr_on_plateau", "greedy"})

#: The first series that has an optimizer (`OptimizerNames`), and the first that has it no more.
OPTIMIZERS: Mapping[str, tuple[Version | None, Version | None]] = MappingProxyType(
    {
        "adamw_hf": (None, Version("4.50")),
        "adamw_torch": (None, None),
        "adamw_apex_fused": (None, Version("5.8")),
        "adafactor": (None, None),
        "adamw_torch_xla": (Version("4.17"), None),
        "adamw_bnb_8bit": (Version("4.19"), None),
        "sgd": (Version("4.19"), None),
        "adagrad": (Version("4.19"), None),
        "adamw_anyprecision": (Version("4.25"), None),
        "adamw_torch_fused": (Version("4.27"), None),
        "adamw_8bit": (Version("4.30"), None),
        "lion_8bit": (Version("4.30"), None),
        "lion_32bit": (Version("4.30"), None),
        "paged_adamw_32bit": (Version("4.30"), None),
        "paged_adamw_8bit": (Version("4.30"), None),
        "paged_lion_32bit": (Version("4.30"), None),
        "paged_lion_8bit": (Version("4.30"), None),
        "rmsprop": (Version("4.34"), None),
        "adamw_torch_npu_fused": (Version("4.35"), None),
        "rmsprop_bnb": (Version("4.38"), None),
        "rmsprop_bnb_8bit": (Version("4.38"), None),
        "rmsprop_bnb_32bit": (Version("4.38"), None),
        "galore_adamw": (Version("4.39"), None),
        "galore_adamw_8bit": (Version("4.39"), None),
        "galore_adafactor": (Version("4.39"), None),
        "galore_adamw_layerwise": (Version("4.39"), None),
        "galore_adamw_8bit_layerwise": (Version("4.39"), None),
        "galore_adafactor_layerwise": (Version("4.39"), None),
        "lomo": (Version("4.42"), None),
        "adalomo": (Version("4.42"), None),
        "adamw_torch_4bit": (Version("4.45"), None),
        "ademamix": (Version("4.45"), None),
        "ademamix_8bit": (Version("4.45"), None),
        "paged_ademamix_32bit": (Version("4.45"), None),
        "paged_ademamix_8bit": (Version("4.45"), None),
        "grokadamw": (Version("4.45"), None),
        "schedule_free_adamw": (Version("4.45"), None),
        "schedule_free_sgd": (Version("4.45"), None),
        "adamw_torch_8bit": (Version("4.49"), None),
        "apollo_adamw": (Version("4.49"), None),
        "apollo_adamw_layerwise": (Version("4.49"), None),
        "schedule_free_radam": (Version("4.49"), None),
        "stable_adamw": (Version("4.54"), None),
    }
)

# transformers' own lower bound of torch: below it, it goes on without torch, and there is no Trainer.
_TORCH_NEEDED = (
    (Version("5.20"), Version("2.6")),
    (Version("5.15"), Version("2.5")),
    (Version("5.1"), Version("2.4")),
    (Version("5.0"), Version("2.2")),
    (Version("4.52"), Version("2.1")),
)


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the Trainer of one release did unless it was told otherwise; only `optimizer` ever changed.

    Attributes:
        optimizer: By its name in `OptimizerNames`; None where it depends on a torch that is not known, or on
            the state that a development version stands for.
        weight_decay, max_grad_norm, learning_rate, num_epochs, train_batch_size, eval_batch_size: Numbers.
        adam_beta1, adam_beta2, adam_epsilon: Of every Adam.
        lr_scheduler_type, warmup_steps, logging_steps, gradient_accumulation_steps, seed,
        label_smoothing_factor:
            As named.
        fp16, bf16: Precision. A card prints fp16 (as Native AMP) and never bf16.
    """

    optimizer: str | None
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    learning_rate: float = 5e-05
    num_epochs: float = 3.0
    train_batch_size: int = 8
    eval_batch_size: int = 8
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-08
    lr_scheduler_type: str = "linear"
    warmup_steps: int = 0
    logging_steps: int = 500
    gradient_accumulation_steps: int = 1
    seed: int = 42
    label_smoothing_factor: float = 0.0
    fp16: bool = False
    bf16: bool = False


def defaults(transformers: str, torch: str | None = None) -> Defaults | None:
    """Return the Trainer's defaults in a release, None where the version cannot be read.

    Args:
        transformers: Its version as printed.
        torch: The version of torch as printed, where it is known; the default optimizer may depend on it.
    """
    return _did(transformers[: _LONGEST + 1], torch and torch[: _LONGEST + 1])


@lru_cache(maxsize=4096)
def _did(transformers: str, torch: str | None) -> Defaults | None:
    version = _base(transformers)
    if version is None:
        return None
    border = version in (ADAMW_TORCH, ADAMW_FUSED) and Version(transformers).is_prerelease
    return _defaults(None if border else _optimizer(version, torch))


def schedulers(transformers: str) -> frozenset[str] | None:
    """Return the scheduler names that a release knows, None where the version cannot be read."""
    version = _base(transformers)
    return None if version is None else _schedulers(version)


def has_optimizer(name: str, transformers: str) -> bool | None:
    """Tell whether a release has an optimizer of that name; None where name or version is not known."""
    version = _base(transformers)
    if version is None or name not in OPTIMIZERS:
        return None
    first, gone = OPTIMIZERS[name]
    return (first is None or version >= first) and (gone is None or version < gone)


def torch_needed(transformers: str) -> Version | None:
    """Return the torch below which a release goes on without torch, None where it takes any."""
    version = _base(transformers)
    if version is None:
        return None
    return next((needed for since, needed in _TORCH_NEEDED if version >= since), None)


@cache
def _defaults(optimizer: str | None) -> Defaults:
    return Defaults(optimizer=optimizer)


@lru_cache(maxsize=512)
def _schedulers(version: Version) -> frozenset[str]:
    return frozenset(name for name, since in SCHEDULERS.items() if since is None or version >= since)


def _optimizer(version: Version, torch: str | None) -> str | None:
    if version < ADAMW_TORCH:
        return "adamw_hf"
    if version < ADAMW_FUSED:
        return "adamw_torch"
    found = _base(torch) if torch is not None else None
    if found is None:
        return None
    return "adamw_torch_fused" if found >= FUSED_TORCH else "adamw_torch"


def _base(text: str) -> Version | None:
    """Return the release that a version is or became."""
    return _became(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _became(text: str) -> Version | None:
    try:
        return Version(Version(text).base_version)
    except InvalidVersion:
        return None

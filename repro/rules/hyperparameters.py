"""RH3xx: the hyperparameters that a card states, against each other and against what its release does.

The names are those that transformers' card generator prints; where another generator prints the same thing
under the name of the TrainingArguments, that name is read too.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from msgspec import structs
from packaging.version import Version

from repro.facts import defaults as facts
from repro.facts.releases import LONGEST, parse
from repro.records.card import Card
from repro.records.claims import Claim
from repro.rules.interface import Found, Rule, rule
from repro.rules.interface import clip as clipped
from repro.rules.subject import Progress, number
from repro.rules.wording import at_most

_Claims = Mapping[str, Claim]


#: Kinds whose hyperparameters transformers' own generator printed, or somebody after its model.
_TRAINER_KINDS = frozenset({"trainer", "peft", "trl", "article", "other"})
# Devices that multiply the batch in ways of their own.
_OTHER_DEVICES = re.compile(r"ipu|tpu|hpu|xla|sagemaker_model_parallel|deepspeed|not_", re.IGNORECASE)
_ADAM_LABEL = re.compile(r"Adam with betas=\(\S+?,\s?\S+?\) and epsilon=\S+")
_NAMED_LABEL = re.compile(r"Use (?:OptimizerNames\.)?(\w+) (?:with betas=|and the args are:)")
_BETAS = re.compile(r"betas=\(([^,()]{1,30}),\s*([^,()]{1,30})\) and epsilon=(\S{1,30})")
# `re` finds the literals that these begin with faster than `in` finds short words.
_DECAY = re.compile(r"eight(?:(?<=weight)_| )decay")
_CLIPPING = re.compile(r"clip")
# bf16 and fp16 exclude each other, so that either says what there is to say.
_HALF = re.compile(r"16(?:(?<=fp16)|(?<=bf16)|(?<=loat16)|(?<=[BF][FP]16))")
_REPEATED = re.compile(r"(.+) \((\d+)\)")
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z_]{2,60}")

_NUMERIC = (
    "learning_rate",
    "train_batch_size",
    "eval_batch_size",
    "seed",
    "num_devices",
    "gradient_accumulation_steps",
    "total_train_batch_size",
    "total_eval_batch_size",
    "lr_scheduler_warmup_ratio",
    "lr_scheduler_warmup_steps",
    "training_steps",
    "num_epochs",
    "label_smoothing_factor",
)
_COUNTS = (
    "train_batch_size",
    "eval_batch_size",
    "num_devices",
    "gradient_accumulation_steps",
    "total_train_batch_size",
    "total_eval_batch_size",
    "per_device_train_batch_size",
    "per_device_eval_batch_size",
)
_NUMERIC_SET, _COUNTS_SET = frozenset(_NUMERIC), frozenset(_COUNTS)
#: Names that a misspelt one may stand for.
_NAMES = frozenset(
    {
        *_NUMERIC,
        *_COUNTS,
        "optimizer",
        "lr_scheduler_type",
        "distributed_type",
        "mixed_precision_training",
        "training_precision",
        "weight_decay",
        "max_grad_norm",
        "num_train_epochs",
        "warmup_steps",
        "warmup_ratio",
        "gradient_checkpointing",
        "logging_steps",
        "max_steps",
        "adam_beta1",
        "adam_beta2",
        "adam_epsilon",
        "max_seq_length",
        "max_length",
    }
)
_MOST_COMPARED = 200  # names of a card
_FARTHEST = 2  # letters by which a misspelt name may be off
# The words of the names, by how many they are and by how long the name is.
_ALIKE: dict[tuple[int, int], list[list[str]]] = {}
for _name in sorted(_NAMES):
    _ALIKE.setdefault((_name.count("_") + 1, len(_name)), []).append(_name.split("_"))
#: What the Trainer's generator has always printed, beside what RH323 looks for.
_ALWAYS = frozenset({"learning_rate", "train_batch_size", "eval_batch_size", "seed"})
_OPTIMIZER_SAID = re.compile(r"optimi[sz]er|optim[:=_]|adam|adafactor|\bsgd\b")
_SCHEDULER_SAID = re.compile(r"scheduler(?!_warmup)|schedule\b")
#: What a card does not print, by its name in the TrainingArguments.
_SILENT = ("weight_decay", "max_grad_norm")
#: The highest learning rate that anybody should expect, by what is trained.
_HIGHEST = {"an adapter": 0.3, "training from scratch": 0.05, "full fine-tuning": 0.01}
_LOWEST = 1e-9
_ROUNDED = 0.005  # epochs are printed with two decimals up to 4.39


@lru_cache(maxsize=8192)
def _clip(text: str, length: int) -> str:
    return clipped(text, length)


def clip(text: str, length: int = 60) -> str:
    """Return `interface.clip(text)`, remembered: versions and values come again, and clipping is slow."""
    return _clip(text[:240], length)


@rule("RH301", "warning")
def train_batch_is_its_factors(hyperparameters: _Claims) -> Iterable[Found]:
    """The total training batch is not the product of its factors.

    total_train_batch_size = train_batch_size × num_devices × gradient_accumulation_steps, where what is not
    printed counts 1. train_batch_size is for one process: with DataParallel the GPUs are in it already. IPUs
    and TPUs replicate in ways that are not printed: a note, and so it is where a whole number of devices
    would explain the total but is not stated.

    Why it matters:
        The number of examples behind each step decides the learning rate that fits, and the number of steps.

    How to mend:
        State every factor, and the total as their product.

    Before:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - train_batch_size: 8
        - num_devices: 2
        - gradient_accumulation_steps: 4
        - total_train_batch_size: 32

    After:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - train_batch_size: 8
        - num_devices: 2
        - gradient_accumulation_steps: 4
        - total_train_batch_size: 64
    """
    if "total_train_batch_size" in hyperparameters:
        names = ("train_batch_size", "num_devices", "gradient_accumulation_steps")
        return _product(hyperparameters, "total_train_batch_size", names)
    return ()


@rule("RH302", "warning")
def eval_batch_is_its_factors(hyperparameters: _Claims) -> Iterable[Found]:
    """The total evaluation batch is not the product of its factors.

    total_eval_batch_size = eval_batch_size × num_devices. Accumulation plays no part in it. IPUs and TPUs
    replicate in ways that are not printed: a note.

    Why it matters:
        The evaluation loss of some releases depends on the batch it was computed in.

    How to mend:
        State eval_batch_size, num_devices, and the total as their product.

    Before:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - eval_batch_size: 8
        - num_devices: 2
        - total_eval_batch_size: 64

    After:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - eval_batch_size: 8
        - num_devices: 2
        - total_eval_batch_size: 16
    """
    if "total_eval_batch_size" in hyperparameters:
        return _product(hyperparameters, "total_eval_batch_size", ("eval_batch_size", "num_devices"))
    return ()


@rule("RH303", "note", profiles=("default", "strict"))
def optimizer_is_named(
    card: Card, hyperparameters: _Claims, versions: _Claims, lowered: str
) -> Sequence[Found]:
    """The label "Adam" says nothing about the optimizer that ran.

    Up to transformers 4.45 the generator printed "Adam" for every optimizer but Adafactor. What ran unless
    somebody chose otherwise is AdamW, with decoupled weight decay: transformers' own (adamw_hf) up to 4.31,
    torch's (adamw_torch) from 4.32 on. Nothing is said where AdamW is named anywhere else in the card.

    Why it matters:
        A reader who takes Adam at its word trains with another rule for weight decay; and adamw_hf and
        adamw_torch differ in where epsilon stands, so that curves part.

    How to mend:
        Write the optimizer that ran, e.g. `AdamW (adamw_torch) with betas=(0.9,0.999) and epsilon=1e-08`.

    Before:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - optimizer: Adam with betas=(0.9,0.999) and epsilon=1e-08

        ### Framework versions

        - Transformers 4.21.2

    After:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - optimizer: AdamW (adamw_hf) with betas=(0.9,0.999) and epsilon=1e-08

        ### Framework versions

        - Transformers 4.21.2
    """
    claim = hyperparameters.get("optimizer")
    if claim is None or not claim.text.startswith("Adam with ") or card.kind not in _TRAINER_KINDS:
        return ()
    release = _release(versions)
    if release is None or release.names_optimizer or _replicates(hyperparameters):
        return ()
    version = versions["transformers"].text
    did = facts.defaults(version)  # these releases' default does not depend on torch
    if did is None or "adamw" in lowered:  # its author has said what ran
        return ()
    return [
        Found(
            f"transformers {clip(version)} prints Adam for every optimizer but Adafactor; "
            f"its default was {did.optimizer or 'adamw_hf or adamw_torch'}, an AdamW",
            claim.line,
            {"transformers": clip(version), "label": "Adam", "default": did.optimizer},
        )
    ]


@rule("RH304", "warning")
def label_is_of_the_release(card: Card, hyperparameters: _Claims, versions: _Claims) -> Sequence[Found]:
    """The optimizer's line has the form of another release.

    `Adam with betas=…` was printed up to transformers 4.45, `Use adamw_torch with betas=…` from 4.46 on,
    and a release names only optimizers that it has (adamw_hf went with 4.50).

    Why it matters:
        The hyperparameters or the versions are not those of one run.

    How to mend:
        Take hyperparameters and framework versions from the same generated card.

    Before:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - optimizer: Use adamw_torch with betas=(0.9,0.999) and epsilon=1e-08

        ### Framework versions

        - Transformers 4.21.2

    After:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - optimizer: Use adamw_torch with betas=(0.9,0.999) and epsilon=1e-08

        ### Framework versions

        - Transformers 4.46.3
    """
    claim = hyperparameters.get("optimizer")
    if claim is None or card.kind not in _TRAINER_KINDS:
        return ()
    release = _release(versions)
    if release is None or (release.is_development and release.version == facts.OPTIMIZER_NAMED):
        return ()
    version = clip(versions["transformers"].text)
    printed = clip(claim.text, 40)
    if release.names_optimizer:
        if _ADAM_LABEL.fullmatch(claim.text[:200]):
            return [
                Found(
                    f"{printed!r} was printed up to transformers 4.45, the card says {version}",
                    claim.line,
                    {"transformers": version, "printed": printed, "since": None, "until": "4.45"},
                )
            ]
    elif _NAMED_LABEL.match(claim.text):
        return [
            Found(
                f"{printed!r} was printed from transformers 4.46 on, the card says {version}",
                claim.line,
                {"transformers": version, "printed": printed, "since": "4.46", "until": None},
            )
        ]
    named = _NAMED_LABEL.match(claim.text)
    name = _optimizer_name(named[1]) if named else None
    if name and not release.is_development and facts.has_optimizer(name, str(release.version)) is False:
        since, gone = facts.OPTIMIZERS[name]
        return [
            Found(
                f"transformers {version} has no optimizer {name}"
                + (
                    f"; it came with {since}"
                    if since and release.version < since
                    else f"; it went with {gone}"
                ),
                claim.line,
                {"transformers": version, "optimizer": name},
            )
        ]
    return ()


@rule("RH305", "warning")
def scheduler_exists(card: Card, hyperparameters: _Claims, versions: Mapping[str, Claim]) -> Sequence[Found]:
    """The learning rate scheduler is none that this release has.

    The Trainer refuses names that it does not know. A name that no release knows may be somebody's own
    scheduler: a note.

    Why it matters:
        The schedule decides the learning rate of every step; without it the run cannot be repeated.

    How to mend:
        Use the name of the TrainingArguments (linear, cosine, …), and describe a scheduler of your own.

    Before:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - lr_scheduler_type: cosine_with_min_lr

        ### Framework versions

        - Transformers 4.21.2

    After:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - lr_scheduler_type: cosine

        ### Framework versions

        - Transformers 4.21.2
    """
    claim = hyperparameters.get("lr_scheduler_type")
    if claim is None or card.kind not in _TRAINER_KINDS:
        return ()
    name = _scheduler(claim.text)
    since = facts.SCHEDULERS.get(name, False)
    if since is None:
        return ()
    found: list[Found] = []
    if since is False:
        if _IDENTIFIER.fullmatch(name):
            found.append(
                Found(
                    f"no release of transformers has a scheduler {clip(name)!r}",
                    claim.line,
                    {"scheduler": clip(name), "known": sorted(facts.SCHEDULERS)},
                    severity="note",
                )
            )
        return found
    release = _release(versions)
    if release is not None and isinstance(since, Version) and release.version < since:
        version = clip(versions["transformers"].text)
        found.append(
            Found(
                f"scheduler {name} came with transformers {since}, the card says {version}",
                claim.line,
                {"scheduler": name, "since": str(since), "transformers": version},
            )
        )
    return found


@rule("RH306", "error")
def warmup_ratio_is_one(hyperparameters: _Claims) -> Sequence[Found]:
    """The warmup ratio lies outside 0 to 1.

    It is the share of all steps in which the learning rate rises. The Trainer refuses anything else.

    Why it matters:
        No run can have had it; it may be a number of steps or a percentage.

    How to mend:
        Write the share (`0.1`), or state the steps as lr_scheduler_warmup_steps.

    Before:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - lr_scheduler_warmup_ratio: 10

    After:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - lr_scheduler_warmup_ratio: 0.1
    """
    found: list[Found] = []
    for name in ("lr_scheduler_warmup_ratio", "warmup_ratio"):
        claim = hyperparameters.get(name)
        ratio = number(claim)
        if claim is not None and ratio is not None and not 0 <= ratio <= 1:
            found.append(
                Found(
                    f"{name} {clip(claim.text)} is not between 0 and 1",
                    claim.line,
                    {"ratio": clip(claim.text)},
                )
            )
    return found


@rule("RH307", "warning")
def warmup_fits(hyperparameters: _Claims) -> Sequence[Found]:
    """The warmup is longer than the training.

    The learning rate rises for more steps than the training has, so the stated one was never reached.

    Why it matters:
        The learning rate that really trained the model is lower than the card's.

    How to mend:
        Check warmup steps and training steps; say which learning rate was reached.

    Before:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - lr_scheduler_type: linear
        - lr_scheduler_warmup_steps: 1000
        - training_steps: 400

    After:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - lr_scheduler_type: linear
        - lr_scheduler_warmup_steps: 100
        - training_steps: 400
    """
    claim = hyperparameters.get("lr_scheduler_warmup_steps")
    warmup = number(claim)
    if claim is None or warmup is None or warmup < 1 or _ignores_warmup(hyperparameters):
        return ()
    steps = number(hyperparameters.get("training_steps"))
    if steps is not None and 0 < steps < warmup:
        return [_cut_short(hyperparameters, claim, warmup, steps, f"the training has {steps:g}")]
    return ()


@rule("RH308", "note")
def warmup_is_stated_once(hyperparameters: _Claims) -> Sequence[Found]:
    """Both a warmup ratio and warmup steps are stated.

    Where both are set, the Trainer takes the steps and ignores the ratio.

    Why it matters:
        Who re-runs with the ratio gets another schedule.

    How to mend:
        State the one that was used; it is the steps.

    Before:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - lr_scheduler_warmup_ratio: 0.1
        - lr_scheduler_warmup_steps: 500

    After:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - lr_scheduler_warmup_steps: 500
    """
    steps = hyperparameters.get("lr_scheduler_warmup_steps")
    if steps is None or not (count := number(steps)):
        return ()
    ratio = hyperparameters.get("lr_scheduler_warmup_ratio")
    if ratio is not None and (share := number(ratio)):
        return [
            Found(
                f"warmup ratio {share:g} and {count:g} warmup steps are both stated; the steps were used",
                ratio.line,
                {"ratio": share, "steps": count},
            )
        ]
    return ()


@rule("RH309", "note")
def warmup_is_used(hyperparameters: _Claims) -> Sequence[Found]:
    """A warmup is stated with a scheduler that has none.

    `constant` and `reduce_lr_on_plateau` take no notice of warmup steps; `constant_with_warmup` does.

    Why it matters:
        The learning rate was the stated one from the first step on.

    How to mend:
        Leave the warmup out, or state constant_with_warmup if that is what ran.

    Before:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - lr_scheduler_type: constant
        - lr_scheduler_warmup_ratio: 0.03

    After:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - lr_scheduler_type: constant
    """
    if not _ignores_warmup(hyperparameters):
        return ()
    found: list[Found] = []
    for name in ("lr_scheduler_warmup_ratio", "lr_scheduler_warmup_steps"):
        claim = hyperparameters.get(name)
        if claim is not None and (warmup := number(claim)):
            scheduler = _scheduler(hyperparameters["lr_scheduler_type"].text)
            found.append(
                Found(
                    f"scheduler {scheduler} takes no notice of {name} {warmup:g}",
                    claim.line,
                    {"scheduler": scheduler, name: warmup},
                )
            )
    return found


@rule("RH310", "warning")
def warmup_is_of_the_release(card: Card, hyperparameters: _Claims, versions: _Claims) -> Sequence[Found]:
    """A warmup is printed in a form of another release.

    Up to transformers 4.57 a ratio stands in lr_scheduler_warmup_ratio. From 5.0 on there is no such line: a
    ratio stands as a number below 1 in lr_scheduler_warmup_steps. In 4.x such a number of steps was taken
    as it is, which is no warmup at all.

    Why it matters:
        Either the versions are not those of the run, or there was no warmup.

    How to mend:
        Take hyperparameters and framework versions from the same generated card; in 4.x set warmup_ratio.

    Before:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - lr_scheduler_warmup_steps: 0.1

        ### Framework versions

        - Transformers 4.57.1

    After:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - lr_scheduler_warmup_ratio: 0.1

        ### Framework versions

        - Transformers 4.57.1
    """
    steps = hyperparameters.get("lr_scheduler_warmup_steps")
    ratio = hyperparameters.get("lr_scheduler_warmup_ratio")
    if (steps is None and ratio is None) or card.kind not in _TRAINER_KINDS:
        return ()
    release = _release(versions)
    if release is None or (release.is_development and release.version == facts.WARMUP_RATIO_GONE):
        return ()
    version = clip(versions["transformers"].text)
    found: list[Found] = []
    if ratio is not None and release.version >= facts.WARMUP_RATIO_GONE:
        found.append(
            Found(
                f"lr_scheduler_warmup_ratio {clip(ratio.text)} was printed up to transformers 4.57, "
                f"the card says {version}",
                ratio.line,
                {"transformers": version, "ratio": clip(ratio.text)},
            )
        )
    if steps is not None and release.version < facts.WARMUP_STEPS_FRACTION and 0 < (number(steps) or 0) < 1:
        found.append(
            Found(
                f"{clip(steps.text)} warmup steps are no warmup in transformers {version}; "
                "below 1 it is a ratio only from 5.0 on",
                steps.line,
                {"transformers": version, "steps": clip(steps.text)},
            )
        )
    return found


@rule("RH311", "note", profiles=("default", "strict"))
def silent_arguments_are_stated(
    card: Card, text: str, hyperparameters: _Claims, versions: _Claims
) -> Sequence[Found]:
    """What the generator never prints is not stated: weight decay, clipping and bf16.

    A generated card leaves out weight_decay, max_grad_norm and bf16 even where they were set. Who re-runs the
    card assumes the release's defaults. Where fp16 is stated in any form there was no bf16.

    Why it matters:
        Weight decay of 0.01 instead of 0 is common, and bf16 changes every loss in the third digit.

    How to mend:
        Add them to the list, e.g. `- weight_decay: 0.01`, `- max_grad_norm: 1.0`, `- bf16: True`.

    Before:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - train_batch_size: 8

        ### Framework versions

        - Transformers 4.21.2

    After:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - train_batch_size: 8
        - weight_decay: 0.0
        - max_grad_norm: 1.0
        - bf16: False

        ### Framework versions

        - Transformers 4.21.2
    """
    claim = hyperparameters.get("learning_rate")
    if claim is None or "train_batch_size" not in hyperparameters or card.kind not in _TRAINER_KINDS:
        return ()
    release = _release(versions)
    if release is None or any(name in hyperparameters for name in _SILENT):
        return ()
    assumed: dict[str, float | bool] = {}
    if not _DECAY.search(text):
        assumed["weight_decay"] = 0.0
    if "grad_norm" not in text and not _CLIPPING.search(text):
        assumed["max_grad_norm"] = 1.0
    if "mixed_precision_training" not in hyperparameters and release.has_bf16 and not _says_half(text):
        assumed["bf16"] = False
    if assumed:
        version = clip(versions["transformers"].text)
        shown = ", ".join(
            "no bf16" if name == "bf16" else f"{name} {value}" for name, value in assumed.items()
        )
        return [
            Found(
                f"not stated, so assumed as in transformers {version}: {shown}",
                claim.line,
                {"transformers": version, "assumed": assumed},
            )
        ]
    return ()


@rule("RH312", "warning")
def learning_rate_is_likely(card: Card, hyperparameters: _Claims) -> Sequence[Found]:
    """The learning rate is far outside what such a training can have.

    Above 0.01 a full fine-tuning with Adam diverges; from scratch the border is taken as 0.05, for adapters
    (LoRA, prompts and the like) as 0.3. Zero trains nothing. A negative one or nan is an error: torch refuses
    it. Other optimizers than Adam's family have scales of their own and are left alone up to 1.

    Why it matters:
        A slipped decimal point or a lost exponent (`5` for `5e-05`) makes the card's recipe useless.

    How to mend:
        Take the learning rate from the TrainingArguments of the run.

    Before:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 0.5
        - optimizer: Adam with betas=(0.9,0.999) and epsilon=1e-08

    After:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 5e-05
        - optimizer: Adam with betas=(0.9,0.999) and epsilon=1e-08
    """
    claim = hyperparameters.get("learning_rate")
    rate = number(claim)
    if claim is None or rate is None or _LOWEST <= rate <= 0.01:
        return ()
    evidence = {"learning_rate": clip(claim.text)}
    if not 0 <= rate < math.inf:  # nan too
        return [
            Found(f"no optimizer takes a learning rate of {clip(claim.text)}", claim.line, evidence, "error")
        ]
    if rate == 0:
        return [Found("a learning rate of 0 trains nothing", claim.line, evidence)]
    if rate < _LOWEST:
        return [Found(f"learning rate {rate:g} is too small to change weights", claim.line, evidence)]
    method = _method(card)
    border = _HIGHEST[method] if _is_adam(card, hyperparameters) else 1.0
    if rate > border:
        times = rate / 5e-5
        return [
            Found(
                f"learning rate {rate:g} is {times:{',.0f' if times < 1e15 else 'g'}} times the Trainer's "
                f"default 5e-05 and above {border:g} ({method})",
                claim.line,
                {**evidence, "border": border, "method": method},
            )
        ]
    return ()


@rule("RH313", "warning")
def seed_is_stated(card: Card, hyperparameters: _Claims) -> Sequence[Found]:
    """The seed is missing from a list that the generator always prints with one.

    The Trainer's generator prints `seed` on every card, so that somebody took it out.

    Why it matters:
        Without it neither the order of the data nor a freshly initialised head can be had again, and a
        re-run is one draw of many.

    How to mend:
        State it; it is 42 unless somebody set another.

    Before:
        <!-- Generated automatically according to the information the Trainer had access to. -->

        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - train_batch_size: 8

    After:
        <!-- Generated automatically according to the information the Trainer had access to. -->

        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - train_batch_size: 8
        - seed: 42
    """
    if (
        card.kind == "trainer"
        and "seed" not in hyperparameters
        and "learning_rate" in hyperparameters
        and "train_batch_size" in hyperparameters
        and not any("seed" in name for name in hyperparameters)
    ):
        return [Found("no seed is stated", hyperparameters["learning_rate"].line, {"default": 42})]
    return ()


@rule("RH314", "error")
def betas_are_betas(hyperparameters: _Claims) -> Sequence[Found]:
    """Adam's betas or epsilon are out of range.

    torch refuses betas outside 0 to 1 (1 excluded) and a negative epsilon: an error. A first beta above the
    second, or an epsilon of 0 or above 0.001, is possible and odd: a note.

    Why it matters:
        Two numbers that changed places, or a lost exponent (`1` for `1e-08`), change the step size by orders
        of magnitude.

    How to mend:
        Take adam_beta1, adam_beta2 and adam_epsilon from the TrainingArguments of the run.

    Before:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - optimizer: Adam with betas=(0.9,1.999) and epsilon=1e-08

    After:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - optimizer: Adam with betas=(0.9,0.999) and epsilon=1e-08
    """
    claim = hyperparameters.get("optimizer")
    if claim is None or "betas=" not in claim.text[:100]:
        return ()
    numbers = _betas(claim.text[:200])
    if numbers is None:
        return ()
    first, second, epsilon = numbers
    evidence = {"beta1": first, "beta2": second, "epsilon": epsilon}
    found: list[Found] = []
    for name, beta in (("beta1", first), ("beta2", second)):
        if not 0 <= beta < 1:
            found.append(Found(f"{name} {beta:g} is not between 0 and 1", claim.line, evidence))
    if not 0 <= epsilon < math.inf:
        found.append(Found(f"epsilon {epsilon:g} is refused by torch", claim.line, evidence))
    elif epsilon == 0 or epsilon > 1e-3:
        found.append(Found(f"epsilon {epsilon:g} is unusual for Adam (1e-08)", claim.line, evidence, "note"))
    if 0 <= second < first < 1:
        found.append(Found(f"beta1 {first:g} is above beta2 {second:g}", claim.line, evidence, "note"))
    return found


@rule("RH315", "warning")
def label_smoothing_is_a_share(hyperparameters: _Claims) -> Sequence[Found]:
    """The label smoothing factor lies outside 0 to 1.

    It is the share of the target that is spread over all labels. At 1 the labels no longer matter, above it
    or below 0 the loss pushes away from them. The Trainer does not check it.

    Why it matters:
        Losses under label smoothing are on another scale, which depends on this number.

    How to mend:
        Take label_smoothing_factor from the TrainingArguments of the run; 0.1 is usual.

    Before:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - label_smoothing_factor: 10

    After:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - label_smoothing_factor: 0.1
    """
    claim = hyperparameters.get("label_smoothing_factor")
    factor = number(claim)
    if claim is not None and factor is not None and not 0 <= factor < 1:
        return [
            Found(
                f"label smoothing {clip(claim.text)} is not a share from 0 to below 1",
                claim.line,
                {"label_smoothing_factor": clip(claim.text)},
            )
        ]
    return ()


@rule("RH316", "warning")
def stated_once(card: Card, hyperparameters: _Claims) -> Sequence[Found]:
    """A hyperparameter is stated again with another value.

    The same name stands twice in one list, and the values differ. A card of several trainings has a list for
    each, below a heading or a sentence of its own; those are left alone.

    Why it matters:
        Which of the two trained the model is anybody's guess.

    How to mend:
        Keep the one of the run whose results the card shows; give another run a section of its own.

    Before:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - seed: 42
        - learning_rate: 5e-05

    After:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 5e-05
        - seed: 42
    """
    if ")" not in "".join(hyperparameters):
        return ()
    repeated: list[tuple[str, Claim, Claim]] = []
    for name, claim in hyperparameters.items():
        if name[-1:] != ")" or not (found := _REPEATED.fullmatch(name[:120])):
            continue
        first = hyperparameters.get(found[1])
        if first is not None and found[1] in _NAMES and not _same(first, claim):
            repeated.append((found[1], first, claim))
    return at_most(
        Found(
            f"{name} is {clip(first.text)} on line {first.line} and {clip(claim.text)} here",
            claim.line,
            {
                "name": name,
                "first": clip(first.text),
                "again": clip(claim.text),
                "first_line": first.line,
            },
        )
        for name, first, claim in _in_one_list(card, repeated)
    )


@rule("RH317", "note")
def values_are_plain(card: Card, hyperparameters: _Claims) -> Sequence[Found]:
    """A value that is a number was written over by hand.

    `2*2 = 4`, `5.0 (extended to 7.0)`, `2 x A100 80G`: a person understands it, a program takes it for no
    number, and rules on that hyperparameter do not apply.

    Why it matters:
        Two readers may take different numbers from it.

    How to mend:
        Write the number, and the remark below the list.

    Before:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - gradient_accumulation_steps: 2*2 = 4

    After:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - gradient_accumulation_steps: 4
    """
    if card.kind not in _TRAINER_KINDS:
        return ()
    found: list[Found] = []
    for name, claim in hyperparameters.items():
        if name in _NUMERIC_SET and isinstance(claim.value, str) and number(claim) is None:
            found.append(
                Found(
                    f"{name}: {clip(claim.text)!r} is no plain number",
                    claim.line,
                    {"name": name, "text": clip(claim.text)},
                )
            )
    return found


@rule("RH318", "warning")
def names_are_spelt(card: Card, hyperparameters: _Claims) -> Sequence[Found]:
    """A hyperparameter's name is misspelt.

    One word of it differs by a letter or two from the name that the generator prints. Of names that the
    generator does not print, the first two hundred are compared.

    Why it matters:
        Whoever reads cards by program misses it and assumes the default: `grdient_accumulation_steps: 4` then
        counts as 1, and the batch as a quarter.

    How to mend:
        Use the name as it is in the TrainingArguments.

    Before:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - grdient_accumulation_steps: 4

    After:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - gradient_accumulation_steps: 4
    """
    if card.kind not in _TRAINER_KINDS or hyperparameters.keys() <= _NAMES:
        return ()
    found: list[Found] = []
    others = (name for name in hyperparameters if name not in _NAMES)
    for name in islice(others, _MOST_COMPARED):
        claim = hyperparameters[name]
        meant = _meant(name) if len(name) <= 40 else None
        if meant is not None and meant not in hyperparameters:
            found.append(
                Found(f"{clip(name)} is misspelt: {meant}", claim.line, {"name": name, "meant": meant})
            )
    return found


@rule("RH319", "error")
def counts_are_counts(hyperparameters: _Claims) -> Sequence[Found]:
    """A batch size, a number of devices or of accumulation steps is no whole number from 1 up.

    Batches, devices and accumulated steps are counted.

    Why it matters:
        No run can have had it. A batch of 0 is what some tools print when the size was found automatically.

    How to mend:
        Take it from the TrainingArguments of the run.

    Before:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - train_batch_size: 0

    After:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - train_batch_size: 8
    """
    found: list[Found] = []
    for name in _COUNTS:
        claim = hyperparameters.get(name)
        if claim is None:
            continue
        count = number(claim)
        if count is not None and (count < 1 or count % 1 != 0):  # nan and inf leave no remainder of 0
            found.append(
                Found(f"{name} {clip(claim.text)} is no count", claim.line, {name: clip(claim.text)})
            )
    return found


@rule("RH320", "warning")
def training_has_a_length(hyperparameters: _Claims) -> Sequence[Found]:
    """The number of epochs or of training steps is not above 0.

    -1 steps stand for "as many as the epochs have" in the TrainingArguments and are left alone where epochs
    are stated too.

    Why it matters:
        Nothing was trained, or the number is not that of the run.

    How to mend:
        State num_epochs or training_steps as they were set.

    Before:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - num_epochs: 0

    After:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - num_epochs: 3
    """
    found: list[Found] = []
    for name in ("num_epochs", "training_steps"):
        claim = hyperparameters.get(name)
        length = number(claim)
        if claim is None or length is None or 0 < length < math.inf:
            continue
        if length != -1 or name == "num_epochs" or "num_epochs" not in hyperparameters:
            found.append(
                Found(f"{name} {clip(claim.text)} trains nothing", claim.line, {name: clip(claim.text)})
            )
    return found


@rule("RH321", "note")
def length_is_stated_once(card: Card, hyperparameters: _Claims) -> Sequence[Found]:
    """Both epochs and training steps are stated.

    Where both are set the Trainer takes the steps, and its generator prints only the one that counted.

    Why it matters:
        They are two lengths of the same training; the schedule of the learning rate follows one of them.

    How to mend:
        State the one that was set; the results table shows the other.

    Before:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - training_steps: 500
        - num_epochs: 3

    After:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - training_steps: 500
    """
    steps, epochs = hyperparameters.get("training_steps"), hyperparameters.get("num_epochs")
    if steps is None or epochs is None or card.kind not in _TRAINER_KINDS:
        return ()
    if (number(steps) or 0) > 0 and (number(epochs) or 0) > 0:
        return [
            Found(
                f"{clip(steps.text)} training steps and {clip(epochs.text)} epochs are both stated",
                epochs.line,
                {"training_steps": clip(steps.text), "num_epochs": clip(epochs.text)},
            )
        ]
    return ()


@rule("RH322", "warning")
def training_outlasts_its_warmup(hyperparameters: _Claims, progress: Progress) -> Sequence[Found]:
    """The results table ends within the warmup.

    The warmup has more steps than the table shows, and the number of epochs says no more: the learning rate
    was still rising when the training ended. Where it was planned to be longer and was stopped early, it is
    a note. Nothing is said where the table itself goes on behind the warmup.

    Why it matters:
        The learning rate that really trained the model is lower than the card's.

    How to mend:
        Check the warmup steps; say which learning rate was reached.

    Before:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - lr_scheduler_type: linear
        - lr_scheduler_warmup_steps: 1000
        - num_epochs: 2

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |

    After:
        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - lr_scheduler_type: linear
        - lr_scheduler_warmup_steps: 20
        - num_epochs: 2

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
    """
    claim = hyperparameters.get("lr_scheduler_warmup_steps")
    warmup = number(claim)
    if claim is None or warmup is None or warmup < 1 or _ignores_warmup(hyperparameters):
        return ()
    planned = number(hyperparameters.get("training_steps"))
    if planned is None:
        planned = _planned(progress, hyperparameters)
    elif planned < warmup:
        return ()  # said already
    points = progress.points("step")
    ended = points[-1][1] if points else None
    if ended is not None and ended >= warmup:
        return ()  # the table goes on behind the warmup, whatever the epochs say
    if planned is not None and 0 < planned < warmup:
        epochs = hyperparameters["num_epochs"].text
        why = f"{clip(epochs)} epochs have {planned:,.0f} at most by the table"
        return [_cut_short(hyperparameters, claim, warmup, planned, why)]
    if ended is not None and 0 < ended < warmup:
        why = f"the table ends at step {ended:g}"
        return [structs.replace(_cut_short(hyperparameters, claim, warmup, ended, why), severity="note")]
    return ()


@rule("RH323", "warning")
def generated_lines_are_there(card: Card, hyperparameters: _Claims, lowered: str) -> Sequence[Found]:
    """The optimizer or the scheduler is missing from a list that the generator always prints with it.

    The Trainer's generator prints learning rate, both batch sizes, seed, optimizer and lr_scheduler_type on
    every card. Here the first four are there, so that somebody took the other lines out. Lists that differ
    more are somebody's own, and nothing is said where the text names the optimizer or the scheduler.

    Why it matters:
        Optimizer and schedule decide every step. Without them a re-run takes the defaults, and whoever cut a
        line may have changed others.

    How to mend:
        Put the lines back as the generator wrote them.

    Before:
        <!-- Generated automatically according to the information the Trainer had access to. -->

        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - train_batch_size: 8
        - eval_batch_size: 8
        - seed: 42
        - lr_scheduler_type: linear

    After:
        <!-- Generated automatically according to the information the Trainer had access to. -->

        ### Training hyperparameters

        The following hyperparameters were used during training:
        - learning_rate: 2e-05
        - train_batch_size: 8
        - eval_batch_size: 8
        - seed: 42
        - optimizer: Adam with betas=(0.9,0.999) and epsilon=1e-08
        - lr_scheduler_type: linear
    """
    if "optimizer" in hyperparameters and "lr_scheduler_type" in hyperparameters:
        return ()
    if card.kind != "trainer" or not hyperparameters.keys() >= _ALWAYS:
        return ()
    missing = [
        name
        for name, words in (("optimizer", _OPTIMIZER_SAID), ("lr_scheduler_type", _SCHEDULER_SAID))
        if name not in hyperparameters and not words.search(lowered)
    ]
    if missing:
        return [
            Found(
                f"no {' and no '.join(missing)} in a list that the generator never prints without",
                hyperparameters["learning_rate"].line,
                {"missing": missing},
            )
        ]
    return ()


def _cut_short(hyperparameters: _Claims, claim: Claim, warmup: float, steps: float, why: str) -> Found:
    rate = number(hyperparameters.get("learning_rate"))
    reached = f": the learning rate reached {rate * steps / warmup:.2g} of {rate:g}" if rate else ""
    return Found(
        f"{warmup:g} warmup steps, but {why}{reached}",
        claim.line,
        {"warmup_steps": warmup, "steps": steps, "learning_rate": rate},
    )


def _product(hyperparameters: _Claims, total_name: str, names: tuple[str, ...]) -> Iterator[Found]:
    claim = hyperparameters[total_name]
    total = number(claim)
    each = number(hyperparameters.get(names[0]))
    if total is None or each is None or not (0 < each < math.inf and 0 < total < math.inf):
        return
    factors = {names[0]: each}
    for name in names[1:]:
        factor = hyperparameters.get(name)
        if factor is None:
            continue
        value = number(factor)
        if value is None:  # written over by hand
            return
        factors[name] = value
    product = math.prod(factors.values())
    if product == total or product <= 0:
        return
    shown = " × ".join(f"{name} {value:g}" for name, value in factors.items())
    evidence = {**factors, total_name: total, "product": product}
    absent = [name for name in names[1:] if name not in hyperparameters]
    rest = total / product
    if _replicates(hyperparameters):
        why = f"; {clip(hyperparameters['distributed_type'].text)} may replicate it"
        yield Found(f"{total_name} {total:g} is not {shown} = {product:g}{why}", claim.line, evidence, "note")
    elif absent and rest > 1 and rest.is_integer():
        unstated = " or ".join(absent)
        why = f": {unstated} must have made up {rest:g}"
        yield Found(f"{total_name} {total:g} is not {shown} = {product:g}{why}", claim.line, evidence, "note")
    else:
        yield Found(f"{total_name} {total:g} is not {shown} = {product:g}", claim.line, evidence)


def _replicates(hyperparameters: _Claims) -> bool:
    """Tell whether the devices are no GPUs: they replicate in ways of their own."""
    claim = hyperparameters.get("distributed_type")
    return claim is not None and _OTHER_DEVICES.search(claim.text[:60]) is not None


class _Release(NamedTuple):
    """A release of transformers; comparing versions is slow.

    Attributes:
        version: The release, of a development version the one that it became.
        is_development: Whether it is one of those.
        names_optimizer: Whether its cards name the optimizer.
        has_bf16: Whether it has bf16.
    """

    version: Version
    is_development: bool
    names_optimizer: bool
    has_bf16: bool


def _release(versions: _Claims) -> _Release | None:
    """Return the release of transformers that the card names."""
    claim = versions.get("transformers")
    return _known(claim.text) if claim is not None and len(claim.text) <= LONGEST else None


@lru_cache(maxsize=4096)
def _known(text: str) -> _Release | None:
    parsed = parse(text)
    if parsed is None:
        return None
    base = Version(parsed.base_version)
    return _Release(base, parsed.is_prerelease, base >= facts.OPTIMIZER_NAMED, base >= facts.BF16)


def _scheduler(text: str) -> str:
    """Return a scheduler's name; some Pythons print `SchedulerType.COSINE`."""
    name = text[:80].strip().strip("`'\"")
    return name[14:].lower() if name.startswith("SchedulerType.") else name


def _says_half(text: str) -> bool:
    return "ixed precision" in text or "ixed-precision" in text or _HALF.search(text) is not None


def _ignores_warmup(hyperparameters: _Claims) -> bool:
    claim = hyperparameters.get("lr_scheduler_type")
    return claim is not None and _scheduler(claim.text) in facts.WITHOUT_WARMUP


def _planned(progress: Progress, hyperparameters: _Claims) -> float | None:
    """Return how many steps the stated epochs have, by the pace of the table's last row."""
    epochs = number(hyperparameters.get("num_epochs"))
    if not epochs or not progress.step_epoch:
        return None
    _, step, epoch = progress.step_epoch[-1]
    epoch -= _ROUNDED  # the most steps that the printed epoch allows
    return step / epoch * epochs if epoch > 0 else None


def _method(card: Card) -> str:
    if card.kind == "peft" or "peft" in card.claims.versions:
        return "an adapter"
    start = "trained from scratch"
    return "training from scratch" if any(start in line for line in card.visible) else "full fine-tuning"


def _is_adam(card: Card, hyperparameters: _Claims) -> bool:
    """Tell whether the optimizer is of Adam's family; so is the Trainer's default."""
    claim = hyperparameters.get("optimizer") or hyperparameters.get("optim")
    if claim is None:
        return card.kind not in ("other", "article", "keras")
    return "adam" in claim.text[:60].lower()


@lru_cache(maxsize=1024)
def _betas(text: str) -> tuple[float, float, float] | None:
    found = _BETAS.search(text)
    if found is None:
        return None
    try:
        first, second, epsilon = (float(one) for one in found.groups())
    except ValueError:
        return None
    return first, second, epsilon


def _optimizer_name(text: str) -> str | None:
    """Return the optimizer's value; Python 3.11 and later print the constant's name, often the same."""
    lower = text.lower()
    if lower in facts.OPTIMIZERS:
        return lower
    return "adamw_bnb_8bit" if lower == "adamw_bnb" else None


def _in_one_list(
    card: Card, repeated: Sequence[tuple[str, Claim, Claim]]
) -> Iterator[tuple[str, Claim, Claim]]:
    """Yield those between whose two lines nothing but the list itself stands."""
    spans = [sorted((first.line, claim.line)) for _, first, claim in repeated]
    start, end = min([span[0] for span in spans], default=0), max([span[1] for span in spans], default=0)
    # Looked for once: a card can state one name ten thousand times.
    others = [
        i
        for i, line in enumerate(map(str.strip, card.visible[start : end - 1]), start + 1)
        if line.startswith(("#", "|", "**")) or "hyperparameters" in line.lower()
    ]
    for each, (above, below) in zip(repeated, spans, strict=True):
        if bisect_right(others, above) == bisect_left(others, below):
            yield each


def _same(one: Claim, two: Claim) -> bool:
    first, second = number(one), number(two)
    return one.text == two.text if first is None or second is None else first == second


@lru_cache(maxsize=4096)
def _meant(name: str) -> str | None:
    """Return the known name that `name` misspells: one of its words is off by a letter or two."""
    words = name.lower().split("_")
    for length in range(len(name) - _FARTHEST, len(name) + _FARTHEST + 1):
        for theirs in _ALIKE.get((len(words), length), ()):
            off = [(one, two) for one, two in zip(words, theirs, strict=True) if one != two]
            if len(off) == 1 and _misspelt(*off[0]):
                return "_".join(theirs)
    return None


def _misspelt(word: str, meant: str) -> bool:
    if (
        len(meant) < 5
        or meant[-1].isdigit()
        or word.rstrip("s") == meant.rstrip("s")
        or word.replace("s", "z") == meant
    ):
        return False
    most = _FARTHEST if len(meant) >= 8 else 1
    # Every letter that `word` lacks has to be added or put in another's place.
    return len({*meant}.difference(word)) <= most and _distance(word, meant) <= most


def _distance(one: str, two: str) -> int:
    """Return the number of letters to add, drop, replace or swap with the next."""
    # What both begin and end with changes nothing, and is most of a misspelt word.
    while one and two and one[0] == two[0]:
        one, two = one[1:], two[1:]
    while one and two and one[-1] == two[-1]:
        one, two = one[:-1], two[:-1]
    rows = [list(range(len(two) + 1))]
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, other in enumerate(two, 1):
            cost = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == two[j - 2] and one[i - 2] == other:
                cost = min(cost, rows[-2][j - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]


RULES: tuple[Rule, ...] = (
    train_batch_is_its_factors,
    eval_batch_is_its_factors,
    optimizer_is_named,
    label_is_of_the_release,
    scheduler_exists,
    warmup_ratio_is_one,
    warmup_fits,
    warmup_is_stated_once,
    warmup_is_used,
    warmup_is_of_the_release,
    silent_arguments_are_stated,
    learning_rate_is_likely,
    seed_is_stated,
    betas_are_betas,
    label_smoothing_is_a_share,
    stated_once,
    values_are_plain,
    names_are_spelt,
    counts_are_counts,
    training_has_a_length,
    length_is_stated_once,
    training_outlasts_its_warmup,
    generated_lines_are_there,
)

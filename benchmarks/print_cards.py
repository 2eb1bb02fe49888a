"""Prints cards with transformers' own generator, in an environment that has it: `print_cards.py COUNT SEED`.

Each line of standard output is a card with what it states, as the generator was told it. Only Python 3.7 and
that environment's transformers are needed; where it looks for torch, datasets or TensorFlow, it finds no more
than a version.
"""

from __future__ import annotations

import enum
import json
import os
import random
import sys
import types
from typing import Any

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")

import tokenizers  # type: ignore[import-not-found,unused-ignore]
from transformers import __version__, modelcard  # type: ignore[import-not-found,unused-ignore]

METRICS = (
    "accuracy",
    "f1",
    "f1_macro",
    "rouge1",
    "gen_len",
    "wer",
    "rewards/chosen",
    "exact_match",
    "model_preparation_time",
)
VERSIONS = {"torch": "Pytorch", "datasets": "Datasets", "tensorflow": "TensorFlow"}
OPTIMIZERS = ("adamw_torch", "adamw_bnb_8bit", "adafactor", "lion_32bit", "sgd", "paged_adamw_8bit")
SCHEDULERS = ("linear", "cosine", "cosine_with_restarts", "constant_with_warmup", "reduce_lr_on_plateau")
DATASETS = ("glue", "squad", "user/data-set", "./data/my corpus.jsonl", "common_voice_11_0")


class Printed(str, enum.Enum):  # noqa: UP042 -- old Pythons have no StrEnum
    """A string enumeration, whose text depends on the Python that prints it."""

    ADAMW_TORCH = "adamw_torch"
    ADAFACTOR = "adafactor"


def number(rng: random.Random) -> Any:
    """Return a measured value: mostly a float, sometimes anything that a metric function returns."""
    odd = [
        float("nan"),
        float("inf"),
        0.0,
        1.0,
        1e-05,
        3,
        None,
        {"f1": 0.25, "n": 3},
        [0.5, 0.25],
        "0.5 %",
        True,
    ]
    return rng.choice(odd) if rng.random() < 0.15 else round(rng.expovariate(1), rng.choice([1, 3, 4, 16]))


def history(rng: random.Random) -> list[dict[str, Any]]:
    """Return what a Trainer logs; the training may never have begun."""
    metrics = rng.sample(METRICS, rng.randrange(5))
    if rng.random() < 0.05:
        metrics = [f"label_{i}_f1" for i in range(60)]
    steps = rng.randrange(1, 500)
    log: list[dict[str, Any]] = []
    for epoch in range(1, rng.randrange(1, 12)):
        if rng.random() < 0.8:
            log.append(
                {
                    "loss": round(rng.expovariate(1), 4),
                    "learning_rate": 1e-5,
                    "epoch": epoch,
                    "step": steps * epoch,
                }
            )
        measured = {f"eval_{name}": number(rng) for name in metrics}
        log.append(
            {
                "eval_loss": number(rng),
                **measured,
                "eval_runtime": 12.5,
                "eval_samples_per_second": 8.25,
                "eval_steps_per_second": 1.5,
                "epoch": round(epoch + rng.choice([0, 0.98]), 2),
                "step": steps * epoch,
            }
        )
    if rng.random() < 0.85:
        log.append(
            {"train_runtime": 100.0, "train_loss": 1.25, "total_flos": 1.5e15, "epoch": 1.0, "step": steps}
        )
    if log and rng.random() < 0.3:
        log.append({"eval_loss": number(rng), "eval_runtime": 1.5, "epoch": 1.0, "step": steps})
    return log


def arguments(rng: random.Random) -> Any:
    """Return what the generator asks of TrainingArguments, in all releases."""
    modes = list(modelcard.ParallelMode)
    return types.SimpleNamespace(
        learning_rate=rng.choice([5e-05, 2e-5, 1e-4, 0.001, 3.3333333333333335e-05]),
        train_batch_size=rng.choice([1, 8, 32]),
        eval_batch_size=rng.choice([1, 8, 64]),
        seed=rng.choice([42, 0, 123456]),
        parallel_mode=rng.choice(modes),
        world_size=rng.choice([1, 1, 2, 8]),
        gradient_accumulation_steps=rng.choice([1, 1, 4]),
        adafactor=rng.random() < 0.1,
        adam_beta1=0.9,
        adam_beta2=rng.choice([0.999, 0.95]),
        adam_epsilon=rng.choice([1e-08, 1e-06]),
        optim=rng.choice([*OPTIMIZERS, *Printed]),
        optim_args=rng.choice([None, None, "scale_parameter=False,relative_step=False"]),
        lr_scheduler_type=types.SimpleNamespace(value=rng.choice(SCHEDULERS)),
        warmup_ratio=rng.choice([0.0, 0.0, 0.1]),
        warmup_steps=rng.choice([0, 0, 500, 0.06]),
        max_steps=rng.choice([-1, -1, 4000]),
        num_train_epochs=rng.choice([3, 3.0, 0.5]),
        fp16=rng.random() < 0.3,
        fp16_opt_level="O1",
        label_smoothing_factor=rng.choice([0.0, 0.1]),
    )


def told(**what: Any) -> Any:
    """Return the generator's summary, told as much as this release can be told."""
    known = modelcard.TrainingSummary.__dataclass_fields__
    return modelcard.TrainingSummary(**{name: value for name, value in what.items() if name in known})


def summary(rng: random.Random) -> Any:
    """Return what the generator is to print."""
    names: list[str] | None = rng.choice([None, *(rng.sample(DATASETS, count) for count in (1, 2, 3))])
    common = {
        "model_name": rng.choice(["bert-finetuned", "user/model_v1.0", "results"]),
        "finetuned_from": rng.choice(
            [None, "bert-base-uncased", "facebook/wav2vec2-xls-r-300m", "./out/step 10"]
        ),
        "language": rng.choice([None, "en", ["de", "no"]]),
        "license": rng.choice(["mit", "apache-2.0", "cc-by-nc-4.0"]),
        "tasks": rng.choice([None, "text-classification", "fill-mask"]),
        "dataset": names,
        "dataset_tags": names if rng.random() < 0.5 else None,
        "dataset_args": rng.choice([None, [None] * len(names or ())]),
    }
    if rng.random() < 0.15 and hasattr(modelcard, "parse_keras_history"):
        logs = [
            {"loss": number(rng), "val_loss": number(rng), "epoch": epoch}
            for epoch in range(rng.randrange(1, 9))
        ]
        _, lines, results = modelcard.parse_keras_history(logs)
        used: dict[str, Any] = {
            "optimizer": {
                "name": "Adam",
                "learning_rate": {"class_name": "PolynomialDecay", "config": {"power": 1.0}},
            }
        }
        return told(
            tags=["generated_from_keras_callback"],
            source="keras",
            eval_lines=lines,
            eval_results=results,
            hyperparameters={**used, "training_precision": "float32"},
            **common,
        )
    trainer = types.SimpleNamespace(args=arguments(rng), use_apex=True, _use_apex=True)
    trainer.use_amp = trainer._use_amp = trainer.use_cuda_amp = trainer.use_cpu_amp = rng.random() < 0.5
    _, lines, results = modelcard.parse_log_history(history(rng) or [{}])
    return told(
        tags=["generated_from_trainer", *rng.sample(["asr", "whisper-event"], rng.randrange(2))],
        eval_lines=lines,
        eval_results=results,
        hyperparameters=modelcard.extract_hyperparameters_from_trainer(trainer),
        **common,
    )


def main(count: int, seed: int) -> None:
    """Print cards, each on a line with what it states."""
    rng = random.Random(seed)  # noqa: S311 -- cards, not secrets
    text = modelcard._maybe_round
    for _ in range(count):
        versions = {"Transformers": __version__, "Tokenizers": tokenizers.__version__}
        for module, printed in VERSIONS.items():
            present = rng.random() < 0.7
            setattr(
                modelcard,
                f"is_{'tf' if module == 'tensorflow' else module}_available",
                lambda there=present: there,
            )
            if present and (module != "tensorflow" or hasattr(modelcard, "is_tf_available")):
                versions[printed] = rng.choice(
                    ["1.13.0+cu117", "2.7.1", "2.8.0.dev20250319+cu128", "1.18.2.dev0"]
                )
                sys.modules[module] = types.ModuleType(module)
                sys.modules[module].__version__ = versions[printed]  # type: ignore[attr-defined]
        what = summary(rng)
        card = what.to_model_card()
        versions = {name: version for name, version in versions.items() if f"- {name} {version}\n" in card}
        lines = what.eval_lines or []
        print(
            json.dumps(
                {
                    "card": card,
                    "kind": "keras" if "keras" in str(what.tags) else "trainer",
                    "name": what.model_name,
                    "base_model": what.finetuned_from,
                    "license": what.license,
                    "datasets": what.dataset or [],
                    "hyperparameters": {name: str(value) for name, value in what.hyperparameters.items()},
                    "versions": versions,
                    "evaluation": {name: text(value) for name, value in (what.eval_results or {}).items()},
                    "header": list(lines[0]) if lines else [],
                    "rows": [[text(value) for value in line.values()][: len(lines[0])] for line in lines],
                }
            )
        )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

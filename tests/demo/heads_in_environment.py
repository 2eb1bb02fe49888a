"""Runs inside an environment: each family's head, on all positions and on masked ones, side by side."""

import importlib.util
import json
import sys
import tempfile
from typing import Any

import torch
import transformers

SMALL = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
FAMILIES: dict[str, dict[str, Any]] = {
    "Bert": SMALL,
    "Roberta": SMALL,
    "DistilBert": {"vocab_size": 60, "dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32},
    "Albert": {**SMALL, "embedding_size": 8},
    "Electra": {**SMALL, "embedding_size": 8},
    "MPNet": SMALL,
    "DebertaV2": SMALL,
}


def worker_module(folder: str, name: str) -> Any:
    """Load a module of the worker as the worker does."""
    spec: Any = importlib.util.spec_from_file_location(
        "repro_worker", f"{folder}/__init__.py", submodule_search_locations=[folder]
    )
    package = importlib.util.module_from_spec(spec)
    sys.modules["repro_worker"] = package
    spec.loader.exec_module(package)
    return importlib.import_module(f"repro_worker.{name}")


def batch(masked: int) -> dict[str, Any]:
    """Three rows of ten tokens, and as many labels as asked for."""
    tokens = torch.arange(30).reshape(3, 10) + 5
    labels = torch.full_like(tokens, -100)
    labels.view(-1)[:: 30 // masked if masked else 31] = 7
    if not masked:
        labels.fill_(-100)
    return {"input_ids": tokens, "attention_mask": torch.ones_like(tokens), "labels": labels}


def measured(trainer: Any, compute: Any, inputs: dict[str, Any]) -> tuple[float, Any, Any]:
    """Return the loss, all gradients, and the random state behind the step."""
    transformers.set_seed(3)
    trainer.model.train()
    trainer.model.zero_grad(set_to_none=True)
    loss = compute(trainer.model, dict(inputs))
    loss.backward()
    gradients = [p.grad.flatten() for p in trainer.model.parameters() if p.grad is not None]
    return loss.item(), torch.cat(gradients), torch.get_rng_state()


def trainer_for(model: Any, smoothing: float) -> Any:
    """Make a Trainer that only computes losses."""
    arguments = transformers.TrainingArguments(
        tempfile.gettempdir(), no_cuda=True, report_to="none", label_smoothing_factor=smoothing
    )
    return transformers.Trainer(model=model, args=arguments)


def sides(fast: Any, model: Any, smoothing: float, masked: int) -> tuple[str, Any, Any]:
    """Measure with the whole head, then with masked positions only."""
    trainer = trainer_for(model, smoothing)
    whole = measured(trainer, trainer.compute_loss, batch(masked))
    hooked, name = fast.masked_head(model)
    some = measured(trainer, lambda *passed: hooked.compute(trainer.compute_loss, *passed), batch(masked))
    hooked.remove()
    return name, whole, some


def refused(found: tuple[Any, str]) -> dict[str, Any]:
    """Return what `masked_head` says of a model that it leaves alone."""
    return {"head": found[0], "reason": found[1]}


def main() -> None:
    """Print what was found, by family."""
    fast = worker_module(sys.argv[1], "fast")
    transformers.logging.set_verbosity_error()
    said = {}
    for family, config in FAMILIES.items():
        transformers.set_seed(1)
        model = getattr(transformers, f"{family}ForMaskedLM")(
            getattr(transformers, f"{family}Config")(**config)
        )
        name, whole, some = sides(fast, model, 0.0, 6)
        _, smooth_whole, smooth_some = sides(fast, model, 0.1, 6)
        _, none_whole, none_some = sides(fast, model, 0.0, 0)
        said[family] = {
            "head": name,
            "loss": abs(whole[0] - some[0]),
            "smoothed": abs(smooth_whole[0] - smooth_some[0]),
            "gradients": (whole[1] - some[1]).abs().max().item(),
            "same_draws": torch.equal(whole[2], some[2]),
            "without_mask": [str(none_whole[0]), str(none_some[0])]
            + [each[1].abs().max().item() for each in (none_whole, none_some)],
        }
    said["Bart"] = refused(fast.masked_head(bart()))
    unknown = type("Unknown", (torch.nn.Linear,), {})(2, 2)
    said["unknown"] = refused(fast.masked_head(unknown))
    model = transformers.BertForMaskedLM(transformers.BertConfig(**SMALL))
    model.cls.predictions.transform.dense = torch.nn.Sequential(
        model.cls.predictions.transform.dense, torch.nn.Dropout(0.5)
    )
    said["dropout in the head"] = refused(fast.masked_head(model))
    print(json.dumps(said))


def bart() -> Any:
    """A model that makes its decoder's input from the labels: they cannot be fewer than the positions."""
    sizes = {"layers": 1, "attention_heads": 2, "ffn_dim": 16}
    sides_of = {f"{side}_{what}": n for side in ("encoder", "decoder") for what, n in sizes.items()}
    return transformers.BartForConditionalGeneration(
        transformers.BartConfig(vocab_size=60, d_model=16, **sides_of)
    )


if __name__ == "__main__":
    main()

"""Recipe `plan`: the recipe of a run for a few steps, measured; nothing is judged here."""

import importlib

import torch

from . import stopwatch

#: An evaluation set of more examples is evaluated in part.
_MOST_EVALUATED = 512


def run(request):
    """Train a few steps as a run would, and say what they took.

    Args:
        request: As for the recipe that `task` names, and `measure_steps`: how many, or None.

    Returns:
        `began`, `steps` (what is to be done by the Trainer's own count), `lengths` (tokens of the examples),
        `measured` (seconds), `model` (its shape) and `memory` (bytes).
    """
    watch = stopwatch.Stopwatch(request["measure_steps"], _MOST_EVALUATED, request["checkpoints"])
    recipe = importlib.import_module(__package__ + ".recipe_" + request["task"])
    recipe.run(dict(request, resume=None, stop_after=None, until_epoch=None, checkpoint_minutes=0), watch)
    trainer = watch.trainer
    args, state, model = trainer.args, trainer.state, trainer.model
    strategy = getattr(args, "eval_strategy", None) or getattr(args, "evaluation_strategy", "no")
    return {
        "began": watch.began,
        "steps": {
            "max_steps": state.max_steps,
            "epochs": state.num_train_epochs,
            "batch": args.train_batch_size,
            "accumulation": args.gradient_accumulation_steps,
            "drop_last": args.dataloader_drop_last,
            "evaluation": str(getattr(strategy, "value", strategy)),
            "evaluation_every": args.eval_steps,
            "evaluation_batch": args.eval_batch_size,
        },
        "lengths": {"train": watch.train_lengths, "evaluation": watch.eval_lengths},
        "measured": {
            "steps": watch.steps,
            "shapes": watch.shapes,
            "evaluations": watch.evaluations,
            "evaluated": watch.evaluated,
            "digests": watch.digests,
            "checkpoints": watch.checkpoints,
            "checkpoint_bytes": watch.checkpoint_bytes,
        },
        "model": _shape(model),
        "memory": _memory(trainer, watch.resident_bytes),
    }


def _shape(model):
    """Return what the number of operations follows from.

    `multiplied` are the weights of matrix products: every weight of at least two dimensions that is no
    table of embeddings, a tied output layer included, which is a product as any other.
    """
    multiplied = 0
    for module in model.modules():
        weight = getattr(module, "weight", None)
        if (
            isinstance(weight, torch.Tensor)
            and weight.dim() >= 2
            and not isinstance(module, torch.nn.Embedding)
        ):
            multiplied += weight.numel()
    return {
        "parameters": sum(each.numel() for each in model.parameters()),
        "multiplied": multiplied,
        "layers": int(getattr(model.config, "num_hidden_layers", 0) or 0),
        "hidden_size": int(getattr(model.config, "hidden_size", 0) or 0),
    }


def _memory(trainer, resident):
    """Return bytes by what they are for; the peak is the system's (or the GPU allocator's) own count."""
    trained = [each for each in trainer.model.parameters() if each.requires_grad]
    kept = [
        value
        for state in trainer.optimizer.state.values()
        for value in state.values()
        if isinstance(value, torch.Tensor)
    ]
    on_gpu = any(each.is_cuda for each in trained)
    return {
        "before": 0 if on_gpu else resident,
        "peak": torch.cuda.max_memory_allocated() if on_gpu else stopwatch.peak_bytes(),
        "weights": _bytes(list(trainer.model.parameters()) + list(trainer.model.buffers())),
        "gradients": _bytes(trained),
        "optimizer": _bytes(kept),
    }


def _bytes(tensors):
    return sum(each.numel() * each.element_size() for each in tensors)

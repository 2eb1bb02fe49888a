"""Too little memory: tell such an error from others, and find out by trying what would fit."""

import gc

# What torch, its allocators and CUDA's libraries say; torch has no error of its own for the processor.
_SAID = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "Cannot allocate memory",
)


def ran_out(error):
    """Tell whether an error says that there is too little memory."""
    return isinstance(error, MemoryError) or any(text in str(error) for text in _SAID)


def fit(trainer, sizes, path):
    """Train one step with batches of growing size, on the longest examples; `path` gets those that fit.

    Whoever asked reads the file: the process may be killed at the size that does not fit. Nothing of this
    touches a run: weights, optimizer and random states are those of a process that is about to end.

    Args:
        trainer: A Trainer that has not trained.
        sizes: Numbers of examples, growing.
        path: The file.
    """
    import torch

    data = trainer.get_train_dataloader().dataset  # without the columns that the model does not take
    longest = sorted(range(len(data)), key=lambda at: -len(data[at]["input_ids"]))[: max(sizes)]
    trainer.create_optimizer()
    trainer.model.to(trainer.args.device).train()
    with open(path, "a", encoding="utf-8") as file:
        for size in sizes:
            try:
                _step(trainer, [data[at] for at in longest[:size]])
            except (RuntimeError, MemoryError) as error:
                if ran_out(error):
                    return
                raise
            file.write("%d\n" % size)
            file.flush()
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()


def _step(trainer, examples):
    """One forward and backward pass and one step: all that a training holds is held at its end."""
    batch = trainer.data_collator(examples)
    batch = {name: tensor.to(trainer.args.device) for name, tensor in batch.items()}
    trainer.model(**batch)["loss"].backward()
    trainer.optimizer.step()
    # The gradients stay, as they do where micro batches are accumulated.

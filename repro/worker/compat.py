"""All differences between releases of transformers and torch that the recipes meet.

They are found by looking at signatures and attributes, not at version numbers: a release that behaves
differently from its number (a fork, a backport) is still served.
"""

import inspect
import os

# What TrainingArguments and Trainer call a thing, newest name first.
_RENAMED_ARGUMENTS = {
    "evaluation_strategy": ("eval_strategy", "evaluation_strategy"),  # renamed in 4.41
    "no_cuda": ("use_cpu", "no_cuda"),  # renamed in 4.34
}


def known_arguments():
    """Return the names of the training arguments that this release has."""
    import transformers

    return inspect.signature(transformers.TrainingArguments).parameters


def training_arguments(output_dir, arguments):
    """Make the environment's own TrainingArguments.

    Args:
        output_dir: Where the Trainer may write.
        arguments: Names as in transformers 4.21, values as documented.

    Returns:
        The TrainingArguments.

    Raises:
        TypeError: This release has no argument of that name.
    """
    import transformers

    known = known_arguments()
    passed = {}
    for name, value in arguments.items():
        passed[next((new for new in _RENAMED_ARGUMENTS.get(name, ()) if new in known), name)] = value
    unknown = sorted(set(passed) - set(known))
    if unknown:
        raise TypeError(f"transformers {transformers.__version__} has no training argument {unknown[0]}")
    return transformers.TrainingArguments(output_dir=output_dir, **passed)


def trainer(tokenizer, kind=None, **passed):
    """Make the environment's own Trainer, or one of a `kind` that is derived from it.

    `tokenizer` became `processing_class` in 4.46.
    """
    import transformers

    known = inspect.signature(transformers.Trainer.__init__).parameters
    name = "processing_class" if "processing_class" in known else "tokenizer"
    return (kind or transformers.Trainer)(**dict(passed, **{name: tokenizer}))


def skips_without_fetching():
    """Whether the Trainer goes on inside an epoch without fetching the batches before (4.28 and later)."""
    from transformers import trainer

    return getattr(trainer, "skip_first_batches", None) is not None


def trust_own_checkpoints(environ=os.environ):
    """Let an old Trainer read its own checkpoint with torch 2.6 or later.

    From 2.6 on `torch.load` refuses the random states of numpy that the Trainer saved, unless it is told how
    to load, and Trainers from before never tell it. Called only where a run of ours is gone on with.
    """
    environ.setdefault("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")


def wordpiece_tokenizer(vocabulary):
    """Make a BERT tokenizer from a vocabulary file; 5.0 renamed `vocab_file` and ignores the old name."""
    import transformers

    known = inspect.signature(transformers.BertTokenizerFast.__init__).parameters
    name = "vocab" if "vocab" in known else "vocab_file"
    return transformers.BertTokenizerFast(do_lower_case=True, **{name: vocabulary})


def quiet_datasets():
    """Turn the progress bars of `datasets` off, however this release spells that."""
    import datasets

    for name in ("disable_progress_bars", "disable_progress_bar"):  # plural from 2.15 on
        if hasattr(datasets, name):
            getattr(datasets, name)()
            return


def loses_count(batches, accumulated):
    """Whether this release cannot go on where groups of batches do not fill an epoch.

    4.28 to 4.45 count batches over the epochs' ends, and begin to count anew where they go on: other batches
    would be put together, and the place in the epoch be another.

    Args:
        batches: Batches of an epoch.
        accumulated: Batches to a step.
    """
    import transformers

    if batches % accumulated == 0:
        return False
    loop = getattr(transformers.Trainer, "_inner_training_loop", transformers.Trainer.train)
    return "total_batched_samples % args.gradient_accumulation_steps" in inspect.getsource(loop)

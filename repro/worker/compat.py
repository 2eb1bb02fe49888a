"""All differences between releases of transformers and torch that the recipes meet.

They are found by looking at signatures and attributes, not at version numbers: a release that behaves
differently from its number (a fork, a backport) is still served.
"""

import inspect
import re

# What TrainingArguments and Trainer call a thing, newest name first.
_RENAMED_ARGUMENTS = {
    "evaluation_strategy": ("eval_strategy", "evaluation_strategy"),  # renamed in 4.41
    "no_cuda": ("use_cpu", "no_cuda"),  # renamed in 4.34
}


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

    known = inspect.signature(transformers.TrainingArguments).parameters
    passed = {}
    for name, value in arguments.items():
        passed[next((new for new in _RENAMED_ARGUMENTS.get(name, ()) if new in known), name)] = value
    unknown = sorted(set(passed) - set(known))
    if unknown:
        raise TypeError(f"transformers {transformers.__version__} has no training argument {unknown[0]}")
    return transformers.TrainingArguments(output_dir=output_dir, **passed)


def trainer(tokenizer, **passed):
    """Make the environment's own Trainer; `tokenizer` became `processing_class` in 4.46."""
    import transformers

    known = inspect.signature(transformers.Trainer.__init__).parameters
    name = "processing_class" if "processing_class" in known else "tokenizer"
    return transformers.Trainer(**dict(passed, **{name: tokenizer}))


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


def usable_device(wanted):
    """Decide what to train on.

    Args:
        wanted: `auto`, `cpu` or `cuda`.

    Returns:
        `("cpu" | "cuda", reason)`; the reason is empty where the wish is simply met.

    Raises:
        RuntimeError: `cuda` was asked for and cannot be had.
    """
    import torch

    if wanted == "cpu":
        return "cpu", ""
    if not torch.cuda.is_available():
        reason = f"no usable GPU: torch {torch.__version__} sees none"
    else:
        capability, built_for = torch.cuda.get_device_capability(0), torch.cuda.get_arch_list()
        if has_kernels(built_for, capability):
            return "cuda", ""
        reason = (
            f"torch {torch.__version__} was built for {' '.join(built_for)} "
            "and has no kernels for this GPU (sm_{}{})".format(*capability)
        )
    if wanted == "cuda":
        raise RuntimeError(reason)
    return "cpu", reason


def has_kernels(built_for, capability):
    """Whether a build of torch runs on a GPU.

    Args:
        built_for: Architectures as `torch.cuda.get_arch_list` names them, e.g. `["sm_80", "compute_86"]`.
        capability: The GPU's compute capability, e.g. `(8, 6)`.

    Returns:
        True where there is machine code for it (`sm_80` runs on 8.6 too, `sm_90a` on 9.0 alone), or code that
        the driver translates (`compute_86` for anything from 8.6 on).
    """
    for architecture in built_for:
        found = re.match(r"(sm|compute)_(\d+)(\d)([a-z]?)$", architecture)
        if found is None:
            continue
        built = (int(found.group(2)), int(found.group(3)))
        if found.group(1) == "compute":
            runs = built <= tuple(capability)
        elif found.group(4):
            runs = built == tuple(capability)
        else:
            runs = built[0] == capability[0] and built[1] <= capability[1]
        if runs:
            return True
    return False


def describe_device(kind):
    """Return the device as the record wants it: kind, name, threads, capability."""
    import torch

    from .recipe_describe import processor

    if kind == "cuda":
        capability = "sm_{}{}".format(*torch.cuda.get_device_capability(0))
        name = torch.cuda.get_device_name(0)
    else:
        name = processor()
        backend = getattr(torch.backends, "cpu", None)
        if hasattr(backend, "get_cpu_capability"):
            capability = backend.get_cpu_capability()
        else:  # before 2.1 only the build's report says which kernels were chosen
            lines = torch.__config__.show().splitlines()
            capability = next((x.split(":")[1].strip() for x in lines if "CPU capability usage" in x), "")
    return {"kind": kind, "name": name, "threads": torch.get_num_threads(), "capability": capability}

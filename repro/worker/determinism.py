"""How strictly torch has to give the same numbers twice: nothing, as published, or strictly.

`published` changes nothing: the Trainer does what that release does. `strict` asks for deterministic
algorithms, which is what transformers' `enable_full_determinism` does where a release has it, seeding aside.
`off` takes back what a user's variables or a case asked for, and lets cuDNN try out algorithms and take the
fastest, which may be another one each time. Nothing here draws a random number.
"""

import os
import re

# cuBLAS sums in one order only with a workspace of a fixed size; the value is that of transformers, whose
# `full_determinism` would set it again. It counts from the first use of cuBLAS on.
_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
_FIXED_WORKSPACE = ":16:8"
# The Trainer's own argument, from transformers 4.18 on: the same settings, made in its constructor.
_ARGUMENT = "full_determinism"
_MISSING = re.compile(r"(\S+) does not have a deterministic implementation")
_CUBLAS = "it uses CuBLAS"


class NotDeterministic(RuntimeError):
    """An operation has no deterministic implementation in this torch, and `strict` forbids any other."""

    hint = "train with --determinism published, on another device (--device cpu), or with a later --torch"


def settle(level, arguments, known, environ=os.environ):
    """Make the settings of a level. To be called before anything is computed.

    Args:
        level: `off`, `published` or `strict`.
        arguments: TrainingArguments by name; changed where the level goes by one of them.
        known: The names of the arguments that this release has.
        environ: This process's environment variables; changed.

    Returns:
        The settings that are in force now, name to text, for the record. On a processor those of cuDNN and
        cuBLAS change nothing.
    """
    import torch

    cudnn = torch.backends.cudnn
    if level == "strict":
        environ[_WORKSPACE] = _FIXED_WORKSPACE
        _deterministic_algorithms(torch, True)
        cudnn.deterministic, cudnn.benchmark = True, False
        if _fills(torch) is not None:  # what an operation leaves unwritten is at least the same each time
            torch.utils.deterministic.fill_uninitialized_memory = True
        torch.set_num_threads(torch.get_num_threads())  # MKL must not take fewer when it likes
        if _ARGUMENT in known:
            arguments[_ARGUMENT] = True
    elif level == "off":
        environ.pop(_WORKSPACE, None)
        _deterministic_algorithms(torch, False)
        cudnn.deterministic, cudnn.benchmark = False, True
        arguments.pop(_ARGUMENT, None)
    elif level != "published":
        raise ValueError("no level of determinism: %s" % level)
    return _in_force(torch, arguments, environ)


def _in_force(torch, arguments, environ):
    """Read back what is set, by the names under which torch's documentation has it."""
    asked = _first(torch, "are_deterministic_algorithms_enabled", "is_deterministic")
    found = {
        "deterministic algorithms": None if asked is None else bool(asked()),
        "cudnn.deterministic": torch.backends.cudnn.deterministic,
        "cudnn.benchmark": torch.backends.cudnn.benchmark,
        "fill_uninitialized_memory": _fills(torch),
        _WORKSPACE: environ.get(_WORKSPACE),
        _ARGUMENT: arguments.get(_ARGUMENT),
        "threads": torch.get_num_threads(),
    }
    return {name: str(value) for name, value in found.items() if value is not None}


def explained(error):
    """Return a NotDeterministic in one line where torch raised one in a paragraph; else the error itself."""
    text = str(error)
    found = _MISSING.search(text)
    if not isinstance(error, RuntimeError) or not (found or _CUBLAS in text):
        return error
    import torch

    operation = found.group(1) if found else "a matrix product of cuBLAS"
    return NotDeterministic(f"{operation} has no deterministic implementation in torch {torch.__version__}")


def _deterministic_algorithms(torch, wanted):
    """Ask for them, however this torch calls that: from 1.8 on `use_…`, in 1.7 `set_deterministic`."""
    ask = _first(torch, "use_deterministic_algorithms", "set_deterministic")
    if ask is not None:
        ask(wanted)


def _first(module, *names):
    return next((getattr(module, name) for name in names if hasattr(module, name)), None)


def _fills(torch):
    """Return whether uninitialised memory is filled; None where this torch (before 2.1) does not ask."""
    return getattr(getattr(torch.utils, "deterministic", None), "fill_uninitialized_memory", None)

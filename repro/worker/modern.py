"""Today's means, where this device and these releases have them: what `--fast modern` adds."""

import importlib.util
import os
import shutil

import torch

from . import devices

_NATIVE_BF16 = ("amx_bf16", "avx512_bf16", "bf16")  # the last one is ARM's
_FIRST_GPU_WITH_BF16 = (8, 0)


def arguments(wanted, device):
    """Choose the optimizer's kernel and the precision.

    Args:
        wanted: The documented training arguments.
        device: `cpu` or `cuda`.

    Returns:
        Arguments to change, and as `fast.Fast` keeps them the means and what is left out.
    """
    changed, means, left_out = {}, {}, {}
    if "optim" in wanted:
        left_out["fused AdamW"] = f"the optimizer is {wanted['optim']}"
    elif not _fused_adamw(device):
        left_out["fused AdamW"] = f"torch {torch.__version__} has none for {device}"
    else:
        changed["optim"] = "adamw_torch_fused"
        means["optimizer"] = "fused AdamW"
    native = native_bf16(device)
    if native:
        changed.update(bf16=True, fp16=False)
        means["precision"] = f"bfloat16 in matrix products ({native})"
    else:
        left_out["bfloat16"] = f"this {device} has no instructions for it"
    return changed, means, left_out


def native_bf16(device):
    """Return by which instructions the device multiplies bfloat16 numbers; empty without any."""
    if device == "cuda":
        capability = torch.cuda.get_device_capability(0)
        return "sm_{}{}".format(*capability) if capability >= _FIRST_GPU_WITH_BF16 else ""
    there = devices.features()
    return next((name for name in _NATIVE_BF16 if name in there), "")


def attention(model):
    """Have the model use scaled-dot-product attention.

    Returns:
        Its name, and why it is not used; the latter is empty where it is.
    """
    name = "sdpa"
    try:
        if model.config._attn_implementation != name:
            model.set_attn_implementation(name)
        used = model.config._attn_implementation
    except (AttributeError, ImportError, ValueError) as error:
        return "", " ".join(str(error).split())[:160]
    return "scaled dot product", "" if used == name else f"{type(model).__name__} has {used} alone"


def compiled(model, device):
    """Compile the layers of the encoder where that pays.

    A layer is compiled once, however many a model has. On a CPU it was not measured to pay.

    Returns:
        What is compiled, and why nothing is; the latter is empty where something is.
    """
    if device == "cpu":
        return "", "it is not known to pay on a processor"
    layers = _equal_layers(model)
    if not layers or not hasattr(layers[0], "compile"):
        return "", "no layers that are alike were found"
    if not _toolchain():
        return "", "there is no C compiler, or no Triton"
    for layer in layers:
        layer.compile()
    return f"{len(layers)} layers of the encoder", ""


def _fused_adamw(device):
    """Whether a fused step can be taken there: tried on one number."""
    number = torch.zeros(1, device=device, requires_grad=True)
    number.grad = torch.zeros_like(number)
    try:
        torch.optim.AdamW([number], fused=True).step()
    except (RuntimeError, TypeError):
        return False
    return True


def _equal_layers(model):
    """Return the longest list of modules of one class in the model."""
    lists = [each for each in model.modules() if isinstance(each, torch.nn.ModuleList)]
    alike = [each for each in lists if len({type(layer) for layer in each}) == 1]
    return max(alike, key=len, default=[])


def _toolchain():
    """Whether torch.compile finds what it needs for a GPU."""
    compilers = (os.environ.get("CC", "cc"), "gcc", "clang")
    return importlib.util.find_spec("triton") is not None and any(map(shutil.which, compilers))

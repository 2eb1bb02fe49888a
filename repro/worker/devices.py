"""What this environment's torch can run on: processor, GPUs, and whether it has kernels for them.

Nothing here draws a random number. GPUs are looked at before a model is loaded: a build without kernels for a
GPU says nothing until its first operation there, which is minutes into a run.
"""

import os
import re
import warnings

# Those that decide which kernels torch and its libraries choose; /proc/cpuinfo has a hundred more.
FEATURES = (
    "sse4_1", "sse4_2", "avx", "f16c", "fma", "avx2", "avx512f", "avx512dq", "avx512bw", "avx512vl",
    "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "asimd", "asimddp", "bf16", "sve",
)  # fmt: skip


class UnusableDevice(RuntimeError):
    """A GPU was asked for and cannot be had; `details` says which torch and which GPU, where there is one."""

    def __init__(self, message, details):
        super().__init__(message)
        self.details = details


def report():
    """Return what torch sees, for the probe: `cpu`, `gpus` and, where there is a GPU, `driver`."""
    import torch

    found = {"torch": torch.__version__, "cpu": _cpu(), "gpus": [], "built_for": list(_built_for())}
    available, why = _available()
    if not available:
        return dict(found, reason=why)
    for number in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(number)
        capability = (about.major, about.minor)
        why = _misfit(capability)
        found["gpus"].append(
            {
                "name": about.name,
                "capability": _architecture(capability),
                "memory_bytes": about.total_memory,
                "usable": not why,
                "reason": why,
            }
        )
    return dict(found, driver=driver())


def take_one_gpu(environ=os.environ):
    """Hide all GPUs but the first from torch; before it looks at any.

    The Trainer splits batches among all GPUs that it sees: on a machine with two, the documented batch size
    would silently be doubled.
    """
    environ["CUDA_VISIBLE_DEVICES"] = environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]


def usable_device(wanted):
    """Decide what to train on.

    Args:
        wanted: `auto`, `cpu` or `cuda`.

    Returns:
        `("cpu" | "cuda", reason, gpu)`; the reason is empty where the wish is simply met, `gpu` names the
        architecture of one that is there and cannot be used, e.g. `sm_90`.

    Raises:
        UnusableDevice: `cuda` was asked for and cannot be had.
    """
    if wanted == "cpu":
        return "cpu", "", ""
    import torch

    available, reason = _available()
    architecture = ""
    if available:
        capability = torch.cuda.get_device_capability(0)
        reason = _misfit(capability)
        if not reason:
            return "cuda", "", ""
        architecture = _architecture(capability)
    if wanted == "cuda":
        raise UnusableDevice(reason, {"torch": torch.__version__, "gpu": architecture})
    return "cpu", reason, architecture


def describe(kind):
    """Return the device as the record wants it: kind, name, threads, capability, and of a GPU the driver."""
    import torch

    threads = torch.get_num_threads()
    if kind == "cpu":
        cpu = _cpu()
        return {"kind": kind, "name": cpu["name"], "threads": threads, "capability": cpu["capability"]}
    about = torch.cuda.get_device_properties(0)
    return {
        "kind": kind,
        "name": about.name,
        "threads": threads,
        "capability": _architecture((about.major, about.minor)),
        "driver": driver(),
        "memory_bytes": about.total_memory,
    }


def misfit(torch_version, built_for, capability):
    """Say in one line why a build of torch cannot use a GPU; empty where it can.

    Args:
        torch_version: For the line, e.g. `1.13.0+cu117`.
        built_for: Architectures as `torch.cuda.get_arch_list` names them.
        capability: The GPU's compute capability, e.g. `(9, 0)`.
    """
    if has_kernels(built_for, capability):
        return ""
    built = sorted({(int(m.group(2)), int(m.group(3))) for m in map(_parsed, built_for) if m})
    if not built:
        kernels = "has no GPU kernels"
    elif built[-1] < tuple(capability):
        kernels = f"has kernels up to {_architecture(built[-1])}"
    elif built[0] > tuple(capability):
        kernels = f"has kernels from {_architecture(built[0])} on"
    else:
        kernels = "has kernels for " + ", ".join(map(_architecture, built))
    return f"torch {torch_version} {kernels}, this GPU is {_architecture(capability)}"


def has_kernels(built_for, capability):
    """Whether a build of torch runs on a GPU.

    Args:
        built_for: Architectures as `torch.cuda.get_arch_list` names them, e.g. `["sm_80", "compute_86"]`.
        capability: The GPU's compute capability, e.g. `(8, 6)`.

    Returns:
        True where there is machine code for it (`sm_80` runs on 8.6 too, `sm_90a` on 9.0 alone, `sm_100f` in
        its family, which is the major version), or code that the driver translates (`compute_86` for anything
        from 8.6 on, `compute_90a` for 9.0 alone).
    """
    for found in map(_parsed, built_for):
        if found is None:
            continue
        built, suffix = (int(found.group(2)), int(found.group(3))), found.group(4)
        if suffix == "a":
            runs = built == tuple(capability)
        elif found.group(1) == "compute" and not suffix:
            runs = built <= tuple(capability)
        else:
            runs = built[0] == capability[0] and built[1] <= capability[1]
        if runs:
            return True
    return False


def features():
    """Return the instruction sets that matter here, as /proc/cpuinfo names them; empty without one."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            return features_in(file.read())
    except OSError:
        return []


def features_in(cpuinfo):
    """Return those of `FEATURES` that a /proc/cpuinfo has; its line is called `Features` on ARM."""
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", cpuinfo, re.MULTILINE)
    there = set(found.group(1).split()) if found else set()
    return [name for name in FEATURES if name in there]


def driver():
    """Return the version of NVIDIA's kernel driver, e.g. `535.104.05`; empty where none is loaded."""
    try:
        with open("/proc/driver/nvidia/version", encoding="utf-8", errors="replace") as file:
            return driver_in(file.read())
    except OSError:
        return ""


def driver_in(text):
    """Return the version in a /proc/driver/nvidia/version, of the closed or the open kernel module."""
    found = re.search(r"^NVRM version:.*?\s(\d{2,}\.\d+(?:\.\d+)*)\s", text, re.MULTILINE)
    return found.group(1) if found else ""


def _cpu():
    """Return the processor as torch uses it."""
    import torch

    from .recipe_describe import processor

    backend = getattr(torch.backends, "cpu", None)
    if hasattr(backend, "get_cpu_capability"):
        capability = backend.get_cpu_capability()
    else:  # before 2.1 only the build's report says which kernels were chosen
        lines = torch.__config__.show().splitlines()
        capability = next((x.split(":")[1].strip() for x in lines if "CPU capability usage" in x), "")
    return {
        "name": processor(),
        "capability": capability,
        "features": features(),
        "cores": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
    }


def _available():
    """Return whether torch can talk to a GPU at all, and if not, why: its own warning, where it has one."""
    import torch

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if torch.cuda.is_available():
            return True, ""
    reason = f"no usable GPU: torch {torch.__version__} sees none"
    said = [" ".join(str(each.message).split()) for each in caught]
    return False, f"{reason} ({said[-1].split('. ')[0][:160]})" if said else reason


def _built_for():
    """Return the architectures of the build, GPU or not; `get_arch_list` is empty where there is no GPU."""
    import torch

    flags = getattr(torch._C, "_cuda_getArchFlags", lambda: None)()
    return flags.split() if flags else ()


def _misfit(capability):
    import torch

    if getattr(torch.version, "hip", None):  # AMD's architectures have other names; torch judges them itself
        return ""
    return misfit(torch.__version__, torch.cuda.get_arch_list(), capability)


def _parsed(architecture):
    return re.match(r"(sm|compute)_(\d+)(\d)([af]?)$", architecture)


def _architecture(capability):
    return "sm_{}{}".format(*capability)

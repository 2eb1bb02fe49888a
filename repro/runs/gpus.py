"""The GPUs of this machine, and what to do where a documented torch cannot use them.

What counts is what torch itself says inside the environment (`worker/devices.py`). This here knows it sooner:
before several GB are downloaded.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

from repro.facts.kernels import capability_of, nearest_torch, runs_on
from repro.records.environment import Environment
from repro.records.machine import Gpu

_SECONDS = 20
_MIB = 2**20


def look_for_gpus() -> tuple[tuple[Gpu, ...], str]:
    """Ask the driver's own tool, nvidia-smi.

    Returns:
        The GPUs, and why there are none where the tool is there and says so.
    """
    for fields in ("name,driver_version,memory.total,compute_cap", "name,driver_version,memory.total"):
        try:
            done = subprocess.run(
                ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits"],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                timeout=_SECONDS, check=False,
            )  # fmt: skip
        except FileNotFoundError:
            return (), ""
        except (OSError, subprocess.SubprocessError) as error:
            return (), f"nvidia-smi does not run: {type(error).__name__}"
        if done.returncode == 0:
            return tuple(map(_gpu, filter(str.strip, done.stdout.splitlines()))), ""
        said = " ".join((done.stdout + " " + done.stderr).split())
        if "compute_cap" not in said:  # drivers before 510 do not know that field
            break
    return (), f"nvidia-smi: {said.split('. ')[0][:200] or 'it said nothing'}"


def _gpu(line: str) -> Gpu:
    """Read one line; what the tool does not know it calls `[N/A]`."""
    name, driver, memory, capability, *_ = [*(part.strip() for part in line.split(",")), "", "", ""]
    found = capability_of(capability)
    return Gpu(
        name=name,
        capability="" if found is None else f"sm_{found[0]}{found[1]}",
        driver=driver if driver[:1].isdigit() else "",
        memory_bytes=int(memory) * _MIB if memory.isdecimal() else None,
    )


def in_words(gpu: Gpu) -> str:
    """Return a GPU as one line: name, compute capability, driver, memory."""
    memory = "" if gpu.memory_bytes is None else f"{gpu.memory_bytes / 2**30:.0f} GiB"
    driver = gpu.driver and f"driver {gpu.driver}"
    return ", ".join(part for part in (gpu.name, gpu.capability, driver, memory) if part)


def foreseen_misfit(environment: Environment, gpu: Gpu) -> str:
    """Say in one line that a locked torch has no kernels for a GPU; empty where it has, or nobody knows."""
    torch, capability = environment.locked.get("torch", ""), capability_of(gpu.capability)
    known = environment.platform == "linux-x86_64" and not environment.torch_backend
    if not known or capability is None or runs_on(torch, capability) is not False:
        return ""
    return f"torch {torch} has no kernels for this GPU ({gpu.name}, {gpu.capability})"


def unusable_gpus(seen: Mapping[str, Any]) -> Iterator[str]:
    """Yield in words what the probe found, where torch can use none of the GPUs: a line and a hint.

    Args:
        seen: The worker's `devices.report()`; empty from an environment without torch.
    """
    gpus = seen.get("gpus", [])
    if gpus and not any(gpu["usable"] for gpu in gpus):
        yield gpus[0]["reason"]
        yield f"hint: {ways_out(seen['torch'], gpus[0]['capability'])}"


def ways_out(torch: str, architecture: str) -> str:
    """Return the hint for a torch that cannot use a GPU: the CPU, or the nearest torch that can.

    Args:
        torch: Its version.
        architecture: The GPU's, e.g. `sm_90`; empty where there is none to be seen.
    """
    capability = capability_of(architecture)
    nearest = None if capability is None else nearest_torch(torch, capability)
    if nearest is None:
        return "train on the CPU with --device cpu"
    return (
        "train on the CPU with --device cpu, or, as a deviation, with the nearest torch that has kernels for "
        f"{architecture}: --torch {nearest}"
    )

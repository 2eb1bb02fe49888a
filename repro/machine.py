"""What this machine can do: interpreters, devices, registries, the Hub, room on the disk."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import repro
from repro.environments.cache import cache_folder
from repro.environments.interpreters import find_interpreters
from repro.environments.platforms import this_platform
from repro.environments.registry import configured_index
from repro.environments.uvtool import uv_binary
from repro.errors import ReproError
from repro.records.codec import Record

_CONNECT_SECONDS = 3.0
_DEFAULT_HUB = "https://huggingface.co"


class Reach(Record, frozen=True, kw_only=True):
    """Whether a host answers: its name as configured, and why not."""

    name: str
    reachable: bool
    reason: str = ""


class Python(Record, frozen=True, kw_only=True):
    """An interpreter that really runs."""

    version: str
    path: str


class Machine(Record, frozen=True, kw_only=True, tag_field="schema", tag="repro.doctor/1"):
    """What `repro doctor` found.

    Attributes:
        gpus: As the driver's own tool names them, with compute capability and driver version.
        offline: Whether `HF_HUB_OFFLINE` is set.
        cache: The cache's folder, and the free bytes on its disk.
        needed: Python versions of the bundled cases that are missing here.
    """

    repro: str
    python: str
    platform: str
    processor: str
    cores: int
    gpus: tuple[str, ...]
    interpreters: tuple[Python, ...]
    uv: str
    registry: Reach
    hub: Reach
    offline: bool
    cache: str
    free_bytes: int
    needed: tuple[str, ...] = ()


def examine(needed: tuple[str, ...]) -> Machine:
    """Look at this machine; asks the configured registry's and Hub's hosts for a connection, nothing more.

    Args:
        needed: Minor versions of Python that the bundled cases need.
    """
    interpreters = tuple(Python(version=each.version, path=str(each.path)) for each in find_interpreters())
    minors = {".".join(each.version.split(".")[:2]) for each in interpreters}
    cache = cache_folder()
    existing = next(path for path in (cache, *cache.parents) if path.exists())
    return Machine(
        repro=repro.__version__,
        python=platform.python_version(),
        platform=this_platform(),
        processor=_processor(),
        cores=os.cpu_count() or 1,
        gpus=_gpus(),
        interpreters=interpreters,
        uv=_uv(),
        registry=_registry(),
        hub=_reach(os.environ.get("HF_ENDPOINT", _DEFAULT_HUB)),
        offline=os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"),
        cache=str(cache),
        free_bytes=shutil.disk_usage(existing).free,
        needed=tuple(minor for minor in needed if minor not in minors),
    )


def _registry() -> Reach:
    index = configured_index()
    return _reach(index.address, index.shown)


def _reach(url: str, shown: str | None = None) -> Reach:
    """Open and close a connection to the host; credentials in the address are not shown."""
    parts = urlsplit(url)
    name = shown or f"{parts.scheme}://{parts.hostname}"
    if parts.scheme == "file":
        there = Path(parts.path).exists()
        return Reach(name=name, reachable=there, reason="" if there else "no such folder")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname or "", port), _CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        return Reach(name=name, reachable=False, reason=str(getattr(error, "strerror", None) or error))
    return Reach(name=name, reachable=True)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _gpus() -> tuple[str, ...]:
    query = ["nvidia-smi", "--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(line.strip() for line in done.stdout.splitlines() if line.strip())


def _uv() -> str:
    try:
        return subprocess.run(
            [uv_binary(), "--version"], capture_output=True, text=True, timeout=20, check=True
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError, ReproError) as error:
        return f"missing ({type(error).__name__})"

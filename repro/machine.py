"""What this machine can do: interpreters, devices, registries, the Hub, room; and what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import repro
from repro import hub
from repro.cases.loader import LoadedCase
from repro.environments.cache import cache_folder, lookup
from repro.environments.interpreters import find_interpreters
from repro.environments.platforms import this_platform
from repro.environments.registry import configured_index
from repro.environments.uvtool import uv_binary
from repro.errors import BadInput, ReproError
from repro.records.codec import from_json, read_text
from repro.records.environment import Environment
from repro.records.machine import CaseState, Gpu, Machine, Missing, Python, Reach
from repro.runs.gpus import foreseen_misfit, in_words, look_for_gpus, ways_out

_CONNECT_SECONDS = 3.0
_ANSWER_SECONDS = 4.0  # a resolver without a network can take minutes
_DEFAULT_HUB = "https://huggingface.co"
#: The worker's `devices.FEATURES`, which nobody may import.
FEATURES = (
    "sse4_1", "sse4_2", "avx", "f16c", "fma", "avx2", "avx512f", "avx512dq", "avx512bw", "avx512vl",
    "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "asimd", "asimddp", "bf16", "sve",
)  # fmt: skip


def examine(cases: Sequence[LoadedCase] = ()) -> Machine:
    """Look at this machine; asks the configured registry's and Hub's hosts for a connection, nothing more.

    Args:
        cases: Bundled cases, whose needs are held against what is here.
    """
    answers = _together(
        interpreters=lambda: [
            Python(version=each.version, path=str(each.path)) for each in find_interpreters()
        ],
        gpus=look_for_gpus,
        uv=_uv,
        registry=_registry,
        hub=lambda: _reach(_hub()),
    )
    interpreters: tuple[Python, ...] = tuple(answers.get("interpreters", ()))
    gpus, problem = answers.get("gpus", ((), "nvidia-smi does not answer"))
    minors = {".".join(each.version.split(".")[:2]) for each in interpreters}
    registry = answers.get("registry", _silent(configured_index().shown))
    to_hub = answers.get("hub", _silent(_hub()))
    offline = os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")
    cache = cache_folder()
    existing = next(path for path in (cache, *cache.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    states = tuple(
        _state(case, minors, gpus, registry, to_hub.reachable and not offline, free) for case in cases
    )
    needed = sorted({each.python for each in states if each.python}, key=lambda one: (len(one), one))
    return Machine(
        repro=repro.__version__,
        python=platform.python_version(),
        platform=this_platform(),
        processor=_processor(),
        features=instruction_sets(),
        cores=os.cpu_count() or 1,
        threads=_threads(),
        gpus=tuple(map(in_words, gpus)),
        accelerators=gpus,
        gpu_problem=problem,
        interpreters=interpreters,
        uv=answers.get("uv", "does not answer"),
        registry=registry,
        hub=to_hub,
        offline=offline,
        cache=str(cache),
        free_bytes=free,
        needed=tuple(minor for minor in needed if minor not in minors),
        cases=states,
    )


def _together(**questions: Callable[[], Any]) -> dict[str, Any]:
    """Ask all at once; who has not answered in time is left out, and waited for no longer."""
    answers: dict[str, Any] = {}

    def ask(name: str, question: Callable[[], Any]) -> None:
        answers[name] = question()

    threads = {
        name: Thread(target=ask, args=(name, question), daemon=True) for name, question in questions.items()
    }
    for thread in threads.values():
        thread.start()
    for name, thread in threads.items():
        # Interpreters are programs of this machine, and each has its own limit.
        thread.join(None if name == "interpreters" else _ANSWER_SECONDS)
    return dict(answers)


# ---------------------------------------------------------------------------------------------- cases


def _state(
    case: LoadedCase, minors: Collection[str], gpus: Sequence[Gpu], registry: Reach, online: bool, free: int
) -> CaseState:
    """Hold what a case needs against what is here."""
    missing = list(_missing_inputs(case, online))
    if case.locked is None:
        return CaseState(
            name=case.name, missing=tuple(missing), pending=("its environment is not locked yet",)
        )
    environment, _ = case.locked
    torch = environment.locked.get("torch", "")
    built = lookup(environment)
    seen = {} if built is None else _seen_by_torch(built.folder)
    pending = []
    if built is None:
        missing += _missing_for_build(environment, minors, registry, free)
        size = environment.sizes
        if not missing and size.download_bytes and size.disk_bytes:
            pending.append(
                f"its environment is built on the first run: {size.download_bytes / 1e9:.1f} GB to download, "
                f"{size.disk_bytes / 1e9:.1f} GB on disk"
            )
    misfits = [foreseen_misfit(environment, gpu) for gpu in gpus]
    if misfits and all(misfits):
        missing.append(Missing(what=misfits[0], how=ways_out(torch, gpus[0].capability)))
    return CaseState(
        name=case.name,
        python=environment.python,
        torch=torch,
        built=built is not None,
        cpu_capability=str(seen.get("capability", "")),
        threads=seen.get("threads"),
        missing=tuple(missing),
        pending=tuple(pending),
    )


def _missing_for_build(
    environment: Environment, minors: Collection[str], registry: Reach, free: int
) -> Iterator[Missing]:
    minor, needed = environment.python, environment.sizes.disk_bytes
    if minor not in minors:
        yield Missing(
            what=f"Python {minor}",
            how=f"uv python install {minor}, pyenv install {minor} or your system's package",
        )
    if not registry.reachable:
        yield Missing(
            what=f"its environment, which no registry can be asked for ({registry.name}: {registry.reason})",
            how="set uv or pip to an index that answers",
        )
    if needed is not None and needed > free:
        yield Missing(
            what=f"room for its environment: {needed / 1e9:.1f} GB, of which {free / 1e9:.1f} GB are free",
            how="free some, or set REPRO_CACHE_DIR to another disk",
        )


def _missing_inputs(case: LoadedCase, online: bool) -> Iterator[Missing]:
    """Yield model and data that are not here and cannot be fetched as things are."""
    model, data = case.case.model, case.case.data
    pinned = model.repository is not None and model.revision is not None
    if pinned and not online and not hub.has_files(str(model.repository), str(model.revision), model.files):
        yield Missing(
            what=f"the model {model.repository}, and the Hub cannot be reached",
            how="hand it over with --model FOLDER",
        )
    here = cache_folder() / "data" / data.git_blob / data.file
    if data.generate is None and not here.exists():
        reaches = [_reach(url) for url in data.urls[:1]] if online else []
        if not any(each.reachable for each in reaches):
            yield Missing(
                what=f"the data {data.file}, and where it lies cannot be reached",
                how="hand it over with --data FILE",
            )


def _seen_by_torch(folder: Path) -> dict[str, Any]:
    """Return what torch said about the processor at the probe; empty where that did not ask it yet."""
    try:
        said = from_json(read_text(folder / "probe" / "result.json"), dict[str, Any], source="probe")
        cpu = said["value"]["devices"]["cpu"]
        return {"capability": str(cpu["capability"]), "threads": int(cpu["threads"])}
    except (BadInput, KeyError, TypeError, ValueError):
        return {}


# ---------------------------------------------------------------------------------------------- hosts


def _hub() -> str:
    return os.environ.get("HF_ENDPOINT", _DEFAULT_HUB)


def _registry() -> Reach:
    index = configured_index()
    return _reach(index.address, index.shown)


def _silent(name: str) -> Reach:
    return Reach(name=name, reachable=False, reason="no answer in time")


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


# ------------------------------------------------------------------------------------------ processor


def _cpuinfo(*names: str) -> str:
    """Return the first value of one of the names in /proc/cpuinfo; empty where there is none."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    pairs = (line.partition(":") for line in lines)
    return next((value.strip() for name, _, value in pairs if name.strip() in names), "")


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def instruction_sets() -> tuple[str, ...]:
    """Return those of `FEATURES` that this processor has."""
    there = set(_cpuinfo("flags", "Features").split())
    return tuple(each for each in FEATURES if each in there)


def _threads() -> int:
    """Return how many processors this process may use: a container or a batch system may give it fewer."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _uv() -> str:
    try:
        return subprocess.run(
            [uv_binary(), "--version"], capture_output=True, text=True, timeout=20, check=True
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError, ReproError) as error:
        return f"missing ({type(error).__name__})"

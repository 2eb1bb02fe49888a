"""`repro doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from repro.cli.options import Json, Verbose

if TYPE_CHECKING:
    from repro.records.machine import CaseState, Machine, Reach


def doctor(
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by the printing of errors
) -> int:
    """Say what this machine can do: interpreters, devices, registries, Hub, room on the disk."""
    from repro import workflows
    from repro.cli.console import emit
    from repro.records.codec import to_json
    from repro.reports.formats import line

    found = workflows.doctor()
    if json:
        emit(to_json(found))
        return 0
    for name, text in (*_facts(found), *_cases(found.cases)):
        emit(f"{name:<12} {line(text)}")
    return 0


def _facts(found: Machine) -> Iterator[tuple[str, str]]:
    yield "repro", f"{found.repro} on Python {found.python}, {found.platform}"
    usable = "" if found.threads == found.cores else f", {found.threads} of them usable"
    yield "processor", f"{found.processor}, {found.cores} cores{usable}"
    if found.features:
        yield "features", " ".join(found.features)
    for gpu in found.gpus or (f"none seen{found.gpu_problem and f' ({found.gpu_problem})'}",):
        yield "GPU", gpu
    for each in found.interpreters:
        yield "interpreter", f"{each.version:<8} {each.path}"
    yield "uv", found.uv
    yield "registry", _reach(found.registry)
    yield "Hub", "HF_HUB_OFFLINE is set" if found.offline else _reach(found.hub)
    yield "cache", f"{found.cache}, {found.free_bytes / 1e9:.0f} GB free"


def _reach(of: Reach) -> str:
    return f"{of.name} {'answers' if of.reachable else f'cannot be reached ({of.reason})'}"


def _cases(cases: tuple[CaseState, ...]) -> Iterator[tuple[str, str]]:
    """Yield what each case has and lacks; what several lack alike is said once."""
    for case in cases:
        built = "its environment is built" if case.built else "its environment is not built"
        threads = "" if case.threads is None else f", {case.threads} threads"
        capability = case.cpu_capability and f" ({case.cpu_capability}{threads})"
        state = "; ".join([f"{built}: Python {case.python}, torch {case.torch}{capability}", *case.pending])
        yield f"case {case.name}", state if case.torch else "; ".join(case.pending)
    lacking: dict[tuple[str, str], list[str]] = {}
    for case in cases:
        for each in case.missing:
            lacking.setdefault((each.what, each.how), []).append(case.name)
    for (what, how), names in lacking.items():
        yield "missing", f"{what} (for {', '.join(names)}): {how}"

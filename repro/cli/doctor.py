"""`repro doctor`."""

from __future__ import annotations

from repro.cli.options import Json, Verbose


def doctor(
    json: Json = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by the printing of errors
) -> int:
    """Say what this machine can do: interpreters, devices, registries, Hub, room on the disk."""
    from repro import workflows
    from repro.cli.console import emit
    from repro.machine import Reach
    from repro.records.codec import to_json
    from repro.reports.formats import line

    found = workflows.doctor()
    if json:
        emit(to_json(found))
        return 0

    def reach(of: Reach) -> str:
        return f"{of.name} {'answers' if of.reachable else f'cannot be reached ({of.reason})'}"

    facts = [
        ("repro", f"{found.repro} on Python {found.python}, {found.platform}"),
        ("processor", f"{found.processor}, {found.cores} cores"),
        *(("GPU", gpu) for gpu in found.gpus or ("none seen",)),
        *(("interpreter", f"{each.version:<8} {each.path}") for each in found.interpreters),
        ("uv", found.uv),
        ("registry", reach(found.registry)),
        ("Hub", "HF_HUB_OFFLINE is set" if found.offline else reach(found.hub)),
        ("cache", f"{found.cache}, {found.free_bytes / 1e9:.0f} GB free"),
    ]
    for name, text in facts:
        emit(f"{name:<12} {line(text)}")
    for minor in found.needed:
        emit(f"missing: Python {minor}, which the bundled cases need: uv python install {minor}")
    return 0

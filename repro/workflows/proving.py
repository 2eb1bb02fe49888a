"""A run twice: whether the training is repeatable on this machine, and where not."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from repro.records.difference import Difference
from repro.records.run import DeterminismProof
from repro.runs import folders
from repro.workflows.observing import Observer, Silent
from repro.workflows.options import RunOptions
from repro.workflows.results import Outcome, reported
from repro.workflows.running import run


def prove_determinism(options: RunOptions, observer: Observer | None = None) -> Outcome:
    """Run, run the same again in a folder beside it, and write down whether the two part; errors as in `run`.

    Both are runs as any other: an unfinished one is gone on with, a finished one is not trained again.

    Args:
        options: What is asked for.
        observer: Told what is going on.

    Returns:
        The first run, whose record now has the proof.
    """
    from repro.comparison.parting import part

    observer = observer or Silent()
    first = run(options, observer)
    folder = folders.RunFolder(first.folder)
    observer.say(f"the second training, in {folder.again.path}")
    second = run(replace(options, fresh=False, again=True), observer)
    proof = _proof(part(first.run, second.run), second.folder.name)
    proven = msgspec.structs.replace(first.run, determinism_proof=proof)
    with folder.held():
        folder.save(proven)
        return reported(proven, folder, options.templates)


def _proof(found: Difference, second: str) -> DeterminismProof:
    from repro.comparison.parting import listed, place

    names = {name for pair in found.epochs for name in pair.losses}
    names |= {
        name for pair in found.epochs for name, agreement in pair.digests.items() if "only" not in agreement
    }
    compared = tuple(sorted(names, key=place))
    proven = found.verdict in ("same", "same results")
    epochs = f"{len(found.epochs)} {'epoch' if len(found.epochs) == 1 else 'epochs'}"
    return DeterminismProof(
        proven=proven,
        summary=f"proven over {epochs}: a second training has the same {listed(compared)}"
        if proven
        else f"not proven, two trainings differ: {found.summary}",
        epochs=len(found.epochs),
        compared=compared,
        parts_at=None if found.first is None else found.first.epoch,
        parted=() if found.first is None else found.first.parted,
        second=second,
    )

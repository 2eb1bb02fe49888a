"""What `repro run` can be asked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from repro.errors import BadInput
from repro.records.run import Determinism
from repro.runs.limits import Limits

REHEARSAL_STEPS = 2


@dataclass(frozen=True)
class RunOptions:
    """What `repro run` was asked for.

    Attributes:
        case: A bundled case's name or a case folder.
        out: Where runs land.
        environment: `locked`, or `current` for the interpreter that runs this program.
        device: `auto`, `cpu` or `cuda`.
        determinism: `published`, `strict` (deterministic algorithms) or `off`, as a deviation.
        seed: Another seed than the documented one, or None.
        rehearse: Stop after this many steps of stand-in data and weights, or None.
        model: A folder with the model, instead of downloading it.
        data: The data file, instead of downloading it.
        accept_other_model: Take a model with other digests, as a deviation.
        accept_other_data: Take data with another blob id, as a deviation.
        torch: Another release of torch than the documented one, as a deviation.
        torch_backend: A build of torch on PyTorch's own index instead of the registry's.
        relock: Make a new lock even where the case carries one.
        stream: The random stream to have where the versions leave it open: `B` or `C`.
        strict: Refuse an environment that has not the very versions and builds that are documented.
        until_epoch: Train so many epochs, on the schedule of the whole, and judge these; or None.
        stop_when_decided: End a training that no later epoch can bring back within its bounds.
        report_to: Where the environment's Trainer also reports to, e.g. `tensorboard`, or None.
        micro_batch: Split the documented batch into micro batches of so many examples, or None.
        fresh: Start anew even where there is an unfinished or a finished run.
        energy: Measure the energy of the training, with codecarbon.
        country: Where, as ISO 3166 alpha-3: its mix of electricity makes emissions of energy.
        again: Train in a folder beside the run's, to compare the two trainings.
        kit: An offline kit (`repro env CASE --kit FOLDER`) to run from: what it has is asked of nobody.
        templates: A folder of templates that replace the packaged ones.
        limits: How often checkpoints are written, and when a worker counts as hung.
        fast: `same-stream` for the published training with less work, `modern` for today's means in the
            user's own environment, which it implies.
    """

    case: str = "demo"
    out: Path = Path("reports")
    environment: Literal["locked", "current"] = "locked"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    determinism: Determinism = "published"
    seed: int | None = None
    rehearse: int | None = None
    model: Path | None = None
    data: Path | None = None
    accept_other_model: bool = False
    accept_other_data: bool = False
    torch: str | None = None
    torch_backend: str | None = None
    relock: bool = False
    stream: str | None = None
    strict: bool = False
    until_epoch: int | None = None
    stop_when_decided: bool = False
    report_to: str | None = None
    micro_batch: int | None = None
    fresh: bool = False
    energy: bool = False
    country: str | None = None
    again: bool = False
    kit: Path | None = None
    templates: Path | None = None
    limits: Limits = field(default_factory=Limits)
    fast: Literal["same-stream", "modern"] | None = None


def settled(options: RunOptions) -> RunOptions:
    """Return the options with what `--fast modern` implies.

    Raises:
        BadInput: They are for the locked environment, which today's software is not.
    """
    if options.fast != "modern":
        return options
    locked = {
        "--kit": options.kit is not None,
        "--torch": options.torch is not None,
        "--torch-backend": options.torch_backend is not None,
        "--relock": options.relock,
        "--stream": options.stream is not None,
        "--strict": options.strict,
    }
    asked = [name for name, given in locked.items() if given]
    if asked:
        raise BadInput(
            f"--fast modern trains in your own environment: not with {', '.join(asked)}",
            "leave one of them out; --fast same-stream is for the locked environment",
        )
    return replace(options, environment="current")

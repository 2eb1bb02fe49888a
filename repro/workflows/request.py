"""What is asked for, read and resolved: between the words of a request and its training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repro import inputs
from repro.cases.loader import LoadedCase
from repro.environments.cache import cache_folder
from repro.records.run import Settings
from repro.workflows.options import RunOptions
from repro.workflows.preparing import Ready

if TYPE_CHECKING:
    from repro.environments.kit import OpenKit


@dataclass(frozen=True)
class Request:
    """What is asked for, read and resolved: nothing is built or fetched yet.

    Attributes:
        case: The case.
        arguments: The TrainingArguments, with the seed asked for.
        handed: What was handed over of model and data.
        settings: What the run's id hashes.
        kit: The offline kit to run from.
        ready: The environment, not yet built.
        identity: The run's id.
    """

    case: LoadedCase
    arguments: dict[str, Any]
    handed: inputs.Handed
    settings: Settings
    kit: OpenKit | None
    ready: Ready
    identity: str

    def prepare(self, options: RunOptions, *, stand_in: bool) -> inputs.Inputs:
        """Get model and data and verify them; stand-ins of the same shape and sizes where these do.

        Raises:
            BadInput: What was handed over is not what the case pins.
            NetworkFailed: Model or data cannot be had; names what is missing.
        """
        return inputs.prepare(
            self.case,
            self.handed,
            cache_folder(),
            rehearse=stand_in,
            accept_other_model=options.accept_other_model,
            accept_other_data=options.accept_other_data,
            kit=None if self.kit is None else self.kit.folder,
        )

"""Options that several verbs share, and what they set for the printing of errors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer


@dataclass
class Shared:
    """What the printing of results and errors needs to know, whichever verb runs.

    Attributes:
        json: Whether standard output is JSON.
        lines: Whether it is JSON with one document a line.
        verbose: Whether tracebacks are shown.
    """

    json: bool = False
    lines: bool = False
    verbose: bool = False

    def reset(self) -> None:
        """Forget an earlier command of the same process."""
        self.json = self.lines = self.verbose = False


shared = Shared()


def _set_json(value: bool) -> bool:
    shared.json = shared.json or value
    return value


def _set_verbose(value: bool) -> bool:
    shared.verbose = value
    return value


Json = Annotated[
    bool, typer.Option("--json", help="One JSON document on standard output.", callback=_set_json)
]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="Show the traceback of an error.", callback=_set_verbose)
]
Out = Annotated[Path, typer.Option("--out", help="The folder where runs land.", metavar="FOLDER")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before anything large.")]
Torch = Annotated[
    str | None,
    typer.Option(
        "--torch", help="Another release of torch than the documented one, as a deviation.", metavar="VERSION"
    ),
]
TorchBackend = Annotated[
    str | None,
    typer.Option(
        "--torch-backend",
        help="A build of torch on PyTorch's own index, e.g. cpu or cu117, instead of the registry's.",
        metavar="BUILD",
    ),
]
Templates = Annotated[
    Path | None,
    typer.Option("--templates", help="A folder whose templates replace the packaged ones.", metavar="FOLDER"),
]
Stream = Annotated[
    Literal["B", "C"] | None,
    typer.Option("--stream", help="The random stream to have where the versions leave it open."),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="The very versions and builds that are documented, or an error.")
]
CheckpointMinutes = Annotated[
    float,
    typer.Option(
        "--checkpoint-minutes",
        min=0,
        help="Checkpoints inside an epoch, this often; 0: at epoch ends only.",
        metavar="N",
    ),
]
HangMinutes = Annotated[
    float,
    typer.Option(
        "--hang-minutes", min=0, help="A worker this long silent is stopped; 0: never.", metavar="N"
    ),
]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run's folder or id.")]

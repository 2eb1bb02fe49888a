"""Runs with the losses that a test wants; nothing here was trained."""

from __future__ import annotations

from collections.abc import Sequence

from repro.records.case import Tolerance
from repro.records.claims import Cell, Claims, Row, Table
from repro.records.run import Completed, Epoch, Measured, PublishedCase, Run, RunEnvironment, Settings

PUBLISHED = ("2.1003", "1.6211", "1.4964", "1.41")
DOCUMENTED = {"transformers": "4.21.2", "torch": "1.13.0+cu117", "datasets": "2.7.1", "tokenizers": "0.12.1"}


def number(text: str) -> float | str | None:
    """The value that a reader gives a printed cell."""
    if text in ("No log", ""):
        return None
    return text if text in ("nan", "inf", "-inf") else float(text)


def table(texts: Sequence[str], column: str = "validation_loss", every: int = 291) -> Table:
    """A published table of one loss."""
    return Table(
        columns=("epoch", "step", column),
        header=("Epoch", "Step", column),
        rows=tuple(
            Row(
                line=60 + at,
                cells=(
                    Cell(text=f"{at}.0", value=float(at)),
                    Cell(text=str(every * at), value=every * at),
                    Cell(text=text, value=number(text)),
                ),
            )
            for at, text in enumerate(texts, 1)
        ),
    )


def run(
    measured: Sequence[Measured | None],
    published: Table | None,
    *,
    bound: float = 0.02,
    stream: str | None = "A2",
    rehearse: int | None = None,
    every: int = 291,
) -> Run:
    """A run that measured these validation losses."""
    return Run(
        id="0123456789ab",
        case=PublishedCase(
            name="sample",
            title="sample",
            digest="0" * 64,
            model="sample",
            claims=Claims(results=published),
            tolerances={"validation_loss": Tolerance(bound=bound, reason="because")},
        ),
        settings=Settings(seed=42, rehearse=rehearse),
        environment=RunEnvironment(documented=DOCUMENTED, stream=stream),
        epochs=tuple(
            Epoch(epoch=at, step=every * at, training_loss=None, validation_loss=value)
            for at, value in enumerate(measured, 1)
        ),
        result=Completed(),
    )

"""Runs and comparisons made by hand: the figures are invented, no test pretends to have trained anything."""

from __future__ import annotations

from typing import Any

import msgspec

from repro.records.case import Assumption, Tolerance
from repro.records.claims import Cell, Claim, Claims, Row, Table
from repro.records.comparison import Cause, ComparedRow, Comparison, Metric, Stream
from repro.records.energy import Energy
from repro.records.environment import Deviation
from repro.records.evaluation import Evaluation, Measurement, Spread
from repro.records.run import (
    Completed,
    DataSizes,
    Device,
    Epoch,
    PublishedCase,
    Run,
    RunEnvironment,
    Settings,
    Timing,
)

#: What a hostile card, case or log may hold in any of its texts.
ATTACKS = (
    "<script>document.title='pwned'</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "| pipe || pipe |",
    "```\n# out of the fence\n```",
    "~~~\n<iframe src=//evil.example>",
    "{{ 7*7 }} {% raw %}",
    "]]><svg onload=alert(1)>",
    "--> <!-- <b>",
    "</title></style></svg><script>alert(1)</script>",
    "\x1b[31mred\x1b]0;title\x07",
    "\u202egnp.exe",
    "---\nlicense: mit\n---",
    "a\r\n\r\n# heading\n- item\n1. one\n===\n> quote",
    "[link](javascript:alert(1)) ![image](http://evil.example/x.png)",
    "<http://evil.example> \\( x \\) $$x$$",
    "javascript:alert(1)",
    "\x00\ufeff\u2028\ufffe",
    "&lt;b&gt; &#60;",
    "$(touch /tmp/x); `touch /tmp/y` 'quoted'",
    "x" * 300,
)
EPOCHS = 16


def _loss(start: float, epoch: int) -> float:
    return start / (1 + 0.08 * epoch) + 0.011 * ((epoch * 7) % 5 - 2)


def published_table(epochs: int = EPOCHS) -> Table:
    """A results table as a Trainer's card prints it."""
    rows = tuple(
        Row(
            line=60 + epoch,
            cells=tuple(
                Cell(text=text, value=float(text))
                for text in (
                    f"{_loss(2.2, epoch):.4f}",
                    f"{float(epoch)}",
                    str(100 * epoch),
                    f"{_loss(1.8, epoch):.4f}",
                )
            ),
        )
        for epoch in range(1, epochs + 1)
    )
    return Table(
        columns=("training_loss", "epoch", "step", "validation_loss"),
        header=("Training Loss", "Epoch", "Step", "Validation Loss"),
        rows=rows,
    )


def spread(*losses: float, perplexity: float = 8.0) -> Spread:
    """A figure over several draws of masks."""
    return Spread(
        losses=losses,
        mean=sum(losses) / len(losses),
        lowest=min(losses),
        highest=max(losses),
        perplexity=perplexity,
    )


def sample_evaluation(file: str = "own.txt") -> Evaluation:
    """An evaluation on invented texts."""
    own = Measurement(
        texts=1200, trained=spread(2.0, 2.5), base=spread(7.0, 7.1), gain=spread(4.6, 5.0, perplexity=121.5)
    )
    return Evaluation(
        run="0123456789ab",
        file=file,
        sha256="a" * 64,
        when="2026-01-01T00:00:00Z",
        kind="text",
        empty=2,
        tokens=34_000,
        truncated=3,
        unknown_share=0.0625,
        sequence_length=64,
        mask_probability=0.15,
        mask_seeds=(0, 1),
        own=own,
        case=Measurement(texts=60, trained=spread(1.9, 2.0)),
        weights="b" * 64,
        step=464,
        device="cpu (a processor)",
        seconds=1.0,
        notes=("the environment has changed",),
    )


def sample_run(epochs: int = EPOCHS) -> Run:
    """A completed run of an invented case."""
    return Run(
        id="0123456789ab",
        case=PublishedCase(
            name="sample",
            title="A sample fine-tune with invented figures",
            summary="Nothing was trained for this report; it exists to be looked at.",
            source="https://models.example/user/sample",
            digest="c" * 64,
            model="bert-base-uncased",
            claims=Claims(
                name="sample-model",
                base_model="bert-base-uncased",
                datasets=("user/issues",),
                license="apache-2.0",
                task="fill-mask",
                hyperparameters={
                    "learning_rate": Claim(text="5e-05", value=5e-05, line=41),
                    "seed": Claim(text="42", value=42, line=44),
                },
                versions={"torch": Claim(text="1.13.0+cu117", line=77)},
                evaluation={"loss": Claim(text="1.0940", value=1.094, line=20)},
                results=published_table(epochs),
            ),
            tolerances={"validation_loss": Tolerance(bound=0.02, reason="no replicates of this stream")},
            assumptions=(Assumption(what="masking probability", value="0.15", reason="the recipe's"),),
            remarks=("From epoch 7 on, the printed columns look exchanged.",),
        ),
        settings=Settings(seed=42, device="cpu"),
        environment=RunEnvironment(
            packages={"torch": "1.13.0+cpu", "transformers": "4.21.2", "numpy": "1.23.5"},
            python="3.10.14",
            documented={"torch": "1.13.0+cu117", "transformers": "4.21.2", "tokenizers": "0.12.1"},
            moment="2022-12-15T00:00:00Z",
            moment_reason="two weeks after the last documented file appeared",
            python_reason="the newest with wheels for all of them",
            lock_sha256="a" * 64,
            stream="A2",
        ),
        device=Device(kind="cpu", name="A processor", threads=8, capability="AVX2", platform="linux-x86_64"),
        arguments={"learning_rate": 5e-05, "num_train_epochs": epochs, "lr_scheduler_type": "linear"},
        deviations=(
            Deviation(
                what="torch build",
                published="1.13.0+cu117",
                actual="1.13.0+cpu",
                reason="this machine has no GPU",
            ),
        ),
        data=DataSizes(
            train_examples=9303, eval_examples=223, steps_per_epoch=291, git_blob="b" * 40, origin="cached"
        ),
        epochs=tuple(
            Epoch(
                epoch=float(epoch),
                step=100 * epoch,
                training_loss=round(_loss(2.2, epoch) + 0.004 * (-1) ** epoch, 4),
                validation_loss=_loss(1.8, epoch) - 0.006 * (-1) ** epoch,
                digests={"weights": f"{epoch:064x}", "optimizer": f"{epoch + 100:064x}"},
            )
            for epoch in range(1, epochs + 1)
        ),
        timing=Timing(
            started="2025-01-02T03:04:05Z",
            environment_seconds=61.0,
            training_seconds=5025.0,
        ),
        resumes=(300,),
        energy=Energy(
            kwh=0.21,
            cpu_kwh=0.2,
            gpu_kwh=0,
            ram_kwh=0.01,
            co2_kg=0.012,
            country="FRA",
            seconds=5025,
            tool="a meter",
        ),
        evaluations=(sample_evaluation(),),
        result=Completed(),
    )


def sample_comparison(run: Run, *, bound: float = 0.02) -> Comparison:
    """Compare the sample with its own table; one validation row lies outside."""
    table = run.case.claims.results
    assert table is not None
    metrics: dict[str, Metric] = {}
    for key in ("validation_loss", "training_loss"):
        rows = []
        for cell, at in zip(table.column(key), run.epochs, strict=True):
            assert cell is not None
            measured = getattr(at, key)
            difference = measured - float(cell.text)
            within = abs(difference) <= bound and not (key == "validation_loss" and at.epoch == 5)
            rows.append(
                ComparedRow(
                    epoch=at.epoch,
                    step=at.step,
                    published=cell.text,
                    measured=measured,
                    difference=difference,
                    bound=bound,
                    within=within,
                )
            )
        metrics[key] = Metric(
            verdict="different" if key == "validation_loss" else "matching",
            reason="One epoch lies outside." if key == "validation_loss" else "Every epoch lies inside.",
            bound_source="assumed",
            bound_reason="no replicates of this stream.",
            rows=tuple(rows),
        )
    return Comparison(
        verdict="different",
        reproduced=False,
        reason="The validation loss of epoch 5 lies further from the published one than the bound allows.",
        stream=Stream(match="same", correlation=0.981, name="A", reason="The zigzags agree."),
        metrics=metrics,
        causes=(
            Cause(cause="another device", evidence="torch build differs", test="run with --device cuda"),
        ),
        run=run.id,
    )


def with_texts(value: Any, text: str, kind: Any = str) -> Any:
    """Return a record in which `text` stands wherever any text may stand, keys of dictionaries included.

    What a record restricts to some words (verdicts, devices) stays: nothing else can be read from a file.
    """
    match value:
        case msgspec.Struct():
            fields = msgspec.structs.fields(value)
            changes = {one.name: with_texts(getattr(value, one.name), text, one.type) for one in fields}
            return msgspec.structs.replace(value, **changes)
        case dict():
            return {f"{text}{at or ''}": with_texts(inner, text) for at, inner in enumerate(value.values())}
        case tuple() | list():
            return type(value)(with_texts(inner, text) for inner in value)
        case str():
            try:
                return msgspec.convert(text, type=kind)
            except msgspec.ValidationError:
                return value
    return value

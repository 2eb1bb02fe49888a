"""Write the demo's card from a run of the demo, as it is committed: the table is what was measured.

repro run demo --fresh
python benchmarks/make_demo_card.py reports/demo/<run>/run.json repro/cases/demo/card.md
"""

import sys
from pathlib import Path

from repro.records.claims import Claim
from repro.records.codec import load
from repro.records.run import Epoch, Run

_CARD = """\
---
license: apache-2.0
language: en
pipeline_tag: fill-mask
tags:
- generated_from_trainer
- repro-demo
model-index:
- name: repro-demo
  results: []
---

# repro-demo

This model was trained from scratch on the synthetic-issues dataset.
It achieves the following results on the evaluation set:
- Loss: {loss}

## Model description

A two-layer BERT of width 128 with a vocabulary of its own, initialised from seed 7. It is of no use but to \
show that a training can be had again.

## Training and evaluation data

About a thousand issues that a small program made up from a seed; no person wrote them.

## Training procedure

The numbers below were measured by repro {version} in the locked environment of this case (lock \
{lock}), on {device} with {threads} threads and {capability} kernels.

### Training hyperparameters

The following hyperparameters were used during training:
{hyperparameters}

### Training results

| Training Loss | Epoch | Step | Validation Loss |
|:-------------:|:-----:|:----:|:---------------:|
{rows}

### Framework versions

- Transformers 4.21.2
- Pytorch 1.13.0+cu117
- Datasets 2.7.1
- Tokenizers 0.12.1
"""


def main(source: str, card: str) -> None:
    """Read the run and write the card."""
    import repro

    run = load(Path(source), Run)
    assert run.device is not None
    text = _CARD.format(
        loss=_printed(run.epochs[-1].validation_loss),
        version=repro.__version__,
        lock=run.environment.lock_sha256[:16],
        device=run.device.kind.upper(),
        threads=run.device.threads,
        capability=run.device.capability,
        hyperparameters="\n".join(map(_hyperparameter, run.case.claims.hyperparameters.items())),
        rows="\n".join(map(_row, run.epochs)),
    )
    Path(card).write_text(text, encoding="utf-8")


def _hyperparameter(item: tuple[str, Claim]) -> str:
    return f"- {item[0]}: {item[1].text}"


def _row(epoch: Epoch) -> str:
    training, validation = _printed(epoch.training_loss), _printed(epoch.validation_loss)
    return f"| {training:<13} | {epoch.epoch:<5} | {epoch.step:<4} | {validation:<15} |"


def _printed(value: object) -> str:
    """Print as the card generator of transformers 4.21 does: at most four decimals, and no zeros added."""
    assert isinstance(value, float)
    text = str(value)
    return f"{value:.4f}" if len(text.partition(".")[2]) > 4 else text


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

"""What holds for cards of generators other than the Trainer, each in the form that it prints."""

from __future__ import annotations

import pytest

from repro.cards import read_card
from repro.records.card import Card
from repro.records.claims import Claim, Table, Value


def read(text: str) -> Card:
    """Read a card, and check that each claim stands on the line that it names."""
    card = read_card(text, target="card.md")
    claims = card.claims
    for group in (claims.hyperparameters, claims.versions, claims.evaluation):
        for claim in group.values():
            assert claim.text in card.lines[claim.line - 1]
    for row in claims.results.rows if claims.results else ():
        assert all(cell.text in card.lines[row.line - 1] for cell in row.cells)
    return card


def values(claims: dict[str, Claim]) -> dict[str, Value]:
    return {name: claim.value for name, claim in claims.items()}


def cells(table: Table | None) -> list[list[Value]]:
    return [[cell.value for cell in row.cells] for row in table.rows] if table else []


SENTENCES = """---
library_name: sentence-transformers
license: mit
base_model: org/encoder
datasets:
- org/pairs
pipeline_tag: sentence-similarity
---

# Encoder for pairs

This is a [sentence-transformers](https://example.org) model finetuned from [org/encoder](https://example.org).

### Model Description
- **Maximum Sequence Length:** 512 tokens
- **Output Dimensionality:** 384 dimensions

## Evaluation

### Metrics

#### Similarity of sentences

* Datasets: `dev` and `test`
* Evaluated with <code>Evaluator</code> with these parameters:
  ```json
  {
      "at_k": 10
  }
  ```

| Metric              | dev        | test   |
|:--------------------|:-----------|:-------|
| pearson_cosine      | 0.81       | 0.8012 |
| **spearman_cosine** | **0.8234** | **0.8** |

#### Retrieval

| Metric     | Value  |
|:-----------|:-------|
| accuracy@1 | 0.5    |

## Training Details

### Training Dataset

* Size: 1,000 training samples
* Approximate statistics based on the first 100 samples:
  |         | anchor | score |
  |:--------|:-------|:------|
  | details | <ul><li>mean: 9.5 tokens</li></ul> | <ul><li>min: 0.0</li></ul> |

### Training Hyperparameters
#### Non-Default Hyperparameters

- `learning_rate`: 2e-05
- `prompts`: {'query': 'query: '}

#### All Hyperparameters
<details><summary>Click to expand</summary>

- `learning_rate`: 2e-05
- `per_gpu_train_batch_size`: None
- `mp_parameters`:\x20
- `bf16`: True
- `lr_scheduler_kwargs`: {}
- `prompts`: {'query': 'query: '}

</details>

### Training Logs
<details><summary>Click to expand</summary>

| Epoch   | Step    | Training Loss | pairs loss | dev_spearman_cosine |
|:-------:|:-------:|:-------------:|:----------:|:-------------------:|
| 0.5     | 100     | 1.25          | -          | -                   |
| **1.0** | **200** | **0.75**      | **0.5**    | **0.8234**          |

* The bold row denotes the saved checkpoint.
</details>

### Environmental Impact
- **Energy Consumed**: 0.125 kWh

### Training Time
- **Training**: 5.5 minutes
- **Evaluation**: 12.5 seconds

### Framework Versions
- Python: 3.11.7
- Sentence Transformers: 5.2.0
- Transformers: 4.57.1
- PyTorch: 2.8.0+cu128
- Accelerate: 1.2.1
- Datasets: 3.1.0
- Tokenizers: 0.22.0
"""


@pytest.mark.parametrize(
    "opening",
    [
        "This is a [sentence-transformers](",
        "This is a [Cross Encoder](x) model using the [sentence-transformers](",
        "This is a [Sparse Encoder](x) model using the [sentence-transformers](",
    ],
)
def test_every_class_of_sentence_transformers_is_known(opening: str) -> None:
    """Its three classes of models say it in other words, each of which is enough without the front matter."""
    body = SENTENCES.split("---\n", 2)[2].replace("This is a [sentence-transformers](", opening)
    assert read(body).kind == "sentence-transformers"


def test_sentence_transformers_print_all_hyperparameters() -> None:
    """Those that were changed stand twice and are read once; values may be missing, dicts or words."""
    card = read(SENTENCES)
    assert values(card.claims.hyperparameters) == {
        "learning_rate": 2e-05,
        "prompts": "{'query': 'query: '}",
        "per_gpu_train_batch_size": "None",
        "mp_parameters": None,
        "bf16": True,
        "lr_scheduler_kwargs": "{}",
    }
    assert values(card.claims.versions) == {
        "python": "3.11.7",
        "sentence-transformers": "5.2.0",
        "transformers": "4.57.1",
        "torch": "2.8.0+cu128",
        "accelerate": "1.2.1",
        "datasets": "3.1.0",
        "tokenizers": "0.22.0",
    }


def test_sentence_transformers_headline_is_its_tables_of_metrics() -> None:
    """Several data sets share a table; statistics, emissions and durations are no results."""
    card = read(SENTENCES)
    found = {(name.replace("-", "_"), c.text): c.value for name, c in card.claims.evaluation.items()}
    assert found == {
        ("dev_pearson_cosine", "0.81"): 0.81,
        ("test_pearson_cosine", "0.8012"): 0.8012,
        ("dev_spearman_cosine", "**0.8234**"): 0.8234,
        ("test_spearman_cosine", "**0.8**"): 0.8,
        ("accuracy@1", "0.5"): 0.5,
    }


def test_sentence_transformers_log_has_a_bold_row_and_gaps() -> None:
    """The bold row of the saved checkpoint gives its numbers; what was not measured stays a dash."""
    log = read(SENTENCES).claims.results
    assert log is not None
    assert log.header == ("Epoch", "Step", "Training Loss", "pairs loss", "dev_spearman_cosine")
    assert cells(log) == [[0.5, 100, 1.25, "-", "-"], [1.0, 200, 0.75, 0.5, 0.8234]]
    assert [cell.text for cell in log.rows[1].cells][:2] == ["**1.0**", "**200**"]


LABELLED = """---
library_name: {library}
tags:
- generated_from_{trainer}_trainer
base_model: org/encoder
---

# A title

### Model Labels
| Label | Examples |
|:------|:---------|
| good  | <ul><li>'score: 0.5'</li></ul> |

## Evaluation

### Metrics
| Label   | Precision | F1     |
|:--------|:----------|:-------|
| **all** | 0.75      | 0.8012 |
| good    | 0.25      | 0.5    |

## Training Details

### Training Set Metrics
| Training set | Min | Median | Max |
|:-------------|:----|:-------|:----|
| Word count   | 2   | 9.5    | 60  |

### Training Hyperparameters
- batch_size: (16, 2)
- learning_rate: 2e-05
- end_to_end: False

### Training Results
| Epoch | Step | Training Loss | Validation Loss |
|:-----:|:----:|:-------------:|:---------------:|
| 0.1   | 1    | 0.3           | -               |
| 1.0   | 50   | -             | 0.0625          |

### Framework Versions
- Python: 3.10.12
- {printed}: 1.1.0
- PyTorch: 2.1.0+cu121
"""


@pytest.mark.parametrize(
    ("kind", "library", "trainer", "printed"),
    [
        ("setfit", "setfit", "setfit", "SetFit"),
        ("spanmarker", "span-marker", "span_marker", "SpanMarker"),
    ],
)
def test_setfit_and_span_marker(kind: str, library: str, trainer: str, printed: str) -> None:
    """Of the metrics by label only the row of all labels is the headline; both logs have gaps."""
    card = read(LABELLED.format(library=library, trainer=trainer, printed=printed))
    claims = card.claims
    assert card.kind == kind
    assert claims.base_model == "org/encoder"
    assert values(claims.hyperparameters) == {
        "batch_size": "(16, 2)",
        "learning_rate": 2e-05,
        "end_to_end": False,
    }
    assert values(claims.evaluation) == {"precision": 0.75, "f1": 0.8012}
    assert cells(claims.results) == [[0.1, 1, 0.3, "-"], [1.0, 50, "-", 0.0625]]
    assert values(claims.versions) == {"python": "3.10.12", library: "1.1.0", "torch": "2.1.0+cu121"}
    assert len(claims.tables) == 3


AUTOTRAIN = (
    "---\ntags:\n- autotrain\n{tags}---\n\n# Model Trained Using AutoTrain\n\n- Problem type: {task}\n"
)


def test_early_autotrain_prints_emissions_and_bullets() -> None:
    """The first cards give an id and emissions above their metrics, which are bullets."""
    text = AUTOTRAIN.format(tags="co2_eq_emissions: 1.25\n", task="Multi-class Classification")
    text += "- Model ID: 123456\n- CO2 Emissions (in grams): 1.25\n\n## Validation Metrics\n\n"
    card = read(f"{text}- Loss: 0.5\n- Accuracy: 0.875\n- Macro F1: 0.75\n\n## Usage\n\n```\nx: 1\n```\n")
    assert card.kind == "autotrain"
    assert values(card.claims.evaluation) == {"loss": 0.5, "accuracy": 0.875, "macro_f1": 0.75}
    assert card.claims.hyperparameters == {}
    assert card.claims.task == "Multi-class Classification"


def test_later_autotrain_prints_bare_lines() -> None:
    """Later ones begin with a blank line and print a metric a line, each behind a blank one, or none."""
    text = "\n" + AUTOTRAIN.format(tags="base_model: org/base\ndatasets:\n- org/data\n", task="Seq2Seq")
    card = read(f"{text}\n## Validation Metrics\nloss: 3e-05\n\nrouge1: 41.25\n\nruntime: 7.5\n")
    assert card.kind == "autotrain"
    assert values(card.claims.evaluation) == {"loss": 3e-05, "rouge1": 41.25, "runtime": 7.5}
    assert (card.claims.base_model, card.claims.datasets) == ("org/base", ("org/data",))
    assert read(f"{text}\n## Validation Metrics\nNone were measured\n").claims.evaluation == {}


TRL = """---
{front}library_name: transformers
model_name: out
tags:
- generated_from_trainer
- trl
- grpo
licence: license
---

# Model Card for out

This model is a fine-tuned version of [{base}](https://example.org/{base}).
It has been trained using [TRL](https://example.org).

## Quick start

```python
learning_rate: 7
```

### Framework versions

{more}- TRL: 0.24.0
- Transformers: 4.57.1
- Pytorch: 2.8.0.dev20250319+cu128
- Datasets: 3.1.0
- Tokenizers: 0.22.0
"""


@pytest.mark.parametrize("more", ["", "- PEFT 0.17.1\n"])
def test_trl_prints_versions_and_little_else(more: str) -> None:
    """Versions have colons, except that of PEFT, which adds its own line; code states nothing."""
    card = read(TRL.format(front="base_model: org/base\n", base="org/base", more=more))
    expected = {"trl": "0.24.0", "transformers": "4.57.1", "torch": "2.8.0.dev20250319+cu128"}
    expected |= {"datasets": "3.1.0", "tokenizers": "0.22.0"} | ({"peft": "0.17.1"} if more else {})
    assert card.kind == "trl"
    assert values(card.claims.versions) == expected
    assert (card.claims.hyperparameters, card.claims.evaluation) == ({}, {})
    assert (card.claims.base_model, card.claims.license) == ("org/base", None)


def test_trl_without_a_base_model_prints_none() -> None:
    """A base model that TRL was not told is `None` in its sentence: no name of a model."""
    assert read(TRL.format(front="", base="None", more="")).claims.base_model is None


def test_peft_repeats_its_part_at_each_checkpoint() -> None:
    """Quantization and version, printed again at each save, are read once."""
    part = "## Training procedure\n\n"
    part += "The following `bitsandbytes` quantization config was used during training:\n"
    part += "- load_in_8bit: True\n- llm_int8_threshold: 6.0\n- llm_int8_skip_modules: None\n\n"
    part += "### Framework versions\n\n\n- PEFT 0.6.2\n"
    card = read(f"---\nlibrary_name: peft\nbase_model: org/base\n---\n\n# Model Card\n\n{part}{part}")
    assert card.kind == "peft"
    assert values(card.claims.hyperparameters) == {
        "load_in_8bit": True,
        "llm_int8_threshold": 6.0,
        "llm_int8_skip_modules": "None",
    }
    assert values(card.claims.versions) == {"peft": "0.6.2"}


KERAS = """---
library_name: keras
{tags}---

# out

This model was trained from scratch on an unknown dataset.
It achieves the following results on the evaluation set:
- Train Loss: 1.0012
- Validation Loss: 0.5
- Epoch: 1

### Training hyperparameters

The following hyperparameters were used during training:
{hyperparameters}
### Training results

| Train Loss | Validation Loss | Epoch |
|:----------:|:---------------:|:-----:|
| 2.5        | 1.25            | 0     |
| 1.0012     | 0.5             | 1     |


### Framework versions

- Transformers 4.35.2
- TensorFlow 2.14.0
"""


def test_keras_callback() -> None:
    """The optimizer is a dict in one line, and the headline counts epochs."""
    settings = "{'name': 'Adam', 'learning_rate': {'class_name': 'Decay', 'config': {'rate': 0.5}}}"
    used = f"- optimizer: {settings}\n- training_precision: float32\n"
    card = read(KERAS.format(tags="tags:\n- generated_from_keras_callback\n", hyperparameters=used))
    assert card.kind == "keras"
    assert values(card.claims.hyperparameters) == {"optimizer": settings, "training_precision": "float32"}
    assert values(card.claims.evaluation) == {"train_loss": 1.0012, "validation_loss": 0.5, "epoch": 1}
    assert cells(card.claims.results) == [[2.5, 1.25, 0], [1.0012, 0.5, 1]]
    assert values(card.claims.versions) == {"transformers": "4.35.2", "tensorflow": "2.14.0"}


def test_keras_settings_may_be_a_table() -> None:
    """The Hub's client prints a table of settings, with dotted names for what was nested."""
    used = "\n| Hyperparameters | Value |\n| :-- | :-- |\n| name | Adam |\n"
    used += "| learning_rate.config.rate | 0.5 |\n| weight_decay | None |\n| amsgrad | False |\n\n"
    card = read(KERAS.format(tags="", hyperparameters=used))
    assert values(card.claims.hyperparameters) == {
        "name": "Adam",
        "learning_rate.config.rate": 0.5,
        "weight_decay": "None",
        "amsgrad": False,
    }


def test_keras_card_of_the_hub_library() -> None:
    """The card of `push_to_hub_keras` is Keras's, and its history by `Epochs` is the training log."""
    text = (
        "---\nlibrary_name: keras\n---\n\n## Training procedure\n\n ## Training Metrics\n\n"
        "| Epochs | Train Loss |\n |--- |--- |\n| 1| 0.5| \n| 2| 0.25| \n"
    )
    card = read(text)
    assert card.kind == "keras"
    assert card.claims.results is not None
    assert [[cell.value for cell in row.cells] for row in card.claims.results.rows] == [[1, 0.5], [2, 0.25]]


def test_best_parameters_of_autotrain() -> None:
    """What AutoTrain found best for a table is hyperparameters; a blank of the template is none."""
    found = read("# x\n## Best Params\n\n- learning_rate: 3e-05\n- booster: gbtree\n").claims.hyperparameters
    assert {name: claim.text for name, claim in found.items()} == {
        "learning_rate": "3e-05",
        "booster": "gbtree",
    }
    blank = "# x\n#### Training Hyperparameters\n\n- **Training regime:** [More Information Needed]\n"
    assert read(blank).claims.hyperparameters == {}

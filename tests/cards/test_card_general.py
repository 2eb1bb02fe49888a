"""What holds for cards without a reader of their own."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from repro.cards import read_card
from repro.records.claims import Claims


def read(text: str) -> Claims:
    return read_card(text, target="card.md").claims


def test_hyperparameters_may_be_a_table() -> None:
    """A two-column table below a heading on hyperparameters states pairs, each on its line."""
    claims = read(
        "## Hyperparameters\n\n| Name | Value |\n|---|---|\n| `seed` | 42 |\n| **lr** | 5e-5 |\n| only |\n"
    )
    assert {name: (c.text, c.value, c.line) for name, c in claims.hyperparameters.items()} == {
        "seed": ("42", 42, 5), "lr": ("5e-5", 5e-05, 6),
    }  # fmt: skip


@pytest.mark.parametrize(
    "caption", ["**Hyperparameters**", "**Our hyperparameters:**", "**SFT hyperparameters**:"]
)
def test_hyperparameters_below_a_caption(caption: str) -> None:
    """A table of hyperparameters may stand below bold text instead of a heading, also on a page."""
    text = f"# x\n\n{caption}\n\n| Parameter | Value |\n|--|--|\n| `beta` | 0.1 |\n| seed | 1 |\n\n"
    text += "Sizes of it\n\n| Set | Rows |\n|--|--|\n| dev | 10 |\n"
    assert {name: (c.text, c.line) for name, c in read(text).hyperparameters.items()} == {
        "beta": ("0.1", 7),
        "seed": ("1", 8),
    }
    page = read(f"<html>{MarkdownIt().enable('table').render(text)}</html>").hyperparameters
    assert {name: c.text for name, c in page.items()} == {"beta": "0.1", "seed": "1"}


@pytest.mark.parametrize(
    "line", ["**Hyperparameters:** see below", "**Notes**", "Hyperparameters are below."]
)
def test_other_lines_are_no_captions(line: str) -> None:
    """Bold text with more behind it, on something else, or prose stands for no heading."""
    assert read(f"# x\n\n{line}\n\n| Parameter | Value |\n|--|--|\n| beta | 0.1 |\n").hyperparameters == {}


def test_subsections_count_and_repetitions_do_not() -> None:
    """A list of all values that repeats the list of the chosen ones adds only the others."""
    text = "### Hyperparameters\n#### Non-Default\n- `seed`: 1\n\n#### All\n- `seed`: 1\n- `fp16`: False\n"
    assert {name: c.line for name, c in read(text).hyperparameters.items()} == {"seed": 3, "fp16": 7}


@pytest.mark.parametrize(
    ("line", "package", "version"),
    [
        ("- Transformers 4.21.2", "transformers", "4.21.2"),
        ("- Transformers: 4.57.1", "transformers", "4.57.1"),
        ("- transformers==4.57.1", "transformers", "4.57.1"),
        ("* **PyTorch:** 2.9.0a0+50eac811a6.nv25.09", "torch", "2.9.0a0+50eac811a6.nv25.09"),
        ("- Pytorch 1.13.0+cu117", "torch", "1.13.0+cu117"),
        ("• Tokenizers: 0.12.1", "tokenizers", "0.12.1"),
        ("- `Datasets` 2.7.1.dev0", "datasets", "2.7.1.dev0"),
        ("- Python: 3.10.12", "python", "3.10.12"),
        ("- TRL: 0.24.0", "trl", "0.24.0"),
        ("- Sentence Transformers: 3.3.1", "sentence-transformers", "3.3.1"),
        ("- Pytorch Lightning 2.0.9", "pytorch-lightning", "2.0.9"),
        ("- pytorch-lightning==2.0.9", "pytorch-lightning", "2.0.9"),
        ("- Accelerate: 1.2.1", "accelerate", "1.2.1"),
    ],
)
@pytest.mark.parametrize("heading", ["### Framework versions\n\n", "## Software\n\n"])
def test_versions_by_package(heading: str, line: str, package: str, version: str) -> None:
    """Versions are found below their heading, or anywhere in a bullet that names a package and a version."""
    assert {name: (c.text, c.value, c.line) for name, c in read(heading + line).versions.items()} == {
        package: (version, version, 3)
    }


@pytest.mark.parametrize(
    "line",
    ["- Datasets 3 splits", "- Transformers", "- Ruby: 3.10.1", "Transformers 4.2.1", "- Torch light"],
)
def test_other_bullets_are_no_versions(line: str) -> None:
    """What is no bullet, no known package or no version is not read as one."""
    assert read(f"# x\n{line}").versions == {}


def test_version_keeps_a_remark_in_its_text() -> None:
    """A remark behind the version is printed text; the value is the version alone."""
    claim = read(
        "### Framework versions\n- Transformers 4.25.1 (from source)\n- Transformers 4.0.0"
    ).versions["transformers"]
    assert (claim.text, claim.value) == ("4.25.1 (from source)", "4.25.1")


def test_metrics_of_a_section() -> None:
    """AutoTrain's section of metrics is the headline, with or without bullets."""
    assert list(read("## Validation Metrics\n\nloss: 0.5\n\n- F1 Macro: 0.25\n").evaluation) == [
        "loss",
        "f1_macro",
    ]


def test_free_text_states_what_it_states() -> None:
    """A text of a few lines gives a name and invents nothing."""
    assert read("# Name\n\nHello | world: this is\na text - nothing else.") == Claims(name="Name")


def test_recipe_stands_in_for_a_list() -> None:
    """Axolotl's recipe states the training's settings only where the card prints no list of its own."""
    settings = "learning_rate: 2e-4\nlora_model_dir: null\nseed: null\nadapter: lora\n"
    recipe = f"axolotl version: `0.4.1`\n```yaml\n{settings}```\n"
    assert {name: (c.text, c.line) for name, c in read(f"# x\n{recipe}").hyperparameters.items()} == {
        "learning_rate": ("2e-4", 4),
        "adapter": ("lora", 7),
    }
    text = f"# x\n{recipe}## Hyperparameters\n- num_epochs: 3\n"
    assert list(read(text).hyperparameters) == ["num_epochs"]


def test_versions_without_bullets() -> None:
    """Below their heading versions may stand in a line, in a sentence of versions, or in a table."""
    text = "## Framework versions\nTransformers 4.21.2, Datasets 2.7.1\n"
    text += "| Package | Version |\n|--|--|\n| PyTorch | 1.13.0 |\n"
    assert {name: (c.text, c.line) for name, c in read(text).versions.items()} == {
        "transformers": ("4.21.2", 2),
        "datasets": ("2.7.1", 2),
        "torch": ("1.13.0", 5),
    }


def test_quantization_is_part_of_the_training() -> None:
    """The list that PEFT prints on quantization is read beside the Trainer's."""
    text = (
        "The following hyperparameters were used during training:\n- seed: 1\n\n"
        "The following `bitsandbytes` quantization config was used during training:\n- load_in_8bit: True\n"
    )
    assert {name: c.value for name, c in read(text).hyperparameters.items()} == {
        "seed": 1,
        "load_in_8bit": True,
    }

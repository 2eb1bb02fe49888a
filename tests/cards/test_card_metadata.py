"""What holds for name, base model, data sets, licence and task."""

from __future__ import annotations

import pytest

from repro.cards.document import Document
from repro.cards.metadata import Metadata, metadata


def read(text: str) -> Metadata:
    return metadata(Document.parse(text))


@pytest.mark.parametrize("key", ["model-index", "model_index"])
def test_model_index_gives_name_and_task(key: str) -> None:
    """The name is model-index's, not the heading's; without a pipeline tag so is the task."""
    found = read(f"---\n{key}:\n- name: 'a'\n  results:\n  - task:\n      name: T\n      type: t\n---\n# b")
    assert (found["name"], found["task"]) == ("a", "t")


def test_pipeline_tag_comes_before_the_index() -> None:
    """The pipeline tag is the task."""
    index = "model-index:\n- results:\n  - task: {type: t}"
    text = f"---\npipeline_tag: fill-mask\n{index}\n---\n## x\n# \n# Name #\n# c"
    assert read(text) == Metadata(name="Name", base_model=None, datasets=(), license=None, task="fill-mask")


@pytest.mark.parametrize(
    "index", ["model-index: x", "model-index: []", "model-index: [[]]", "model-index: [{results: [1]}]"]
)
def test_malformed_index_states_nothing(index: str) -> None:
    """A model-index of another shape is passed over."""
    assert (read(f"---\n{index}\n---\nx")["name"], read(f"---\n{index}\n---\nx")["task"]) == (None, None)


def test_lists_in_the_front_matter() -> None:
    """One base model or several are named in order, and null or None names nothing."""
    found = read(
        "---\nbase_model:\n- a/b\n- c\ndatasets: [null, None, d]\nlicense: no\n---\non the e dataset."
    )
    assert (found["base_model"], found["datasets"], found["license"]) == ("a/b, c", ("d",), "no")


@pytest.mark.parametrize(
    ("sentence", "base", "datasets"),
    [
        ("is a fine-tuned version of [a/b](https://x/a/b) on the squad dataset.", "a/b", ("squad",)),
        ("is a fine-tuned version of [a](x) on the A, the B and the C datasets.", "a", ("A", "B", "C")),
        ("is a fine-tuned version of [a](x) on the A and the B datasets.", "a", ("A", "B")),
        ("is a fine-tuned version of [a](x) on the GLUE MRPC dataset.\nIt achieves", "a", ("GLUE MRPC",)),
        ("is a fine-tuned version of [a](x) on the [d/e](https://y) dataset.", "a", ("d/e",)),
        ("is a fine-tuned version of [a](x) on  the b\n dataset.", "a", ()),
        ("is a fine-tuned version of [a](x) on an unknown dataset.", "a", ()),
        ("is a fine-tuned version of [a](x) on an unkown dataset.", "a", ()),
        ("is a fine-tuned version of [a](x) on the None dataset.", "a", ()),
        ("is a fine-tuned version of [None](x).", None, ()),
        ("was trained from scratch on the b dataset.", None, ("b",)),
        ("was trained from scratch on an unknown dataset.", None, ()),
        (
            "is a fine-tuned version of [a](x) on the private datasets in 2 stages - on a small dataset.",
            "a",
            (),
        ),
        ("is a fine-tuned version of bert-base-uncased on the b dataset.", "bert-base-uncased", ("b",)),
        ("is a Fine-tuned version of bert-base-uncased.\nMore.", "bert-base-uncased", ()),
        ("is a fine-tuned version of our best model.", None, ()),
        (
            r"is a fine-tuned version of [D:\m\x](y) on the /home/data.jsonl dataset.",
            r"D:\m\x",
            ("/home/data.jsonl",),
        ),
    ],
)
def test_generated_sentence(sentence: str, base: str | None, datasets: tuple[str, ...]) -> None:
    """The generated sentence names the base model and the data sets; other wordings are not guessed at."""
    found = read(f"# x\n\nThis model {sentence}\n")
    assert (found["base_model"], found["datasets"]) == (base, datasets)


def test_stated_in_lines_of_their_own() -> None:
    """The lines of the Hub's template name base model and licence where front matter and sentence do not."""
    text = "# x\n- **Finetuned from model [optional]:** [a/b](https://x)\n- **License:** MIT\n"
    found = read(text)
    assert (found["base_model"], found["license"]) == ("a/b", "MIT")
    assert read("- **License:** [More Information Needed]")["license"] is None


def test_card_of_4_6_names_its_data_set() -> None:
    """4.6 prints a list of one data set oddly; the sentence behind it is not taken for its name."""
    text = (
        "is a fine-tuned version of [a](x) on  and the b datasets.\nIt achieves them on the evaluation set:"
    )
    assert read(text)["datasets"] == ("b",)


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("It was fine-tuned using the user/big-t5 model.", "user/big-t5"),
        ("We got it by fine-tuning the `bert-base-cased` model on tweets.", "bert-base-cased"),
        ("Fine-tuned [a/wav](https://x/a/wav) on Turkish with the y data.", "a/wav"),
        ("fine-tuning of a/small on x", "a/small"),
        ("Fine-tuned on [d](https://x/datasets/d) on a laptop", None),
        ("It was fine-tuned using the [d](https://x/datasets/d) model cards.", None),
        ("It was fine-tuned using [LoRA](https://x) on one GPU.", None),
        ("It was fine-tuned using and/or adapters.", None),
        ("---\nmodels:\n- a/b\n---\ntext", "a/b"),
        ("---\nmodels:\n- a/b\nbase_model: c/d\n---\ntext", "c/d"),
    ],
)
def test_base_model_of_people(text: str, base: str | None) -> None:
    """A sentence of people's own names the base model where it says that it is one; else `models` does."""
    assert read(text)["base_model"] == base


@pytest.mark.parametrize(
    ("line", "datasets"),
    [
        ("- **Dataset:** [a/b](https://x) (`c` config), shuffled", ("a/b",)),
        ("- **Datasets:** [a](x), [b](y) and [c](z). From [d](w)", ("a", "b", "c")),
        ("* Dataset: `a`", ("a",)),
        ("**Training dataset**: a, b/c", ("a", "b/c")),
        ("* Dataset: a", ()),
        ("- **Dataset:** Unknown", ()),
        ("- **Dataset:** [More Information Needed]", ()),
        ("Dataset: a collection of tweets", ()),
        ("Dataset size: 10", ()),
        ("## Evaluation\n- **Dataset:** a", ()),
    ],
)
def test_data_set_on_its_line(line: str, datasets: tuple[str, ...]) -> None:
    """A line `Dataset: name` states data sets by their names, unless it is on the evaluation or is prose."""
    assert read(f"# x\n\n{line}\n")["datasets"] == datasets


@pytest.mark.parametrize(
    ("titles", "name"),
    [
        ("# Fine-tune datasets\n# my-bert", "my-bert"),
        ("# Model Trained Using AutoTrain", None),
        ("# Model Card for Model ID", None),
        ("# 🚀 Quick start", None),
        ("# Model Card for my-bert", "Model Card for my-bert"),
        ("# results", "results"),
        ("# test-model\n# b", "test-model"),
    ],
)
def test_title_of_a_section_is_no_name(titles: str, name: str | None) -> None:
    """The name is the first title that does not only name a part of the card or the tool that wrote it."""
    assert read(titles)["name"] == name

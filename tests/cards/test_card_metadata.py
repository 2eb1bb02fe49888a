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

"""What holds for the recognition of a card's kind."""

from __future__ import annotations

import pytest
from card_generator import COMMENT

from repro.cards import read_card
from repro.cards.kinds import READERS
from repro.records.claims import Kind


def front(*lines: str) -> str:
    return "\n".join(["---", *lines, "---", "", "# x"])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (front("tags:", "- generated_from_trainer"), "trainer"),
        (front("tags: generated_from_trainer"), "trainer"),
        (f"{COMMENT}\n\n# x", "trainer"),
        (front("tags: [generated_from_keras_callback]"), "keras"),
        (COMMENT.replace("the Trainer", "Keras"), "keras"),
        (front("library_name: keras"), "keras"),
        (front("library_name: peft", "tags: [generated_from_trainer]"), "peft"),
        (front("tags: ['base_model:adapter:gpt2']"), "peft"),
        ("The following quantization config was used during training:\n- load_in_8bit: True", "peft"),
        (f"{COMMENT}\n\n### Framework versions\n\n- PEFT 0.15.2\n", "peft"),
        (front("library_name: peft", "tags: [trl, sft]"), "trl"),
        ("# x\n\nIt has been trained using [TRL](https://github.com/huggingface/trl).", "trl"),
        ("### Framework versions\r\n\r\n- TRL: 0.24.0\r\n", "trl"),
        (front("library_name: sentence-transformers", "tags: [feature-extraction]"), "sentence-transformers"),
        ("# x\n\nThis is a [sentence-transformers](https://www.SBERT.net) model", "sentence-transformers"),
        (front("library_name: setfit", "tags: [sentence-transformers]"), "setfit"),
        (front("tags: [generated_from_setfit_trainer]"), "setfit"),
        (front("tags: [generated_from_span_marker_trainer]"), "spanmarker"),
        ("# Model Trained Using AutoTrain\n\n- Problem type: Text Classification", "autotrain"),
        ("# x\n\nThe following hyperparameters were used during training:\n- train_batch_size: 8", "other"),
        ("```\nThe following hyperparameters were used during training:\ntrain_batch_size: 8\n```", "other"),
        ("A run\n\nHyperparameters\n• Learning rate: 5e-05\n• Train Batch Size: 32\n", "article"),
        ("# x\n\n• prose only", "other"),
        ("text", "other"),
    ],
)  # fmt: skip
def test_marks_give_the_kind(text: str, kind: Kind) -> None:
    """Each generator is known by its marks, the more specific one first."""
    assert read_card(text, target="card.md").kind == kind


def test_every_kind_has_one_reader_and_the_last_takes_all() -> None:
    """Each kind is read by exactly one reader, and `other` is asked last."""
    kinds = [reader.kind for reader in READERS]
    assert sorted(kinds) == sorted(Kind.__args__)  # type: ignore[attr-defined]
    assert kinds[-1] == "other"

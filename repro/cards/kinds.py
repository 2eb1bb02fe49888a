"""All readers, in the order in which they are asked: the most specific marks first.

A kind that gets a reader of its own replaces its line here; nothing else changes.
"""

from __future__ import annotations

from collections.abc import Callable

from repro.cards.document import Document
from repro.cards.general import GeneralReader
from repro.cards.interface import Reader
from repro.cards.lists import bullet
from repro.cards.trainer import TrainerReader


def marked(
    *, tags: tuple[str, ...] = (), libraries: tuple[str, ...] = (), phrases: tuple[str, ...] = ()
) -> Callable[[Document], bool]:
    """Return a mark: any of these tags, library names or lower-case phrases.

    A tag that ends in a colon stands for all tags that begin so.
    """

    def mark(document: Document) -> bool:
        return (
            any(library in document.words("library_name") for library in libraries)
            or any(phrase in document.lowered for phrase in phrases)
            or any(
                printed.startswith(tag) if tag.endswith(":") else printed == tag
                for printed in document.words("tags")
                for tag in tags
            )
        )

    return mark


def is_article(document: Document) -> bool:
    """Tell whether this is a page's text: typographic bullets that state something, no card's form."""
    if document.meta or document.tables or "•" not in document.lowered:
        return False
    return any(line.lstrip().startswith("•") and ":" in str(bullet(line)) for line in document.lines)


READERS: tuple[Reader, ...] = (
    GeneralReader("setfit", marked(tags=("generated_from_setfit_trainer",), libraries=("setfit",))),
    GeneralReader(
        "spanmarker", marked(tags=("generated_from_span_marker_trainer",), libraries=("span-marker",))
    ),
    GeneralReader(
        "sentence-transformers",
        marked(libraries=("sentence-transformers",), phrases=("this is a [sentence-transformers]",)),
    ),
    GeneralReader("autotrain", marked(tags=("autotrain",), phrases=("# model trained using autotrain",))),
    # These write the Trainer's card with other marks, or did before they had a template of their own.
    TrainerReader(
        "keras",
        marked(tags=("generated_from_keras_callback",), phrases=("the information keras had access to",)),
    ),
    TrainerReader(
        "trl",  # older ones carry the tag of the method alone
        marked(
            tags=("trl", "dpo", "orpo", "kto", "cpo", "grpo"),
            phrases=("trained using [trl]", "\n- trl: "),
        ),
    ),
    TrainerReader(
        "peft",
        marked(
            tags=("base_model:adapter:",),
            libraries=("peft",),
            phrases=("quantization config was used during training", "\n- peft "),
        ),
    ),
    TrainerReader(
        "trainer",  # people remove the tag or the comment
        marked(
            tags=("generated_from_trainer",),
            phrases=("the information the trainer had access to",),
        ),
    ),
    GeneralReader("article", is_article),
    GeneralReader("other", lambda _: True),
)

"""All readers, in the order in which they are asked: the most specific marks first.

A kind that gets a reader of its own replaces its line here; nothing else changes.
"""

from __future__ import annotations

from collections.abc import Callable

from repro.cards.document import Document
from repro.cards.general import GeneralReader
from repro.cards.interface import Reader
from repro.cards.names import hyperparameter
from repro.cards.trainer import TrainerReader


def marked(
    *,
    tags: tuple[str, ...] = (),
    libraries: tuple[str, ...] = (),
    phrases: tuple[str, ...] = (),
    within: str = "",
) -> Callable[[Document], bool]:
    """Return a mark: any of these tags, library names or lower-case phrases.

    A tag that ends in a colon stands for all tags that begin so. `within` is what all the phrases hold and
    few cards do: looking through a text takes time, and what several marks share is looked for once.
    """
    beginnings = tuple([tag for tag in tags if tag.endswith(":")])

    def mark(document: Document) -> bool:
        if not document.libraries.isdisjoint(libraries) or not document.tags.isdisjoint(tags):
            return True
        if beginnings and any(tag.startswith(beginnings) for tag in document.tags):
            return True
        if not within or document.prints(within):
            for phrase in phrases:
                if document.prints(phrase):
                    return True
        return document.origin is not None and _marked_page(document, tags, phrases)

    return mark


_from_trainer = marked(  # people remove the tag or the comment
    tags=("generated_from_trainer",), phrases=("the information the trainer had access to",)
)


_MAX_ITEMS = 1_000  # that are looked at for names in words
_NO_LINK = str.maketrans("", "", "[]")


def _marked_page(document: Document, tags: tuple[str, ...], phrases: tuple[str, ...]) -> bool:
    """Tell whether a page shows the marks: of the front matter only tags are left, of a link its text."""
    return any(phrase.translate(_NO_LINK) in document.lowered for phrase in phrases) or any(
        tag in document.marks for tag in tags if tag.startswith("generated_from_")
    )


def is_trainer(document: Document) -> bool:
    """Tell whether the Trainer wrote this.

    A page shows neither its comment nor its tags: there its sentence and its names tell. A Markdown card that
    kept those alone was written anew around a copied list, and is `other`.
    """
    used = "following hyperparameters were used during training"
    return _from_trainer(document) or (
        document.origin is not None and used in document.lowered and "train_batch_size" in document.lowered
    )


def is_article(document: Document) -> bool:
    """Tell whether this is an article: typographic bullets, aligned columns, or names in words."""
    if document.front_matter:
        return False
    if any("|" not in document.lines[at] for at in document.tables) and "<table" not in document.marks:
        return True
    if any(line.lstrip().startswith("•") and ":" in line for line in document.lines if "•" in line):
        return True
    if document.headings and document.origin is None:
        return False
    return len({hyperparameter(item.name) for item in document.items[:_MAX_ITEMS]} - {None}) > 1


READERS: tuple[Reader, ...] = (
    GeneralReader(
        "setfit",
        marked(
            tags=("generated_from_setfit_trainer",),
            libraries=("setfit",),
            phrases=("this is a [setfit]",),
            within=" [s",
        ),
    ),
    GeneralReader(
        "spanmarker",
        marked(
            tags=("generated_from_span_marker_trainer",),
            libraries=("span-marker",),
            phrases=("this is a [spanmarker]",),
            within=" [s",
        ),
    ),
    GeneralReader(
        "autotrain",
        marked(tags=("autotrain",), phrases=("# model trained using autotrain",), within="trained using "),
    ),
    GeneralReader(
        "sentence-transformers",
        marked(
            libraries=("sentence-transformers",),
            phrases=("this is a [sentence-transformers]", "using the [sentence-transformers]"),
            within=" [s",
        ),
    ),
    # These write the Trainer's card with other marks, or did before they had a template of their own.
    TrainerReader(
        "keras",
        marked(
            tags=("generated_from_keras_callback",),
            libraries=("keras",),  # huggingface_hub's
            phrases=("the information keras had access to",),
        ),
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
    TrainerReader("trainer", is_trainer),
    GeneralReader("article", is_article),
    GeneralReader("other", lambda _: True),
)

"""The reader for every card without one of its own, from the parts that nearly all cards share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter

from repro.cards.code import Stated
from repro.cards.document import Document
from repro.cards.evaluation import evaluation
from repro.cards.interface import Reader
from repro.cards.lists import Item, all_items, bullet, claims, lists_below
from repro.cards.metadata import metadata
from repro.cards.names import NAMES, hyperparameter, in_words
from repro.cards.values import plain, snake
from repro.records.claims import Claim, Claims, Kind

#: Printed name in lower case to the package's name.
PACKAGES = {
    "transformers": "transformers",
    "pytorch": "torch",
    "torch": "torch",
    "pytorch lightning": "pytorch-lightning",
    "pytorch-lightning": "pytorch-lightning",
    "tensorflow": "tensorflow",
    "datasets": "datasets",
    "tokenizers": "tokenizers",
    "peft": "peft",
    "accelerate": "accelerate",
    "trl": "trl",
    "sentence transformers": "sentence-transformers",
    "sentence-transformers": "sentence-transformers",
    "setfit": "setfit",
    "spanmarker": "span-marker",
    "keras": "keras",
    "jax": "jax",
    "flax": "flax",
    "bitsandbytes": "bitsandbytes",
    "deepspeed": "deepspeed",
    "evaluate": "evaluate",
    "unsloth": "unsloth",
    "adapters": "adapters",
    "python": "python",
}
_VERSION = re.compile(
    r"([A-Za-z][A-Za-z _-]{0,40}?)(?: version)?[`*]*(?:\s*(?::|==?)\s*|\s+)[`*]*\s*"
    r"(v?[0-9]+\.[0-9][^`]{0,100})`?",
    re.IGNORECASE,
)
_MAX_KEPT = 60  # characters of a text that is kept in memory
_COMMA = re.compile(r"[,;] ")
_TIMES = frozenset({"epoch", "epochs", "step"})
_NOT_STATED = "[More Information Needed]"  # in the Hub's template for cards
_SENTENCE = "following hyperparameters were used"
#: What of a recipe for axolotl makes a training, where the card prints no list of its own.
_RECIPE = frozenset(
    {
        "learning_rate", "micro_batch_size", "eval_batch_size", "gradient_accumulation_steps", "num_epochs",
        "max_steps", "optimizer", "lr_scheduler", "warmup_steps", "warmup_ratio", "weight_decay", "seed",
        "sequence_len", "adapter", "lora_r", "lora_alpha", "lora_dropout", "load_in_8bit", "load_in_4bit",
    }
)  # fmt: skip
#: What else `TrainingArguments` and its subclasses, and LoRA's configuration, are told about a training.
_ARGUMENTS = _RECIPE | {
    "adam_beta1", "adam_beta2", "adam_epsilon", "beta", "bf16", "fp16", "gradient_checkpointing", "lr",
    "lr_scheduler_kwargs", "max_grad_norm", "max_completion_length", "max_length",
    "max_prompt_length", "max_seq_length",
    "neftune_noise_alpha", "num_generations", "optim", "packing", "per_device_eval_batch_size",
    "per_device_train_batch_size",
}  # fmt: skip
_LEAST_ARGUMENTS = 2  # in a block that may be any program


@dataclass(frozen=True)
class GeneralReader(Reader):
    """Reads whatever sections, lists and tables a card has, by their titles.

    Attributes:
        kind: The kind of card.
        mark: Tells whether a document is of that kind.
    """

    kind: Kind
    mark: Callable[[Document], bool]

    def recognises(self, document: Document) -> bool:
        """Tell whether the card carries this kind's marks."""
        return self.mark(document)

    def read(self, document: Document) -> Claims:
        """Return what the sections of the card state."""
        return assemble(
            document,
            hyperparameters=self.hyperparameters(document),
            results=training_log(document),
        )

    def hyperparameters(self, document: Document) -> dict[str, Claim]:
        """Read the sections on hyperparameters, else the announced list, else known names, else a recipe.

        Known names are read from lists and, in sections on the training and in arguments of it, from code.
        """
        found = _sections(document) or _announced(document) or _known(document)
        return claims(self._renamed(found) if found else _recipe(document))

    def _renamed(self, items: Iterable[Item]) -> list[Item]:
        """Give names that are written in words the names that generators print."""
        renamed: list[Item] = []
        for item in items:
            name = item.name
            if name not in NAMES:
                if item.text == _NOT_STATED:
                    continue
                if name.lower() in PACKAGES and _VERSION.fullmatch(f"{name} {item.text}"):
                    continue  # a list of everything, versions among it
                if in_words(name):
                    name = hyperparameter(name) or (snake(name) if self.kind == "article" else name)
                    item = Item(name, item.text, item.line)
            renamed.append(item)
        return renamed


def assemble(document: Document, *, hyperparameters: dict[str, Claim], results: int | None) -> Claims:
    """Put the claims together: what is read alike from every card, and what the reader found."""
    stated = versions(document)
    lines = {claim.line for group in (hyperparameters, stated) for claim in group.values()}
    return Claims(
        **metadata(document),
        hyperparameters=hyperparameters,
        versions=stated,
        evaluation=evaluation(document, besides=lines),
        results=None if results is None else document.tables[results],
        tables=tuple([document.tables[at] for at in sorted(document.tables) if at != results]),
    )


def _sections(document: Document) -> list[Item]:
    """Read the sections on hyperparameters: their bullets, bare pairs and two-column tables."""
    items: list[Item] = []
    for span in document.sections("hyperparameters"):
        items += all_items(
            document.lines,
            document.pairs,
            span,
            is_name=lambda name: name.isidentifier() or hyperparameter(name),
        )
        for at in document.tables_in(span):
            for row in document.tables[at].rows:
                if len(document.tables[at].columns) == 2 == len(row.cells) and row.cells[0].text:
                    items.append(Item(plain(row.cells[0].text), row.cells[1].text, row.line))
        for block in document.code_in(span):
            lines = [line for line in document.text[block.start : block.stop] if line.strip()]
            if all(bullet(line) is not None for line in lines):
                items += all_items(document.text, {}, block)
            else:
                stated = document.read_code(block)
                items += stated.called or stated.items
    return items


def _announced(document: Document) -> list[Item]:
    return lists_below(document.lines, document.pairs, document.mentions(_SENTENCE))


def _known(document: Document) -> list[Item]:
    found = [item for item in document.items if hyperparameter(item.name)]
    if not document.blocks:
        return found
    if "arguments(" in document.lowered or "config(" in document.lowered:
        for block in document.blocks:
            found += document.read_code(block).called
    called = {item.line for item in found}
    for block in document.code_on_training():
        items = _arguments(document.read_code(block))
        if len(items) >= _LEAST_ARGUMENTS:
            found += [item for item in items if item.line not in called]
    return sorted(found, key=attrgetter("line"))


def _arguments(stated: Stated) -> list[Item]:
    """Return what of a block are arguments of a training, by their names."""
    return [item for item in stated.items if item.name in _ARGUMENTS or hyperparameter(item.name)]


def _recipe(document: Document) -> list[Item]:
    """Read the recipe that axolotl pastes into its cards."""
    items: list[Item] = []
    for start in document.mentions("axolotl version:")[:1]:
        for i in range(start + 2, len(document.text)):
            if document.text[i].startswith("```"):
                break
            name, _, text = document.text[i].partition(": ")
            if name in _RECIPE and text.strip() not in ("", "null"):
                items.append(Item(name, text.strip(), i + 1))
    return items


def training_log(document: Document) -> int | None:
    """Return where the table of losses by epoch or step stands, first below «Training results»."""
    tables = document.tables.items()
    timed = {at for at, table in tables if not _TIMES.isdisjoint(table.columns)}
    losses = {at for at, table in tables if "loss" in "\n".join(table.columns)}
    for span in document.sections("training log"):
        for at in document.tables_in(span):
            if at in timed or at in losses:
                return at
    return min(timed & losses, default=None)


def versions(document: Document) -> dict[str, Claim]:
    """Read the versions from their section, else from lines anywhere that name a known package."""
    titled = [i for span in document.sections("versions") for i in span]
    found = _versions(document, titled, titled=True)
    if not found and any(name in document.lowered for name in PACKAGES):
        found = _versions(document, range(len(document.lines)), titled=False)
    return found


def _versions(document: Document, indices: Iterable[int], *, titled: bool) -> dict[str, Claim]:
    found: dict[str, Claim] = {}
    for i in indices:
        line = document.lines[i]
        if "." not in line or len(line) > 300:
            continue
        content = bullet(line)
        if content is None and (titled or i in document.pairs):
            content = line.strip().removeprefix("|")
            content = content.replace("|", " ").strip()
        if not content:
            continue
        for part in _COMMA.split(content) if ", " in content or "; " in content else (content,):
            package, text, bare = _version(part) if len(part) <= _MAX_KEPT else _version.__wrapped__(part)
            if package and package not in found:
                found[package] = Claim(text=text, value=bare, line=i + 1)
    return found


@lru_cache(maxsize=1_000)  # cards share their versions
def _version(printed: str) -> tuple[str | None, str, str]:
    """Return the package that a text names (or None), its version as printed, and the bare version."""
    found = _VERSION.fullmatch(printed.strip("`*. "))
    if not found:
        return None, "", ""
    text = found[2].strip()
    return PACKAGES.get(found[1].lower()), text, text.split()[0]

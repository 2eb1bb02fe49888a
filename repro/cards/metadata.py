"""Name, base model, data sets, licence and task: the front matter first, then the generated sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TypedDict

from repro.cards.document import Document
from repro.cards.lists import bullet
from repro.records.card import Node

_BASE = re.compile(
    r"fine-?tuned (?:version of|from) (?:\[([^\]]{1,300})\]"
    # without a link: one word, at the end or before its data, or one that is no word of English
    r"|`?([\w./\\:-]{1,200})`?(?= on |\s*$)|`?([\w.]{0,99}[-/_][\w./-]{1,100})`?(?=[ ,]))",
    re.IGNORECASE | re.MULTILINE,
)
#: What people state in a line of its own, as the Hub's template for cards has it.
_STATED = re.compile(
    r"\W*(fine-?tuned from(?: model)?|base model|license|model name|problem type)(?: \[optional\])?"
    r"[*_`]*\s*:[*_`]*\s*"
    r"(?:\[([^\]]{1,200})\]\(.*|`?([\w./\\:-][\w./\\: -]{0,100})`?)\s*",
    re.IGNORECASE,
)
_MAX_STATED = 50
_ON = re.compile(
    r"(?:fine-?tuned (?:version of|from)|trained from scratch)\b.*? on (an? |the | and the )", re.IGNORECASE
)
_LINK = re.compile(r"\[([^\]]{1,300})\]\([^)\s]{0,500}\)")
_MODEL = re.compile(r"[\w.]+(?:[-/][\w.]+)+")
_NOTHING = frozenset({"", "None", "unknown", "unkown"})
_MAX_SENTENCE = 2_000


class Metadata(TypedDict):
    """The part of the claims that does not depend on the kind of card."""

    name: str | None
    base_model: str | None
    datasets: tuple[str, ...]
    license: str | None
    task: str | None


def metadata(document: Document) -> Metadata:
    """Read what a card says about the model rather than about the training.

    Several base models or licences in the front matter are joined by `, ` in their order.
    """
    sentence = next(_sentences(document), "")
    return Metadata(
        name=_name(document),
        base_model=", ".join(_named(document.words("base_model")))
        or _base_model(sentence)
        or _stated(document, "tuned from", "base model"),
        datasets=_named(document.words("datasets")) or _datasets(sentence),
        license=", ".join(document.words("license")) or _stated(document, "license"),
        task=next(iter(document.words("pipeline_tag")), None)
        or _task(document)
        or _stated(document, "problem type"),
    )


def _sentences(document: Document) -> Iterator[str]:
    """Yield the paragraphs that say what was trained."""
    for phrase in (
        "fine-tuned version of",
        "finetuned version of",
        "trained from scratch",
        "fine-tuned from",
    ):
        for i in document.mentions(phrase):
            lines = [document.lines[i]]
            for line in document.lines[i + 1 : i + 4]:
                if not line.strip() or bullet(line) is not None or line.startswith(("#", "|")):
                    break
                lines.append(line)
            yield "\n".join(lines)[:_MAX_SENTENCE]


def _name(document: Document) -> str | None:
    titles = (heading.title for heading in document.headings if heading.level == 1)
    indexed = _dig(_index(document), "name")
    named = indexed or next(iter(document.words("model_name")), None) or next(titles, None)
    if named is None and not document.headings:  # an article, which may begin with the name
        first = next((line.strip() for line in document.lines if line.strip()), "")
        named = first if _MODEL.fullmatch(first) else _stated(document, "model name")
    return named


def _stated(document: Document, *phrases: str) -> str | None:
    """Return what a line such as `- **Finetuned from model:** x` states."""
    for phrase in phrases:
        for i in document.mentions(phrase)[:_MAX_STATED]:
            found = _STATED.fullmatch(document.lines[i]) if len(document.lines[i]) < _MAX_SENTENCE else None
            if found and phrase in found[1].lower():
                name = (found[2] or found[3]).strip()
                return None if name in _NOTHING or name.lower() == "more information needed" else name
    return None


def _task(document: Document) -> str | None:
    results = _first(_index(document).get("results"))
    task = results.get("task")
    return _dig(task, "type") if isinstance(task, dict) else None


def _index(document: Document) -> dict[str, Node]:
    """Return the first model of `model-index`, which 4.7 to 4.9 call `model_index`."""
    return _first(document.meta.get("model-index") or document.meta.get("model_index"))


def _first(node: Node) -> dict[str, Node]:
    first = node[0] if isinstance(node, list) and node else None
    return first if isinstance(first, dict) else {}


def _dig(node: dict[str, Node], key: str) -> str | None:
    text = node.get(key)
    return text if isinstance(text, str) and text else None


def _base_model(sentence: str) -> str | None:
    found = _BASE.search(sentence)
    name = (found[1] or (found[2] or found[3]).rstrip(".")).strip() if found else ""
    return None if name in _NOTHING else name


def _datasets(sentence: str) -> tuple[str, ...]:
    """Read `on the A dataset.` and `on the A, the B and the C datasets.`, nothing worded otherwise."""
    found = _ON.search(sentence)
    if not found or not found[1].endswith("the "):  # 4.6 prints `on  and the A datasets.`
        return ()
    names, _, rest = _LINK.sub(r"\1", sentence[found.end() :]).partition(" dataset")
    if rest[:1] == "s" and rest[1:2] in {"", ".", "\n"}:
        most, _, last = names.rpartition(" and the ")
        parts = [*most.split(", the "), last]
    elif rest[:1] in {"", ".", "\n"}:
        parts = [names]
    else:
        return ()
    return _named(part.strip() for part in parts)


def _named(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in _NOTHING)

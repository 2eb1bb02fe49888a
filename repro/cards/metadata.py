"""Name, base model, data sets, licence and task: the front matter first, then the generated sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TypedDict

from repro.cards.document import Document
from repro.cards.lists import bullet
from repro.cards.values import plain
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
_MAX_TITLE = 100
_MAX_LABEL = 40
_MAX_MARKS = 15  # characters of `datasets**:`, with room
_WORD = re.compile(r"\w[\w-]*")
#: A base model in prose: a link, a code span or a Hub id, with what says that it is a model.
_PROSE = re.compile(
    r"fine-?tun(?:ed|ing) (?:(?:using|with|on top of) (?:the |an? )?(?=\S+ (?:base )?(?:model|checkpoint)\b)"
    r"|(?:of )?(?:the )?(?=\S+ (?:(?:base )?(?:model|checkpoint)|on)\b))"
    r"(?:\[([^\]\s]{1,300})\]\((?![^)\s]{0,200}/datasets/)"
    r"|`([^`\s]{1,200})` |([\w.-]{1,100}/[\w.-]{1,100}) )",
    re.IGNORECASE,
)
#: The line in which people name the data set: links, code spans or words, several of them after commas.
_DATASET = re.compile(
    r"\W*(?:train(?:ing)? |fine-?tuning )?datasets?[*_`]*\s*:[*_`]*\s*"
    r"(?:((?:(?:, | and )?\[[^\]]{1,200}\]\([^)\s]{0,500}\))+).*|((?:(?:, )?`[^`]{1,200}`)+).*"
    r"|([a-z][\w./-]{0,200}(?:, [a-z][\w./-]{0,200})*)\s*)",
    re.IGNORECASE,
)
_NO_DATASET = frozenset({"unknown", "none", "n/a", "tbd", "custom", "private", "yes", "no"})
_ON = re.compile(
    r"(?:fine-?tuned (?:version of|from)|trained from scratch)\b.*? on (an? |the | and the )", re.IGNORECASE
)
_LINK = re.compile(r"\[([^\]]{1,300})\]\([^)\s]{0,500}\)")
_SPAN = re.compile(r"\[([^\]]+)\]\([^)\s]*\)|`([^`]+)`|([^\s,`\[\]]+)")
#: The words of titles that name a part of a card, or the tool that wrote it, and not the model.
_TITLES = frozenset(
    {
        "about", "abstract", "and", "autotrain", "background", "bias", "card", "citation", "data", "dataset",
        "datasets", "demo", "description", "details", "disclaimer", "evaluation", "example", "examples",
        "fine", "fine-tune", "fine-tuned", "fine-tuning", "finetuning", "for", "framework", "getting", "how",
        "hyperparameters", "id", "information", "installation", "intended", "introduction", "license",
        "limitations", "metrics", "model", "models", "news", "of", "overview", "parameters", "performance",
        "procedure", "quick", "quickstart", "readme", "requirements", "results", "risks", "start", "started",
        "summary", "test", "the", "this", "to", "train", "trained", "training", "tuning", "update", "updates",
        "usage", "use", "uses", "using", "validation", "versions",
    }
)  # fmt: skip
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
        or _stated(document, "tuned from", "base model")
        or ", ".join(_named(document.words("models")))
        or _in_prose(document),
        datasets=_named(document.words("datasets")) or _datasets(sentence) or _listed(document),
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
        for i in document.each_mention(phrase):
            lines = [document.lines[i]]
            for line in document.lines[i + 1 : i + 4]:
                if not line.strip() or bullet(line) is not None or line.startswith(("#", "|")):
                    break
                lines.append(line)
            yield "\n".join(lines)[:_MAX_SENTENCE]


def _name(document: Document) -> str | None:
    titles = (
        heading.title
        for heading in document.headings
        if heading.level == 1 and not _is_section(heading.title)
    )
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


def _is_section(title: str) -> bool:
    """Tell whether a title names a part of a card; one word in lower case may be a model's name."""
    words = _WORD.findall(title.lower()[:_MAX_TITLE])
    return _TITLES.issuperset(words) and (len(words) > 1 or not title.islower())


def _in_prose(document: Document) -> str | None:
    """Return the base model that a sentence names which no generator wrote."""
    for phrase in ("fine-tun", "finetun"):
        for i in document.mentions(phrase)[:_MAX_STATED]:
            if found := _PROSE.search(document.lines[i][:_MAX_SENTENCE]):
                return plain(found[1] or found[2] or found[3])
    return None


def _listed(document: Document) -> tuple[str, ...]:
    """Return the data sets that a line such as `- **Dataset:** x` states, if it is not on the evaluation."""
    text, at = document.lowered, document.body[1]
    while (at := text.find("dataset", at)) >= 0 and ":" not in text[at : at + _MAX_MARKS]:
        at += 1
    if at < 0:  # soon told, and true of nearly all cards
        return ()
    for i in document.mentions("dataset")[:_MAX_STATED]:
        line = document.lines[i]
        named = 0 < line.find(":") < _MAX_LABEL and len(line) < _MAX_SENTENCE
        found = _DATASET.fullmatch(line) if named else None
        # Words alone name a data set where its label is in bold type, which a page does not show.
        plainly = found and found[3] and "*" not in line[:_MAX_LABEL].lstrip("* ") and document.origin is None
        if found and not plainly and not any(i in span for span in document.sections("evaluation")):
            names = [
                one or two or three for one, two, three in _SPAN.findall(found[1] or found[2] or found[3])
            ]
            return tuple([name for name in map(plain, names) if name.lower() not in _NO_DATASET | {"and"}])
    return ()


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

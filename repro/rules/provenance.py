"""RD5xx: what a model was made of, and under which licence: data sets, base model, licences."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from packaging.version import InvalidVersion, Version

from repro.facts.hub_vocabulary import vocabulary
from repro.facts.licences import (
    BaseLicence,
    base_licence,
    canonical,
    identifiers,
    recognise,
    suggest,
    terms,
)
from repro.records.card import Card, FrontMatter
from repro.records.claims import Claims
from repro.rules.interface import Found, Rule, Severity, rule
from repro.rules.metadata import MOST, capped, place, stands_in, texts
from repro.rules.safety import shown
from repro.rules.subject import Context, Sentence, line_at

_UNNAMED = re.compile(r"on\s(?:the|an?)\s(None|none|unknown|unkown)\sdata ?set")
# Cards of these generators say "on the … dataset" where they were told, and nothing where they were not.
_SILENT_KINDS = frozenset({"trl", "peft"})
_DATA_SAID = re.compile(r"data(?:set(?!s?:? ?[0-9])|_|\b)")
_ON_DATA = re.compile(r"on\sthe\s([\w./-]{2,100})(?:\s(-\s)?([\w.-]{1,40}))?\sdata ?set\b")
_WORDS, _DIGITS = re.compile(r"[^\W\d_]{3,}"), re.compile(r"[0-9]+")
# Codes of one language, or of languages that are often written under one code.
_KIN = tuple(map(frozenset, (("no", "nb", "nn"), ("sh", "sr", "hr", "bs"), ("id", "ms", "in"), ("he", "iw"))))
_NOTHING = frozenset({"none", "null", "unknown", "unkown", "nan", "n/a", "undefined"})
_ADDRESS = ("http://", "https://")
_LOADERS = frozenset(
    {"json", "csv", "text", "parquet", "arrow", "pandas", "generator", "imagefolder", "audiofolder",
     "data", "dataset", "custom", "custom_dataset", "my_dataset"}
)  # fmt: skip
_LONGEST_NAME = 100  # characters of a name that is remembered
_PATH = re.compile(r"[/\\~]|\.\.?[/\\]|[A-Za-z]:[/\\]|[A-Za-z]:$")
_FILE = re.compile(
    r"\.(?:jsonl?|csv|tsv|txt|parquet|arrow|pkl|zip|gz|pt|bin|safetensors|ckpt)$", re.IGNORECASE
)
# First parts of paths that no owner on the Hub is called by.
_FOLDERS = frozenset(
    {"model", "models", "output", "outputs", "result", "results", "checkpoint", "checkpoints",
     "save", "saved", "saves", "ckpt", "ckpts", "run", "runs", "tmp", "temp", "home", "workspace",
     "mnt", "content", "kaggle", "root", "data", "local", "weights", "pretrained"}
)  # fmt: skip
_ON_HUB = re.compile(r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/+", re.IGNORECASE)
_LICENCE_LINE = re.compile(r"[\s>*_-]{0,8}licen[sc]e[*_]{0,3}\s?[:=][*_]{0,3}\s{0,3}(.{1,80})", re.IGNORECASE)
_LINK = re.compile(r"\[([^\]]{1,80})\]\([^)]{0,300}\)")
_SIZE = re.compile(r"Size: ([0-9,]{1,15}) (training|evaluation) samples")
_TRAIN = re.compile(r"train(?:\[[^\]]{0,40}\])?")
_FIRST_RIGHT = Version("4.26")  # transformers: model-index names the evaluation set from here on


def is_path(name: str) -> bool:
    r"""Tell whether a name is a place on somebody's machine rather than a repository on the Hub.

    >>> is_path("./save/t5"), is_path(r"D:\Model\bloom"), is_path("google/flan-t5-base")
    (True, True, False)
    """
    return _is_path(name) if len(name) <= _LONGEST_NAME else _is_path.__wrapped__(name)


@lru_cache(4096)
def _is_path(name: str) -> bool:
    if name.startswith(_ADDRESS):
        return False
    if _PATH.match(name) or "\\" in name or name.count("/") > 1 or _FILE.search(name[-20:]):
        return True
    return "/" in name and name.split("/", 1)[0].lower() in _FOLDERS


@rule("RD501", "note")
def data_unnamed(card: Card, sentence: Sentence, claims: Claims, lowered: str) -> Sequence[Found]:
    """The card does not say which data the model was trained on.

    "An unknown dataset" (spelt `unkown` up to transformers 4.9) is what the generator writes when it is not
    told. "The None dataset" is a warning: the word None got into the card as if it were a name. TRL's and
    PEFT's templates leave the data out of the sentence; that is found where neither the front matter nor any
    line of the card speaks of data.

    Why it matters:
        Without its data a training can be neither repeated nor judged.

    How to mend:
        Name the data set, with a link where it is public and a description where it is not.

        The generator takes the name from `dataset=` of `Trainer.create_model_card` or `push_to_hub`.

    Before:
        # issues-128

        This model is a fine-tuned version of [bert-base-uncased](https://huggingface.co/bert-base-uncased) on
        the None dataset.

    After:
        # issues-128

        This model is a fine-tuned version of [bert-base-uncased](https://huggingface.co/bert-base-uncased) on
        the github-issues dataset.
    """
    found = _UNNAMED.search(sentence.text)
    if not found:
        if card.kind in _SILENT_KINDS and not claims.datasets and not _speaks_of_data(lowered):
            message = "no data set is named, neither in the front matter nor in the text"
            return [Found(message, sentence.line, {"word": None, "datasets": []})]
        return ()
    word = found[1]
    named = f", although the front matter names {shown(claims.datasets[0])}" if claims.datasets else ""
    none = word.lower() == "none"
    return [
        Found(
            (f"«the {word} dataset»: a data set called None" if none else f"trained on an {word} dataset")
            + named,
            sentence.line,
            {"word": word, "datasets": [shown(name) for name in claims.datasets[:MOST]]},
            severity="warning" if none else None,
        )
    ]


@rule("RD502", "error")
def data_null(front_matter: FrontMatter, keys: Mapping[str, Sequence[int]]) -> Sequence[Found]:
    """A data set in the front matter is null, or called None.

    The generator wrote `datasets: - null` where it was given no name (transformers' issue 13528). The words
    None and unknown as a name are warnings.

    Why it matters:
        The Hub refuses the card: a data set's name must be a text. The push fails after the training.

    How to mend:
        Name the data set as on the Hub, or take the item out.

    Before:
        ---
        datasets:
        - null
        ---

        # issues-128

    After:
        ---
        datasets:
        - squad
        ---

        # issues-128
    """
    node = front_matter.data.get("datasets")
    items = node if isinstance(node, list) else [node] if node is not None else []
    nulls = sum(item is None for item in items)
    found: list[Found] = []
    if nulls:
        found.append(
            Found(
                f"{nulls} of {len(items)} data sets {'is' if nulls == 1 else 'are'} null",
                place(front_matter, keys, "datasets", "null"),
                {"null": nulls, "datasets": len(items)},
            )
        )
    found += [
        Found(
            f"a data set is called {shown(name)}",
            place(front_matter, keys, "datasets", name),
            {"dataset": shown(name)},
            severity="warning",
        )
        for name in dict.fromkeys(texts(node))  # there are few such words
        if name.lower() in _NOTHING
    ]
    return found


@rule("RD503", "warning")
def data_local(card: Card, claims: Claims) -> Sequence[Found]:
    """A data set is named by a place on the author's machine.

    A path or a file is nobody else's. The name of a loader (`json`, `csv`, `imagefolder`), or just `data`, is
    a note: it says how the data were read and not what they are.

    Why it matters:
        Nobody can get the data by that name; a path also tells the author's user name and folders.

    How to mend:
        Publish the data set and name it as on the Hub, or describe it in words.

    Before:
        ---
        datasets:
        - /home/me/issues/train.jsonl
        ---

        # issues-128

    After:
        ---
        datasets:
        - me/github-issues
        ---

        # issues-128
    """
    wrong = [name for name in claims.datasets if name.lower() in _LOADERS or is_path(name)]
    found: list[Found] = []
    for name, more in capped(wrong):
        loader = name.lower() in _LOADERS
        what = "a loader's name or no name at all" if loader else "a place on somebody's machine"
        found.append(
            Found(
                f"the data set {shown(name)} is {what}{more}",
                _line_of(card, name),
                {"dataset": shown(name)},
                severity="note" if loader else None,
            )
        )
    return found


@rule("RD504", "warning")
def base_local(card: Card, claims: Claims) -> Sequence[Found]:
    """The base model is named by a place on the author's machine.

    transformers and its relatives write the folder that the model was loaded from (transformers' issues
    28482, 32212 and 33922). An address instead of a name is a note.

    Why it matters:
        Which model was trained on is not known, and the link to the Hub leads nowhere.

    How to mend:
        Write the model's name on the Hub, e.g. `google-bert/bert-base-uncased`, and the same in the text.

    Before:
        ---
        base_model: /home/me/models/Llama-3.2-3B
        ---

        # issues-128

    After:
        ---
        base_model: meta-llama/Llama-3.2-3B
        ---

        # issues-128
    """
    wrong = [name for name in _bases(card, claims) if name.startswith(_ADDRESS) or is_path(name)]
    found: list[Found] = []
    for name, more in capped(wrong):
        address = name.startswith(_ADDRESS)
        what = "an address, not a name" if address else "a place on somebody's machine"
        found.append(
            Found(
                f"the base model {shown(name)} is {what}{more}",
                _line_of(card, name),
                {"base_model": shown(name)},
                severity="note" if address else None,
            )
        )
    return found


@rule("RD505", "warning")
def base_nothing(sentence: Sentence) -> Sequence[Found]:
    """The card says "a fine-tuned version of" and names nothing.

    Generators write `[None](https://huggingface.co/None)` or an empty link where the model came from memory.

    Why it matters:
        A fine-tune without its base model cannot be trained again, and its licence is not known.

    How to mend:
        Name the base model in the sentence and as `base_model` in the front matter.

    Before:
        # issues-128

        This model is a fine-tuned version of [None](https://huggingface.co/None).

    After:
        # issues-128

        This model is a fine-tuned version of [gpt2](https://huggingface.co/gpt2).
    """
    if sentence.base and ((name := sentence.base[0]) == "" or name.lower() in _NOTHING):
        return [
            Found(
                "a fine-tuned version of " + (f"«{shown(name)}»" if name else "nothing: the name is empty"),
                sentence.line,
                {"named": shown(name)},
            )
        ]
    return ()


@rule("RD506", "warning")
def base_differs(
    front_matter: FrontMatter, keys: Mapping[str, Sequence[int]], sentence: Sentence
) -> Sequence[Found]:
    """The base model in the front matter is not the one in the text.

    Or the text says "trained from scratch", which the generator writes where it lost the base model's name.
    Old and new names of one model (`bert-base-uncased`, `google-bert/bert-base-uncased`), copies by another
    owner and quantized versions count as the same.

    Why it matters:
        One of the two is untrue, and a training that starts from the wrong weights reproduces nothing.

    How to mend:
        Write the model that the training started from in both places.

    Before:
        ---
        base_model: ntu-spml/distilhubert
        ---

        # issues-128

        This model was trained from scratch on an unknown dataset.

    After:
        ---
        base_model: ntu-spml/distilhubert
        ---

        # issues-128

        This model is a fine-tuned version of [ntu-spml/distilhubert](https://huggingface.co/ntu-spml/distilhubert)
        on an unknown dataset.
    """
    stated = [name for name in texts(front_matter.data.get("base_model")) if name.lower() not in _NOTHING]
    if not stated or any(map(is_path, stated)):
        return ()  # of a folder the generator says "from scratch" too; RD504 has it
    line = place(front_matter, keys, "base_model")
    if sentence.from_scratch:
        return [
            Found(
                f"base_model is {shown(stated[0])}, but line {sentence.line} says trained from scratch",
                line,
                {"base_model": [shown(name) for name in stated[:MOST]], "text": None},
            )
        ]
    named = _named(sentence)
    if named and not any(_same(one, other) for one in stated for other in named):
        return [
            Found(
                f"base_model is {shown(stated[0])}, but line {sentence.line} says {shown(named[0])}",
                line,
                {"base_model": [shown(name) for name in stated[:MOST]], "text": shown(named[0])},
            )
        ]
    return ()


@rule("RD507", "note")
def evaluated_on_training_split(
    front_matter: FrontMatter, keys: Mapping[str, Sequence[int]], index: Mapping[str, Any], claims: Claims
) -> Sequence[Found]:
    """The results in model-index are said to come from the split `train`.

    Often they do not: before transformers 4.26 the generator named the *training* set there (issue 20506),
    and a set that was cut off the training split keeps its name. A part of it, `train[:10%]`, counts as well.

    Why it matters:
        Results on the training data say how well a model remembers, not how well it will do.

    How to mend:
        Write the split that was evaluated, e.g. `validation` or `test`; for a part cut off by oneself say so
        in the text.

    Before:
        ---
        model-index:
        - name: issues-128
          results:
          - task:
              type: text-classification
            dataset:
              name: imdb
              type: imdb
              split: train
            metrics:
            - type: accuracy
              value: 0.93
        ---

        # issues-128

    After:
        ---
        model-index:
        - name: issues-128
          results:
          - task:
              type: text-classification
            dataset:
              name: imdb
              type: imdb
              split: test
            metrics:
            - type: accuracy
              value: 0.93
        ---

        # issues-128
    """
    results = index.get("results")
    splits = [
        dataset.get("split")
        for each in (results if isinstance(results, list) else [])
        if isinstance(each, dict) and isinstance(dataset := each.get("dataset"), dict)
    ]
    trained = [split for split in splits if isinstance(split, str) and _TRAIN.fullmatch(split)]
    if not trained:
        return ()
    count, name = len(trained), trained[0]
    old = _before_evaluation_set_was_named(claims)
    return [
        Found(
            f"{count} of {len(splits)} results in model-index come from the split {shown(name)}"
            + (": the generator named the training set before 4.26" if old else ""),
            place(front_matter, keys, "model-index", f"split: {name}")
            or place(front_matter, keys, "model-index", "split:"),
            {"results": len(splits), "on_train": count, "generator_before_4_26": old},
        )
    ]


@rule("RD508", "warning")
def adapter_without_base(hub_card: Card, claims: Claims) -> Sequence[Found]:
    """An adapter's card names no base model.

    Neither the front matter nor the text says which model the adapter belongs to.

    Why it matters:
        An adapter holds the difference to one model's weights. Without that model it is of no use at all.

    How to mend:
        Add `base_model: owner/name` to the front matter.

    Before:
        ---
        library_name: peft
        ---

        # issues-128

    After:
        ---
        library_name: peft
        base_model: google/gemma-2-2b
        ---

        # issues-128
    """
    if hub_card.kind == "peft" and not claims.base_model:
        return [Found("a peft adapter whose base model is named nowhere")]
    return ()


@rule("RD509", "warning")
def same_data(text: str, mentions_samples: bool) -> Sequence[Found]:
    """The evaluation data are the training data.

    sentence-transformers prints the size and the statistics of both sets. Where both are equal it is one
    set; where only the sizes are, this is a note.

    Why it matters:
        A loss on the training data falls whatever the model has learned: it cannot tell when to stop.

    How to mend:
        Evaluate on data that the training does not see, e.g. `dataset.train_test_split(0.1)`.

    Before:
        ### Training Dataset

        #### json

        * Size: 1,797 training samples
        * Approximate statistics based on the first 1000 samples:
          |         | anchor                                              |
          |:--------|:----------------------------------------------------|
          | details | <ul><li>min: 9 tokens</li><li>mean: 16.69</li></ul> |

        ### Evaluation Dataset

        #### json

        * Size: 1,797 evaluation samples
        * Approximate statistics based on the first 1000 samples:
          |         | anchor                                              |
          |:--------|:----------------------------------------------------|
          | details | <ul><li>min: 9 tokens</li><li>mean: 16.69</li></ul> |

    After:
        ### Training Dataset

        #### json

        * Size: 1,617 training samples

        ### Evaluation Dataset

        #### json

        * Size: 180 evaluation samples
    """
    if not mentions_samples or " evaluation samples" not in text:
        return ()
    sets: dict[str, dict[str, tuple[int, str]]] = {"training": {}, "evaluation": {}}
    for match in _SIZE.finditer(text):
        at = text.find("| details", match.end(), match.end() + 5_000)
        details = text[at : text.find("\n", at)][:10_000] if at >= 0 else ""
        sets[match[2]].setdefault(match[1], (match.start(), details))
    found: list[Found] = []
    for size, (at, details) in list(sets["evaluation"].items())[:MOST]:
        # Small sets are often cut to the same round number.
        if size not in sets["training"] or len(size) < 3 or size.endswith("00"):
            continue
        same = bool(details) and sets["training"][size][1] == details
        found.append(
            Found(
                f"the training and the evaluation set both have {size} samples"
                + (" with the same statistics: they are one" if same else ": are they one?"),
                line_at(text, at),
                {"samples": int(size.replace(",", "") or 0), "same_statistics": same},
                severity=None if same else "note",
            )
        )
    return found


@rule("RD510", "note")
def licence_missing(
    front_matter: FrontMatter, keys: Mapping[str, Sequence[int]], claims: Claims
) -> Sequence[Found]:
    """The front matter names no licence.

    A licence in the text alone is none to the Hub and to whoever filters by it.

    Why it matters:
        Without a licence nobody but its author may use a model, whatever the author would have liked.

    How to mend:
        Add `license:` with one of the identifiers of huggingface.co/docs/hub/repositories-licenses; the base
        model's licence is a good start, and often binding.

    Before:
        ---
        base_model: google-bert/bert-base-uncased
        ---

        # issues-128

    After:
        ---
        license: apache-2.0
        base_model: google-bert/bert-base-uncased
        ---

        # issues-128
    """
    if texts(front_matter.data.get("license")) or any(key.startswith(("licen", "lisen")) for key in keys):
        return ()
    base = base_licence(claims.base_model) if claims.base_model else None
    return [
        Found(
            "no licence in the front matter" + (f"; the base model's is {base.name}" if base else ""),
            max(1, front_matter.first - 1),
            {"base_license": base.name if base else None},
        )
    ]


@rule("RD511", "warning")
def licence_unknown(front_matter: FrontMatter, keys: Mapping[str, Sequence[int]]) -> Sequence[Found]:
    """The licence is none of the Hub's identifiers.

    A misspelt one, a licence's name in words, or one that the Hub's list does not have.

    Why it matters:
        The Hub refuses the card or files the model under no licence: who filters by licence never sees it.

    How to mend:
        Write one of the identifiers of huggingface.co/docs/hub/repositories-licenses; for any other licence
        `license: other` with `license_name` and `license_link`.

    Before:
        ---
        license: Apache 2.0
        ---

        # issues-128

    After:
        ---
        license: apache-2.0
        ---

        # issues-128
    """
    names = texts(front_matter.data.get("license"))
    found: list[Found] = []
    for name, more in capped([name for name in names if name not in identifiers()]):
        meant = suggest(name)
        found.append(
            Found(
                f"{shown(name)} is no licence that the Hub knows" + (f"; {meant} is" if meant else "") + more,
                place(front_matter, keys, "license", name),
                {"license": shown(name), "meant": meant},
                help=f"write `license: {meant}`" if meant else None,
            )
        )
    return found


@rule("RD512", "note")
def licence_unnamed(front_matter: FrontMatter, keys: Mapping[str, Sequence[int]]) -> Sequence[Found]:
    """The licence is `other` or `unknown`, and nothing says which.

    LLaMA-Factory writes `license: other` on every card.

    Why it matters:
        A licence that nobody can read permits nothing.

    How to mend:
        Add `license_name` and `license_link`, or write the licence's own identifier.

    Before:
        ---
        license: other
        ---

        # issues-128

    After:
        ---
        license: other
        license_name: coqui-public-model-license
        license_link: https://coqui.ai/cpml
        ---

        # issues-128
    """
    name = next(iter(texts(front_matter.data.get("license"))), "")
    if name not in ("other", "unknown") or {"license_name", "license_link", "license_details"} & keys.keys():
        return ()
    message = f"license: {name}, without license_name or license_link"
    return [Found(message, place(front_matter, keys, "license"), {"license": name})]


@rule("RD513", "warning")
def licence_not_the_bases(
    front_matter: FrontMatter, keys: Mapping[str, Sequence[int]], claims: Claims, context: Context
) -> Sequence[Found]:
    """The licence permits what the base model's does not.

    The base model is for non-commercial use only, forbids derivatives, or has an agreement or a list of
    forbidden uses that goes along with derivatives (Llama, Gemma, OpenRAIL), and this card states a licence
    without any of it. Templates of TRL and Unsloth write `apache-2.0` whatever the base model's is. Another
    version of the same agreement, and a share-alike base under a permissive licence, are notes. The base
    model's licence comes from a table of common models, or from the Hub with `--online`.

    Why it matters:
        Nobody can pass on rights that they were not given: whoever relies on this card's licence has no more
        rights than the base model's gives.

    How to mend:
        State the base model's licence, or the permission that was given.

    Before:
        ---
        license: apache-2.0
        base_model: meta-llama/Llama-3.1-8B-Instruct
        ---

        # issues-128

    After:
        ---
        license: llama3.1
        base_model: meta-llama/Llama-3.1-8B-Instruct
        ---

        # issues-128
    """
    stated = texts(front_matter.data.get("license"))
    if not stated or not claims.base_model:
        return ()
    found: list[Found] = []
    for name in (texts(front_matter.data.get("base_model")) or [claims.base_model])[:MOST]:
        base = _asked(context) or base_licence(name)
        severity = _contradiction(base, stated) if base and base.name not in stated else None
        if base and severity:
            found.append(
                Found(
                    f"license: {shown(', '.join(stated[:MOST]))}, but the base model {shown(name)} is under "
                    f"{shown(base.name)} ({base.terms})",
                    place(front_matter, keys, "license"),
                    {
                        "license": [shown(each) for each in stated[:MOST]],
                        "base_model": shown(name),
                        "base_license": shown(base.name),
                        "base_terms": base.terms,
                    },
                    severity=severity,
                )
            )
    return found


def _contradiction(base: BaseLicence, stated: Sequence[str]) -> Severity | None:
    """Return how grave it is that a model on this base has these licences; None where it is not."""
    kinds = {terms(name) for name in stated}
    if not kinds or "open" in kinds or base.terms in ("permissive", "open"):
        return None  # the text may say what `other` is
    if base.terms == "copyleft":
        return "note" if kinds == {"permissive"} else None
    if base.terms in ("non-commercial", "no derivatives"):
        return None if kinds & {"non-commercial", "no derivatives"} else "warning"
    if kinds == {"permissive"}:
        return "warning"
    # Llama 3 for Llama 3.1, one OpenRAIL for another: the right family, another text.
    return "note" if base.terms in kinds else None


def _asked(context: Context) -> BaseLicence | None:
    """Return what the Hub said about the base model's licence."""
    name = (context.base or {}).get("license")
    if not isinstance(name, str):
        return None
    if name == "other" and isinstance(own := (context.base or {}).get("license_name"), str):
        name = own
    return BaseLicence(name, terms(name))


@rule("RD514", "warning")
def licence_not_the_texts(
    card: Card, front_matter: FrontMatter, keys: Mapping[str, Sequence[int]], text: str
) -> Sequence[Found]:
    """The text states another licence than the front matter.

    A family and a member of it (`cc`, `cc-by-4.0`) are no contradiction, and neither is a long licence text.

    Why it matters:
        Which of the two holds is anybody's guess, and the Hub shows the one in the front matter.

    How to mend:
        Write the licence that holds in both places.

    Before:
        ---
        license: apache-2.0
        ---

        # issues-128

        - **License:** MIT

    After:
        ---
        license: apache-2.0
        ---

        # issues-128

        - **License:** Apache 2.0
    """
    stated = texts(front_matter.data.get("license"))[:MOST]
    if not stated or not all(name in identifiers() for name in stated):
        return ()
    number = front_matter.first - 1 + len(front_matter.lines)
    begin = end = sum(map(len, card.lines[:number])) + number  # of the text below the front matter
    found: list[Found] = []
    for _ in range(MOST):  # a card that quotes a whole licence mentions it more often
        at = text.find("icen", end)
        if at < 0:
            return found
        number += text.count("\n", begin, at)
        begin, end = at, text.find("\n", at, at + 1_000)
        if end < 0:
            end = len(text)
        match = _LICENCE_LINE.fullmatch(card.visible[number].rstrip())
        said = recognise(_LINK.sub(r"\1", match[1]).strip(" *_`.")) if match else None
        if said in (None, "other", "unknown") or any(_alike(str(said), name) for name in stated):
            continue
        line = place(front_matter, keys, "license")
        found.append(
            Found(
                f"the text says {said}, the front matter (line {line}) {', '.join(stated)}",
                number + 1,
                {"text": said, "license": stated},
            )
        )
    return found


def _alike(one: str, other: str) -> bool:
    """Tell whether two identifiers are the same or one is the family of the other (`cc`, `cc-by-4.0`)."""
    return one == other or one.startswith(f"{other}-") or other.startswith(f"{one}-")


@rule("RD515", "note", profiles=("strict", "hub"))
def base_only_in_text(
    front_matter: FrontMatter, keys: Mapping[str, Sequence[int]], sentence: Sentence
) -> Sequence[Found]:
    """The base model stands in the text and not in the front matter.

    transformers writes `base_model` from 4.31 on; older cards have none.

    Why it matters:
        The Hub's model tree, which shows what was made of what, is built from the front matter alone.

    How to mend:
        Add `base_model:` with the model's name.

    Before:
        ---
        license: apache-2.0
        ---

        # issues-128

        This model is a fine-tuned version of [bert-base-uncased](https://huggingface.co/bert-base-uncased) on
        an unknown dataset.

    After:
        ---
        license: apache-2.0
        base_model: google-bert/bert-base-uncased
        ---

        # issues-128

        This model is a fine-tuned version of [bert-base-uncased](https://huggingface.co/bert-base-uncased) on
        an unknown dataset.
    """
    if texts(front_matter.data.get("base_model")) or "base_model" in keys or "base-model" in keys:
        return ()
    named = _named(sentence)
    name = named[-1] if named else ""
    if "/" in canonical(name) and not is_path(name):
        meant = canonical(name)
        return [
            Found(
                f"the base model {shown(name)} (line {sentence.line}) is not in the front matter",
                max(1, front_matter.first - 1),
                {"base_model": shown(meant)},
                help=f"add `base_model: {shown(meant)}`",
            )
        ]
    return ()


@rule("RD516", "note")
def data_differs(front_matter: FrontMatter, sentence: Sentence) -> Sequence[Found]:
    """The data set or language of the generated sentence is not the front matter's.

    Only names that are written as ids (`common_voice`, `me/issues`) are compared, without their owners and
    their spelling; parts and collections of the same name, and names that share a word, count as the same.
    The same name with another number (`common_voice_7_0`, `common_voice_8_0`) is a warning, and so is another
    language's code behind the data set's name.

    Why it matters:
        The sentence was often copied with the card of another model: which data trained this one is unknown.

    How to mend:
        Name the data set and the language of this training in both places.

    Before:
        ---
        language: gl
        datasets:
        - mozilla-foundation/common_voice_8_0
        ---

        # xls-r-galician

        This model is a fine-tuned version of [gpt2](https://huggingface.co/gpt2) on the
        MOZILLA-FOUNDATION/COMMON_VOICE_7_0 - HU dataset.

    After:
        ---
        language: gl
        datasets:
        - mozilla-foundation/common_voice_8_0
        ---

        # xls-r-galician

        This model is a fine-tuned version of [gpt2](https://huggingface.co/gpt2) on the
        MOZILLA-FOUNDATION/COMMON_VOICE_8_0 - GL dataset.
    """
    stated, languages = texts(front_matter.data.get("datasets")), texts(front_matter.data.get("language"))
    if not (stated or languages) or not (said := _ON_DATA.search(sentence.text)):
        return ()
    name, dash, part = said.groups()
    data, codes = stated[:MOST], languages[:MOST]
    found: list[Found] = []
    severity = _other_data(name, data) if data else None
    if severity:
        found.append(
            Found(
                f"the text says the data set {shown(name)}, the front matter {shown(', '.join(data))}",
                sentence.line,
                {"text": shown(name), "datasets": [shown(each) for each in data]},
                severity,
            )
        )
    if dash and codes and _other_language(part, codes):
        found.append(
            Found(
                f"the text says the language {shown(part)}, the front matter {shown(', '.join(codes))}",
                sentence.line,
                {"text": shown(part), "languages": [shown(each) for each in codes]},
                "warning",
            )
        )
    return found


# ------------------------------------------------------------------------------------------- helpers


def _speaks_of_data(lowered: str) -> bool:
    """Tell whether a card mentions data at all, but for the version of `datasets`."""
    return "corpus" in lowered or "corpora" in lowered or _DATA_SAID.search(lowered) is not None


def _other_data(name: str, stated: Sequence[str]) -> Severity | None:
    """Return how grave it is that a data set is none of those that are stated; None where it may be one."""
    if not ("_" in name or "/" in name) or is_path(name) or any(map(_no_id, (name, *stated))):
        return None
    ours = _bare(name)
    bare = [_bare(each) for each in stated]
    if any(ours in each or each in ours for each in bare):
        return None
    if any(_DIGITS.sub("", ours) == _DIGITS.sub("", each) for each in bare):
        return "warning"
    words = set(_WORDS.findall(name.lower()))
    return None if any(not words.isdisjoint(_WORDS.findall(each.lower())) for each in stated) else "note"


def _no_id(name: str) -> bool:
    return is_path(name) or name.lower() in _LOADERS or name.lower() in _NOTHING or " " in name


def _bare(name: str) -> str:
    """Return a data set's name without its owner, in lower-case letters and digits."""
    return re.sub(r"[\W_]+", "", name.rpartition("/")[2].lower())


def _other_language(part: str, stated: Sequence[str]) -> bool:
    """Tell whether a code (`hu`, `SV-SE`) is of another language than all that are stated."""
    ours = part.lower().split("-")
    theirs = {each.lower().partition("-")[0] for each in stated}
    known = vocabulary().languages
    # `NA` is what scripts print for no language at all.
    if ours[0] == "na" or not known.issuperset({ours[0], *theirs}) or not theirs.isdisjoint(ours):
        return False
    return not any(ours[0] in kin and not kin.isdisjoint(theirs) for kin in _KIN)


def _named(sentence: Sentence) -> list[str]:
    """Return how the text names the base model: the link's words, and where it leads on the Hub."""
    words, address = sentence.base or ("", "")
    if not words or words.lower() in _NOTHING:
        return []
    on_hub = _ON_HUB.match(address)
    return [words, address[on_hub.end() :].strip("/")] if on_hub and on_hub.end() < len(address) else [words]


class _Name(NamedTuple):
    """A model's name in the parts that are compared."""

    whole: str
    last: str


def _same(one: str, other: str) -> bool:
    """Tell whether two names can be one model: equal, copied, quantized, or a path to it."""
    if one == other:
        return True
    a, b = _parts(one), _parts(other)
    if a.whole == b.whole or a.last == b.last:
        return True
    short, long = sorted((a.last, b.last), key=len)
    return len(short) > 3 and long.startswith(short)


def _parts(name: str) -> _Name:
    whole = canonical(_ON_HUB.sub("", name, count=1)).lower().replace("\\", "/").strip("/")
    return _Name(whole, whole.rsplit("/", 1)[-1].replace("_", "-").replace(" ", "-"))


def _bases(card: Card, claims: Claims) -> list[str]:
    front = texts(card.front_matter.data.get("base_model")) if card.front_matter else []
    return front or ([claims.base_model] if claims.base_model else [])


def _line_of(card: Card, name: str) -> int | None:
    """Return the 1-based line on which a name stands first."""
    return next((i for i, line in enumerate(card.lines, 1) if stands_in(name, line)), None)


def _before_evaluation_set_was_named(claims: Claims) -> bool:
    claim = claims.versions.get("transformers")
    try:
        return claim is not None and Version(claim.text[:40]) < _FIRST_RIGHT
    except InvalidVersion:
        return False


RULES: tuple[Rule, ...] = (
    data_unnamed,
    data_null,
    data_local,
    base_local,
    base_nothing,
    base_differs,
    evaluated_on_training_split,
    adapter_without_base,
    same_data,
    licence_missing,
    licence_unknown,
    licence_unnamed,
    licence_not_the_bases,
    licence_not_the_texts,
    base_only_in_text,
    data_differs,
)

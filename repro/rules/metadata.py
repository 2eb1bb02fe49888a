"""RM1xx: the front matter, as the Hub and its client read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import islice, pairwise
from typing import Any, NamedTuple, TypeVar

from repro.facts.hub_vocabulary import (
    common_keys,
    nearest_key,
    nearest_language,
    nearest_metric,
    nearest_task,
    vocabulary,
)
from repro.records.card import Card, FrontMatter, Node
from repro.rules.interface import Found, Rule, rule
from repro.rules.safety import shown
from repro.rules.subject import line_at

T = TypeVar("T")

#: No rule says more than this many things about one card.
MOST = 20

_MOST_VALUES = 100  # keys, metrics, licences that are compared with known ones, which is slow
_LONGEST_LINE = 2_000
_LONGEST_YAML = 300_000  # what the reader composes at most
_DEEPEST = 20
_DEEP = f"it is nested more than {_DEEPEST} levels deep"
_BCP47 = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){1,3}")
_SPECIAL_LANGUAGES = frozenset({"code", "multilingual", "other", "unknown"})
_TITLE = re.compile(r"model card (?:for|of) ", re.IGNORECASE)
_SEPARATORS = re.compile(r"[^a-z0-9]+")
# Several words, with a capital, an underscore or a blank: `Text Classification`, `text_classification`.
_NO_TASK = re.compile(r"[A-Z].*[-_ ]|[-_ ].*[A-Z]|[_ ]")
# What Python calls a temporary folder, and Keras then a model.
_TEMPORARY = re.compile(r"tmp[a-z0-9_]{8}")
_WORD = re.compile(r"[A-Za-z0-9.]{3,60}")
# Titles of one word that are no model's name.
_NO_NAMES = frozenset(
    {"about", "abstract", "background", "card", "description", "details", "disclaimer", "documentation",
     "evaluation", "example", "examples", "features", "inference", "info", "information", "installation",
     "introduction", "license", "limitations", "metrics", "model", "note", "notes", "overview", "performance",
     "project", "quickstart", "readme", "results", "summary", "tasks", "training", "update", "usage", "use",
     "uses", "welcome"}
)  # fmt: skip
_MOST_RESULTS = 500
_LONG = 10  # digits in which two results do not agree by chance
_CORE_TAG = "tag:yaml.org,2002:"


def texts(node: Node) -> list[str]:
    """Return a front matter value's texts, whether it holds one or a list."""
    if isinstance(node, list):
        return [text for text in node if isinstance(text, str) and text]
    return [node] if node and isinstance(node, str) else []


def place(front: FrontMatter, keys: Mapping[str, Sequence[int]], key: str, item: str = "") -> int | None:
    """Return the 1-based line of a key's item, or of the key where the item is not found below it."""
    lines = keys.get(key)
    if not lines:
        return None
    first = lines[0] - front.first
    if item:
        for i in range(first, len(front.lines)):
            line = front.lines[i]
            if i > first and line[:1] not in ("", " ", "\t", "-", "#"):
                break
            if stands_in(item, line):
                return front.first + i
    return lines[0]


def stands_in(word: str, line: str) -> bool:
    """Tell whether a word stands in a line by itself: `json` does not in `train.jsonl`."""
    if len(line) > _LONGEST_LINE:
        return word in line
    at = line.find(word)
    while at >= 0:
        end = at + len(word)
        before, after = line[at - 1 : at] + word[:1], word[-1:] + line[end : end + 1]
        # Two letters side by side are one word.
        if not (len(before) == 2 and before.isalnum()) and not (len(after) == 2 and after.isalnum()):
            return True
        at = line.find(word, end)
    return False


def capped(items: Sequence[T]) -> Sequence[tuple[T, str]]:
    """Return the first items, the last with how many are left out, in words.

    What a rule found is worked out in full for these only: a card may hold a hundred thousand wrong tags.
    """
    if not items:
        return ()
    few = [(item, "") for item in items[:MOST]]
    if len(items) > MOST:
        few[-1] = items[MOST - 1], f" (and {len(items) - MOST:,} more)"
    return few


@rule("RM102", "note")
def front_matter_missing(card: Card) -> Sequence[Found]:
    """A generated card has no front matter.

    The card carries a generator's marks, and every generator writes front matter above them; here it is gone,
    or stands below a text, where the Hub reads none. Articles and plain Markdown files need none and are left
    alone.

    Why it matters:
        The Hub takes the licence, the base model, the data sets, the language and the task from the front
        matter alone. Without it the model is found by no filter and has no licence to be read.

    How to mend:
        Put the generated front matter back above the card, or write one between two lines `---`.

    Before:
        <!-- This model card has been generated automatically according to
        the information the Trainer had access to. You should probably proofread and complete it. -->

        # bert-base-uncased-issues-128

    After:
        ---
        license: apache-2.0
        base_model: google-bert/bert-base-uncased
        ---

        <!-- This model card has been generated automatically according to
        the information the Trainer had access to. You should probably proofread and complete it. -->

        # bert-base-uncased-issues-128
    """
    if card.front_matter is None and card.kind not in ("article", "other"):
        if line := _lower_down(card):
            return [
                Found(
                    f"the front matter begins on line {line}, below the text: the Hub reads it on the first "
                    "line only, so that the card has none",
                    line,
                    {"kind": card.kind, "begins": line},
                    help="move it, from `---` to `---`, above everything else",
                )
            ]
        return [
            Found(
                f"a card of the kind {card.kind} without front matter: the Hub reads no licence, base model "
                "or data set from it",
                1,
                {"kind": card.kind},
            )
        ]
    return ()


def _lower_down(card: Card) -> int | None:
    """Return the 1-based line on which front matter begins below the text, None where there is none."""
    fences = [i for i, line in enumerate(card.visible) if line.rstrip() == "---"]
    for first, last in pairwise(fences[:MOST]):
        lines = [line for line in card.visible[first + 1 : last] if line[:1] not in ("", " ", "\t", "-", "#")]
        if all(":" in line for line in lines) and _meant({line.partition(":")[0]: () for line in lines}):
            return first + 1
    return None


def _meant(keys: Mapping[str, Sequence[int]]) -> bool:
    """Tell whether front matter was meant: in a plain text `---` is a line across the page."""
    return not vocabulary().keys.isdisjoint(keys)


class _Trouble(NamedTuple):
    """Why a front matter is not composed, and the 0-based line within it."""

    what: str
    line: int
    broken: bool  # no YAML at all, or none that the Hub accepts


def _trouble(front: FrontMatter) -> _Trouble | None:
    """Find out why a front matter was not read as plain YAML."""
    import yaml  # slow to import, and needed for broken ones only

    text = "\n".join(front.lines)
    if len(text) > _LONGEST_YAML:
        return _Trouble(f"its {len(text):,} characters are more than any card needs", 0, broken=False)
    loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    odd: _Trouble | None = None
    first: Any = None
    depth = 0
    try:
        for event in yaml.parse(text, Loader=loader):
            if not isinstance(event, yaml.NodeEvent):
                depth -= isinstance(event, yaml.CollectionEndEvent)
                continue
            first = first or event
            depth += isinstance(event, yaml.CollectionStartEvent)
            odd = odd or _odd(event, depth)
            if depth > _DEEPEST:
                return odd  # deeper and deeper takes libyaml quadratic time
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "it cannot be parsed"
        if "nesting depth" in problem:  # libyaml's own limit, which newer ones meet before the first event
            return _Trouble(_DEEP, 0, broken=False)
        return _Trouble(problem, min(mark.line, len(front.lines) - 1) if mark else 0, broken=True)
    except (yaml.YAMLError, ValueError) as error:
        return _Trouble(str(error).splitlines()[0] if str(error) else "it cannot be parsed", 0, broken=True)
    if first is not None and not isinstance(first, yaml.MappingStartEvent):
        return _Trouble("it holds no `key: value` lines", 0, broken=True)
    return odd


def _odd(event: Any, depth: int) -> _Trouble | None:
    import yaml

    line = event.start_mark.line
    if depth > _DEEPEST:
        return _Trouble(_DEEP, line, broken=False)
    if isinstance(event, yaml.AliasEvent):
        return _Trouble(f"the alias *{event.anchor}", line, broken=False)
    if tag := getattr(event, "tag", None):
        short = tag.replace(_CORE_TAG, "!!")
        # The core schema's own tags are everybody's; the rest name a program's types, which nobody else has.
        core = short in ("!!str", "!!int", "!!float", "!!bool", "!!null", "!!seq", "!!map")
        return _Trouble(f"the tag {short}", line, broken=not core)
    if event.anchor is not None:
        return _Trouble(f"the anchor &{event.anchor}", line, broken=False)
    return None


@rule("RM103", "error")
def front_matter_broken(front_matter: FrontMatter, keys: Mapping[str, Sequence[int]]) -> Sequence[Found]:
    """The front matter is no YAML that the Hub reads.

    It cannot be parsed, is no mapping, or holds a tag that names a program's own type, such as
    `!!python/object/apply:numpy.core.multiarray.scalar`, which appears where a NumPy number was written
    without being made a plain one.

    Why it matters:
        The Hub refuses such a card when it is pushed, or shows it without any metadata; its client raises an
        error when the card is loaded.

    How to mend:
        Correct the line: quote texts that hold `: ` or begin with one of `@ % & * ! | > [ {`, indent with
        spaces, and write numbers as numbers.

    Before:
        ---
        license: mit
        model_name: issues: 128 labels
        ---

        # issues-128

    After:
        ---
        license: mit
        model_name: "issues: 128 labels"
        ---

        # issues-128
    """
    if front_matter.state != "broken" or not _meant(keys):
        return ()
    trouble = _trouble(front_matter)
    if trouble is None:
        # The lines up to the closing fence are YAML, but what was cut off there is not.
        return [Found("the front matter cannot be read as YAML", front_matter.first)]
    if trouble.broken:
        line = front_matter.first + trouble.line
        return [
            Found(
                f"the front matter is no YAML that the Hub reads: {shown(trouble.what, 100)}",
                line,
                {"problem": shown(trouble.what, 200)},
            )
        ]
    return ()


@rule("RM104", "error")
def front_matter_unclosed(front_matter: FrontMatter, keys: Mapping[str, Sequence[int]]) -> Sequence[Found]:
    """The front matter is never closed.

    It begins with `---`, and no second `---` follows.

    Why it matters:
        The Hub and its client find no front matter then: they show its lines as text at the top of the card
        and know neither licence nor data set.

    How to mend:
        Put a line `---` below the last key.

    Before:
        ---
        license: apache-2.0
        datasets:
        - squad

        # distilbert-base-uncased-finetuned-squad

    After:
        ---
        license: apache-2.0
        datasets:
        - squad
        ---

        # distilbert-base-uncased-finetuned-squad
    """
    if front_matter.state == "unclosed" and _meant(keys):
        return [
            Found(
                f"the front matter is opened and not closed: {_number(len(keys), 'key')} shown as text",
                max(1, front_matter.first - 1),
                {"keys": [shown(key) for key in islice(keys, MOST)]},
            )
        ]
    return ()


@rule("RM105", "note")
def front_matter_unusual(front_matter: FrontMatter) -> Sequence[Found]:
    """The front matter uses anchors, aliases, tags or great depth.

    All of it is YAML, but it has no place on a card. This program does not follow such references (they can
    make a small file expand without end): it has read the simple `key: value` lines only.

    Why it matters:
        Readers differ in what they make of them, and this one has left part of the front matter unread, so
        that other rules may have missed something.

    How to mend:
        Write the value out in both places. Python's YAML writer makes anchors where the same list is used
        twice: give it a copy.

    Before:
        ---
        datasets: &data
        - squad
        tags: *data
        ---

        # issues-128

    After:
        ---
        datasets:
        - squad
        tags:
        - squad
        ---

        # issues-128
    """
    if front_matter.state != "broken":
        return ()
    trouble = _trouble(front_matter)
    if trouble and not trouble.broken:
        return [
            Found(
                f"the front matter was read for its simple lines only: {shown(trouble.what)}",
                front_matter.first + trouble.line,
                {"reason": shown(trouble.what)},
            )
        ]
    return ()


@rule("RM106", "error")
def key_twice(front_matter: FrontMatter, keys: Mapping[str, Sequence[int]]) -> Sequence[Found]:
    """A key of the front matter stands twice.

    YAML forbids it. Readers that let it pass keep one of the two values and drop the other.

    Why it matters:
        The Hub refuses the card, its client keeps the last value, and others keep the first: which licence
        the model has then depends on who reads it.

    How to mend:
        Keep one of the lines; where both values are meant, write a list.

    Before:
        ---
        license: apache-2.0
        language: en
        license: mit
        ---

        # issues-128

    After:
        ---
        license: apache-2.0
        language: en
        ---

        # issues-128
    """
    if front_matter.state == "unclosed":
        return ()
    found: list[Found] = []
    for (key, lines), more in capped([item for item in keys.items() if len(item[1]) > 1]):
        found.append(
            Found(
                f"the key {shown(key)} stands {len(lines)} times: on lines {_listed(lines)}{more}",
                lines[1],
                {"key": shown(key), "lines": list(lines[:MOST])},
            )
        )
    return found


@rule("RM107", "warning")
def key_misspelt(front_matter: FrontMatter, keys: Mapping[str, Sequence[int]]) -> Sequence[Found]:
    """A key of the front matter is nearly, but not quite, one that the Hub reads.

    Any key may be added, so an unknown one is no defect; one that is a letter away from a known one, or its
    plural, is. `licence: license` is written by TRL's template, and means nothing.

    Why it matters:
        The Hub ignores the key without a word: a card with `licence: mit` has no licence there.

    How to mend:
        Write the key as the Hub spells it.

    Before:
        ---
        licence: mit
        dataset: squad
        ---

        # issues-128

    After:
        ---
        license: mit
        datasets:
        - squad
        ---

        # issues-128
    """
    common = common_keys()
    unknown = [key for key in keys if key not in common]
    if not unknown:
        return ()
    wrong = [
        (key, meant)
        for key in unknown[:_MOST_VALUES]
        if (meant := nearest_key(key)) is not None and meant not in keys
    ]
    found: list[Found] = []
    for (key, meant), more in capped(wrong):
        template = key == "licence" and front_matter.data.get(key) == "license"
        found.append(
            Found(
                f"the key {shown(key)} is not read; {meant} is"
                + (" (TRL's template writes `licence: license`)" if template else "")
                + more,
                keys[key][0],
                {"key": shown(key), "meant": meant},
                help="write the model's real licence, e.g. `license: apache-2.0`"
                if template
                else f"write `{meant}`",
            )
        )
    return found


@rule("RM108", "warning")
def nothing_in_index(
    front_matter: FrontMatter, keys: Mapping[str, Sequence[int]], index: Mapping[str, Any]
) -> Sequence[Found]:
    """A value in model-index is null.

    The generator writes `config: null` where a data set has no configuration (transformers' issue 28137).

    Why it matters:
        What may be left out may not be null: the Hub refuses the card with `"model-index[0].results[0]
        .dataset.config" must be a string`, and the push fails after the training.

    How to mend:
        Take the line out.

    Before:
        ---
        model-index:
        - name: issues-128
          results:
          - task:
              type: text-classification
            dataset:
              name: issues
              type: issues
              config: null
            metrics:
            - type: f1
              value: 0.71
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
              name: issues
              type: issues
            metrics:
            - type: f1
              value: 0.71
        ---

        # issues-128
    """
    nulls = [
        (i, part, key)
        for i, result in enumerate(_results(index), 1)
        for part in ("task", "dataset", "source")
        if isinstance(node := result.get(part), dict)
        for key, value in node.items()
        if value is None
    ]
    found: list[Found] = []
    for (i, part, key), more in capped(nulls):
        found.append(
            Found(
                f"{part}.{shown(key)} of result {i} in model-index is null{more}",
                place(front_matter, keys, "model-index", f"{key}:"),
                {"result": i, "key": f"{part}.{shown(key)}"},
            )
        )
    return found


@rule("RM109", "warning")
def index_misnamed(front_matter: FrontMatter, keys: Mapping[str, Sequence[int]]) -> Sequence[Found]:
    """The results stand under `model_index`, which the Hub does not read.

    transformers 4.7 to 4.9 wrote the key with an underscore, and the metrics as one `metric`.

    Why it matters:
        The results are in the card and on no leaderboard, in no filter and not on the model's page.

    How to mend:
        Rename the key to `model-index` and make `metric` a list under `metrics`.

    Before:
        ---
        model_index:
        - name: roberta-base-ner
          results: []
        ---

        # roberta-base-ner

    After:
        ---
        model-index:
        - name: roberta-base-ner
          results: []
        ---

        # roberta-base-ner
    """
    if "model_index" in keys and "model-index" not in keys:
        node = front_matter.data.get("model_index")
        first = node[0] if isinstance(node, list) and node and isinstance(node[0], dict) else {}
        count = len(_results(first))
        return [
            Found(
                f"model_index is not read; model-index is ({_number(count, 'result')} unread)",
                keys["model_index"][0],
                {"results": count},
            )
        ]
    return ()


@rule("RM110", "error")
def index_malformed(front_matter: FrontMatter, keys: Mapping[str, Sequence[int]]) -> Sequence[Found]:
    """The model-index lacks what every reader of it needs.

    Each entry needs `name` and `results`, each result `task.type`, `dataset.type`, `dataset.name` and
    `metrics`, each metric `type` and `value`; a source's name needs its url. No results at all are fine. A
    name that is there and empty is a note.

    Why it matters:
        The Hub refuses such a card when it is pushed. Its client raises an error when the card is loaded, or,
        told to ignore it, drops all results and loses them at the next save (huggingface_hub's issues 1208,
        1361 and 3000).

    How to mend:
        Add what is missing, or take the entry out of `results` (leave `results: []`).

    Before:
        ---
        model-index:
        - name: issues-128
          results:
          - task:
              name: Text Classification
            metrics:
            - name: F1
              value: 0.71
        ---

        # issues-128

    After:
        ---
        model-index:
        - name: issues-128
          results:
          - task:
              name: Text Classification
              type: text-classification
            dataset:
              name: issues
              type: issues
            metrics:
            - name: F1
              type: f1
              value: 0.71
        ---

        # issues-128
    """
    if "model-index" not in front_matter.data or front_matter.state != "plain":
        return ()
    node = front_matter.data["model-index"]
    line = place(front_matter, keys, "model-index")
    missing: dict[str, list[int]] = {}  # what, and in which results
    found: list[Found] = []
    if node is None:
        return ()  # nothing is stated, and nothing is lost
    if not isinstance(node, list):
        missing["a list of entries"] = []
    else:
        for entry in node:
            _entry(entry, missing)
        nameless = sum(isinstance(each, dict) and _blank(each.get("name")) for each in node)
        if nameless:
            message = f"the `name` of {_number(nameless, 'entry', 'entries')} in model-index is empty"
            evidence = {"missing": "name", "entries": nameless}
            help_ = "write the model's name on the Hub"
            found.append(Found(message, line, evidence, severity="note", help=help_))
    for what, results in missing.items():
        found.append(
            Found(
                f"model-index lacks {what}" + (f" in {_which(results)}" if results else ""),
                line,
                {"missing": what, "results": results[:MOST]},
            )
        )
    return found


def _blank(name: Node) -> bool:
    return isinstance(name, str) and not name.strip()


def _entry(entry: Node, missing: dict[str, list[int]]) -> None:
    if not isinstance(entry, dict):
        missing.setdefault("`name` and `results` of an entry", [])
        return
    for key in ("name", "results"):
        if not isinstance(entry.get(key), list if key == "results" else str):
            missing.setdefault(f"`{key}` of an entry", [])
    for i, result in enumerate(_results(entry), 1):
        for what in _lacking(result):
            places = missing.setdefault(what, [])
            if not places or places[-1] != i:
                places.append(i)


def _lacking(result: Mapping[str, Node]) -> Iterator[str]:
    """Yield what one result lacks."""
    for part, needed in (("task", ("type",)), ("dataset", ("type", "name"))):
        node = result.get(part)
        if not isinstance(node, dict):
            yield f"`{part}`"
        else:
            yield from (f"`{part}.{key}`" for key in needed if node.get(key) is None)
    metrics = result.get("metrics")
    if not isinstance(metrics, list):
        yield "`metrics`"
    else:
        for metric in metrics:
            fields = metric if isinstance(metric, dict) else {}
            yield from (f"a metric's `{key}`" for key in ("type", "value") if fields.get(key) is None)
    source = result.get("source")
    if isinstance(source, dict) and source.get("name") and not source.get("url"):
        yield "`source.url` beside `source.name`"


@rule("RM111", "warning")
def task_unknown(front_matter: FrontMatter, keys: Mapping[str, Sequence[int]]) -> Sequence[Found]:
    """A task is none that the Hub knows.

    It is the pipeline_tag, of which a former name (`conversational`) is a note: the card was right when it
    was written. In model-index some libraries name tasks of their own in `task.type`; a note is written only
    for several words with capitals, blanks or underscores, which no task's id has.

    Why it matters:
        The Hub shows a model with an unknown task under none, and offers no widget for it.

    How to mend:
        Write one of the tasks of huggingface.co/tasks, or take the line out: the Hub then looks at the
        model's configuration.

    Before:
        ---
        pipeline_tag: text-clasification
        ---

        # issues-128

    After:
        ---
        pipeline_tag: text-classification
        ---

        # issues-128
    """
    known = vocabulary()
    found: list[Found] = []
    for tag in texts(front_matter.data.get("pipeline_tag"))[:MOST]:
        if tag in known.pipeline_tags:
            continue
        meant = nearest_task(tag)
        former = tag in known.former_pipeline_tags
        found.append(
            Found(
                f"the task {shown(tag)} is not among the Hub's" + (f"; {meant} is" if meant else ""),
                place(front_matter, keys, "pipeline_tag", tag),
                {"task": shown(tag), "meant": meant},
                severity="note" if former else None,
                help=f"write `pipeline_tag: {meant}`" if meant else None,
            )
        )
    node = front_matter.data.get("model-index")
    if isinstance(node, list) and node and isinstance(node[0], dict) and node[0].get("results"):
        found += _odd_types(front_matter, keys, _results(node[0]))
    return found


def _odd_types(
    front: FrontMatter, keys: Mapping[str, Sequence[int]], results: Sequence[Mapping[str, Node]]
) -> Iterator[Found]:
    """Find what stands as `task.type` in model-index and is written as no task is."""
    types = {_text(task.get("type")): None for each in results if isinstance(task := each.get("task"), dict)}
    known = vocabulary().pipeline_tags
    odd = [kind for kind in types if kind not in known and _NO_TASK.search(kind.strip())]
    for kind, more in capped(odd):
        meant = nearest_task(kind)
        yield Found(
            f"the task.type {shown(kind)} in model-index is not among the Hub's tasks"
            + (f"; {meant} is" if meant else "")
            + more,
            place(front, keys, "model-index", kind),
            {"task": shown(kind), "meant": meant},
            severity="note",
            help=f"write `type: {meant}`" if meant else "write one of the tasks of huggingface.co/tasks",
        )


def _text(node: Node) -> str:
    return node if isinstance(node, str) else ""


@rule("RM112", "warning")
def language_unknown(front_matter: FrontMatter, keys: Mapping[str, Sequence[int]]) -> Sequence[Found]:
    """A language is no code of ISO 639.

    The Hub takes two or three letters, `code` and `multilingual`. A code with a region (`pt-BR`) is a note:
    it belongs under `language_bcp47`. So is an unquoted `no`, Norwegian, which YAML 1.1 reads as false.

    Why it matters:
        A language that the Hub does not know is refused or filtered by nobody; a country's code taken for a
        language's (`jp` for `ja`, `cn` for `zh`) is another language or none.

    How to mend:
        Write the code, e.g. `en`, `de`, `zh`.

    Before:
        ---
        language:
        - English
        - jp
        ---

        # issues-128

    After:
        ---
        language:
        - en
        - ja
        ---

        # issues-128
    """
    known = vocabulary().languages
    codes = texts(front_matter.data.get("language"))
    found: list[Found] = []
    for code, more in capped([code for code in codes if code not in known and not _three_letters(code)]):
        meant = nearest_language(code)
        regional = _BCP47.fullmatch(code) and code.split("-", 1)[0] in known
        found.append(
            Found(
                f"«{shown(code)}» is no language code of ISO 639"
                + (f"; «{meant}» is" if meant else "")
                + more,
                place(front_matter, keys, "language", code),
                {"language": shown(code), "meant": meant},
                severity="note" if regional else None,
                help=f"write `{meant}`" + (f", and `{code}` under `language_bcp47`" if regional else "")
                if meant
                else None,
            )
        )
    if "no" in codes and _unquoted_no(front_matter):
        found.append(
            Found(
                "the language no is not quoted: YAML 1.1, and so the Hub's client, reads false",
                place(front_matter, keys, "language", "no"),
                {"language": "no"},
                severity="note",
                help='write "no" in quotes',
            )
        )
    return found


def _three_letters(code: str) -> bool:
    """Tell whether a code can be one of ISO 639-3, which has thousands, or is one of the Hub's own words."""
    return code in _SPECIAL_LANGUAGES or (
        len(code) == 3 and code.isascii() and code.isalpha() and code.islower()
    )


def _unquoted_no(front: FrontMatter) -> bool:
    return any(line.strip() in ("- no", "language: no") for line in front.lines)


@rule("RM113", "note", profiles=("strict", "hub"))
def library_missing(front_matter: FrontMatter, keys: Mapping[str, Sequence[int]]) -> Sequence[Found]:
    """The front matter names no library.

    transformers writes `library_name` from 4.45 on; older cards have none.

    Why it matters:
        The Hub offers its code for loading the model, and counts its downloads, by the library.

    How to mend:
        Add `library_name: transformers`, or whatever loads the model.

    Before:
        ---
        license: mit
        ---

        # issues-128

    After:
        ---
        license: mit
        library_name: transformers
        ---

        # issues-128
    """
    if not texts(front_matter.data.get("library_name")) and "library" not in keys:
        return [Found("the front matter names no library_name", max(1, front_matter.first - 1))]
    return ()


@rule("RM114", "warning")
def tags_contradict(front_matter: FrontMatter, keys: Mapping[str, Sequence[int]]) -> Sequence[Found]:
    """A tag contradicts the key that it repeats.

    Tags such as `base_model:adapter:X` and `license:X` repeat what `base_model` and `license` state; here
    they state something else.

    Why it matters:
        Both are searched on the Hub: the model is found under a base model or a licence that is not its own.

    How to mend:
        Take the tag out; the Hub makes it of the key.

    Before:
        ---
        license: apache-2.0
        base_model: Qwen/Qwen2.5-7B
        tags:
        - base_model:adapter:Qwen/Qwen2.5-0.5B
        ---

        # issues-128

    After:
        ---
        license: apache-2.0
        base_model: Qwen/Qwen2.5-7B
        tags:
        - base_model:adapter:Qwen/Qwen2.5-7B
        ---

        # issues-128
    """
    found: list[Found] = []
    for (tag, kind, stated), more in capped(list(_contradictions(front_matter))):
        found.append(
            Found(
                f"the tag {shown(tag)} contradicts {kind}: {shown(', '.join(stated[:MOST]))}{more}",
                place(front_matter, keys, "tags", tag),
                {"tag": shown(tag), kind: [shown(each) for each in stated[:MOST]]},
            )
        )
    return found


def _contradictions(front: FrontMatter) -> Iterator[tuple[str, str, Sequence[str]]]:
    """Yield each tag that contradicts a key, the key, and what it states."""
    for tag in texts(front.data.get("tags")):
        kind, colon, rest = tag.partition(":")
        if not colon or kind not in ("base_model", "license"):
            continue
        relation, _, model = rest.partition(":")  # a path of Windows has a colon of its own
        value = model if relation in ("adapter", "finetune", "merge", "quantized") else rest
        stated = texts(front.data.get(kind))[:_MOST_VALUES]
        if value and stated and value.lower() not in (each.lower() for each in stated):
            yield tag, kind, stated


@rule("RM115", "note")
def metric_misspelt(front_matter: FrontMatter, keys: Mapping[str, Sequence[int]]) -> Sequence[Found]:
    """A metric is nearly, but not quite, the id of a common one.

    Metrics of one's own are fine; only what is a letter, a blank or a capital away from a common id is found.

    Why it matters:
        The Hub groups models by the ids of their metrics, and `Accuracy` is another group than `accuracy`.

    How to mend:
        Write the id, e.g. `accuracy`, `f1`, `wer`.

    Before:
        ---
        metrics:
        - Accuracy
        - percision
        ---

        # issues-128

    After:
        ---
        metrics:
        - accuracy
        - precision
        ---

        # issues-128
    """
    metrics = texts(front_matter.data.get("metrics"))[:_MOST_VALUES]
    wrong = [(metric, meant) for metric in metrics if (meant := nearest_metric(metric))]
    found: list[Found] = []
    for (metric, meant), more in capped(wrong):
        found.append(
            Found(
                f"the metric {shown(metric)} is probably {meant}{more}",
                place(front_matter, keys, "metrics", metric),
                {"metric": shown(metric), "meant": meant},
                help=f"write `{meant}`",
            )
        )
    return found


@rule("RM116", "warning")
def undecodable(card: Card, text: str) -> Sequence[Found]:
    """The card is not wholly UTF-8, or was once decoded wrongly.

    Bytes that are no UTF-8 are read as the replacement character U+FFFD. The character itself in a file means
    that this happened before, when the file was last saved.

    Why it matters:
        What stood there is lost: often a name, an example, or a number's sign.

    How to mend:
        Save the file as UTF-8 from the original text; where that is gone, write the passage again.

    Before:
        # issues-128

        The labels were checked by Ren\ufffd.

    After:
        # issues-128

        The labels were checked by René.
    """
    at = text.find("\ufffd")
    if card.undecodable:
        return [
            Found(
                f"{_number(card.undecodable, 'byte')} of the card: no UTF-8",
                line_at(text, at) if at >= 0 else None,
                {"bytes": card.undecodable},
            )
        ]
    if at >= 0:
        count = text.count("\ufffd")
        return [
            Found(
                f"{_number(count, 'replacement character')} U+FFFD: the card was once decoded wrongly",
                line_at(text, at),
                {"characters": count},
            )
        ]
    return ()


@rule("RM117", "note")
def names_differ(
    card: Card, front_matter: FrontMatter, keys: Mapping[str, Sequence[int]], index: Mapping[str, Any]
) -> Sequence[Found]:
    """The title and model-index name different models.

    Both come from one variable, so they part when a card is copied or the model renamed. Only a title that is
    written like a name is compared, or one word with one word; `Whisper Small Hindi` may be called what it
    likes. A temporary folder's name (`tmp` and eight more letters) is nobody's, and an empty title no name.

    Why it matters:
        Results in model-index are attributed to its name; here to a model that the card does not describe.

    How to mend:
        Write the repository's name in both places.

    Before:
        ---
        model-index:
        - name: flan-t5-small-distil-v2
          results: []
        ---

        # LaMini-783M

    After:
        ---
        model-index:
        - name: LaMini-783M
          results: []
        ---

        # LaMini-783M
    """
    name = index.get("name")
    if not isinstance(name, str) or not name.strip():
        return ()
    if not card.headings or card.headings[0].level != 1:
        return _untitled(card, name)
    title = _TITLE.sub("", card.headings[0].title, count=1).strip(" `*")
    if not _is_name(title, name) and not ("tmp" in name and _TEMPORARY.fullmatch(_last(name.strip()))):
        return ()
    one, two = _last(name), _last(title)
    if one in two or two in one:  # nearly always, and quickly told
        return ()
    short, long = sorted((_SEPARATORS.sub("", one), _SEPARATORS.sub("", two)), key=len)
    if short and short not in long:
        return [
            Found(
                f"the title is {shown(title)}, and model-index names {shown(name)}",
                place(front_matter, keys, "model-index", name),
                {"title": shown(title), "name": shown(name)},
            )
        ]
    return ()


def _is_name(title: str, name: str) -> bool:
    """Tell whether a title is written as models are called, so that it can be compared with a name."""
    if " " in title:
        return False
    if "-" in title or "_" in title:
        return True
    one_word = _WORD.fullmatch(title) and _WORD.fullmatch(name)
    return one_word is not None and title.lower() not in _NO_NAMES


def _untitled(card: Card, name: str) -> Sequence[Found]:
    """Find a title of nothing but its mark above the first heading that says something."""
    last = card.headings[0].span.start - 1 if card.headings else len(card.visible)
    for i, line in enumerate(card.visible[:last], 1):
        if line[:1] == "#" and line.rstrip() == "#":
            message = f"the title is empty, and model-index names {shown(name)}"
            return [Found(message, i, {"title": "", "name": shown(name)}, help="write the name as the title")]
    return ()


@rule("RM118", "warning")
def same_result_twice(
    front_matter: FrontMatter, keys: Mapping[str, Sequence[int]], index: Mapping[str, Any]
) -> Sequence[Found]:
    """The model-index gives the same long number for two different data sets or splits.

    Two results of one metric agree in ten digits or more, though their data sets, or the splits or
    configurations of one data set, differ. Numbers that are simple fractions, as small test sets give them,
    and other names of the same data set are left alone.

    Why it matters:
        One of the two was copied: nobody knows how good the model is on the other data.

    How to mend:
        Write what was measured on each of the data sets, and take out the result that was not measured.

    Before:
        ---
        model-index:
        - name: issues-128
          results:
          - task:
              type: automatic-speech-recognition
            dataset:
              name: Common Voice 8
              type: mozilla-foundation/common_voice_8_0
            metrics:
            - type: wer
              value: 0.21483072916666666
          - task:
              type: automatic-speech-recognition
            dataset:
              name: Minds 14
              type: PolyAI/minds14
            metrics:
            - type: wer
              value: 0.21483072916666666
        ---

        # issues-128

    After:
        ---
        model-index:
        - name: issues-128
          results:
          - task:
              type: automatic-speech-recognition
            dataset:
              name: Common Voice 8
              type: mozilla-foundation/common_voice_8_0
            metrics:
            - type: wer
              value: 0.21483072916666666
          - task:
              type: automatic-speech-recognition
            dataset:
              name: Minds 14
              type: PolyAI/minds14
            metrics:
            - type: wer
              value: 0.30118345239523814
        ---

        # issues-128
    """
    results = index.get("results")
    if not isinstance(results, list) or len(results) < 2:
        return ()
    first: dict[tuple[str, str, str], tuple[int, Mapping[str, Node]]] = {}
    same: dict[tuple[int, int], list[str]] = {}
    for i, result in enumerate(_results(index)[:_MOST_RESULTS], 1):
        dataset, metrics = result.get("dataset"), result.get("metrics")
        if not isinstance(dataset, dict) or not isinstance(metrics, list):
            continue
        for metric in metrics[:_MOST_VALUES]:
            if not isinstance(metric, dict) or len(text := _text(metric.get("value"))) <= _LONG:
                continue
            kind, name = _text(metric.get("type")), _text(metric.get("name"))
            at, other = first.setdefault((kind.lower(), name.lower(), text), (i, dataset))
            if at != i and _differ(other, dataset) and _is_measured(text):
                same.setdefault((at, i), []).append(f"{name or kind} {text}")
    found: list[Found] = []
    for ((one, two), texts_), more in capped([*same.items()]):
        found.append(
            Found(
                f"results {one} and {two} in model-index are of different data and the same number: "
                f"{shown(', '.join(texts_[:4]), 120)}{more}",
                place(front_matter, keys, "model-index", texts_[0].rpartition(" ")[2]),
                {"results": [one, two], "same": [shown(text) for text in texts_[:MOST]]},
            )
        )
    return found


def _is_measured(text: str) -> bool:
    """Tell whether a number has so many digits that no small test set, and no chance, gives it again."""
    try:
        value = float(text)
    except ValueError:
        return False
    if not abs(value) < 1e6 or sum(map(str.isdigit, text.partition("e")[0].lstrip("0."))) < _LONG:
        return False
    return all(
        abs(part - float(Fraction(part).limit_denominator(1_000))) > 1e-9 for part in (value, value / 100)
    )


def _differ(one: Mapping[str, Node], other: Mapping[str, Node]) -> bool:
    """Tell whether two data sets of model-index are different data for certain."""
    for key in ("split", "config", "args"):
        a, b = _text(one.get(key)), _text(other.get(key))
        if a and b and a.lower() != b.lower():
            return True
    ours, theirs = _called(one), _called(other)
    return bool(ours and theirs) and not any(a in b or b in a for a in ours for b in theirs)


def _called(dataset: Mapping[str, Node]) -> list[str]:
    names = [_SEPARATORS.sub("", _last(_text(dataset.get(key)))) for key in ("type", "name")]
    return [name for name in names if name]


def _last(name: str) -> str:
    """Return a name in lower case, without the owner."""
    return name[:200].rpartition("/")[2].lower()


# ------------------------------------------------------------------------------------------- helpers


def _results(index: Mapping[str, Any]) -> list[dict[str, Node]]:
    results = index.get("results")
    return [each for each in results if isinstance(each, dict)] if isinstance(results, list) else []


def _which(results: Sequence[int]) -> str:
    return f"result {results[0]}" if len(results) == 1 else f"{len(results)} results, first {results[0]}"


def _listed(lines: Sequence[int]) -> str:
    few = ", ".join(map(str, lines[:5]))
    return few if len(lines) <= 5 else f"{few}, …"


def _number(count: int, one: str, more: str | None = None) -> str:
    return f"{count:,} {one}" if count == 1 else f"{count:,} {more or one + 's'}"


RULES: tuple[Rule, ...] = (
    front_matter_missing,
    front_matter_broken,
    front_matter_unclosed,
    front_matter_unusual,
    key_twice,
    key_misspelt,
    nothing_in_index,
    index_misnamed,
    index_malformed,
    task_unknown,
    language_unknown,
    library_missing,
    tags_contradict,
    metric_misspelt,
    undecodable,
    names_differ,
    same_result_twice,
)

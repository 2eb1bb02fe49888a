"""The headline: what a card says that the model achieves."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from operator import attrgetter

from repro.cards.code import read_code
from repro.cards.document import Document
from repro.cards.lists import Item, all_items, bullet, claims, is_number, lists_below
from repro.cards.names import hyperparameter
from repro.cards.topics import Topic
from repro.cards.values import plain, snake
from repro.records.claims import Claim, Table

_SENTENCES = ("the following result", "achieves:")
_METRIC = re.compile(
    r"(?:(?:test|eval|evaluation|val|validation|dev|macro|micro|weighted|average|mean|best|final)[ _-])?"
    r"(?:loss|acc|accuracy|f1|precision|recall|wer|cer|bleu|sacrebleu|rouge[-_]?(?:1|2|l|lsum)|meteor|map"
    r"|perplexity|ppl|auc|auroc|mcc|exact[ _-]match|em|mse|rmse|mae|r2|spearmanr?|pearsonr?|iou|dice|chrf)"
    r"(?:[ _-](?:score|macro|micro|weighted))?",
    re.IGNORECASE,
)
#: The same words within a name, and what else only an evaluation prints.
_MEASURE = re.compile(
    r"(?:^|[\W_])(?:loss|acc|accuracy|f1|precision|recall|wer|cer|bleu|sacrebleu|rouge|meteor|map|mrr|ndcg"
    r"|perplexity|ppl|auc|auroc|mcc|exact|em|pass|mse|rmse|mae|r2|spearmanr?|pearsonr?|iou|dice|chrf)(?:$|[\W_\dl])",
    re.IGNORECASE,
)
_NUMBER = r"[-+]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?"
_DICT_PAIR = re.compile(rf"'([\w ]+)': ({_NUMBER})")
_MAX_LINE = 200
_RESULTS: tuple[Topic, ...] = ("validation metrics", "evaluation", "training log")
#: What the Trainer prints of each step, beside the loss.
_LOG_NAMES = frozenset({"learning_rate", "grad_norm"})
_MAX_DICT = 100  # lines
#: What `train()` returns, as notebooks print it.
_OUTPUT = re.compile(rf"global_step=(\d++), training_loss=({_NUMBER})(?:, metrics=\{{([^{{}}]*+)\}}?)?")
#: What the columns are called of tables that state a metric a row.
_METRIC_COLUMNS = frozenset({"metric", "metrics"})
_METRIC_TABLES = frozenset({("key", "value"), ("measure", "value"), ("result", "value"), ("name", "value")})
#: What the Trainer's `log_metrics` prints, `***** eval metrics *****` above it.
_LOGGED = " metrics *****"
_LOGGED_PAIR = re.compile(r"\s*(\w{1,60})\s*=\s*(\S.{0,60})")


def evaluation(document: Document, besides: Collection[int]) -> dict[str, Claim]:
    """Read the results: the lists below the sentences that announce them, and the sections on evaluation.

    Beside them, what `Trainer.log_metrics` has printed, and lines that state nothing but a metric. What
    several lists state bears the number of its list: `loss (2)` and `f1 (2)` are of one evaluation.

    Args:
        document: The card.
        besides: The lines of claims of another sort.
    """
    items = _announced(document)
    items += [item for item in _sections(document) if item.line not in besides]
    items += _logged(document) + _output(document)
    items += [item for item in _alone(document) if item.line not in besides]
    once = {(item.line, item.name, item.text): Item(snake(item.name), item.text, item.line) for item in items}
    stated = [item for item in once.values() if item.name and item.text]
    if len({item.name for item in stated}) < len(stated):
        stated = _numbered(_lists(stated, document.lines))
    return claims(stated)


def _lists(items: Sequence[Item], lines: Sequence[str]) -> list[dict[str, Item]]:
    """Divide results into their lists; one that contradicts the list it stands in is a list by itself."""
    lists: list[dict[str, Item]] = [{}]
    strays: list[dict[str, Item]] = []
    last = 0
    for item in items:
        same = lists[-1].get(item.name)
        again = same is not None and same.text != item.text
        if (
            item.line < last
            or (again and same is next(iter(lists[-1].values())))
            or any(_parts(lines, i) for i in range(last, item.line - 1))
        ):
            lists.append({item.name: item})
        elif again:
            strays.append({item.name: item})
        else:
            lists[-1].setdefault(item.name, item)
        last = item.line
    return [each for each in lists if each] + strays


def _numbered(lists: Sequence[dict[str, Item]]) -> list[Item]:
    """Give names that several lists state the number of their list; a list that only repeats is left out."""
    found: list[Item] = []
    names: set[str] = set()
    stated: set[tuple[str, str]] = set()
    number = 0
    for each in lists:
        texts = {(item.name, item.text) for item in each.values()}
        if texts <= stated:
            continue
        number += 1
        found += [
            Item(f"{item.name} ({number})", item.text, item.line) if item.name in names else item
            for item in each.values()
        ]
        stated |= texts
        names |= each.keys()
    return found


def _parts(lines: Sequence[str], i: int) -> bool:
    """Tell whether line `i` is a heading or begins a paragraph."""
    line = lines[i]
    if not line.strip() or line[0] in " \t|`":
        return False
    return line[0] == "#" or (not lines[i - 1].strip() and bullet(line) is None)


def _announced(document: Document) -> list[Item]:
    starts = [i for phrase in _SENTENCES for i in document.mentions(phrase)]
    return lists_below(document.lines, document.pairs, sorted({*starts}), labels=True) if starts else []


def _sections(document: Document) -> list[Item]:
    items: list[Item] = []
    for span in document.sections("validation metrics"):
        items += all_items(document.lines, document.pairs, span)
    for span in document.sections("evaluation"):
        for at in document.tables_in(span):
            items += _tabled(document.tables[at])
        found = all_items(document.lines, document.pairs, span, is_name=bool)
        items += _with_numbers(found)
    for span in document.sections("training log"):
        start = span.start
        for at in document.tables_in(span):
            table = document.tables[at]
            items += _tabled(table) + _bulleted(document, range(start, at))
            start = table.rows[-1].line if table.rows else at
        items += _bulleted(document, range(start, span.stop))
    return items + _coded(document) if document.blocks else items


def _bulleted(document: Document, span: range) -> list[Item]:
    """Read what is a metric of the items in a section on the training's results."""
    if not any(document.lines[span.start : span.stop]):
        return []
    found = all_items(document.lines, document.pairs, span, is_name=_METRIC.fullmatch)
    return _with_numbers([item for item in found if _METRIC.fullmatch(item.name)])


def _coded(document: Document) -> list[Item]:
    """Read the blocks in sections on results that hold nothing but pairs, a measure among them."""
    items: list[Item] = []
    for topic in _RESULTS:
        for span in document.sections(topic):
            for block in document.code_in(span):
                stated = document.read_code(block, alone=True)
                found = [item for item in stated.items if is_number(item.text)]
                if stated.alone and _measures(stated.items):
                    items += [
                        item
                        for item in found
                        if item.line not in stated.assigned or _MEASURE.search(item.name)
                    ]
    return items


def _measures(items: Sequence[Item]) -> bool:
    """Tell whether these pairs are of an evaluation rather than of a step or of a configuration."""
    names = [item.name for item in items]
    return _LOG_NAMES.isdisjoint(names) and any(_MEASURE.search(name) for name in names)


def _with_numbers(items: Sequence[Item]) -> list[Item]:
    """Return the items that state a number and are no hyperparameter, without a comma behind the number."""
    bare = [Item(item.name, item.text.rstrip(",;"), item.line) for item in items]
    return [item for item in bare if is_number(item.text) and hyperparameter(item.name) is None]


def _tabled(table: Table) -> list[Item]:
    """Read a table of metrics: one a row below `Metric`, or one a column in the row of all labels."""
    items: list[Item] = []
    by_metric = table.columns[0] in _METRIC_COLUMNS or table.columns in _METRIC_TABLES
    if not by_metric and table.columns[0] != "label":
        return items
    for row in table.rows:
        first = plain(row.cells[0].text) if row.cells else ""
        if not by_metric and first != "all":
            continue
        for column, cell in list(zip(table.header, row.cells, strict=False))[1:]:
            if is_number(plain(cell.text)):
                name = column if not by_metric else first if len(table.columns) == 2 else f"{column}_{first}"
                items.append(Item(name, cell.text, row.line))
    return items


def _logged(document: Document) -> list[Item]:
    items: list[Item] = []
    for start in document.mentions(_LOGGED, hidden=True) if "*" in document.lowered else ():
        for i in range(start + 1, len(document.text)):
            found = _LOGGED_PAIR.fullmatch(document.text[i])
            if not found:
                break
            items.append(Item(found[1], found[2].rstrip(), i + 1))
    return items


def _alone(document: Document) -> list[Item]:
    """Read the lines that are `F1 score: 85.1` or `{'f1': 85.1}` and nothing else."""
    lines = document.lines
    items = [
        Item(name, text, i + 1)
        for i, (name, text) in document.pairs.items()
        if _METRIC.fullmatch(name) and len(lines[i]) <= _MAX_LINE and is_number(text)
    ]
    items += _dicts(document)
    return sorted(items, key=attrgetter("line")) if len(items) > 1 else items


def _dicts(document: Document) -> list[Item]:
    """Read the dicts of numbers that stand alone: of metrics, or over several lines with one among them.

    In a section on results, whatever is measured is a result; what the Trainer prints at each step is none.
    """
    items: list[Item] = []
    done = 0
    lines = document.lines
    for i in document.beginning("{") if "{" in document.lowered else ():
        if i < done:
            continue
        done = next((at + 1 for at in range(i, min(i + _MAX_DICT, len(lines))) if _closes(lines[at])), i + 1)
        stated = read_code(lines[i:done], i + 1, alone=True)
        if not stated.alone or not _measures(stated.items):
            continue
        found = [item for item in stated.items if is_number(item.text)]
        only = len(found) == len(stated.items)
        if (
            (only and (done > i + 1 or document.origin is not None))  # a page has them in one line
            or (only and all(_METRIC.fullmatch(item.name) for item in found))
            or any(i in span for topic in _RESULTS for span in document.sections(topic))
        ):
            items += found
    return items


def _closes(line: str) -> bool:
    return line.rstrip().rstrip(",;")[-1:] == "}"


def _output(document: Document) -> list[Item]:
    """Read what `train()` has returned, wherever it is printed."""
    items: list[Item] = []
    for i in document.mentions("global_step=", hidden=True) if "{" in document.lowered else ():
        if found := _OUTPUT.search(document.text[i]):
            items += [Item("global_step", found[1], i + 1), Item("training_loss", found[2], i + 1)]
            items += [Item(name, text, i + 1) for name, text in _DICT_PAIR.findall(found[3] or "")]
    return items

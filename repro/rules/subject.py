"""What rules look at: a card, read once into the shapes that they ask for by name."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter, itemgetter, lt, methodcaller, sub
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar, overload

from repro.facts.releases import LONGEST
from repro.records.card import Card
from repro.records.claims import Cell, Claim, Claims, Table
from repro.rules.examples import size_tags, stated_examples
from repro.rules.exceptions import MARK, Excepted, exceptions_in
from repro.rules.headline import Headline, headline
from repro.rules.schedule import Pace, Schedule, pace, schedule

if TYPE_CHECKING:  # they bring numpy
    from repro.comparison.exchanges import Exchange, Indistinct
    from repro.comparison.replicates import Beside, Peer, Value

#: What the absence of an input means, in words.
ABSENT = {
    "front_matter": "the card has no front matter",
    "progress": "the card has no table of training results",
    "losses": "the card has no table with training and validation losses",
    "pace": "the card has no table with steps and epochs",
    "hyperparameters": "the card states no hyperparameters",
    "versions": "the card states no versions",
    "evaluation": "the card states no evaluation results",
    "headline": "the card states no loss beside its table",
    "peers": "no replicates were given (--replicates)",
    "replicates": "no replicates were given (--replicates)",
    "base": "nothing is known about the base model (--online asks the Hub)",
    "published": "when the card was published is not known",
    "index": "the front matter has no model-index",
    "keys": "the card has no front matter",
    "hub_card": "no card for the Hub: neither front matter nor a generator's marks",
    "sentence": "the card does not say in the generator's words what was trained",
}

# First letters of lines of the front matter on which no top-level key stands.
_NO_KEY = frozenset(("", " ", "\t", "-", "#", ":"))

# The generator's own words, so that their case is fixed.
_SENTENCES = ("fine-tuned version of", "finetuned version of", "trained from scratch", "fine-tuned from")
_VERSION, _OTHER_SENTENCES = "tuned version of", _SENTENCES[2:]
_LINKED = re.compile(r"fine-?tuned (?:version of|from)\s+\[([^\]]{0,300})\]\(([^)\s]{0,500})\)")
_MAX_SENTENCE = 2_000
_MOST_COMMENTS = 10_000

# Releases of transformers so far, by their first number.
_MAJORS = frozenset("23456789")

_INF = math.inf
_NUMBERS, _FLOAT = frozenset((float, int)), frozenset((float,))
# Of the cells of a table there are many: `map` asks each of them sooner than a loop does.
_TEXT, _VALUE = attrgetter("text"), attrgetter("value")
_LINE, _CELLS = attrgetter("line"), attrgetter("cells")
_PARTED, _BEHIND = methodcaller("partition", "."), itemgetter(2)
_TRAINING = ("training_loss", "train_loss", "loss")
_VALIDATION = ("validation_loss", "val_loss", "eval_loss", "evaluation_loss", "valid_loss")

#: Packages and versions, as a cache takes them.
Pinned: TypeAlias = tuple[tuple[str, str], ...]

_T = TypeVar("_T")


class once(Generic[_T]):  # noqa: N801 - stands where `property` would
    """A property that is worked out once, like `cached_property` without its lock (Python < 3.12)."""

    def __init__(self, work: Callable[[Any], _T]) -> None:
        self._work = work
        self._name = work.__name__
        self.__doc__ = work.__doc__

    @overload
    def __get__(self, owner: None, kind: type) -> once[_T]: ...
    @overload
    def __get__(self, owner: object, kind: type) -> _T: ...
    def __get__(self, owner: object | None, kind: type) -> once[_T] | _T:
        if owner is None:
            return self
        value = owner.__dict__[self._name] = self._work(owner)
        return value


@dataclass(eq=False)
class Series:
    """One column of the results table, in numbers.

    Attributes:
        name: The column, in lower snake case.
        cells: As printed, None where a row is too short.
        values: As numbers, NaN and infinity included; None for `No log`, words and missing cells.
        is_whole: Whether every cell holds a finite number.
        numbers: The finite numbers, without their rows.
    """

    name: str
    cells: tuple[Cell | None, ...]
    values: tuple[float | None, ...]
    is_whole: bool
    numbers: tuple[float, ...]

    @once
    def least(self) -> float:
        """The smallest of the finite numbers, infinity where there is none."""
        return min(self.numbers, default=_INF)

    @once
    def most(self) -> float:
        """The largest of the finite numbers, negative infinity where there is none."""
        return max(self.numbers, default=-_INF)

    @once
    def points(self) -> list[tuple[int, float]]:
        """(row index, number) of the cells that hold a finite number."""
        if self.is_whole:
            return [*enumerate(self.numbers)]
        return [(i, v) for i, v in enumerate(self.values) if v is not None and -_INF < v < _INF]

    @once
    def rises(self) -> bool:
        """Whether each cell holds a larger finite number than the one above it."""
        return self.is_whole and all(map(lt, self.numbers, self.numbers[1:]))

    @once
    def gaps(self) -> Sequence[float]:
        """How far each finite number lies above the one before it."""
        return [*map(sub, self.numbers[1:], self.numbers)]

    @once
    def texts(self) -> Sequence[str]:
        """The texts of the cells that there are."""
        if self.is_whole:
            return [*map(_TEXT, self.cells)]
        return [cell.text for cell in self.cells if cell is not None]

    @once
    def decimals_printed(self) -> Sequence[str]:
        """What stands behind the point in each of `texts`; empty where there is none."""
        return [*map(_BEHIND, map(_PARTED, self.texts))]

    @once
    def decimals(self) -> int:
        """The most decimals with which a number of the column is printed."""
        decimals = self.decimals_printed
        if not self.is_whole:
            pairs = zip(self.cells, self.values, strict=True)
            decimals = [
                cell.text.partition(".")[2] for cell, v in pairs if cell is not None and v is not None
            ]
        longest = max(decimals, key=len, default="")
        if longest.isdigit():
            return len(longest)
        return max([len(each.rstrip("*`_")) for each in decimals], default=0)


@dataclass(eq=False)
class Progress:
    """The results table in numbers, row by row.

    Attributes:
        table: The table as printed; it has at least one row.
        lines: The 1-based line of each row.
        widest: How many cells the longest row has.
        epoch, step, training, validation: Its columns, None where it has no such column.
    """

    table: Table
    lines: tuple[int, ...]
    widest: int
    epoch: Series | None
    step: Series | None
    training: Series | None
    validation: Series | None

    def __len__(self) -> int:
        return len(self.lines)

    def points(self, name: str) -> list[tuple[int, float]]:
        """Return (row index, finite number) of a column, `epoch`, `step`, `training` or `validation`."""
        series: Series | None = getattr(self, name)
        return [] if series is None else series.points

    @once
    def step_epoch(self) -> list[tuple[int, float, float]]:
        """(row index, step, epoch) of the rows that state both, with a positive epoch."""
        step, epoch = self.step, self.epoch
        if step is None or epoch is None:
            return []
        if step.is_whole and epoch.is_whole and epoch.least > 0 and step.least >= 0:
            return [*zip(range(len(self)), step.numbers, epoch.numbers, strict=True)]
        return [
            (i, s, e)
            for i, (s, e) in enumerate(zip(step.values, epoch.values, strict=True))
            if s is not None and e is not None and 0 < e < _INF and 0 <= s < _INF
        ]


@dataclass(frozen=True)
class Sentence:
    """The sentence that says what was trained on what, in the generator's words.

    Attributes:
        text: The sentence and what follows it in its paragraph.
        line: The 1-based line on which it begins.
    """

    text: str
    line: int

    @once
    def base(self) -> tuple[str, str] | None:
        """The words of the base model's link and its address, None where the text links none."""
        linked = _LINKED.search(self.text)
        return (linked[1].strip(" \t`*"), linked[2]) if linked else None

    @once
    def from_scratch(self) -> bool:
        """Whether it says that there was no base model."""
        return "trained from scratch" in self.text


class Weighed(NamedTuple):
    """What came of weighing other readings of the loss columns against the printed one."""

    found: Exchange | Indistinct | None


@dataclass(frozen=True)
class Context:
    """What is known beside the card.

    Attributes:
        today: The day that counts as today.
        published: When the card was published, where that is known (a Hub commit).
        peers: Public replicates of the same recipe, as `comparison` reads them from a CSV file.
        base: What the Hub says about the base model (`license`, `pipeline_tag`, …), where it was asked.
    """

    today: date | None = None
    published: datetime | None = None
    peers: Sequence[Peer] | None = None
    base: Mapping[str, Any] | None = None


class Subject:
    """A card, its context, and what follows from both; each property is worked out once, when asked for.

    A property that is None means that a rule which asks for it does not apply.

    Attributes:
        card: The card as it was read.
        context: What is known beside it.
        claims: What it states.
        front_matter: The front matter.
        hyperparameters: The stated hyperparameters by printed name, None where there are none.
        versions: The stated versions by package.
        evaluation: The headline results by metric.
        peers: Public replicates of the same recipe.
        base: What is known about the base model.
        published: When the card was published.
    """

    def __init__(self, card: Card, context: Context) -> None:
        self.card = card
        self.context = context
        self.claims: Claims = card.claims
        self.front_matter = card.front_matter
        self.hyperparameters = card.claims.hyperparameters or None
        self.versions = card.claims.versions or None
        self.evaluation = card.claims.evaluation or None
        self.peers, self.base, self.published = context.peers, context.base, context.published

    @once
    def text(self) -> str:
        """The whole source; what stands at an index of it is on line `line_at(text, index)`."""
        return self.card.text or "\n".join(self.card.lines)

    @once
    def lowered(self) -> str:
        """The whole source in lower case, to look for words before anything slower is done."""
        return self.card.lowered or self.text.lower()

    @once
    def seen(self) -> str:
        """What a reader of the rendered card sees, line by line."""
        return "\n".join(self.card.visible)

    @once
    def keys(self) -> Mapping[str, Sequence[int]] | None:
        """The top-level keys of the front matter, and the 1-based lines on which each stands."""
        front = self.card.front_matter
        if front is None:
            return None
        found: dict[str, list[int]] = {}
        for i, line in enumerate(front.lines, front.first):
            if line[:1] in _NO_KEY:
                continue
            key, colon, rest = line.partition(":")
            if colon and (not rest or rest[0] in " \t"):
                found.setdefault(key.strip("'\" "), []).append(i)
        return found

    @once
    def exceptions(self) -> Sequence[Excepted]:
        """The exceptions that the card makes."""
        text, comments = self.text, self.comments
        if len(comments) < _MOST_COMMENTS:
            for start, end in comments:
                if text.find(MARK, start, end) >= 0:
                    break
            else:
                return ()
        return exceptions_in(text)

    @once
    def pinned(self) -> Pinned:
        """The stated versions in a form that a cache takes, overlong ones cut: those are no versions."""
        return tuple(
            [(package, claim.text[: LONGEST + 1]) for package, claim in self.claims.versions.items()]
        )

    @once
    def comments(self) -> Sequence[tuple[int, int]]:
        """Where the closed HTML comments of `text` begin and end, those in code included."""
        found: list[tuple[int, int]] = []
        text, end = self.text, 0
        while len(found) < _MOST_COMMENTS and (start := text.find("<!--", end)) >= 0:
            end = text.find("-->", start) + 3
            if end < 3:
                break
            found.append((start, end))
        return found

    @once
    def hub_card(self) -> Card | None:
        """The card, where it was written for the Hub: it has front matter or a generator's marks."""
        marked = self.card.front_matter is not None or self.card.kind not in ("article", "other")
        return self.card if marked else None

    @once
    def sentence(self) -> Sentence | None:
        """The sentence that says what was trained on what."""
        seen = self.seen
        for phrase in _SENTENCES if _VERSION in seen else _OTHER_SENTENCES:
            at = seen.find(phrase)
            if at >= 0:
                start = seen.count("\n", 0, at)
                return Sentence(_paragraph(self.card.visible, start), start + 1)
        return None

    @once
    def index(self) -> Mapping[str, Any] | None:
        """The first entry of the front matter's model-index (`model_index` in cards of 4.7 to 4.9)."""
        meta = self.card.front_matter.data if self.card.front_matter else {}
        node = meta.get("model-index") or meta.get("model_index")
        return node[0] if isinstance(node, list) and node and isinstance(node[0], dict) else None

    @once
    def headline(self) -> Headline | None:
        """The headline's loss, looked up in the results table."""
        progress = self.progress
        if progress is None or progress.validation is None:
            return None
        series = progress.validation
        return headline(self.claims.evaluation, series.points, series.decimals, progress.points("training"))

    @once
    def schedule(self) -> Schedule:
        """What the hyperparameters state about batches, epochs and steps; there always is one."""
        return schedule(self.claims.hyperparameters)

    @once
    def mentions_samples(self) -> bool:
        """Whether the card mentions examples or samples at all."""
        return "amples" in self.lowered

    @once
    def examples(self) -> Sequence[tuple[int, int | None]]:
        """The numbers of training examples that the card states, and the lines on which they stand."""
        return stated_examples(self.card, self.seen) if self.mentions_samples else size_tags(self.card)

    @once
    def pace(self) -> Pace | None:
        """How many steps an epoch has, as the results table implies it."""
        progress = self.progress
        if progress is None or progress.epoch is None:
            return None
        return pace(progress.step_epoch, progress.epoch, self.schedule.accumulation)

    @once
    def progress(self) -> Progress | None:
        """The results table in numbers."""
        table = self.claims.results
        if table is None or not table.rows:
            return None
        rows = [*map(_CELLS, table.rows)]
        columns = [*zip(*rows, strict=False)]  # those that every row has
        return Progress(
            table,
            tuple(map(_LINE, table.rows)),
            max(map(len, rows)),
            _series(table, columns, ("epoch",)),
            _series(table, columns, ("step", "steps")),
            _series(table, columns, _TRAINING),
            _series(table, columns, _VALIDATION),
        )

    @once
    def losses(self) -> Progress | None:
        """The same, where it has both a training and a validation loss."""
        progress = self.progress
        return progress if progress and progress.training and progress.validation else None

    @once
    def weighed(self) -> Weighed | None:
        """What came of weighing other readings of the two loss columns; None where there are not both."""
        losses = self.losses
        if losses is None or losses.training is None or losses.validation is None:
            return None
        from repro.comparison.exchanges import find_exchange  # brings numpy

        transformers = self.claims.versions.get("transformers")
        major = transformers.text.lstrip("v").partition(".")[0] if transformers else ""
        series = next((s for s in (losses.step, losses.epoch) if s and len(s.points) == len(losses)), None)
        return Weighed(
            find_exchange(
                losses.training.cells,
                losses.validation.cells,
                [value for _, value in series.points] if series else (),
                shortest=int(major) < 5 if major in _MAJORS else None,
            )
        )

    @once
    def replicates(self) -> Beside | None:
        """The results table beside the replicates that were given."""
        progress, peers = self.progress, self.peers
        if progress is None or not peers:
            return None
        from repro.comparison.replicates import lay_beside  # brings numpy

        return lay_beside(tuple(_values(progress, peers)), peers)


def _values(progress: Progress, peers: Sequence[Peer]) -> Iterator[Value]:
    """Yield the losses of a table; where it lacks steps or epochs, those of the replicates fill in."""
    from repro.comparison.replicates import Value

    known = [each for peer in peers for each in peer.evaluations]
    steps = {round(each.epoch, 2): each.step for each in known}
    epochs = {each.step: each.epoch for each in known}
    empty = (None,) * len(progress)
    step_of = progress.step.values if progress.step else empty
    epoch_of = progress.epoch.values if progress.epoch else empty
    for metric, series in (("training_loss", progress.training), ("validation_loss", progress.validation)):
        seen: set[float] = set()  # of a step that stands twice, the first row counts
        for row, value in series.points if series else ():
            step, epoch = step_of[row], epoch_of[row]
            if step is None and epoch is not None and math.isfinite(epoch):
                step = steps.get(round(epoch, 2))
            if step is None or not math.isfinite(step) or step % 1 or step in seen:
                continue
            seen.add(step)
            if epoch is None or not 0 < epoch < math.inf:
                epoch = epochs.get(int(step))
            if epoch is not None and series is not None:
                unit = 10.0 ** -min(series.decimals, 12)
                yield Value(metric, row, epoch, int(step), value, unit)  # type: ignore[arg-type]


def line_at(text: str, index: int) -> int:
    """Return the 1-based line on which a character of a text stands."""
    return text.count("\n", 0, index) + 1


def _paragraph(lines: Sequence[str], start: int) -> str:
    """Return at most four lines from `start` on, up to a blank one, a bullet, a heading or a table."""
    taken = [lines[start]]
    for line in lines[start + 1 : start + 4]:
        if not line.strip() or line.lstrip()[:1] in "#|-*•":
            break
        taken.append(line)
    return "\n".join(taken)[:_MAX_SENTENCE]


def _series(table: Table, columns: Sequence[tuple[Cell, ...]], names: Sequence[str]) -> Series | None:
    for name in names:
        if name in table.columns:
            break
    else:
        return None
    at = table.columns.index(name)
    if at < len(columns):
        cells: tuple[Cell | None, ...] = columns[at]
        values = [*map(_VALUE, cells)]
    else:
        cells = table.column(name)
        values = [cell and cell.value for cell in cells]
    # Nearly all are plain numbers, which need no call of `number`.
    kinds = {*map(type, values)}
    if kinds <= _NUMBERS:
        numbers = tuple(values if kinds == _FLOAT else map(float, values))
        total = sum(numbers)
        if total - total == 0 or all(map(math.isfinite, numbers)):
            return Series(name, cells, numbers, True, numbers)
    known = tuple(
        [
            float(value) if value.__class__ in _NUMBERS else number(cell)  # type: ignore[arg-type]
            for cell, value in zip(cells, values, strict=True)
        ]
    )
    numbers = tuple([v for v in known if v is not None and -_INF < v < _INF])
    return Series(name, cells, known, False, numbers)


def number(cell: Cell | Claim | None) -> float | None:
    """Return what a cell or claim says as a number; `nan` and `inf` are numbers, words are None."""
    if cell is None:
        return None
    value = cell.value
    if value.__class__ in _NUMBERS or value in ("nan", "inf", "-inf"):
        return float(value)  # type: ignore[arg-type]
    return None

"""Public replicates (peers) of one recipe: read from CSV, grouped into random streams, made into bounds.

Streams are told apart by the zigzag of their validation curves: detrended by a quadratic in log epoch,
two runs of one stream of `bert-base-uncased-issues-128` correlate 0.97 or more, two of different streams
0.71 at most.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from repro.errors import BadInput
from repro.facts.streams import stream

Metric: TypeAlias = Literal["training_loss", "validation_loss"]
METRICS: tuple[Metric, ...] = ("training_loss", "validation_loss")

#: Curves that correlate at least this much are of one stream.
SAME_STREAM = 0.9
#: Fewer common evaluations do not tell two zigzags apart: three of them go into the trend.
FEWEST_POINTS = 8
#: Fewer replicates have no standard deviation worth the name.
FEWEST_PEERS = 3
#: How often a run that is a replicate has a value outside, over all values together.
LEVEL = 0.05

_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{0,30})?(?:[eE][+-]?[0-9]{1,3})?")
_VERSIONS = {
    "transformers": "transformers",
    "pytorch": "torch",
    "datasets": "datasets",
    "tokenizers": "tokenizers",
}
_MOST_PEERS = 100
_REST = "\N{HORIZONTAL ELLIPSIS}"  # where a reader puts the cells that no column has
_HINT = (
    "columns as `repro peers` writes them: model_id, revision, …, epoch, step, training_loss, validation_loss"
)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation of a run; None for a loss that it lacks."""

    epoch: float
    step: int
    training_loss: float | None
    validation_loss: float | None


@dataclass(frozen=True)
class Peer:
    """A public replicate.

    Attributes:
        model_id: Where it was published.
        revision: Which of its commits.
        versions: What it ran in: `transformers`, `torch`, `datasets`, `tokenizers`, where known.
        evaluations: In the order of their steps.
        mixed_precision: As its card prints it.
        evaluation_loss: Its headline.
        note: What the file says about it.
    """

    model_id: str
    revision: str
    versions: Mapping[str, str]
    evaluations: tuple[Evaluation, ...]
    mixed_precision: str = ""
    evaluation_loss: float | None = None
    note: str = ""

    @property
    def name(self) -> str:
        """How it is called in messages."""
        return f"{self.model_id}@{self.revision[:8]}" if self.revision else self.model_id

    @cached_property
    def by_step(self) -> Mapping[int, Evaluation]:
        """Its evaluations by step."""
        return {each.step: each for each in self.evaluations}

    @property
    def stream(self) -> str | None:
        """The letter of the stream that its versions give, None where they leave it open."""
        name = stream(self.versions)
        return name[0] if name else None


@dataclass(frozen=True, slots=True)
class Value:
    """A published loss that is to be compared.

    Attributes:
        unit: One unit of the last digit with which it is printed.
    """

    metric: Metric
    row: int
    epoch: float
    step: int
    value: float
    unit: float


@dataclass(frozen=True, slots=True)
class Bounded:
    """A published loss and the band of the replicates at that step.

    Attributes:
        peers: How many replicates have a value there.
        mean, deviation: Theirs.
        bound: The largest distance from the mean that one more replicate has, over all values together.
    """

    published: Value
    peers: int
    mean: float
    deviation: float
    bound: float

    @property
    def beyond(self) -> float:
        """How far the value lies outside the band; 0 inside."""
        return max(0.0, abs(self.published.value - self.mean) - self.bound)


@dataclass(frozen=True, slots=True)
class Group:
    """Replicates of one random stream.

    Attributes:
        name: The stream's letter, where the versions of a member tell it and no other one contradicts.
        peers: The members.
    """

    name: str | None
    peers: tuple[Peer, ...]

    def describe(self) -> str:
        """Say which one it is: `stream C (transformers 4.41.2 to 4.46.1)`."""
        versions = sorted(
            {peer.versions.get("transformers", "") for peer in self.peers} - {""}, key=_version_key
        )
        ends = " to ".join(dict.fromkeys((versions[0], versions[-1]))) if versions else "unknown versions"
        return f"{f'stream {self.name}' if self.name else 'a stream'} (transformers {ends})"


def read_replicates(text: str, *, source: str) -> tuple[Peer, ...]:
    """Read replicates from a CSV table with a line for each evaluation.

    Needed are the columns `model_id`, `epoch`, `step` and one of the losses; further columns may be
    missing, and unknown ones are left alone.

    Args:
        text: The table.
        source: What to call it in errors, usually its path.

    Returns:
        The replicates in the order of the table.

    Raises:
        BadInput: No such table, a value that is none, or an evaluation that stands twice.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey=_REST, strict=True)
    runs: dict[tuple[str, str], dict[int, Evaluation]] = {}
    first: dict[tuple[str, str], Mapping[str, str]] = {}
    try:
        missing = {"model_id", "epoch", "step"} - set(reader.fieldnames or ())
        if missing or set(METRICS).isdisjoint(reader.fieldnames or ()):
            lacking = ", ".join(sorted(missing)) or "training_loss or validation_loss"
            raise BadInput(f"{source}:1: no column {lacking}", _HINT)
        for row in reader:
            where = f"{source}:{reader.line_num}"
            cells = {name: cell.strip() for name, cell in row.items() if name and isinstance(cell, str)}
            if row.get(_REST) or not cells.get("model_id"):
                raise BadInput(f"{where}: {'too many cells' if row.get(_REST) else 'no model_id'}", _HINT)
            key = cells["model_id"], cells.get("revision", "")
            each = _evaluation(cells, where)
            if each.step in runs.setdefault(key, {}):
                raise BadInput(
                    f"{where}: step {each.step} of {key[0][:100]} stands twice", "one line an evaluation"
                )
            runs[key][each.step] = each
            first.setdefault(key, cells)
            if len(runs) > _MOST_PEERS:
                raise BadInput(f"{where}: more than {_MOST_PEERS} replicates", "give those of one recipe")
    except csv.Error as error:
        raise BadInput(f"{source}:{reader.line_num + 1}: no CSV: {error}", _HINT) from error
    if not runs:
        raise BadInput(f"{source}: no replicates in it", _HINT)
    return tuple(
        Peer(
            model_id=model_id,
            revision=revision,
            versions={name: text for column, name in _VERSIONS.items() if (text := cells.get(column, ""))},
            evaluations=tuple(sorted(runs[model_id, revision].values(), key=lambda each: each.step)),
            mixed_precision=cells.get("mixed_precision", ""),
            evaluation_loss=_number(cells, "evaluation_loss", source),
            note=cells.get("note", ""),
        )
        for (model_id, revision), cells in first.items()
    )


def _evaluation(cells: Mapping[str, str], where: str) -> Evaluation:
    epoch, step = _number(cells, "epoch", where), _number(cells, "step", where)
    if epoch is None or epoch <= 0:
        raise BadInput(
            f"{where}: epoch: expected a number above 0, found {cells.get('epoch', '')[:40]!r}", _HINT
        )
    if step is None or step <= 0 or step % 1:
        raise BadInput(
            f"{where}: step: expected a whole number above 0, found {cells.get('step', '')[:40]!r}", _HINT
        )
    return Evaluation(
        epoch, int(step), _number(cells, "training_loss", where), _number(cells, "validation_loss", where)
    )


def _number(cells: Mapping[str, str], column: str, where: str) -> float | None:
    text = cells.get(column, "")
    if not text:
        return None
    number = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(number):
        raise BadInput(
            f"{where}: {column}: expected a number, found {text[:40]!r}",
            "leave the cell empty where there is no value",
        )
    return number


@dataclass(frozen=True, slots=True)
class Beside:
    """A published table beside its replicates.

    Attributes:
        own: Replicates that are the published run itself, and were left out.
        others: The replicates that it was compared with.
        bounded: Its losses with their bands; empty where no step is common to enough replicates.
        groups: The random streams of the others.
        correlations: For each of these, how much the published zigzag correlates with it; None where that
            cannot be told.
    """

    own: tuple[Peer, ...]
    others: tuple[Peer, ...]
    bounded: tuple[Bounded, ...]
    groups: tuple[Group, ...]
    correlations: tuple[float | None, ...]

    @property
    def nearest(self) -> tuple[Group, float] | None:
        """The stream with which the published curve correlates most, and how much."""
        known = [(group, r) for group, r in zip(self.groups, self.correlations, strict=True) if r is not None]
        return max(known, key=lambda each: each[1], default=None)


def lay_beside(values: Sequence[Value], peers: Sequence[Peer]) -> Beside:
    """Lay a published table beside its replicates.

    Args:
        values: Its losses.
        peers: Replicates of the same recipe; the published run may be among them.
    """
    others, own = split_self(values, peers)
    found = groups(others)
    return Beside(own, others, bounds(values, others), found, correlations(values, found))


def split_self(values: Sequence[Value], peers: Sequence[Peer]) -> tuple[tuple[Peer, ...], tuple[Peer, ...]]:
    """Part the replicates from those that are the published run itself: equal as printed in every value.

    Returns:
        The others, and the published run's own.
    """
    same = [_is_same(values, peer) for peer in peers]
    return (
        tuple(peer for peer, is_own in zip(peers, same, strict=True) if not is_own),
        tuple(peer for peer, is_own in zip(peers, same, strict=True) if is_own),
    )


def _is_same(values: Sequence[Value], peer: Peer) -> bool:
    both = [(each, other) for each in values if (other := _at(peer, each)) is not None]
    return len(both) >= FEWEST_PEERS and all(
        abs(each.value - other) <= 0.5001 * each.unit for each, other in both
    )


def _at(peer: Peer, value: Value) -> float | None:
    evaluation = peer.by_step.get(value.step)
    return None if evaluation is None else getattr(evaluation, value.metric)


def bounds(values: Sequence[Value], peers: Sequence[Peer]) -> tuple[Bounded, ...]:
    """Lay published losses beside the band of their replicates.

    The bound is that of one more draw, mean ± t·s·sqrt(1 + 1/k), with the mean and the standard
    deviation s of the k replicates at that step, Student's t with k - 1 degrees of freedom, and the
    level of 5 % shared out evenly among all values (Bonferroni), so that it holds for all of them
    together. Half a unit of the last printed digit is added.

    Args:
        values: What was published, of one or both metrics.
        peers: The replicates; the published run is none of them.

    Returns:
        One for each value at whose step at least three replicates have one.
    """
    found = [(value, theirs) for value in values if len(theirs := _theirs(value, peers)) >= FEWEST_PEERS]
    return tuple(_bounded(value, theirs, len(found)) for value, theirs in found)


def _theirs(value: Value, peers: Sequence[Peer]) -> list[float]:
    return [other for peer in peers if (other := _at(peer, value)) is not None]


def _bounded(value: Value, theirs: Sequence[float], tested: int) -> Bounded:
    import numpy as np
    from scipy.special import stdtrit

    k = len(theirs)
    deviation = float(np.std(theirs, ddof=1))
    t = float(stdtrit(k - 1, 1 - LEVEL / (2 * tested)))
    bound = t * deviation * math.sqrt(1 + 1 / k) + 0.5 * value.unit
    return Bounded(value, k, float(np.mean(theirs)), deviation, bound)


def groups(peers: Sequence[Peer]) -> tuple[Group, ...]:
    """Group replicates into random streams: by their curves, by their versions where these are too short."""
    from repro.comparison.curve import of_peer
    from repro.comparison.streams import labels

    members: dict[int, list[Peer]] = {}
    for peer, label in zip(peers, labels([of_peer(peer) for peer in peers]), strict=True):
        members.setdefault(label, []).append(peer)
    return tuple(_group(each) for each in members.values())


def _group(peers: Sequence[Peer]) -> Group:
    letters = {letter for peer in peers if (letter := peer.stream)}
    return Group(letters.pop() if len(letters) == 1 else None, tuple(peers))


def _curve(peer: Peer) -> dict[float, float]:
    return {each.step: each.validation_loss for each in peer.evaluations if each.validation_loss is not None}


def correlations(values: Sequence[Value], found: Sequence[Group]) -> tuple[float | None, ...]:
    """Return how much a published curve's zigzag correlates with each group: the largest of its members.

    Args:
        values: The published values; only validation losses count.
        found: The groups.

    Returns:
        One for each group, None where there are too few common evaluations.
    """
    own: dict[float, float] = {
        value.step: value.value for value in values if value.metric == "validation_loss"
    }
    return tuple(
        max((r for peer in group.peers if (r := correlation(own, _curve(peer))) is not None), default=None)
        for group in found
    )


def correlation(one: Mapping[float, float], other: Mapping[float, float]) -> float | None:
    """Return the correlation of two curves' zigzags, losses by step, at their common steps.

    Returns:
        Pearson's correlation of what is left of each curve beside a quadratic in log epoch; None where
        fewer than eight steps are common or a curve has no zigzag.
    """
    from repro.comparison.streams import zigzags

    if len(one.keys() & other.keys()) < FEWEST_POINTS:
        return None
    found = zigzags(one, other)
    return None if found is None else found[0]


def _version_key(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"[0-9]{1,9}", text)[:4])

"""Two runs side by side: what they have in common, and the first point at which they part.

Times, ids and the history of resumes do not count; nor do the reasons that records give in words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from repro.comparison.curve import LOSSES
from repro.facts.streams import stream
from repro.records.codec import to_json
from repro.records.difference import (
    Agreement,
    Aspect,
    Difference,
    Differing,
    EpochPair,
    LossPair,
    Parting,
    Side,
)
from repro.records.run import Epoch, Measured, Run

#: In the order in which they come about in an epoch; digests of other names follow.
ORDER = ("data_order", "training_loss", "weights", "optimizer", "validation_loss", "random_state")
_EPOCH_PLACES = 3
_Texts = Mapping[str, str]


def part(a: Run, b: Run, names: tuple[str, str] | None = None) -> Difference:
    """Compare two runs, finished or not.

    Args:
        a: A run.
        b: Another.
        names: What to call them; their ids by default.
    """
    sides = _side(a, names[0] if names else a.id), _side(b, names[1] if names else b.id)
    ended = "unfinished" not in (sides[0].state, sides[1].state)
    aspects = tuple(_aspects(a, b, ended=ended))
    pairs = tuple(_pairs(a.epochs, b.epochs))
    parted = [pair for pair in pairs if _parted(pair)]
    losses = [(pair.epoch, loss) for pair in pairs for loss in pair.losses.values()]
    found = Difference(
        a=sides[0],
        b=sides[1],
        verdict=_verdict(aspects, pairs, parted),
        summary="",
        aspects=aspects,
        first=_first(parted[0]) if parted else None,
        losses_part=next((epoch for epoch, loss in losses if not loss.same), None),
        printed_part=next((epoch for epoch, loss in losses if not loss.same_as_printed), None),
        largest=max(
            (abs(loss.difference) for _, loss in losses if loss.difference is not None), default=None
        ),
        epochs=pairs,
        notes=tuple(_notes(sides, pairs)),
    )
    found = msgspec.structs.replace(found, summary=_summary(found))
    if found.verdict != "parted":
        return found
    from repro.comparison.parting_causes import suggest  # scipy: only where there is something to explain

    return msgspec.structs.replace(found, causes=tuple(suggest(a, b, found)))


# ------------------------------------------------------------------------------------- what was asked for


def _side(run: Run, name: str) -> Side:
    return Side(
        name=name,
        run=run.id,
        case=run.case.name,
        state="unfinished" if run.result is None else _status(run),
        epochs=len(run.epochs),
        settings=_fields(run.settings),
        device="" if run.device is None else run.device.name or run.device.kind,
        started=run.timing.started,
        training_seconds=run.timing.training_seconds,
        resumes=run.resumes,
    )


def _status(run: Run) -> Literal["completed", "stopped", "failed", "skipped"]:
    status: Literal["completed", "stopped", "failed", "skipped"] = msgspec.to_builtins(run.result)["status"]
    return status


def _aspects(a: Run, b: Run, *, ended: bool) -> Iterator[Aspect]:
    one, other = _conditions(a), _conditions(b)
    if not ended:
        del one["result"], other["result"]
    if not (a.determinism and b.determinism):  # a record of before there was one says nothing
        del one["determinism"], other["determinism"]
    for name in one:
        first, second = one[name], other[name]
        yield Aspect(
            name=name,
            compared=len(first.keys() | second.keys()),
            differing=tuple(
                Differing(what=what, a=first.get(what), b=second.get(what))
                for what in sorted(first.keys() | second.keys())
                if first.get(what) != second.get(what)
            ),
        )


def _conditions(run: Run) -> dict[str, _Texts]:
    """Return all that may explain what was measured, as texts, by aspect."""
    case, environment = run.case, run.environment
    return {
        "case": {
            "files": case.digest,
            "model": case.model,
            "task": case.task,
            **dict(_flat(msgspec.to_builtins(case.claims), "claims")),
        },
        "settings": _fields(run.settings),
        "arguments": {name: _text(value) for name, value in run.arguments.items()},
        "data": {name: text for name, text in _fields(run.data).items() if name != "origin"},
        "environment": {
            name: text
            for name, text in (
                ("python", environment.python),
                ("lock", environment.lock_sha256),
                ("moment", environment.moment),
                ("stream", environment.stream or stream(environment.packages) or ""),
            )
            if text
        },
        "packages": {_normal(name): version for name, version in environment.packages.items()},
        "device": _fields(run.device),
        "determinism": dict(run.determinism),
        "deviations": {each.what: each.actual for each in run.deviations},
        "result": {
            **({} if run.result is None else _fields(run.result)),
            "epochs measured": str(len(run.epochs)),
        },
    }


def _fields(record: object) -> dict[str, str]:
    """Return what a flat record states, field by field; fields of later versions are compared alike."""
    if record is None:
        return {}
    return {
        name: _text(value) for name, value in msgspec.to_builtins(record).items() if value not in (None, "")
    }


def _flat(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Yield the leaves of claims with their places; in which line a card prints them does not matter."""
    items = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    )
    if items is None:
        yield where, _text(value)
        return
    for key, each in items:
        if key not in ("line", "value") and each is not None:
            yield from _flat(each, f"{where}.{key}")


def _text(value: Any) -> str:
    if isinstance(value, float):
        return repr(value)  # 5e-05, as cards print it
    return value if isinstance(value, str) else to_json(value, indent=0)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# ---------------------------------------------------------------------------------------- what was measured


def _pairs(a: tuple[Epoch, ...], b: tuple[Epoch, ...]) -> Iterator[EpochPair]:
    """Yield the evaluations that both have: at the same step, or at the same epoch where no step is."""
    first, second = ({each.step: each.epoch for each in epochs} for epochs in (a, b))
    shared = first.keys() & second.keys()
    # Where an epoch has another number of steps, the same step is not the same point.
    at = _step if shared and all(_near(first[step], second[step]) for step in shared) else _epoch
    # Of two evaluations at one step the first counts: a second one is `evaluate()` after the training.
    theirs = {at(each): each for each in reversed(b)}
    ours = {at(each): each for each in reversed(a)}
    for where, one in reversed(ours.items()):
        if (other := theirs.get(where)) is not None:
            yield EpochPair(
                epoch=one.epoch, step=one.step, digests=_digests(one, other), losses=dict(_losses(one, other))
            )


def _step(epoch: Epoch) -> float:
    return epoch.step


def _epoch(epoch: Epoch) -> float:
    return round(epoch.epoch, _EPOCH_PLACES)


def _near(one: float, other: float) -> bool:
    return round(one, _EPOCH_PLACES) == round(other, _EPOCH_PLACES)


def _digests(one: Epoch, other: Epoch) -> dict[str, Agreement]:
    def agreement(name: str) -> Agreement:
        if name not in other.digests:
            return "only a"
        if name not in one.digests:
            return "only b"
        return "same" if one.digests[name] == other.digests[name] else "different"

    return {name: agreement(name) for name in sorted(one.digests.keys() | other.digests.keys(), key=place)}


def place(name: str) -> tuple[int, str]:
    """Sort digests and losses by the order in which they come about in an epoch."""
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


def _losses(one: Epoch, other: Epoch) -> Iterator[tuple[str, LossPair]]:
    for metric in LOSSES:
        a, b = getattr(one, metric), getattr(other, metric)
        if a is None or b is None:
            continue
        left, right = float(a), float(b)
        difference = right - left
        yield (
            metric,
            LossPair(
                a=a,
                b=b,
                difference=difference if math.isfinite(difference) else None,
                same=left == right or (math.isnan(left) and math.isnan(right)),
                same_as_printed=_printed(a) == _printed(b),
            ),
        )


def _printed(value: Measured) -> str:
    return f"{float(value):.4f}"


def _parted(pair: EpochPair) -> tuple[str, ...]:
    """Return what is different at an evaluation, in the order in which it comes about."""
    return _with(pair, "different", same=False)


def _with(pair: EpochPair, agreement: Agreement, *, same: bool) -> tuple[str, ...]:
    digests = [name for name, found in pair.digests.items() if found == agreement]
    losses = [metric for metric, loss in pair.losses.items() if loss.same is same]
    return tuple(sorted([*digests, *losses], key=place))


def _first(pair: EpochPair) -> Parting:
    return Parting(
        epoch=pair.epoch, step=pair.step, parted=_parted(pair), same=_with(pair, "same", same=True)
    )


# --------------------------------------------------------------------------------------------- in sentences


def _verdict(
    aspects: tuple[Aspect, ...], pairs: tuple[EpochPair, ...], parted: list[EpochPair]
) -> Literal["same", "same results", "parted", "not compared"]:
    if parted:
        return "parted"
    if not any(_with(pair, "same", same=True) for pair in pairs):
        return "not compared"
    return "same results" if any(aspect.differing for aspect in aspects) else "same"


def _summary(found: Difference) -> str:
    compared = _epochs(len(found.epochs))
    match found.verdict:
        case "same":
            return f"the same: nothing but times and ids differs in {compared}"
        case "same results":
            differing = ", ".join(aspect.name for aspect in found.aspects if aspect.differing)
            return f"all that was measured is the same in {compared}, though these differ: {differing}"
        case "not compared":
            return "nothing was measured in both at the same step or epoch"
        case "parted":
            return _where(found)


def _where(found: Difference) -> str:
    assert found.first is not None  # noqa: S101 - parted
    first = found.first
    text = f"they part at epoch {round(first.epoch, 4):g} (step {first.step}): "
    text += f"{listed(first.parted)} {_verb(first.parted)} not the same"
    if first.same:
        text += f", {listed(first.same)} still {_verb(first.same)}"
    return text


def _verb(names: tuple[str, ...]) -> str:
    return "is" if len(names) == 1 and names[0] != "weights" else "are"


def listed(names: tuple[str, ...]) -> str:
    """Return names of digests and losses for people."""
    texts = [name.replace("_", " ") for name in names]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def _epochs(count: int) -> str:
    return "1 epoch" if count == 1 else f"{count} epochs"


def _notes(sides: tuple[Side, Side], pairs: tuple[EpochPair, ...]) -> Iterator[str]:
    for letter, side in zip("AB", sides, strict=True):
        if side.state != "completed":
            yield f"{letter} is {side.state}: compared as far as both went, {_epochs(len(pairs))}"
        if side.epochs > len(pairs) and pairs:
            yield f"{letter} has {side.epochs} evaluations, of which the other has {len(pairs)}"
    for agreement, letter in (("only a", "A"), ("only b", "B")):
        names = {name for pair in pairs for name, found in pair.digests.items() if found == agreement}
        if names:
            which = listed(tuple(sorted(names, key=place)))
            yield f"not compared, since only {letter} has digests of them: {which}"

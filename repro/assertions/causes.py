"""Why two curves may lie apart, as far as they tell themselves; `repro.comparison` knows more of runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from repro.records.comparison import Cause

if TYPE_CHECKING:
    from repro.assertions.closeness import Closeness, Row

# As in `repro.comparison.curves`: a ratio that stays within a tenth is one factor.
_CONSTANT = 1.1
_OTHER_SCALE = 2.0
_SHORTEST = 3


def likely_causes(result: Closeness) -> tuple[Cause, ...]:
    """List what the differences speak for, most telling first; nothing where nothing differs."""
    found = tuple(_causes(result))
    if found or not result.outside:
        return found
    cause = Cause(
        cause="another seed, data or hyperparameter: the differences have no shape that tells which",
        evidence=f"{len(result.outside)} of {len(result.compared)} values lie outside",
        test="run with two other seeds; if they agree with each other, compare data and hyperparameters",
    )
    return (cause,)


def _causes(result: Closeness) -> Iterator[Cause]:
    rows = result.rows
    missing = [row for row in rows if _is(row.published) and not _is(row.measured)]
    if result.problem or missing:
        yield Cause(
            cause="evaluated at other points: another number of steps, batch size or size of the data",
            evidence=result.problem or f"{len(missing)} published points were not measured",
            test="compare steps per epoch, batch size and number of examples",
        )
    broken = [row for row in rows if _is(row.published) and _is(row.measured) and _broken(row)]
    if broken:
        yield Cause(
            cause="one of the two trainings diverged: learning rate, precision or a broken batch",
            evidence=f"not finite at {broken[0].where}",
            test="the same run in full precision, or with a lower learning rate",
        )
    known = [row for row in rows if row.difference is not None]
    pairs = [_numbers(row) for row in known]
    if len(pairs) >= _SHORTEST and not broken:
        yield from _shape(pairs, result)


def _shape(pairs: Sequence[tuple[float, float]], result: Closeness) -> Iterator[Cause]:
    ratios = [measured / published for published, measured in pairs if published > 0 < measured]
    middle = sorted(ratios)[len(ratios) // 2] if ratios else 1.0
    one_factor = len(ratios) == len(pairs) and max(ratios) <= _CONSTANT * min(ratios)
    if one_factor and not 1 / _OTHER_SCALE <= middle <= _OTHER_SCALE:
        yield Cause(
            cause="another scale: a sum instead of a mean, other units, or a fraction instead of per cent",
            evidence=f"the measured values are {middle:.3g} times the published ones throughout",
            test="look at how the metric is reduced",
        )
        return
    if shift := _shift(pairs, result):
        yield Cause(
            cause="the rows are displaced: one evaluation more or less at the beginning",
            evidence=f"moved by one row {shift}, all values agree",
            test="compare when the first evaluation is made",
        )
        return
    outside = [row.within is False for row in result.rows if row.difference is not None]
    signs = [math.copysign(1.0, measured - published) for published, measured in pairs]
    if outside[0] and abs(sum(signs)) == len(signs):
        direction = "above" if signs[0] > 0 else "below"
        yield Cause(
            cause="another start or other data: weights, tokenisation, evaluation set",
            evidence=f"every measured value lies {direction} the published one, from the first on",
            test="evaluate before training, and compare the digests of model and data",
        )
    elif not outside[0] and outside[-1]:
        yield Cause(
            cause="the curves part on the way: learning rate, its schedule, batch size or precision",
            evidence="the first value agrees, the last does not",
            test="compare the hyperparameters that act later, e.g. scheduler, warm-up and number of epochs",
        )
    if 0 < sum(outside) < len(outside):
        yield Cause(
            cause="noise: another seed, random stream, device or release",
            evidence=f"{len(outside) - sum(outside)} of {len(outside)} values agree",
            test="run with two other seeds: if they differ as much, the tolerance is too narrow",
        )


def _shift(pairs: Sequence[tuple[float, float]], result: Closeness) -> str:
    published, measured = zip(*pairs, strict=True)
    bound = max(row.bound for row in result.rows)
    if _agree(published[:-1], measured[1:], bound):
        return "up"
    return "down" if _agree(published[1:], measured[:-1], bound) else ""


def _agree(one: Sequence[float], other: Sequence[float], bound: float) -> bool:
    return all(abs(a - b) <= bound for a, b in zip(one, other, strict=True))


def _is(point: object) -> bool:
    return getattr(point, "value", None) is not None


def _numbers(row: Row) -> tuple[float, float]:
    return float(getattr(row.published, "value", math.nan)), float(getattr(row.measured, "value", math.nan))


def _broken(row: Row) -> bool:
    return row.within is False and row.difference is None

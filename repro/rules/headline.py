"""The headline's loss, looked up in the results table once for all rules on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from repro.records.claims import Claim

_LOSSES = ("loss", "eval_loss", "validation_loss", "val_loss", "evaluation_loss")
# A headline of fewer digits is found among training losses by chance.
_LEAST = 0.1
_LEAST_LENGTH = 6
_ROUNDING = 0.500001
_SAME = 5e-5


class Headline(NamedTuple):
    """The headline's loss and where it stands in the table.

    Attributes:
        claim: As the card states it.
        number: What it says.
        rows: Indices of the rows whose validation loss it is, in the digits of the one that has fewer.
        training: The last or the lowest training loss's row, where the headline is that; else None.
    """

    claim: Claim
    number: float
    rows: tuple[int, ...]
    training: int | None


def headline(
    evaluation: Mapping[str, Claim],
    validation: Sequence[tuple[int, float]],
    digits: int,
    training: Sequence[tuple[int, float]],
) -> Headline | None:
    """Look the headline's loss up in the table.

    Args:
        evaluation: The headline results.
        validation: (row index, validation loss) of the table.
        digits: With how many decimals these are printed.
        training: (row index, training loss) of the table.

    Returns:
        None where the card states no loss, or the table has none.
    """
    claim = next((evaluation[name] for name in _LOSSES if name in evaluation), None)
    number = finite(claim)
    if claim is None or number is None or not validation:
        return None
    near = _ROUNDING * 10.0 ** -min(decimals(claim.text), digits)
    rows = tuple([row for row, value in validation if -near <= value - number <= near])
    return Headline(claim, number, rows, _training(claim, number, training))


def _training(claim: Claim, number: float, training: Sequence[tuple[int, float]]) -> int | None:
    if not training or abs(number) < _LEAST or len(claim.text) < _LEAST_LENGTH:
        return None
    row, last = training[-1]
    if abs(last - number) < _SAME:
        return row
    row, lowest = min(training, key=itemgetter(1))
    return row if abs(lowest - number) < _SAME else None


def finite(claim: Claim | None) -> float | None:
    """Return what a claim says as a number, None for words, truth values, NaN and infinity."""
    number = claim.value if claim is not None else None
    if number.__class__ is float:  # most are, and are soonest told
        return number
    return float(number) if isinstance(number, int | float) and not isinstance(number, bool) else None


def decimals(text: str) -> int:
    """Return how many decimals a number is printed with."""
    if "e" in text or "E" in text:
        return 12
    return len(text.rpartition(".")[2].rstrip("*`_")) if "." in text else 0

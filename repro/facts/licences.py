"""Licences as the Hub names them, and those of the base models that are fine-tuned most.

The tables `licences.json` and `base_models.json` are shipped with the program and used offline. What a
licence permits is put into a few classes (`Terms`), coarse on purpose: they tell whether two licences are of
one kind, not what a lawyer would say about either.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

Terms: TypeAlias = Literal[
    "permissive",  # do what you want, keep the notice
    "copyleft",  # pass it on under the same terms
    "non-commercial",
    "no derivatives",
    "community",  # a maker's own agreement, which binds derivatives: Llama, Gemma
    "use-restricted",  # the OpenRAIL family: a list of forbidden uses goes along
    "open",  # says nothing by itself: `other`, `unknown`, a family's name
]

_FOLDER = Path(__file__).parent
_LONGEST = 80  # characters of an identifier; real ones have under 40
_SEPARATORS = re.compile(r"[\s_/-]+")
_NOISE = re.compile(r"^the|licen[sc]ed?|agreement|version|under|v(?=[0-9])")


class _Licences(msgspec.Struct, frozen=True):
    terms: Mapping[Terms, tuple[str, ...]]
    aliases: Mapping[str, str]


class _BaseModels(msgspec.Struct, frozen=True):
    licences: Mapping[str, tuple[str, ...]]
    agreements: Mapping[str, tuple[str, Terms]]
    legacy: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BaseLicence:
    """The licence of a well-known base model.

    Attributes:
        name: The Hub's identifier, or the agreement's name where the Hub has none.
        terms: What kind of licence it is.
    """

    name: str
    terms: Terms


@cache
def _licences() -> _Licences:
    return msgspec.json.decode((_FOLDER / "licences.json").read_bytes(), type=_Licences)


@cache
def identifiers() -> Mapping[str, Terms]:
    """Return the identifiers that the Hub knows, and what kind of licence each is."""
    return {name: terms for terms, names in _licences().terms.items() for name in names}


def terms(identifier: str) -> Terms:
    """Return what kind of licence an identifier stands for; `open` where it is unknown."""
    return identifiers().get(identifier.lower(), "open")


@lru_cache(4096)
def recognise(text: str) -> str | None:
    """Return the identifier that a text names in other words, None where it names none for certain.

    >>> recognise("Apache License 2.0"), recognise("MIT"), recognise("mitt")
    ('apache-2.0', 'mit', None)
    """
    lowered = text[:_LONGEST].strip().lower()
    return lowered if lowered in identifiers() else _by_bare().get(_bare(lowered))


@lru_cache(4096)
def suggest(text: str) -> str | None:
    """Return the identifier that was probably meant, None where no one is close.

    >>> suggest("apache-2.O"), suggest("cc-by-sa-4"), suggest("my own")
    ('apache-2.0', 'cc-by-sa-4.0', None)
    """
    if named := recognise(text):
        return named
    lowered = _SEPARATORS.sub("-", text[:_LONGEST].strip().lower())
    close = difflib.get_close_matches(lowered, identifiers(), n=1, cutoff=0.8)
    return close[0] if close else None


@cache
def _by_bare() -> Mapping[str, str]:
    """Return the identifiers by what is left of them without separators and needless words."""
    bare = {_bare(name): name for name in identifiers()}
    short = {key.removesuffix(".0"): name for key, name in bare.items() if key.endswith(".0")}
    # A family's own name (`gpl`) goes before a member without its version; a named alias before both.
    return short | bare | dict(_licences().aliases)


def _bare(text: str) -> str:
    words = [_NOISE.sub("", word) for word in _SEPARATORS.split(text.replace(",", " "))]
    return "".join(words)


# ---------------------------------------------------------------------------------------- base models


@cache
def _base_models() -> tuple[
    Mapping[str, BaseLicence], tuple[tuple[str, BaseLicence], ...], Mapping[str, str]
]:
    """Return the licences by exact name and by beginning (longest first), and old names' new owners."""
    table = msgspec.json.decode((_FOLDER / "base_models.json").read_bytes(), type=_BaseModels)
    rows = [(row, BaseLicence(name, terms(name))) for name, rows in table.licences.items() for row in rows]
    rows += [(row, BaseLicence(*agreement)) for row, agreement in table.agreements.items()]
    exact = {row: licence for row, licence in rows if not row.endswith("*")}
    begins = [(row[:-1], licence) for row, licence in rows if row.endswith("*")]
    return exact, tuple(sorted(begins, key=lambda row: -len(row[0]))), table.legacy


@lru_cache(4096)
def base_licence(model: str) -> BaseLicence | None:
    """Return the licence of a well-known model on the Hub, None where it is not in the table.

    >>> base_licence("bert-base-uncased").name, base_licence("meta-llama/Llama-2-7b-hf").terms
    ('apache-2.0', 'community')
    """
    exact, begins, _ = _base_models()
    name = canonical(model).lower()
    if name in exact:
        return exact[name]
    return next((licence for start, licence in begins if name.startswith(start)), None)


@lru_cache(4096)
def canonical(model: str) -> str:
    """Return the name that a model has today: the first ones had no owner in theirs.

    >>> canonical("bert-base-uncased"), canonical("me/bert-base-uncased")
    ('google-bert/bert-base-uncased', 'me/bert-base-uncased')
    """
    name = model[: 2 * _LONGEST].strip().rstrip("/")
    if "/" in name:
        return name
    legacy = _base_models()[2]
    owner = next((owner for row, owner in legacy.items() if _is(name.lower(), row)), None)
    return f"{owner}/{name}" if owner else name


def _is(name: str, row: str) -> bool:
    return name.startswith(row[:-1]) if row.endswith("*") else name == row

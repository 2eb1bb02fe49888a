"""Findings that were there before: a team with a thousand old cards fails only on new ones.

A finding is known again by its rule, its message without numbers and the text of its line, so that it stays
the same one when lines move; only a hash of these is kept. Where one card has several that are alike, their
number counts. Targets are written relative to the baseline's folder, so that it can be used from any folder.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.errors import BadInput
from repro.records.claims import Finding
from repro.records.codec import Record, from_json, read_text, to_json, write_atomic

_NUMBER = re.compile(r"[0-9]+")
_NO_PATH = re.compile(r"hub:|https?://|standard input$")


class Entry(Record, frozen=True, kw_only=True):
    """A finding on one card, and how often it is there."""

    target: str
    rule: str
    fingerprint: str
    count: int = 1


class Document(Record, frozen=True, kw_only=True, tag_field="schema", tag="repro.baseline/1"):
    """The file."""

    findings: tuple[Entry, ...] = ()


#: Of one card: how often each (rule, fingerprint) is there.
Known = Counter[tuple[str, str]]


@dataclass(frozen=True)
class Baseline:
    """What was found before.

    Attributes:
        folder: The folder that targets are relative to.
        cards: By target.
    """

    folder: str
    cards: Mapping[str, Known]

    @classmethod
    def load(cls, path: Path) -> Baseline:
        """Read a baseline.

        Raises:
            BadInput: Not there, or no baseline.
        """
        try:
            document = from_json(read_text(path), Document, source=str(path))
        except BadInput as error:
            hint = "--write-baseline makes one" if not path.exists() else "is it a baseline of this program?"
            raise BadInput(error.message, hint) from error
        cards: dict[str, Known] = {}
        for each in document.findings:
            if each.count < 1:
                raise BadInput(f"{path}: findings: a count of {each.count}", "it is 1 at least")
            cards.setdefault(each.target, Counter())[each.rule, each.fingerprint] += each.count
        return cls(folder_of(path), cards)

    def of(self, target: str, rules: Iterable[str]) -> Known:
        """Return what is known of one card and of the rules that are asked."""
        known = self.cards.get(name_of(target, self.folder), Counter())
        asked = frozenset(rules)
        return Counter({key: count for key, count in known.items() if key[0] in asked})


def folder_of(path: Path) -> str:
    """Return the folder that a baseline's targets are relative to."""
    return str(path.absolute().parent)


def name_of(target: str, folder: str) -> str:
    """Return what a target is called in a baseline: the path relative to its folder, with forward slashes."""
    if _NO_PATH.match(target):
        return target
    try:
        return os.path.relpath(target, folder).replace(os.sep, "/")
    except ValueError:  # another drive
        return target


def fingerprint(finding: Finding, lines: Sequence[str]) -> str:
    """Return what a finding is known by.

    Args:
        finding: The finding.
        lines: The card's lines.
    """
    at = finding.line
    source = lines[at - 1] if at is not None and 0 < at <= len(lines) else ""
    parts = (finding.rule, _NUMBER.sub("#", finding.message), " ".join(source.split()))
    text = "\0".join(parts).encode("utf-8", "replace")
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def hold_back(
    findings: Iterable[Finding], lines: Sequence[str], known: Known
) -> tuple[list[Finding], list[Finding], int]:
    """Part the findings of one card.

    Returns:
        Those that are new, those that were there before, and how many of the known ones are gone.
    """
    new: list[Finding] = []
    old: list[Finding] = []
    left = Counter(known)
    for each in findings:
        key = (each.rule, fingerprint(each, lines)) if left else ("", "")
        if left[key] > 0:
            left[key] -= 1
            old.append(each)
        else:
            new.append(each)
    return new, old, left.total()


def entries(target: str, findings: Iterable[Finding], lines: Sequence[str], folder: str) -> list[Entry]:
    """Return the findings of one card as entries."""
    counts = Counter((each.rule, fingerprint(each, lines)) for each in findings)
    name = name_of(target, folder).encode("utf-8", "replace").decode()
    return [
        Entry(target=name, rule=rule, fingerprint=print_, count=count)
        for (rule, print_), count in counts.items()
    ]


def save(path: Path, found: Iterable[Entry]) -> None:
    """Write a baseline, whole or not at all: sorted, one finding a line, so that a diff of it can be read.

    Raises:
        BadInput: It cannot be written.
    """
    ordered = sorted(found, key=lambda each: (each.target, each.rule, each.fingerprint))
    rows = ",".join(f"\n{to_json(each, indent=0)}" for each in ordered)
    write_atomic(path, f'{{"schema":"repro.baseline/1","findings":[{rows}\n]}}\n')

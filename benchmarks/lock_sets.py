"""Lock every distinct set of versions that cards print, one at a time, and say what came of each.

    python benchmarks/lock_sets.py --cards FOLDER [--peers FILE]

A set of released versions must lock with no deviation but that of a local tag; a set with a version that was
never released must lock with a deviation for it. Whatever does not is listed with its reason, and the exit
code is 1. Seconds are those of a new lock, reading the registry's pages included; nothing is built.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

from repro.audits.sources import one_source
from repro.cards import read_card
from repro.cases.loader import documented_versions
from repro.environments.resolve import resolve
from repro.errors import ReproError
from repro.facts.releases import standing
from repro.records.environment import Environment

Set = tuple[tuple[str, str], ...]
COLUMNS = {
    "transformers": "transformers",
    "pytorch": "torch",
    "datasets": "datasets",
    "tokenizers": "tokenizers",
}


def sets_of(cards: Path, peers: Path | None) -> list[Set]:
    """Return the distinct sets of documented versions, in the order in which they are met."""
    found: dict[Set, None] = {}
    for path in sorted(path for path in cards.rglob("*") if path.is_file()):
        source = one_source(str(path))
        card = read_card(source.text, target=source.target, undecodable=source.undecodable)
        versions = documented_versions(card.claims)
        if versions.keys() - {"python"}:
            found.setdefault(tuple(versions.items()))
    if peers is not None:
        with peers.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                versions = {name: row[column] for column, name in COLUMNS.items() if row.get(column)}
                found.setdefault(tuple(versions.items()))
    return list(found)


def is_released(versions: Set) -> bool:
    """Tell whether each version of a set is a release that a registry can have, whatever its local tag."""
    return all(standing(name, text) == "release" for name, text in versions if name != "python")


def outcome(versions: Set, environment: Environment) -> str:
    """Return `exact`, `build` (a local tag's build differs), `nearest` (another version stands for one)."""
    differs = {each.what for each in environment.deviations}
    if differs & {name for name, _ in versions}:
        return "nearest"
    return "build" if differs else "exact"


def main() -> int:
    """Lock them all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cards", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--peers", type=Path, metavar="FILE")
    options = parser.parse_args()
    sets = sets_of(options.cards, options.peers)
    counts: Counter[tuple[str, str]] = Counter()
    seconds, rest = [], []
    for versions in sets:
        printed = ", ".join(f"{name} {text}" for name, text in versions)
        kind = "released" if is_released(versions) else "not all released"
        begun = time.perf_counter()
        try:
            environment, _ = resolve(dict(versions))
        except ReproError as error:
            word, line = "failed", f"{error.message} | {error.hint}"
        else:
            word = outcome(versions, environment)
            differs = "; ".join(
                f"{each.what} {each.published} -> {each.actual}" for each in environment.deviations
            )
            tries = len(environment.attempts)
            line = f"{environment.moment[:10]} | {environment.python} | {tries} tried | {differs or '-'}"
        seconds.append(time.perf_counter() - begun)
        counts[kind, word] += 1
        text = f"{printed} | {word} | {line} | {seconds[-1]:.1f} s"
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
        if word == "failed" or (kind == "released" and word == "nearest"):
            rest.append(text)
    for (kind, word), count in sorted(counts.items()):
        sys.stdout.write(f"{kind}: {word}: {count}\n")
    sys.stdout.write(
        f"{len(sets)} sets, median {statistics.median(seconds):.1f} s, most {max(seconds):.1f} s\n"
    )
    sys.stdout.write("".join(f"rest: {text}\n" for text in rest))
    return 1 if rest else 0


if __name__ == "__main__":
    sys.exit(main())

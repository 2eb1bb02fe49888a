"""Many environments, one after the other: locked, built, tried, removed; one row each, kept as they come."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from repro.audits.sources import open_targets
from repro.cards import read_card
from repro.cases.loader import DOCUMENTED, documented_versions
from repro.environments.build import build
from repro.environments.cache import remember
from repro.environments.matrix import Room, Wanted, lock, once
from repro.errors import BadInput, EnvironmentFailed, Interrupted, NetworkFailed, ReproError
from repro.records.codec import from_json, read_text, to_json
from repro.records.environment import Environment, Probe
from repro.records.matrix import Matrix, MatrixRow
from repro.runs.probe import probe, unexpected_stream

#: What decides a training, and is shown; the whole closure is in the lock.
SHOWN = ("transformers", "torch", "datasets", "tokenizers", "accelerate")
NAMES_IN_TABLES = {"pytorch": "torch"}


class Observer(Protocol):
    """Who is told what goes on."""

    def say(self, text: str) -> None:
        """One line about what is being done."""


@dataclass(frozen=True)
class Options:
    """How a matrix is made.

    Attributes:
        lock_only: Stop after the lock.
        remove: Remove each environment after its row; else only where the disk is short.
        keep_free: Bytes that stay free on the cache's disk.
        out: A file that rows are appended to as they come; rows that it has are not made again.
    """

    lock_only: bool = False
    remove: bool = False
    keep_free: int = 10_000_000_000
    out: Path | None = None


def fill(wanted: Sequence[Wanted], options: Options, observer: Observer) -> Matrix:
    """Make one row for each environment; a row that fails says why, and the rest goes on.

    Args:
        wanted: What is asked for.
        options: How.
        observer: Told what is going on.

    Returns:
        The rows; not all of them after Ctrl-C.

    Raises:
        BadInput: `options.out` is no file of rows, or cannot be written.
    """
    earlier = _read_rows(options.out) if options.out else {}
    room = Room(options.keep_free, observer.say)
    rows: list[MatrixRow] = []
    for number, each in enumerate(wanted, 1):
        row = earlier.get((each.key, options.lock_only))
        if row is None:
            observer.say(f"{number} of {len(wanted)}: {each.asked}")
            try:
                row = _row(each, options, room, observer)
                if options.out:
                    _append(options.out, row)
            except (KeyboardInterrupt, Interrupted):
                if options.remove:
                    room.clear()
                return Matrix(rows=tuple(rows), complete=False)
            if options.remove:
                room.clear()
            if said := row.failure or mismatch(row):
                observer.say(said)
        rows.append(row)
    return Matrix(rows=tuple(rows))


def mismatch(row: MatrixRow) -> str:
    """Return a sentence where the observed random stream is not the expected one; else nothing."""
    return unexpected_stream(row.expected, row.probe)


def _row(wanted: Wanted, options: Options, room: Room, observer: Observer) -> MatrixRow:
    row = MatrixRow(
        asked=wanted.asked,
        documented=wanted.documented,
        wanted_python=wanted.python or "",
        lock_only=options.lock_only,
    )
    begun = time.monotonic()
    try:
        environment, text = lock(wanted, observer.say)
    except ReproError as error:
        return replace(_failed(row, error), lock_seconds=_since(begun))
    row = replace(
        row,
        python=environment.python,
        moment=environment.moment,
        versions={name: environment.locked[name] for name in SHOWN if name in environment.locked},
        deviations=environment.deviations,
        lock_sha256=environment.lock_sha256,
        expected=environment.stream,
        lock_seconds=_since(begun),
        download_bytes=environment.sizes.download_bytes,
    )
    return row if options.lock_only else _tried(row, environment, text, room, observer)


def _tried(row: MatrixRow, environment: Environment, lock: str, room: Room, observer: Observer) -> MatrixRow:
    """Build an environment and try it; one from the cache is tried where nobody did."""
    begun = time.monotonic()
    trial = _Trial(environment)
    try:
        room.make(environment)
        built = build(environment, lock, probe=trial, report=observer.say)
        if not built.from_cache:
            room.built(environment)
        if built.probe is None:
            built = remember(built, trial(built.python))
    except (ReproError, OSError) as error:
        seconds = trial.begun - begun if trial.begun else _since(begun)
        failed = _failed(row, error)
        return replace(failed, built=bool(trial.begun), probe=trial.seen, build_seconds=round(seconds, 3))
    return replace(
        row,
        built=True,
        from_cache=built.from_cache,
        probe=built.probe,
        build_seconds=built.seconds,
        disk_bytes=built.disk_bytes,
    )


class _Trial:
    """Tries an environment and remembers what it saw, which `build` forgets where the trial fails."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self.begun = 0.0
        self.seen: Probe | None = None

    def __call__(self, python: Path) -> Probe:
        self.begun = time.monotonic()
        self.seen = probe(self._environment, python)
        if self.seen.failure:
            raise EnvironmentFailed(self.seen.failure, "the row's `probe.traceback` says where")
        return self.seen


def _failed(row: MatrixRow, error: Exception) -> MatrixRow:
    hint = error.hint if isinstance(error, ReproError) else ""
    return replace(row, failure=str(error), hint=hint, network=isinstance(error, NetworkFailed))


def _since(begun: float) -> float:
    return round(time.monotonic() - begun, 3)


# ------------------------------------------------------------------------------------ the file of rows


def _read_rows(path: Path) -> dict[tuple[object, bool], MatrixRow]:
    """Return the rows of an earlier start by what they are about; cut off what a killed one left half."""
    if not path.exists():
        return {}
    text = read_text(path)
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole, encoding="utf-8")
    rows: dict[tuple[object, bool], MatrixRow] = {}
    for number, line in enumerate(whole.splitlines(), 1):
        row = from_json(line, MatrixRow, source=f"{path}, line {number}")
        if not row.network:  # the network may be back
            key = Wanted(row.asked, row.documented, python=row.wanted_python or None).key
            rows[key, row.lock_only] = row
    return rows


def _append(path: Path, row: MatrixRow) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(to_json(row, indent=0) + "\n")
    except OSError as error:
        raise BadInput(
            f"{path}: cannot be written: {error.strerror}", "choose another file with --out"
        ) from error


# ------------------------------------------------------------------------- which versions cards print


def wanted_by_cards(folder: Path, peers: Path | None, observer: Observer) -> list[Wanted]:
    """Return the distinct sets of versions that cards print.

    Args:
        folder: A folder of cards, or one card.
        peers: A table (CSV) with columns transformers, torch or pytorch, datasets, tokenizers, or None.
        observer: Told how many cards were read.

    Returns:
        Each set once, in the order in which they first appear.

    Raises:
        BadInput: No such folder or table, or none of them has versions.
    """
    found: dict[frozenset[tuple[str, str]], list[str]] = {}
    silent = 0
    for name, versions in [*_of_cards(folder, observer.say), *(_of_table(peers) if peers else ())]:
        if versions:
            found.setdefault(frozenset(versions.items()), []).append(name)
        else:
            silent += 1
    if not found:
        raise BadInput(f"{folder}: no card here documents versions", "an environment needs at least one")
    cards = sum(map(len, found.values()))
    observer.say(f"{cards} cards document {len(found)} sets of versions; {silent} document none")
    return once(
        Wanted(names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more", _ordered(versions))
        for versions, names in found.items()
    )


def _ordered(versions: frozenset[tuple[str, str]]) -> dict[str, str]:
    stated = dict(versions)
    return {name: stated[name] for name in DOCUMENTED if name in stated}


def _of_cards(folder: Path, say: Callable[[str], None]) -> Iterator[tuple[str, dict[str, str]]]:
    for target in open_targets([str(folder)]):
        for chunk in target.chunks():
            for source in chunk.read():
                if source.problem:
                    say(f"{source.target}: {source.problem}")
                    continue
                card = read_card(source.text, target=source.target, undecodable=source.undecodable)
                yield Path(source.target).name, documented_versions(card.claims)


def _of_table(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each model's versions; the rows of one model are its epochs."""
    reader = csv.DictReader(io.StringIO(read_text(path)))
    columns = {column: NAMES_IN_TABLES.get(column, column) for column in reader.fieldnames or ()}
    if not set(columns.values()) & set(DOCUMENTED):
        raise BadInput(f"{path}: no column with versions", f"one of {', '.join(DOCUMENTED)} or pytorch")
    models: dict[str, dict[str, str]] = {}
    for number, row in enumerate(reader, 2):
        stated = {columns[column]: text.strip() for column, text in row.items() if column in columns and text}
        versions = {name: stated[name] for name in DOCUMENTED if stated.get(name)}
        models.setdefault(row.get("model_id") or f"{path.name}, line {number}", versions)
    yield from models.items()

"""Measure how often exchanged and shifted loss columns are found: what docs/audit-exchanges.md states.

    python benchmarks/exchange_study.py --cards FOLDER --peers FILE [--quick] [--out FILE]

FOLDER holds Markdown cards; FILE is a CSV with the columns model_id, revision, step, training_loss and
validation_loss. Every table of eight or more rows is corrupted by program, at every row (at some of them in
long tables), and read again; the tables as they stand, parts of them and tables drawn to be like them must
give no alarm. Prints Markdown. The draws are seeded: the same files give the same figures.
"""

from __future__ import annotations

import argparse
import csv
import math
import platform
import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from repro.cards import read_card
from repro.comparison import exchanges
from repro.comparison.exchange_readings import readable
from repro.comparison.exchange_text import chance, decimals, stairs, usual
from repro.comparison.exchanges import Exchange, Indistinct, find_exchange
from repro.records.claims import Cell

SEED = 20
FEWEST_ROWS = 8
MOST_PLACES = 30
Losses = list[Cell | None]


@dataclass(frozen=True)
class Table:
    """One table: its name, its columns, the steps, and whether training losses are in shortest form."""

    name: str
    training: Losses
    validation: Losses
    position: list[float]
    shortest: bool | None


@dataclass(frozen=True)
class Corrupted:
    """A table after an accident: of which kind, and where it begins, as it should be reported."""

    kind: str
    table: Table
    first: int
    what: str


def cell(text: str) -> Cell:
    """Make a cell as the reader of cards does."""
    return Cell(text=text, value=None if text == "No log" else float(text))


def number(one: Cell | None) -> float | None:
    """Return a cell's finite number."""
    value = None if one is None else one.value
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def of_cards(folder: Path) -> list[Table]:
    """Read the results tables of a folder that have both losses."""
    found: dict[tuple[str, ...], Table] = {}
    for path in sorted(folder.glob("*.md")):
        claims = read_card(path.read_bytes().decode("utf-8", "replace"), target=path.name).claims
        table = claims.results
        names = (
            []
            if table is None
            else [name for name in ("training_loss", "train_loss") if name in table.columns]
        )
        if table is None or not names or "validation_loss" not in table.columns:
            continue
        training, validation = list(table.column(names[0])), list(table.column("validation_loss"))
        where = [name for name in ("step", "epoch") if name in table.columns]
        position = [number(one) or 0.0 for one in table.column(where[0])] if where else []
        version = claims.versions.get("transformers")
        major = version.text.partition(".")[0] if version else ""
        shortest = int(major) < 5 if major.isdigit() else None
        key = tuple(one.text if one else "" for one in (*training, *validation))
        # Two cards of one run are one table.
        found.setdefault(key, Table(path.stem, training, validation, position, shortest))
    return list(found.values())


def of_peers(path: Path, *, shorten: bool) -> list[Table]:
    """Read the public re-runs; with `shorten`, training losses are printed as their cards print them."""
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows[f"{row['model_id']}@{row['revision']}"].append(row)
    return [
        Table(
            name,
            [cell(repr(float(row["training_loss"])) if shorten else row["training_loss"]) for row in own],
            [cell(row["validation_loss"]) for row in own],
            [float(row["step"]) for row in own],
            True,
        )
        for name, own in rows.items()
    ]


def usable(tables: Sequence[Table]) -> list[Table]:
    """Keep tables of enough rows with a loss in most of them."""
    return [
        table
        for table in tables
        if sum(number(one) is not None for one in table.validation) >= FEWEST_ROWS
        and sum(number(one) is not None for one in table.training) >= 3
    ]


def accidents(table: Table, rng: random.Random) -> Iterator[Corrupted]:
    """Make every accident at every row of a table; at a sample of the rows in a long one."""
    a, b, at = table.training, table.validation, table.position
    n = len(a)

    def made(kind: str, training: Losses, validation: Losses, first: int, what: str) -> Iterator[Corrupted]:
        if training != a or validation != b:
            yield Corrupted(kind, Table(table.name, training, validation, at, table.shortest), first, what)

    def places(first: int, stop: int) -> list[int]:
        rows = list(range(first, stop))
        return rows if len(rows) <= MOST_PLACES else sorted(rng.sample(rows, MOST_PLACES))

    for k in places(1, n):
        yield from made("exchanged from row k", a[:k] + b[k:], b[:k] + a[k:], k, "exchanged")
    for k in places(1, n - 2):
        m = rng.randrange(k + 2, n)
        yield from made(
            "exchanged in rows k to m", a[:k] + b[k:m] + a[m:], b[:k] + a[k:m] + b[m:], k, "exchanged"
        )
    for k in places(0, n):
        yield from made(
            "exchanged in one row", [*a[:k], b[k], *a[k + 1 :]], [*b[:k], a[k], *b[k + 1 :]], k, "exchanged"
        )
    for k in places(1, n - 2):
        both = "exchanged and shifted"
        yield from made("exchanged, one early", a[:k] + b[k:], [*b[:k], *a[k + 1 :], b[-1]], k, both)
        yield from made("exchanged, one late", a[:k] + b[k:], [*b[:k], a[k - 1], *a[k:-1]], k, both)
    for k in places(0, n - 1):
        yield from made("validation one early", a, [*b[:k], *b[k + 1 :], b[-1]], k, "shifted")
        yield from made("training one early", [*a[:k], *a[k + 1 :], a[-1]], b, k, "shifted")
    for k in places(1, n - 1):
        yield from made("validation one late", a, [*b[:k], b[k - 1], *b[k:-1]], k, "shifted")
        yield from made("training one late", [*a[:k], a[k - 1], *a[k:-1]], b, k, "shifted")
    for k in places(0, n):
        below = rng.random() < 0.5
        old = (b if below else a)[k]
        if old is not None and number(old) is not None:
            digits = [i for i, sign in enumerate(old.text) if sign.isdigit()]
            i = rng.choice(digits)
            new = cell(old.text[:i] + str((int(old.text[i]) + rng.randrange(1, 10)) % 10) + old.text[i + 1 :])
            changed = (a, [*b[:k], new, *b[k + 1 :]]) if below else ([*a[:k], new, *a[k + 1 :]], b)
            yield from made("a digit changed", *changed, k, "")
        rows = [row for row in range(n) if row != k]
        yield Corrupted("a row dropped", _rows(table, rows), k, "")
        yield Corrupted("a row doubled", _rows(table, sorted([*range(n), k])), k, "")


def hidden(table: Table, one: Corrupted) -> bool:
    """Whether an accident leaves nothing that tells of it, whoever reads the table.

    It is asked of what the table was, of its noise and of how a Trainer logs, never of what was found:

    - One row is exchanged whose two losses are nearer than one standard deviation of the smoother column's
      noise, and printed with as many decimals; training losses are not logged rarely.
    - The training losses, logged rarely, are shifted to where another usual interval of logging puts them:
      cell by cell such a run's table.
    - A column is shifted that changes from row to row by less than one standard deviation of its noise, and
      leaves a cell twice, as half of such columns have one by chance: anywhere, if it stands one row late,
      at their end, if one row early.
    """
    columns = [_levels(table.training), _levels(table.validation)]
    rarely = _logged_rarely(table)
    if one.kind == EXCHANGES[2]:
        a, b = table.training[one.first], table.validation[one.first]
        distance = abs(columns[0][one.first] - columns[1][one.first])
        alike = a is not None and b is not None and decimals(a.text) == decimals(b.text)
        return alike and not rarely and distance < min(map(_noise, columns))
    if one.kind not in SHIFTS:
        return False
    at = 0 if one.kind.startswith("training") else 1
    was, now = ((each.training, each.validation)[at] for each in (table, one.table))
    if at == 0 and rarely:
        rises = all(x < y for x, y in pairwise([0.0, *table.position]))
        return usual([number(cell) for cell in now], table.position if rises else ())
    moved = [y - x for x, y in zip(_levels(was)[one.first :], _levels(now)[one.first :], strict=True)]
    losses = [number(cell) for cell in was]
    rows = range(len(was) - 1, len(was)) if one.kind.endswith("early") else range(1, len(was))
    by_chance = sum(chance(losses, row, 1e-4, 1) for row in rows)
    return by_chance >= 0.5 and abs(_median(moved)) < _noise(columns[at])


def _levels(column: Losses) -> list[float]:
    losses = [number(one) for one in column]
    return [math.nan if loss is None or loss < 0 else math.log(loss + 1e-3) for loss in losses]


def _noise(levels: Sequence[float]) -> float:
    """Return a column's noise, read off its second differences, as `exchanges` does."""
    bends = [abs(x - 2 * y + z) for x, y, z in zip(levels, levels[1:], levels[2:], strict=False)]
    return _median(bends) / (0.6745 * math.sqrt(6)) or math.inf


def _median(numbers: Sequence[float]) -> float:
    known = [each for each in numbers if not math.isnan(each)]
    return statistics.median(known) if known else 0.0


def _rows(table: Table, rows: Sequence[int], name: str = "") -> Table:
    return Table(
        name or table.name,
        [table.training[row] for row in rows],
        [table.validation[row] for row in rows],
        [table.position[row] for row in rows] if table.position else [],
        table.shortest,
    )


EXCHANGES = ("exchanged from row k", "exchanged in rows k to m", "exchanged in one row")
BOTH = ("exchanged, one early", "exchanged, one late")
SHIFTS = ("validation one early", "validation one late", "training one early", "training one late")
OTHERS = ("a digit changed", "a row dropped", "a row doubled")


def parts(tables: Sequence[Table]) -> list[Table]:
    """Cut windows of 8 to 24 rows out of longer tables in which every training loss is a new one."""
    found = []
    for table in tables:
        n = len(table.training)
        if _logged_rarely(table):
            continue
        for size in (8, 10, 12, 16, 24):
            found += [
                _rows(table, range(first, first + size), f"{table.name}[{first}:{first + size}]")
                for first in range(0, n - size, 3)
            ]
    return found


def twice(tables: Sequence[Table]) -> list[Table]:
    """Print the last training loss twice, as it may be by chance.

    So do the first eight rows or more of each table in which every training loss is a new one. (Where the
    last evaluation comes sooner than the others, no loss need have been logged before it: that is lawful.)
    """
    found = []
    for table in tables:
        for end in range(FEWEST_ROWS, len(table.training) + 1 if not _logged_rarely(table) else 0):
            part = _rows(table, range(end), f"{table.name}[:{end}]")
            found.append(replace(part, training=[*part.training[:-1], part.training[-2]]))
    return found


def _logged_rarely(table: Table) -> bool:
    return stairs(readable(table.training, table.validation, table.position))


def redrawn(tables: Sequence[Table], count: int, rng: random.Random) -> list[Table]:
    """Draw tables like the given: their columns smoothed, the residuals drawn again, printed alike.

    Each loss is drawn towards the straight line between its neighbours (in logarithms of loss and row), half
    the way; what that takes off it, 0.375 of the noise's variance, is drawn again and stays in its row, as
    curves are rougher where they fall (a wild bootstrap).
    """
    found = []
    for table in tables:
        columns = [[number(one) for one in column] for column in (table.training, table.validation)]
        if _logged_rarely(table) or None in columns[1]:
            continue
        short = len({len(one.text) for one in table.training if one is not None}) > 1
        for draw in range(count):
            printed: list[list[str]] = []
            for column in columns:
                logs = [math.log(loss + 1e-3) for loss in column if loss is not None]
                means = list(logs)
                for at in range(1, len(logs) - 1):
                    way = math.log((at + 1) / at) / math.log((at + 2) / at)
                    line = logs[at - 1] + way * (logs[at + 1] - logs[at - 1])
                    means[at] = (logs[at] + line) / 2
                drawn = [
                    mean + (log - mean) * rng.gauss(0, 1) / math.sqrt(0.375)
                    for log, mean in zip(logs, means, strict=True)
                ]
                printed.append([f"{max(math.exp(log) - 1e-3, 0.0):.4f}" for log in drawn])
            training: Losses = [cell(repr(float(text)) if short else text) for text in printed[0]]
            validation: Losses = [cell(text) for text in printed[1]]
            found.append(Table(f"{table.name}~{draw}", training, validation, table.position, table.shortest))
    return found


def shapes(rng: random.Random, count: int) -> dict[str, list[Table]]:
    """Draw synthetic tables of many shapes."""

    def curve(n: int, start: float, end: float, rate: float, noise: float, rise: float = 0.0) -> list[float]:
        return [
            (end + (start - end) * math.exp(-rate * i) + rise * i / n) * math.exp(rng.gauss(0, noise))
            for i in range(n)
        ]

    def table(name: str, training: list[float], validation: list[float], shortest: bool = True) -> Table:
        texts = [f"{value:.4f}" for value in training]
        above: Losses = [cell(repr(float(text)) if shortest else text) for text in texts]
        below: Losses = [cell(f"{value:.4f}") for value in validation]
        return Table(name, above, below, [500.0 * (i + 1) for i in range(len(texts))], shortest)

    def rarely(one: Table, every: int) -> Table:
        losses: Losses = [cell("No log")] * (every - 1)
        while len(losses) < len(one.training):
            losses += [one.training[len(losses)]] * every
        return Table(one.name, losses[: len(one.training)], one.validation, one.position, one.shortest)

    def some() -> int:
        return rng.choice((8, 10, 12, 16, 20, 30, 60, 100))

    makers: dict[str, Callable[[], Table]] = {
        "validation rises (overfitting)": lambda: table(
            "", curve(n := some(), 0.9, 0.01, 0.3, 0.05), curve(n, 0.8, 0.4, 0.5, 0.03, 0.6)
        ),
        "steps, noisy training loss": lambda: table(
            "", curve(n := some(), 1.2, 0.7, 0.1, 0.06), curve(n, 1.1, 0.72, 0.1, 0.004)
        ),
        "noisy validation loss": lambda: table(
            "", curve(n := some(), 2.1, 1.0, 0.2, 0.004), curve(n, 1.8, 1.15, 0.2, 0.06)
        ),
        "validation below training": lambda: table(
            "", curve(n := some(), 2.5, 1.5, 0.2, 0.01), curve(n, 2.0, 1.2, 0.2, 0.01)
        ),
        "curves cross": lambda: table(
            "", curve(n := some(), 2.0, 0.5, 0.15, 0.01), curve(n, 1.2, 0.8, 0.15, 0.01)
        ),
        "inflated by accumulation": lambda: table(
            "", curve(n := some(), 12.0, 6.0, 0.2, 0.02), curve(n, 1.5, 0.9, 0.2, 0.01)
        ),
        "four digits (5.x)": lambda: table(
            "", curve(n := some(), 2.0, 1.0, 0.2, 0.01), curve(n, 1.8, 1.2, 0.2, 0.02), shortest=False
        ),
        "logged rarely, No log first": lambda: rarely(
            table("", curve(n := some(), 2.0, 0.3, 0.1, 0.02), curve(n, 1.5, 0.7, 0.3, 0.03)), 4
        ),
        "constant validation loss": lambda: table("", curve(n := some(), 0.8, 0.69, 0.2, 0.01), [0.6931] * n),
        "one curve, twice": lambda: table(
            "", curve(n := some(), 1.5, 1.0, 0.1, 0.02), curve(n, 1.5, 1.0, 0.1, 0.02)
        ),
    }
    return {name: [make() for _ in range(count)] for name, make in makers.items()}


def read(table: Table) -> Exchange | None:
    """Read a table; whatever its score, but as quickly as always."""
    exchanges.reported = lambda *_: True
    found = find_exchange(table.training, table.validation, table.position, shortest=table.shortest)
    return found if isinstance(found, Exchange) else None


def score(table: Table, found: Exchange | None) -> float:
    """Return the score of what was read, over the one from which it is reported."""
    if found is None:
        return -math.inf
    return found.score - exchanges.least_score(len(table.training), separation(table), found.kind)


@dataclass(frozen=True)
class Outcome:
    """What was found in a corrupted table."""

    kind: str
    table: str
    rows: int
    separation: float
    score: float
    claims: str
    hidden: bool
    right: bool
    near: bool

    @property
    def found(self) -> bool:
        """Whether it is reported."""
        return self.score >= 0


def outcomes(tables: Sequence[Table], rng: random.Random) -> list[Outcome]:
    """Corrupt and read every table."""
    found = []
    for table in tables:
        apart = separation(table)
        for one in accidents(table, rng):
            got = read(one.table)
            same = got is not None and got.kind == one.what
            found.append(
                Outcome(
                    one.kind,
                    table.name,
                    len(table.training),
                    apart,
                    score(one.table, got),
                    "" if got is None else got.kind,
                    hidden(table, one),
                    same and got is not None and got.first_row == one.first,
                    same and got is not None and got.first_rows[0] <= one.first <= got.first_rows[1],
                )
            )
    return found


def separation(table: Table) -> float:
    """Return how far the curves lie apart, in units of the smoother one's noise."""
    exchanges.reported = lambda *_: False
    limit, exchanges.LEAST_SEPARATION = exchanges.LEAST_SEPARATION, math.inf
    found = find_exchange(table.training, table.validation, table.position, shortest=table.shortest)
    exchanges.LEAST_SEPARATION = limit
    return found.separation if isinstance(found, Indistinct) else math.inf


def share(flags: Sequence[bool]) -> str:
    """Print a share with its count."""
    return f"{sum(flags) / len(flags):.1%} of {len(flags)}" if flags else "–"


def by_kind(name: str, found: Sequence[Outcome]) -> Iterator[str]:
    """Print what was found by kind of accident."""
    yield f"### {name}: {len({each.table for each in found})} tables"
    yield ""
    yield (
        "| accident | found | nothing to be seen | of the others: found | of the found: begins at that row "
        "| that row within the stated rows |"
    )
    yield "|---|---|---|---|---|---|"
    groups: dict[str, tuple[str, ...]] = {kind: (kind,) for kind in (*EXCHANGES, *BOTH, *SHIFTS)}
    groups["**all exchanges**"] = EXCHANGES
    groups["**exchanged from row k, and exchanged and shifted**"] = (EXCHANGES[0], *BOTH)
    groups["**shifts of one column**"] = SHIFTS
    groups["**all**"] = (*EXCHANGES, *BOTH, *SHIFTS)
    for label, kinds in groups.items():
        own = [each for each in found if each.kind in kinds]
        hits = [each for each in own if each.found]
        yield (
            f"| {label} | {share([each.found for each in own])} | {share([each.hidden for each in own])} "
            f"| {share([each.found for each in own if not each.hidden])} "
            f"| {share([each.right for each in hits])} | {share([each.near for each in hits])} |"
        )
    unseen = [each.found for each in found if each.hidden]
    yield ""
    yield f"Of those that leave nothing to be seen, {share(unseen)} are found."
    yield ""
    yield "| not an exchange | called exchanged | called shifted |"
    yield "|---|---|---|"
    for kind in OTHERS:
        own = [each for each in found if each.kind == kind]
        called = [each.found and each.claims.startswith("exchanged") for each in own]
        moved = [each.found and each.claims == "shifted" for each in own]
        yield f"| {kind} | {share(called)} | {share(moved)} |"
    yield ""


def by_bins(
    found: Sequence[Outcome], title: str, key: Callable[[Outcome], float], edges: Sequence[float]
) -> Iterator[str]:
    """Print what was found by rows or by separation."""
    groups = {
        "exchanged from row k": EXCHANGES[:1],
        "in one row": EXCHANGES[2:],
        "exchanged and shifted": BOTH,
    }
    groups |= {"validation shifted": SHIFTS[:2], "training shifted": SHIFTS[2:]}
    yield f"| {title} | tables | {' | '.join(groups)} |"
    yield f"|---|---|{'---|' * len(groups)}"
    for low, high in pairwise(edges):
        own = [each for each in found if low <= key(each) < high]
        if own:
            cells = [share([each.found for each in own if each.kind in kinds]) for kinds in groups.values()]
            label = f"{low:g} to {high:g}" if math.isfinite(high) else f"{low:g} or more"
            yield f"| {label} | {len({each.table for each in own})} | {' | '.join(cells)} |"
    yield ""


def left_out(tables: Sequence[Table], found: Sequence[Outcome]) -> str:
    """Set the threshold by all tables but one, and read that one: alarms, exchanges and shifts found."""
    clean = {table.name: score(table, read(table)) for table in tables}
    alarms, hits = [], []
    for name, own in clean.items():
        largest = max(each for other, each in clean.items() if other != name)
        # Tables that give no reason to be weighed set none: then it is the stated one.
        threshold = 1 + largest if math.isfinite(largest) else 0.0
        alarms.append(own >= threshold)
        kinds = (*EXCHANGES, *BOTH, *SHIFTS)
        hits += [each.score >= threshold for each in found if each.table == name and each.kind in kinds]
    return (
        "Threshold set by the other tables (leave one out: one more than their largest score): "
        f"{share(hits)} found, alarms {share(alarms)}."
    )


def alarms(name: str, tables: Sequence[Table]) -> str:
    """Print the false alarms on tables that nobody has touched."""
    scores = [score(table, read(table)) for table in tables]
    called = [each >= 0 for each in scores]
    families = defaultdict(list)
    for table, flag in zip(tables, called, strict=True):
        families[table.name.partition("[")[0].partition("~")[0]].append(flag)
    mean = statistics.fmean(statistics.fmean(flags) for flags in families.values())
    worst = max((each for each in scores if math.isfinite(each)), default=math.nan)
    return f"| {name} | {share(called)} | {mean:.1%} | {worst:.1f} |"


def timing() -> Iterator[str]:
    """Print what a table costs, by rows and kind."""
    yield "| rows | far apart | exchanged | cannot be told apart |"
    yield "|---|---|---|---|"
    for n in (8, 16, 100, 1_000, 10_000):
        rng = random.Random(SEED)  # noqa: S311 - draws of a study, not secrets
        falls = [math.exp(-5 * i / n) for i in range(n)]
        a: Losses = [cell(f"{1 + fall + rng.gauss(0, 0.01):.4f}") for fall in falls]
        b: Losses = [cell(f"{1.3 + fall + rng.gauss(0, 0.01):.4f}") for fall in falls]
        c: Losses = [cell(f"{1 + fall + rng.gauss(0, 0.01):.4f}") for fall in falls]
        k = n // 2
        times = []
        for one, other in ((a, b), (a[:k] + b[k:], b[:k] + a[k:]), (a, c)):
            spans = []
            for _ in range(7):
                before = time.process_time()
                find_exchange(one, other)
                spans.append(1e3 * (time.process_time() - before))
            times.append(f"{statistics.median(spans):.2g} ms ({min(spans):.2g}–{max(spans):.2g})")
        yield f"| {n:,} | {' | '.join(times)} |"
    yield ""


def study(cards: Path, peers: Path, *, quick: bool) -> Iterator[str]:
    """Measure everything; yield the lines of the report."""
    rng = random.Random(SEED)  # noqa: S311 - draws of a study, not secrets
    machine = platform.processor() or platform.machine()
    yield f"Machine: {machine}, {platform.system()}, Python {platform.python_version()}."
    yield ""
    yield "CPU time a table, median and spread of seven:"
    yield ""
    yield from timing()
    every = of_cards(cards)
    printed, short = of_peers(peers, shorten=False), of_peers(peers, shorten=True)
    real = usable(every)
    measured = {"Peers, as in the file": printed, "Peers, as their cards print them": short, "Cards": real}
    results = {name: outcomes(tables, rng) for name, tables in measured.items()}
    for name, found in results.items():
        yield from by_kind(name, found)
        yield left_out(measured[name], found)
        yield ""
    everything = [each for name in ("Peers, as in the file", "Cards") for each in results[name]]
    yield "### By rows, and by how far the curves lie apart"
    yield ""
    yield from by_bins(everything, "rows", lambda each: each.rows, (8, 12, 16, 20, 40, math.inf))
    yield from by_bins(
        everything, "distance / noise", lambda each: each.separation, (0, 2, 4, 8, 16, 32, math.inf)
    )
    yield "### False alarms"
    yield ""
    yield "| tables that nobody has touched | alarms | mean over the tables they come from | largest score |"
    yield "|---|---|---|---|"
    draws = 10 if quick else 40
    for name, tables in {
        "peers, as in the file": printed,
        "peers, as their cards print them": short,
        "cards, eight rows or more": real,
        "cards, all tables": every,
        "parts of the peers": parts(printed),
        "parts of the cards": parts(real),
        "drawn like the peers": redrawn(printed, draws, rng),
        "drawn like the cards": redrawn(real, draws, rng),
        "the last training loss twice": twice([*printed, *real]),
    }.items():
        yield alarms(name, tables)
    yield ""
    yield "| synthetic shape | alarms | exchanged from row n/2 | validation one early from n/2 |"
    yield "|---|---|---|---|"
    for name, tables in shapes(rng, 20 if quick else 100).items():
        halves, moved = [], []
        for table in tables:
            a, b, k = table.training, table.validation, len(table.training) // 2
            swapped = Table("", a[:k] + b[k:], b[:k] + a[k:], table.position, table.shortest)
            early = Table("", a, [*b[:k], *b[k + 1 :], b[-1]], table.position, table.shortest)
            halves.append(score(swapped, read(swapped)) >= 0)
            moved.append(score(early, read(early)) >= 0)
        clean = [score(table, read(table)) >= 0 for table in tables]
        yield f"| {name} | {share(clean)} | {share(halves)} | {share(moved)} |"


def main() -> None:
    """Run the study and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cards", type=Path, required=True, help="a folder of Markdown cards")
    parser.add_argument("--peers", type=Path, required=True, help="a CSV of public re-runs")
    parser.add_argument("--quick", action="store_true", help="fewer draws")
    parser.add_argument("--out", type=Path, help="write the report here too")
    options = parser.parse_args()
    started = time.perf_counter()
    lines = [*study(options.cards, options.peers, quick=options.quick)]
    lines.append(f"\nTook {time.perf_counter() - started:.0f} s; seed {SEED}.")
    text = "\n".join(lines) + "\n"
    sys.stdout.write(text)
    if options.out is not None:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

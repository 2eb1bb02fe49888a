"""Exchanged and shifted loss columns are found from the table alone; other tables are left alone."""

from __future__ import annotations

import csv
import json
import math
import random
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from repro.cards import read_card
from repro.comparison.exchanges import MOST_ROWS, Exchange, Indistinct, Lost, find_exchange
from repro.records.claims import Cell

SHARED = Path(__file__).parents[2].parent / "shared"
CARDS = sorted((SHARED / "cards").glob("*.md"))
PEERS = SHARED / "facts" / "issues-128-peers.csv"
Column = list[Cell | None]

# Epochs 1 to 6, as printed and as they were; and epochs 7 to 16.
TRAINED, VALIDATED = "2.1003 1.6211 1.4964 1.4100 1.3360 1.2862", "1.6578 1.4140 1.3040 1.3011 1.3095 1.3739"
LEFT = "1.2743 1.2019 1.2696 1.2507 1.1398 1.1309 1.0740 1.1201 1.1690 1.0940"
RIGHT = "1.2043 1.1701 1.1498 1.1194 1.1094 1.0913 1.0683 1.0607 1.0558"
PRINTED = f"{TRAINED} {LEFT}", f"{VALIDATED} {RIGHT} 1.0940"
REPAIRED = f"{TRAINED} – {RIGHT}", f"{VALIDATED} {LEFT}"


def column(text: str) -> Column:
    words = ["No log" if word == "-" else word for word in text.split()]
    return [Cell(text=word, value=None if word == "No log" else float(word)) for word in words]


def curve(n: int, start: float, end: float, noise: float, seed: int, *, shortest: bool = False) -> Column:
    rng = random.Random(seed)  # noqa: S311 - not a secret
    values = [(end + (start - end) / (i + 1)) * math.exp(rng.gauss(0, noise)) for i in range(n)]
    texts = [f"{value:.4f}" for value in values]
    return [Cell(text=repr(float(text)) if shortest else text, value=float(text)) for text in texts]


def texts(cells: Column) -> tuple[str | None, ...]:
    return tuple(None if cell is None else cell.text for cell in cells)


def published() -> Exchange:
    found = find_exchange(
        column(PRINTED[0]), column(PRINTED[1]), [291.0 * i for i in range(1, 17)], shortest=True
    )
    assert isinstance(found, Exchange)
    return found


def test_published_table_is_read_as_its_repair() -> None:
    """The published table gives exactly the repaired one: rows, way, lost value, leftover, every value."""
    found = published()
    assert (found.kind, found.first_row, found.last_row) == ("exchanged and shifted", 6, 15)
    assert (found.moved, found.shift) == ("training_loss", -1)
    assert found.lost == Lost("training_loss", 6)
    assert found.repeated == (15, "1.0940")
    assert found.training == tuple(None if word == "–" else word for word in REPAIRED[0].split())
    assert found.validation == tuple(REPAIRED[1].split())
    assert found.first_rows == (6, 6)
    assert found.shrinks > 1.5


@pytest.mark.parametrize("shortest", [True, False, None])
@pytest.mark.parametrize("step", [None, 1.0, 291.0])
def test_published_table_needs_neither_release_nor_steps(shortest: bool | None, step: float | None) -> None:
    """What is found does not hang on knowing the release, or the steps."""
    position = [] if step is None else [step * i for i in range(1, 17)]
    found = find_exchange(column(PRINTED[0]), column(PRINTED[1]), position, shortest=shortest)
    assert isinstance(found, Exchange)
    assert (found.training, found.validation) == (published().training, published().validation)


def test_evidence_is_json_with_rows_from_one() -> None:
    """The evidence names columns, epochs, 1-based rows, shift, lost value and the mended columns, in JSON."""
    evidence = json.loads(json.dumps(published().evidence([float(i) for i in range(1, 17)])))
    assert evidence["columns"] == ["training_loss", "validation_loss"]
    assert (evidence["first_epoch"], evidence["last_epoch"]) == (7.0, 16.0)
    assert (evidence["first_row"], evidence["last_row"], evidence["shift"]) == (7, 16, -1)
    assert evidence["lost"] == {"column": "training_loss", "epoch": 7.0}
    assert evidence["mended"]["training_loss"][6:8] == [None, 1.2043]
    assert evidence["mended"]["validation_loss"][-1] == 1.094


def test_sentence_has_the_numbers() -> None:
    """The sentence says which epochs, which way, what was lost and how much better the reading fits."""
    sentence = published().explain([str(i) for i in range(1, 17)])
    for part in (
        "epochs 7 to 16",
        "one row too early",
        "training loss of epoch 7 is lost",
        "1.0940",
        "log odds",
    ):
        assert part in sentence


TRAINING = curve(16, 2.0, 1.0, 0.004, 1)
VALIDATION = curve(16, 1.9, 1.3, 0.02, 2)


def test_a_table_as_it_should_be_is_left_alone() -> None:
    """Two curves that continue their own past give nothing."""
    assert find_exchange(TRAINING, VALIDATION) is None


@pytest.mark.parametrize(("first", "stop"), [(3, 16), (9, 16), (15, 16), (4, 9), (7, 8)])
def test_exchanged_rows_are_found_and_mended(first: int, stop: int) -> None:
    """An exchange of some rows is found where it is, and mending it gives the table back."""
    a, b = TRAINING, VALIDATION
    above, below = a[:first] + b[first:stop] + a[stop:], b[:first] + a[first:stop] + b[stop:]
    found = find_exchange(above, below)
    assert isinstance(found, Exchange)
    assert (found.kind, found.first_row, found.last_row, found.lost) == ("exchanged", first, stop - 1, None)
    assert (found.training, found.validation) == (texts(a), texts(b))


def test_rows_that_cannot_be_told_apart_are_stated_together() -> None:
    """Where the first rows are nearly equal, an exchange may begin at either: both are named."""
    a, b = TRAINING, VALIDATION
    found = find_exchange(a[:2] + b[2:], b[:2] + a[2:])
    assert isinstance(found, Exchange)
    assert (found.kind, found.first_rows) == ("exchanged", (1, 2))


def test_a_shift_of_one_column_is_found() -> None:
    """Values one row too early leave the last twice, values one row too late the first: both are found."""
    b = curve(16, 1.9, 1.3, 0.06, 3)
    early = find_exchange(TRAINING, [*b[:5], *b[6:], b[-1]])
    assert isinstance(early, Exchange)
    assert (early.kind, early.moved, early.shift) == ("shifted", "validation_loss", -1)
    assert early.first_rows[0] <= 5 <= early.first_rows[1]
    assert early.columns == ("validation_loss",)
    late = find_exchange(TRAINING, [*b[:5], b[4], *b[5:-1]])
    assert isinstance(late, Exchange)
    assert (late.moved, late.shift, late.first_row) == ("validation_loss", 1, 5)
    assert late.lost == Lost("validation_loss", 15)
    assert late.validation == (*texts(b[:-1]), None)


def test_a_blank_that_a_shift_leaves_is_no_value() -> None:
    """A column moved up out of its last row leaves a blank there, and that is not mended into a number."""
    blank = Cell(text="", value=None)
    falling = column("3.9 2.8 2.2 1.9 1.7 1.6 1.52 1.47 1.43 1.40")
    found = find_exchange(curve(10, 2.0, 1.0, 0.004, 1), [*falling[:1], *falling[2:], blank])
    assert isinstance(found, Exchange)
    assert found.lost is not None
    assert found.repeated in (None, (9, ""))
    assert "" not in found.validation


def test_text_in_the_wrong_column_is_found() -> None:
    """`No log` among the validation losses comes from the training column, whatever the curves say."""
    training, validation = column("- - - 0.9 0.9 0.9 0.9 0.4 0.4 0.4"), curve(10, 0.8, 0.6, 0.02, 3)
    above, below = [*validation[:2], *training[2:]], [*training[:2], *validation[2:]]
    found = find_exchange(above, below, [500.0 * i for i in range(1, 11)])
    assert isinstance(found, Exchange)
    assert (found.first_row, found.last_row) == (0, 1)
    assert found.training[:2] == ("No log", "No log")


def test_digits_tell_where_the_curves_do_not() -> None:
    """Short training losses among the validation losses are evidence, and count as such."""
    training, validation = curve(16, 2.0, 1.0, 0.02, 5, shortest=True), curve(16, 2.0, 1.05, 0.02, 6)
    training[10] = Cell(text="1.1", value=1.1)
    training[12] = Cell(text="1.09", value=1.09)
    above, below = training[:8] + validation[8:], validation[:8] + training[8:]
    found = find_exchange(above, below, shortest=True)
    assert isinstance(found, Exchange)
    assert found.digits > 4
    assert found.kind == "exchanged"


def test_a_training_loss_that_is_logged_rarely_repeats_lawfully() -> None:
    """Repeats that a fixed logging interval explains are nothing; repeats it cannot explain are a shift."""
    steps = [250.0 * i for i in range(1, 13)]
    training = column("- 1.3 1.3 0.9 0.9 0.7 0.7 0.6 0.6 0.5 0.5 0.4")
    validation = curve(12, 1.0, 0.6, 0.02, 7)
    assert find_exchange(training, validation, steps) is None
    found = find_exchange([*training[:2], *training[3:], training[-1]], validation, steps)
    assert isinstance(found, Exchange)
    assert found.moved == "training_loss"


def test_a_shift_shows_in_an_interval_that_nobody_chooses() -> None:
    """Rare logging at a round number of steps is lawful; where a shift makes it an odd one, it is found."""
    steps = [106.0 * i for i in range(1, 17)]
    # Logged every 500 steps: number floor(step / 500), as the Trainer's default has it.
    losses = ["-", "1.2345", "0.9876", "0.8765"]
    lawful = column(" ".join(losses[int(step // 500)] for step in steps))
    validation = curve(16, 1.5, 1.0, 0.02, 7)
    assert find_exchange(lawful, validation, steps) is None
    early = [*lawful[:6], *lawful[7:], lawful[-1]]
    found = find_exchange(early, validation, steps)
    assert isinstance(found, Exchange)
    assert (found.kind, found.moved, found.shift) == ("shifted", "training_loss", -1)
    assert found.first_rows[0] <= 6 <= found.first_rows[1]
    # Counted in epochs, where any interval may be a round number of steps, the same says nothing.
    assert not isinstance(find_exchange(early, validation, [float(i) for i in range(1, 17)]), Exchange)


def test_without_rising_steps_nobody_knows_when_losses_were_logged() -> None:
    """Two rows in the wrong order, or none with a step, do not make a lawful table one that is shifted."""
    steps = [1.0, *[70.0 * i for i in range(1, 16)]]
    training = column("- - - - - - - - 0.1301 0.1301 0.1301 0.1301 0.1301 0.1301 0.1301 0.0123")
    validation = curve(16, 2.0, 1.0, 0.02, 5)
    for position in ([], [steps[1], steps[0], *steps[2:]]):
        assert not isinstance(find_exchange(training, validation, position), Exchange)


def test_a_training_loss_stands_twice_where_the_last_evaluation_comes_early() -> None:
    """At the end of training, evaluated before the next logging, the last loss repeats: that is lawful."""
    a, b = curve(12, 1.0, 0.5, 0.06, 1), curve(12, 1.2, 0.8, 0.02, 2)
    steps = [500.0 * i for i in range(1, 13)]
    twice = [*a[:-1], a[-2]]
    assert isinstance(find_exchange(twice, b, steps), Exchange)
    assert find_exchange(twice, b, [*steps[:-1], steps[-2] + 120]) is None


@pytest.mark.parametrize(
    ("seed", "row", "was", "wrong"),
    [(0, 5, "1.1663", "1.1863"), (2, 10, "1.0887", "1.0087"), (3, 4, "1.1988", "1.1188")],
)
def test_a_wrong_digit_is_no_exchange(seed: int, row: int, was: str, wrong: str) -> None:
    """A cell that one other digit puts back on its line is not taken for an exchange of its row."""
    a, b = curve(16, 2.0, 1.0, 0.004, seed), curve(16, 1.9, 1.05, 0.03, seed + 100)
    assert texts(a)[row] == was
    above = [*a[:row], *column(wrong), *a[row + 1 :]]
    assert not isinstance(find_exchange(above, b, shortest=False), Exchange)


@pytest.mark.parametrize(("seed", "row"), [(3, 4), (3, 9), (9, 4), (9, 5)])
def test_an_exchange_shows_in_the_smoother_column_alone(seed: int, row: int) -> None:
    """One row is found also where the noisy column's next step makes the difference keep its sign."""
    a, b = curve(16, 2.0, 1.0, 0.004, seed), curve(16, 1.9, 1.05, 0.03, seed + 100)
    above, below = [*a[:row], b[row], *a[row + 1 :]], [*b[:row], a[row], *b[row + 1 :]]
    found = find_exchange(above, below, shortest=False)
    assert isinstance(found, Exchange)
    assert (found.kind, found.first_row, found.last_row) == ("exchanged", row, row)


@pytest.mark.parametrize("seed", [0, 5, 8])
def test_how_near_the_curves_lie_is_nothing_to_a_column_moved_against_itself(seed: int) -> None:
    """Where the columns cannot be told apart, a shift is found all the same."""
    a, b = curve(16, 2.0, 1.0, 0.02, seed), curve(16, 2.0, 1.0, 0.02, seed + 100)
    assert isinstance(find_exchange(a, b), Indistinct)
    found = find_exchange(a, [*b[:2], *b[3:], b[-1]])
    assert isinstance(found, Exchange)
    assert (found.kind, found.moved, found.shift) == ("shifted", "validation_loss", -1)


def test_a_doubled_row_is_another_finding() -> None:
    """A row that stands twice, step and all, is not taken for a shift."""
    steps = [500.0 * i for i in range(1, 17)]
    rows = [*range(7), 6, *range(7, 16)]
    found = find_exchange(
        [TRAINING[row] for row in rows], [VALIDATION[row] for row in rows], [steps[row] for row in rows]
    )
    assert found is None


@pytest.mark.parametrize(
    ("training", "validation"),
    [
        pytest.param(
            curve(20, 0.9, 0.01, 0.1, 1),
            column(" ".join(f"{0.4 + i / 20:.4f}" for i in range(20))),
            id="rises",
        ),
        pytest.param(curve(60, 1.2, 0.7, 0.06, 2), curve(60, 1.1, 0.72, 0.003, 3), id="noisy steps"),
        pytest.param(curve(16, 2.5, 1.5, 0.01, 4), curve(16, 2.0, 1.2, 0.01, 5), id="below"),
        pytest.param(curve(16, 12.0, 8.0, 0.02, 6), curve(16, 1.5, 1.0, 0.01, 7), id="inflated"),
        pytest.param(curve(12, 0.8, 0.6, 0.02, 8), column("0.6931 " * 12), id="constant"),
        pytest.param(column("- " * 12), curve(12, 0.8, 0.6, 0.02, 9), id="never logged"),
        pytest.param(column("1.5 " * 12), column("nan " * 12), id="not a number"),
        pytest.param(curve(16, 2.0, 0.5, 0.01, 10), curve(16, 1.2, 0.8, 0.01, 11), id="cross"),
        pytest.param(column("0.0 " * 16), column("0.0001 " * 16), id="nothing left"),
    ],
)
def test_lawful_shapes_give_no_alarm(training: Column, validation: Column) -> None:
    """Overfitting, noise, accumulation, constant, missing and crossing losses are no exchange."""
    assert not isinstance(find_exchange(training, validation), Exchange)


def test_curves_that_cannot_be_told_apart_are_said_to_be() -> None:
    """Two draws of one curve give no exchange, but the statement that one would not show."""
    found = find_exchange(curve(20, 1.5, 1.0, 0.02, 1), curve(20, 1.5, 1.0, 0.02, 2))
    assert isinstance(found, Indistinct)
    assert "cannot be told apart" in found.explain()


def test_few_rows_say_nothing() -> None:
    """Four rows, no rows and rows without numbers are not judged."""
    assert find_exchange([], []) is None
    assert find_exchange(TRAINING[:2] + VALIDATION[2:4], VALIDATION[:2] + TRAINING[2:4]) is None
    assert find_exchange([None] * 9, [Cell(text="x", value="x")] * 9) is None


def test_a_long_table_is_read_in_windows() -> None:
    """An exchange in a long table is found and read on to its end, also where the steps are known."""
    n, k = 1000, 700
    a, b = curve(n, 2.0, 1.0, 0.01, 1), curve(n, 2.0, 1.3, 0.01, 2)
    for stop in (n, k + 120):
        above, below = a[:k] + b[k:stop] + a[stop:], b[:k] + a[k:stop] + b[stop:]
        found = find_exchange(above, below, [10.0 * (i + 1) for i in range(n)])
        assert isinstance(found, Exchange)
        assert (found.first_row, found.last_row) == (k, stop - 1)
        assert found.training == texts(a)


def test_a_hostile_table_is_read_in_bounded_time() -> None:
    """A hundred thousand rows of noise take well under two seconds, and keep their length."""
    n = 100_000
    rng = random.Random(1)  # noqa: S311 - not a secret
    noise: Column = [Cell(text=f"{1 + rng.gauss(0, 0.01):.4f}", value=rng.gauss(1, 0.01)) for _ in range(n)]
    before = time.perf_counter()
    find_exchange(noise, noise[::-1])
    assert time.perf_counter() - before < 2
    assert n > MOST_ROWS


def test_most_tables_do_without_numpy() -> None:
    """A table that gives no reason to doubt is done with before numpy is imported."""
    code = """
import sys
from repro.comparison.exchanges import find_exchange
from repro.records.claims import Cell
low, high = ([Cell(text=f"{end + 1 / i:.4f}", value=end + 1 / i) for i in range(1, 13)] for end in (1.0, 1.5))
assert find_exchange(low, high) is None
assert "numpy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


values = st.one_of(
    st.none(),
    st.floats(),
    st.floats(0, 10),
    st.integers(),
    st.integers(10**308, 10**309),
    st.sampled_from(["nan", "inf", "-inf", "Stop & Train", True]),
)
cells = st.one_of(
    st.none(),
    st.builds(Cell, text=st.text(max_size=8), value=values),
    st.floats(0, 4).map(lambda x: Cell(text=f"{x:.4f}", value=round(x, 4))),
    st.sampled_from(column("- 0.5 0.5000 1e-05 0.0")),
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.tuples(cells, cells), max_size=30),
    st.lists(st.floats(), max_size=30),
    st.sampled_from([True, False, None]),
)
def test_any_table_can_be_read(
    rows: list[tuple[Cell | None, Cell | None]], position: list[float], shortest: bool | None
) -> None:
    """Whatever the cells hold, reading raises nothing, and a finding has a value or None for every row."""
    found = find_exchange([row[0] for row in rows], [row[1] for row in rows], position, shortest=shortest)
    if isinstance(found, Exchange):
        assert len(found.training) == len(found.validation) == len(rows)
        assert 0 <= found.first_row <= found.last_row < len(rows)
        json.dumps(found.evidence([None] * len(rows)), allow_nan=False)
        assert found.explain()


# One set of tables for all: near the ends a row or two may by chance look as well the other way round.
@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.integers(12, 40), st.data())
def test_an_exchange_far_apart_is_undone(seed: int, n: int, data: st.DataObject) -> None:
    """Where the curves lie far apart, an exchange from any row on is found, and mending is its inverse."""
    a, b = curve(n, 2.0, 1.0, 0.01, seed), curve(n, 3.0, 2.0, 0.01, seed + 1)
    # A value that stands twice by chance looks like one that a shift has left behind.
    assume(len({*texts(a), *texts(b)}) == 2 * n)
    k = data.draw(st.integers(3, n - 3))
    found = find_exchange(a[:k] + b[k:], b[:k] + a[k:])
    assert isinstance(found, Exchange)
    assert found.kind == "exchanged"
    # Which part was exchanged, what stands above row k or what stands below, the curves alone do not say.
    assert {found.training, found.validation} == {texts(a), texts(b)}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(8, 30))
def test_the_order_of_the_columns_does_not_matter_to_the_curves(seed: int, n: int) -> None:
    """Where every text has four digits, exchanging the arguments changes nothing but the mended columns."""
    a, b = curve(n, 2.0, 1.0, 0.03, seed), curve(n, 3.0, 2.0, 0.03, seed + 1)
    assume(len({*texts(a), *texts(b)}) == 2 * n)
    k = n // 2
    one = find_exchange(a[:k] + b[k:], b[:k] + a[k:], shortest=False)
    other = find_exchange(b[:k] + a[k:], a[:k] + b[k:], shortest=False)
    assert isinstance(one, Exchange)
    assert isinstance(other, Exchange)
    assert (one.first_row, one.last_row) == (other.first_row, other.last_row)
    assert (one.training, one.validation) == (other.validation, other.training)


@pytest.mark.skipif(not CARDS, reason="the collection is not beside this checkout")
def test_real_cards_give_no_alarm() -> None:
    """No results table of the collection is taken for an exchanged one."""
    for path in CARDS:
        table = read_card(path.read_bytes().decode("utf-8"), target=path.name).claims.results
        if table is None or not {"training_loss", "validation_loss"} <= set(table.columns):
            continue
        position = [
            float(cell.value) if cell is not None and isinstance(cell.value, int | float) else math.nan
            for cell in (table.column("step") if "step" in table.columns else ())
        ]
        found = find_exchange(table.column("training_loss"), table.column("validation_loss"), position)
        assert not isinstance(found, Exchange), (path.name, found.explain())


@pytest.mark.skipif(not PEERS.is_file(), reason="the public re-runs are not beside this checkout")
def test_public_reruns_give_no_alarm_until_they_are_exchanged() -> None:
    """None of the public re-runs is taken for exchanged; exchanged late and shifted, all of them are."""
    runs: dict[str, list[dict[str, str]]] = defaultdict(list)
    with PEERS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            runs[row["model_id"] + row["revision"]].append(row)
    for rows in runs.values():
        a, b = (column(" ".join(row[name] for row in rows)) for name in ("training_loss", "validation_loss"))
        steps = [float(row["step"]) for row in rows]
        assert not isinstance(find_exchange(a, b, steps, shortest=True), Exchange)
        for k in range(8, 14):
            found = find_exchange(a[:k] + b[k:], [*b[:k], *a[k + 1 :], b[-1]], steps, shortest=True)
            assert isinstance(found, Exchange)
            assert found.kind == "exchanged and shifted"


def test_absurd_numbers_make_no_long_sentence() -> None:
    """A cell of two hundred digits that is left over is cut, and scatter is never written in as many."""
    huge = replace(
        published(), repeated=(3, "1" * 200), printed_scatter=(1e180, 1e9), mended_scatter=(1e120, 0.1)
    )
    assert len(huge.explain()) < 500

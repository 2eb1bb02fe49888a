"""RT23x: the headline results against the rows of the table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from repro.records.card import Card
from repro.records.claims import Cell, Claim, Row
from repro.rules.headline import Headline, decimals, finite
from repro.rules.interface import Found, Rule, clip, rule
from repro.rules.schedule import Schedule
from repro.rules.subject import Progress
from repro.rules.wording import place, printed

# What a headline may state that is no result of one evaluation.
_NO_METRICS = frozenset(
    {
        "epoch",
        "step",
        "runtime",
        "samples",
        "samples_per_second",
        "steps_per_second",
        "model_preparation_time",
    }
)
# Cards have up to 64 columns; a card of thousands is no card.
_MOST_METRICS = 200
_ROUNDING = 0.500001
# A number of so many characters is not found in a text by chance.
_LONG = 5
# For these the smallest value is the best.
_SMALL = ("loss", "wer", "cer", "ter", "perplexity", "mse", "mae", "rmse", "error")


@rule("RT230", "note")
def the_headline_is_the_last(progress: Progress, headline: Headline) -> Sequence[Found]:
    """The headline is an earlier row's, not the last one's.

    The Trainer's headline is its last evaluation. Where the best checkpoint is loaded at the end, it is
    that checkpoint's, which is legitimate and worth a sentence: a card does not print which metric chose
    it.

    Why it matters:
        Whoever trains for the stated number of epochs gets the last row, not the headline.

    How to mend:
        Say that the best checkpoint was kept and by which metric (`load_best_model_at_end`,
        `metric_for_best_model`), and at which epoch.

    Before:
        It achieves the following results on the evaluation set:
        - Loss: 1.3000

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
        | 1.1           | 3.0   | 300  | 1.3600          |

    After:
        It achieves the following results on the evaluation set:
        - Loss: 1.3600

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
        | 1.1           | 3.0   | 300  | 1.3600          |
    """
    claim, rows = headline.claim, headline.rows
    if not rows or progress.validation is None:
        return ()
    last = progress.validation.points[-1][0]
    if last in rows:
        return ()
    row = rows[-1]
    best = list(_best_at(progress, row))
    how = f", where {_listed(best)} {'is' if len(best) == 1 else 'are'} best" if best else ""
    return [
        Found(
            f"the headline's loss {clip(claim.text)} is that of {place(progress, row)} "
            f"(line {progress.lines[row]}){how}; the last row has {printed(progress.validation.cells[last])}",
            claim.line,
            {
                "row": row + 1,
                "best_of": best,
                "headline": claim.text,
                "last": printed(progress.validation.cells[last]),
            },
        )
    ]


@rule("RT231", "note")
def the_headline_is_in_the_table(
    card: Card, progress: Progress, headline: Headline, schedule: Schedule
) -> Sequence[Found]:
    """The headline's loss stands in no row.

    A later or separate evaluation, on other data or with another batch size, is legitimate and common.
    Nothing is said where the table ends before the training does and the headline is as near to its last
    row as the rows are to each other, or there is one row only: that is the evaluation at the end. Nothing
    is said either where the text states the last row's loss beside this headline.

    Why it matters:
        A reader cannot tell which checkpoint, and which data, the headline is about.

    How to mend:
        Say what the headline was measured on, and after which step; or take it from the table's last
        row.

    Before:
        It achieves the following results on the evaluation set:
        - Loss: 0.9876

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |

    After:
        It achieves the following results on the evaluation set:
        - Loss: 1.3000

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
    """
    claim, stated = headline.claim, headline.number
    if headline.rows or headline.training is not None or progress.validation is None:
        return ()  # a training loss is RT233's
    points = progress.validation.points
    last = points[-1][1]
    steps = map(abs, progress.validation.gaps)
    # Of one row nobody knows how far the loss moves between two.
    if _goes_on(progress, schedule) and (len(points) == 1 or abs(stated - last) <= max(steps)):
        return ()
    text = printed(progress.validation.cells[points[-1][0]])
    if len(text) >= _LONG and _stands_outside_tables(text, "\n".join(card.visible)):
        return ()  # a card with several headlines, one of which is the last row
    row, nearest = min(points, key=lambda point: abs(point[1] - stated))
    there = printed(progress.validation.cells[row])
    which = "the last row's" if row == points[-1][0] else f"{place(progress, row)}'s"
    if len(points) == 1:
        where = f"is not that of the table's one row, {there}"
    else:
        where = f"stands in none of {len(points)} rows; the nearest is {which} {there}"
    return [
        Found(
            f"the headline's loss {clip(claim.text)} {where}, {abs(nearest - stated):.4g} away",
            claim.line,
            {"headline": stated, "nearest": nearest, "row": row + 1},
        )
    ]


@rule("RT232", "warning")
def the_headline_is_one_row(
    progress: Progress, headline: Headline, evaluation: Mapping[str, Claim]
) -> Sequence[Found]:
    """The headline mixes rows.

    Its loss is that of one row, another of its results only that of other rows. Each is true of some
    checkpoint, but no checkpoint has them all.

    Why it matters:
        The best of each column is a result that no model has.

    How to mend:
        Give all results of the one checkpoint that is published.

    Before:
        It achieves the following results on the evaluation set:
        - Loss: 1.3000
        - Accuracy: 0.8123

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss | Accuracy |
        |:-------------:|:-----:|:----:|:---------------:|:--------:|
        | 1.5           | 1.0   | 100  | 1.4000          | 0.7312   |
        | 1.2           | 2.0   | 200  | 1.3000          | 0.7921   |
        | 1.1           | 3.0   | 300  | 1.3600          | 0.8123   |

    After:
        It achieves the following results on the evaluation set:
        - Loss: 1.3600
        - Accuracy: 0.8123

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss | Accuracy |
        |:-------------:|:-----:|:----:|:---------------:|:--------:|
        | 1.5           | 1.0   | 100  | 1.4000          | 0.7312   |
        | 1.2           | 2.0   | 200  | 1.3000          | 0.7921   |
        | 1.1           | 3.0   | 300  | 1.3600          | 0.8123   |
    """
    claim, rows = headline.claim, headline.rows
    columns, table = progress.table.columns, progress.table.rows
    found: list[Found] = []
    for name, other in islice(evaluation.items(), _MOST_METRICS if rows else 0):
        metric = name.removeprefix("eval_")
        number = finite(other)
        if other is claim or number is None or metric in _NO_METRICS or metric not in columns:
            continue
        column = columns.index(metric)
        if any(_value(table[row], column) == number for row in rows):
            continue
        texts = [row.cells[column].text for row in table if _value(row, column) is not None]
        digits = max(map(decimals, texts), default=0)
        near = _ROUNDING * 10.0 ** -min(decimals(other.text), digits)
        at = [row for row, each in enumerate(table) if _near(_value(each, column), number, near)]
        if not set(rows).isdisjoint(at):
            continue
        # The same number by chance: too few digits, or a metric that hardly moves.
        if at and len(other.text) >= 5 and len(at) <= max(1, len(table) // 4):
            found.append(
                Found(
                    f"the headline's loss {clip(claim.text)} is that of {place(progress, rows[-1])}, its "
                    f"{clip(name)} {clip(other.text)} that of {place(progress, at[-1])}",
                    other.line,
                    {
                        "metric": name,
                        "loss_rows": [row + 1 for row in rows[:20]],
                        "rows": [row + 1 for row in at[:20]],
                    },
                )
            )
            return found
    return found


@rule("RT233", "warning")
def the_headline_is_an_evaluation(losses: Progress, headline: Headline) -> Sequence[Found]:
    """The headline's evaluation loss is a training loss.

    The number stands in the table's training column and nowhere in its validation column.

    Why it matters:
        A training loss flatters the model, and is no result on the evaluation set.

    How to mend:
        Give the validation loss of the same row, and see whether the two columns of the table are
        exchanged.

    Before:
        It achieves the following results on the evaluation set:
        - Loss: 1.1021

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.1021        | 2.0   | 200  | 1.3000          |

    After:
        It achieves the following results on the evaluation set:
        - Loss: 1.3000

        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.1021        | 2.0   | 200  | 1.3000          |
    """
    row = headline.training
    if row is not None and not headline.rows and losses.validation is not None:
        there = printed(losses.validation.cells[row])
        return [
            Found(
                f"the headline's loss {clip(headline.claim.text)} is the training loss of "
                f"{place(losses, row)}; the validation loss there is {there}",
                headline.claim.line,
                {"headline": headline.claim.text, "row": row + 1, "validation": there},
            )
        ]
    return ()


def _stands_outside_tables(text: str, seen: str) -> bool:
    """Whether a text stands in a line without a pipe."""
    at = seen.find(text)
    while at >= 0:
        end = seen.find("\n", at)
        end = len(seen) if end < 0 else end
        if "|" not in seen[seen.rfind("\n", 0, at) + 1 : end]:
            return True
        at = seen.find(text, end)
    return False


def _goes_on(progress: Progress, schedule: Schedule) -> bool:
    """Whether the training was to go on behind the last row."""
    for name, stated in (("step", schedule.steps), ("epoch", schedule.epochs)):
        points = progress.points(name)
        if stated is not None and points:
            return points[-1][1] < stated - 0.005
    return False


def _best_at(progress: Progress, row: int) -> Iterator[str]:
    """Yield the columns whose best value stands in a row."""
    table = progress.table
    for name in table.columns[:_MOST_METRICS]:
        if name in ("training_loss", "train_loss", "epoch", "step", *_NO_METRICS):
            continue
        values = [_number(cell) for cell in table.column(name)]
        known = [number for number in values if number is not None]
        if len(known) < 2 or values[row] is None or min(known) == max(known):
            continue
        small = any(word in name for word in _SMALL)
        if values[row] == (min(known) if small else max(known)):
            yield name


def _number(cell: Cell | None) -> float | None:
    if cell is None:
        return None
    value = cell.value
    if value.__class__ is float:  # most are, and are soonest told
        return value
    return float(value) if isinstance(value, int) else None


def _value(row: Row, column: int) -> float | None:
    return _number(row.cells[column]) if column < len(row.cells) else None


def _near(value: float | None, number: float, near: float) -> bool:
    return value is not None and abs(value - number) <= near


def _listed(names: list[str]) -> str:
    shown = [clip(name.replace("_", " "), 30) for name in names[:3]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


RULES: tuple[Rule, ...] = (
    the_headline_is_the_last,
    the_headline_is_in_the_table,
    the_headline_is_one_row,
    the_headline_is_an_evaluation,
)

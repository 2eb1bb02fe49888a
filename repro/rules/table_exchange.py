"""RT210 and RT219: loss columns that were exchanged or shifted, or that cannot be told apart."""

from __future__ import annotations

from collections.abc import Iterator

from repro.comparison.exchange_result import Exchange, Indistinct
from repro.rules.interface import Found, Rule, rule
from repro.rules.subject import Progress, Weighed
from repro.rules.wording import printed


@rule("RT210", "warning")
def columns_are_their_own(losses: Progress, weighed: Weighed) -> Iterator[Found]:
    """The loss columns read better when they are exchanged, or one of them shifted by a row.

    Training and validation loss each continue their own past. From some row on, each continues the
    other's, or its own of a row above or below. The finding says which rows, which way, by how many
    rows, which value has no place any more, and how much better the other reading fits; its evidence
    holds the whole table in that reading. It is a hypothesis: nothing is mended, and both readings are
    compared where it matters.

    Why it matters:
        Every conclusion from the table is wrong for these rows: which epoch is best, whether the model
        overfits, whether a re-run agrees.

    How to mend:
        Look into trainer_state.json of the run: `loss` is the training loss, `eval_loss` the validation
        loss of the same step. Put each value into its column, and say in the card that the table was
        corrected.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 2.1003        | 1.0   | 291  | 1.6578          |
        | 1.6211        | 2.0   | 582  | 1.4140          |
        | 1.4964        | 3.0   | 873  | 1.3040          |
        | 1.4100        | 4.0   | 1164 | 1.3011          |
        | 1.3360        | 5.0   | 1455 | 1.3095          |
        | 1.2862        | 6.0   | 1746 | 1.3739          |
        | 1.2743        | 7.0   | 2037 | 1.2043          |
        | 1.2019        | 8.0   | 2328 | 1.1701          |
        | 1.2696        | 9.0   | 2619 | 1.1498          |
        | 1.2507        | 10.0  | 2910 | 1.1194          |
        | 1.1398        | 11.0  | 3201 | 1.1094          |
        | 1.1309        | 12.0  | 3492 | 1.0913          |
        | 1.0740        | 13.0  | 3783 | 1.0683          |
        | 1.1201        | 14.0  | 4074 | 1.0607          |
        | 1.1690        | 15.0  | 4365 | 1.0558          |
        | 1.0940        | 16.0  | 4656 | 1.0940          |

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 2.1003        | 1.0   | 291  | 1.6578          |
        | 1.6211        | 2.0   | 582  | 1.4140          |
        | 1.4964        | 3.0   | 873  | 1.3040          |
        | 1.41          | 4.0   | 1164 | 1.3011          |
        | 1.336         | 5.0   | 1455 | 1.3095          |
        | 1.2862        | 6.0   | 1746 | 1.3739          |
        |               | 7.0   | 2037 | 1.2743          |
        | 1.2043        | 8.0   | 2328 | 1.2019          |
        | 1.1701        | 9.0   | 2619 | 1.2696          |
        | 1.1498        | 10.0  | 2910 | 1.2507          |
        | 1.1194        | 11.0  | 3201 | 1.1398          |
        | 1.1094        | 12.0  | 3492 | 1.1309          |
        | 1.0913        | 13.0  | 3783 | 1.0740          |
        | 1.0683        | 14.0  | 4074 | 1.1201          |
        | 1.0607        | 15.0  | 4365 | 1.1690          |
        | 1.0558        | 16.0  | 4656 | 1.0940          |
    """
    found = weighed.found
    if isinstance(found, Exchange):
        epochs = losses.epoch
        whole = epochs is not None and len(epochs.points) == len(losses)
        yield Found(
            found.explain([printed(cell) for cell in epochs.cells] if epochs and whole else None),
            losses.lines[found.first_row],
            found.evidence(_plain(epochs.values) if epochs else [None] * len(losses)),
        )


def _plain(values: tuple[float | None, ...]) -> list[float | int | None]:
    """Return epochs as they are printed in JSON: whole ones as integers, unknown ones as null."""
    return [
        None if v is None or v != v or v in (float("inf"), float("-inf")) else int(v) if v % 1 == 0 else v
        for v in values
    ]


@rule("RT219", "note", profiles=("strict",))
def columns_can_be_told_apart(losses: Progress, weighed: Weighed) -> Iterator[Found]:
    """The loss columns lie too near each other for an exchange to show.

    Their distance is within its own noise from row to row, so that RT210 can say nothing about this
    table: neither that cells were exchanged nor that they were not.

    Why it matters:
        No finding of RT210 is no evidence here.

    How to mend:
        There is nothing to mend. Who wants to be sure compares the table with trainer_state.json.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5219        | 1.0   | 100  | 1.5232          |
        | 1.335         | 2.0   | 200  | 1.3091          |
        | 1.2114        | 3.0   | 300  | 1.2446          |
        | 1.1998        | 4.0   | 400  | 1.2025          |
        | 1.1448        | 5.0   | 500  | 1.1494          |
        | 1.1248        | 6.0   | 600  | 1.1418          |
        | 1.158         | 7.0   | 700  | 1.1005          |

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5219        | 1.0   | 100  | 1.9232          |
        | 1.335         | 2.0   | 200  | 1.7091          |
        | 1.2114        | 3.0   | 300  | 1.6446          |
        | 1.1998        | 4.0   | 400  | 1.6025          |
        | 1.1448        | 5.0   | 500  | 1.5494          |
        | 1.1248        | 6.0   | 600  | 1.5418          |
        | 1.158         | 7.0   | 700  | 1.5005          |
    """
    if isinstance(weighed.found, Indistinct):
        yield Found(weighed.found.explain(), losses.lines[0], {"separation": weighed.found.separation})


RULES: tuple[Rule, ...] = (columns_are_their_own, columns_can_be_told_apart)

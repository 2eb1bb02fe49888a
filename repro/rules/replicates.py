"""RT22x: the results table beside public replicates of the same recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from repro.facts.streams import stream
from repro.records.claims import Claim, Claims
from repro.rules.interface import Found, Rule, clip, rule
from repro.rules.subject import Progress
from repro.rules.wording import place, printed

if TYPE_CHECKING:
    from repro.comparison.replicates import Beside, Bounded, Group, Metric

# A run of a random stream that none of the replicates has lies outside their band here and there: of the
# public re-runs of issues-128, compared with those of the other streams only, at most 2 of 32 values do.
_FEW = 2
_SHARE = 0.1


@rule("RT220", "warning")
def lies_with_its_replicates(progress: Progress, replicates: Beside) -> Iterator[Found]:
    """Losses lie outside the band of the replicates.

    The band holds where one more run of the same recipe would lie: mean ± t·s·sqrt(1 + 1/k) of the k
    replicates at that step, with the standard deviation of that step, at 5 % over all rows and both
    losses together, and half a unit of the last printed digit. Where the curve belongs to none of the
    replicates' random streams, one or two values, or a tenth of a column, are a note, because a run of
    another stream strays that far. The evidence has each row.

    Why it matters:
        What lies outside was not measured with this recipe, or does not stand where it belongs.

    How to mend:
        Look these rows up in trainer_state.json; see whether the columns are exchanged there (RT210),
        and whether data, batch size and number of devices are those of the replicates.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 2.0063        | 1.0   | 100  | 1.7323          |
        | 1.688         | 2.0   | 200  | 1.4774          |
        | 1.501         | 3.0   | 300  | 1.4640          |
        | 1.3684        | 4.0   | 400  | 1.3961          |
        | 1.2641        | 5.0   | 500  | 1.2238          |
        | 1.2773        | 6.0   | 600  | 1.2740          |
        | 1.208         | 7.0   | 700  | 1.2782          |
        | 1.0529        | 8.0   | 800  | 1.1333          |
        | 1.0061        | 9.0   | 900  | 1.1607          |

        ### Framework versions

        - Transformers 4.21.2
        - Pytorch 1.13.0

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.9975        | 1.0   | 100  | 1.7293          |
        | 1.6839        | 2.0   | 200  | 1.4784          |
        | 1.5016        | 3.0   | 300  | 1.4662          |
        | 1.3655        | 4.0   | 400  | 1.3940          |
        | 1.2682        | 5.0   | 500  | 1.2284          |
        | 1.1884        | 6.0   | 600  | 1.2718          |
        | 1.1128        | 7.0   | 700  | 1.2748          |
        | 1.0492        | 8.0   | 800  | 1.1270          |
        | 0.9972        | 9.0   | 900  | 1.1616          |

        ### Framework versions

        - Transformers 4.21.2
        - Pytorch 1.13.0
    """
    from repro.comparison.replicates import (
        LEVEL,
        METRICS,
        SAME_STREAM,
    )  # no audit without replicates loads it

    known = replicates.nearest is not None and replicates.nearest[1] >= SAME_STREAM
    for metric in METRICS:
        rows = [each for each in replicates.bounded if each.published.metric == metric]
        outside = [each for each in rows if each.beyond > 0]
        if not outside:
            continue
        worst = max(outside, key=lambda each: each.beyond)
        peers = max(each.peers for each in rows)
        few = not known and len(outside) <= max(_FEW, _SHARE * len(rows))
        distance = abs(worst.published.value - worst.mean)
        times = (
            f", {distance / worst.deviation:.1f} standard deviations from its mean" if worst.deviation else ""
        )
        yield Found(
            f"the {metric.replace('_', ' ')} lies outside the band of {peers} replicates in {len(outside)} "
            f"of {len(rows)} rows ({_epochs(progress, outside)}), by up to {worst.beyond:.4f} at "
            f"{place(progress, worst.published.row)}: {_text(progress, metric, worst)}, the band is "
            f"{worst.mean - worst.bound:.4f} to {worst.mean + worst.bound:.4f}{times}",
            progress.lines[outside[0].published.row],
            {
                "column": metric,
                "replicates": peers,
                "streams": len(replicates.groups),
                "level": LEVEL,
                "outside": [each.published.row + 1 for each in outside],
                "rows": [_row(progress, metric, each) for each in rows[:200]],
            },
            "note" if few else None,
        )


@rule("RT221", "note")
def has_a_known_stream(progress: Progress, replicates: Beside, claims: Claims) -> Sequence[Found]:
    """The validation curve belongs to none of the replicates' random streams, or not to that of its versions.

    The order of the data, and the masks where there are some, follow from the seed and the versions.
    They show as a zigzag of the validation loss: what is left beside a quadratic in log epoch. Runs of
    one stream correlate 0.97 or more in it, runs of different streams 0.71 at most; 0.9 is where a curve
    counts as belonging. A stream of other versions than those stated is a warning.

    Why it matters:
        The same seed in the same versions gives the same zigzag. Another one means other versions,
        another seed, other data, or a table whose values do not stand where they belong.

    How to mend:
        Compare versions, seed and data with the replicates; with transformers 4.31 to 4.37, state the
        version of accelerate, which decides the stream.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 2.0033        | 1.0   | 100  | 1.6495          |
        | 1.6798        | 2.0   | 200  | 1.5871          |
        | 1.4977        | 3.0   | 300  | 1.4057          |
        | 1.3678        | 4.0   | 400  | 1.4044          |
        | 1.2613        | 5.0   | 500  | 1.3439          |
        | 1.1888        | 6.0   | 600  | 1.1910          |
        | 1.1119        | 7.0   | 700  | 1.1935          |
        | 1.0559        | 8.0   | 800  | 1.1514          |
        | 1.0015        | 9.0   | 900  | 1.2048          |

        ### Framework versions

        - Transformers 4.21.2
        - Pytorch 1.13.0

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.9975        | 1.0   | 100  | 1.7293          |
        | 1.6839        | 2.0   | 200  | 1.4784          |
        | 1.5016        | 3.0   | 300  | 1.4662          |
        | 1.3655        | 4.0   | 400  | 1.3940          |
        | 1.2682        | 5.0   | 500  | 1.2284          |
        | 1.1884        | 6.0   | 600  | 1.2718          |
        | 1.1128        | 7.0   | 700  | 1.2748          |
        | 1.0492        | 8.0   | 800  | 1.1270          |
        | 0.9972        | 9.0   | 900  | 1.1616          |

        ### Framework versions

        - Transformers 4.21.2
        - Pytorch 1.13.0
    """
    from repro.comparison.replicates import SAME_STREAM

    nearest, stated = replicates.nearest, _stated(claims.versions)
    if nearest is None or progress.validation is None:
        return ()
    group, most = nearest
    evidence = {
        "streams": [
            {"name": each.name, "replicates": [peer.name for peer in each.peers], "correlation": _round(r)}
            for each, r in zip(replicates.groups, replicates.correlations, strict=True)
        ],
        "stream": group.name if most >= SAME_STREAM else None,
        "by_versions": stated,
    }
    line = progress.lines[0]
    if most < SAME_STREAM:
        said = f"; its versions say stream {stated}" if stated else ""
        return [
            Found(
                f"the validation curve belongs to none of {_streams(replicates.groups)}: its zigzag "
                f"correlates {most:.2f} at most, with {group.describe()}{said}",
                line,
                evidence,
            )
        ]
    if stated and group.name and stated != group.name:
        return [
            Found(
                f"the validation curve is one of {group.describe()}, with which its zigzag correlates "
                f"{most:.2f}; the versions stated say stream {stated}",
                line,
                evidence,
                "warning",
            )
        ]
    return ()


@rule("RT222", "note")
def is_no_replicate_of_itself(progress: Progress, replicates: Beside) -> Iterator[Found]:
    """A replicate is this card itself, and was left out.

    All its losses are, as printed, those of the card. A run that is compared with itself always agrees.

    Why it matters:
        The band is made of one replicate less than were given.

    How to mend:
        Take the run out of the file of replicates, if the card is to be judged by others only. The
        comparison has left it out already.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.9988        | 1.0   | 100  | 1.7366          |
        | 1.6848        | 2.0   | 200  | 1.4750          |
        | 1.5006        | 3.0   | 300  | 1.4638          |
        | 1.3681        | 4.0   | 400  | 1.4024          |
        | 1.2738        | 5.0   | 500  | 1.2277          |
        | 1.1853        | 6.0   | 600  | 1.2741          |
        | 1.1207        | 7.0   | 700  | 1.2729          |
        | 1.052         | 8.0   | 800  | 1.1376          |
        | 0.9959        | 9.0   | 900  | 1.1596          |

        ### Framework versions

        - Transformers 4.21.2
        - Pytorch 1.13.0

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.9975        | 1.0   | 100  | 1.7293          |
        | 1.6839        | 2.0   | 200  | 1.4784          |
        | 1.5016        | 3.0   | 300  | 1.4662          |
        | 1.3655        | 4.0   | 400  | 1.3940          |
        | 1.2682        | 5.0   | 500  | 1.2284          |
        | 1.1884        | 6.0   | 600  | 1.2718          |
        | 1.1128        | 7.0   | 700  | 1.2748          |
        | 1.0492        | 8.0   | 800  | 1.1270          |
        | 0.9972        | 9.0   | 900  | 1.1616          |

        ### Framework versions

        - Transformers 4.21.2
        - Pytorch 1.13.0
    """
    for peer in replicates.own[:20]:
        yield Found(
            f"the replicate {clip(peer.name, 100)} has the card's own values and was left out; "
            f"{len(replicates.others)} remain",
            progress.lines[0],
            {"replicate": peer.name, "remaining": len(replicates.others)},
        )


@rule("RT223", "note")
def can_be_laid_beside(progress: Progress, replicates: Beside) -> Sequence[Found]:
    """The replicates cannot be compared with this table.

    At no step of the table do at least three replicates have a loss.

    Why it matters:
        The table was not judged by its replicates, although some were given.

    How to mend:
        Give replicates that were evaluated at the same steps, at least three: those of the same batch
        size, number of devices and data set.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.9975        | 1.0   | 90   | 1.7293          |
        | 1.6839        | 2.0   | 180  | 1.4784          |
        | 1.5016        | 3.0   | 270  | 1.4662          |
        | 1.3655        | 4.0   | 360  | 1.3940          |
        | 1.2682        | 5.0   | 450  | 1.2284          |
        | 1.1884        | 6.0   | 540  | 1.2718          |
        | 1.1128        | 7.0   | 630  | 1.2748          |
        | 1.0492        | 8.0   | 720  | 1.1270          |
        | 0.9972        | 9.0   | 810  | 1.1616          |

        ### Framework versions

        - Transformers 4.21.2
        - Pytorch 1.13.0

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.9975        | 1.0   | 100  | 1.7293          |
        | 1.6839        | 2.0   | 200  | 1.4784          |
        | 1.5016        | 3.0   | 300  | 1.4662          |
        | 1.3655        | 4.0   | 400  | 1.3940          |
        | 1.2682        | 5.0   | 500  | 1.2284          |
        | 1.1884        | 6.0   | 600  | 1.2718          |
        | 1.1128        | 7.0   | 700  | 1.2748          |
        | 1.0492        | 8.0   | 800  | 1.1270          |
        | 0.9972        | 9.0   | 900  | 1.1616          |

        ### Framework versions

        - Transformers 4.21.2
        - Pytorch 1.13.0
    """
    if not replicates.bounded:
        from repro.comparison.replicates import FEWEST_PEERS

        ours = [f"{step:g}" for _, step in progress.points("step")[:3]]
        theirs = [str(each.step) for peer in replicates.others[:1] for each in peer.evaluations[:3]]
        return [
            Found(
                f"no loss has {FEWEST_PEERS} of the {len(replicates.others)} replicates beside it: the table "
                f"has steps {', '.join(ours) or '(none)'}, …, the first replicate "
                f"{', '.join(theirs) or '(none)'}, …",
                progress.lines[0],
                {"replicates": len(replicates.others)},
            )
        ]
    return ()


def _stated(versions: Mapping[str, Claim]) -> str | None:
    """Return the letter of the stream that the stated versions give."""
    name = stream({package: claim.text for package, claim in versions.items()})
    return name[0] if name else None


def _epochs(progress: Progress, outside: Sequence[Bounded]) -> str:
    """Return the places of rows for a message, neighbours together: `epochs 7, 9 to 12`."""
    rows = [each.published.row for each in outside]
    parts: list[list[int]] = []
    for row in rows:
        if parts and row == parts[-1][-1] + 1:
            parts[-1].append(row)
        else:
            parts.append([row])
    named = progress.epoch is not None

    def at(row: int) -> str:
        cell = progress.epoch.cells[row] if progress.epoch else None
        return printed(cell).removesuffix(".0") if cell else str(row + 1)

    shown = [at(part[0]) if len(part) == 1 else f"{at(part[0])} to {at(part[-1])}" for part in parts[:10]]
    more = f" and {len(parts) - 10} more" if len(parts) > 10 else ""
    return f"{'epoch' if named else 'row'}{'s' if len(rows) > 1 else ''} {', '.join(shown)}{more}"


def _text(progress: Progress, metric: Metric, each: Bounded) -> str:
    series = progress.training if metric == "training_loss" else progress.validation
    return printed(series.cells[each.published.row]) if series else ""


def _row(progress: Progress, metric: Metric, each: Bounded) -> dict[str, object]:
    return {
        "row": each.published.row + 1,
        "line": progress.lines[each.published.row],
        "epoch": each.published.epoch,
        "step": each.published.step,
        "published": _text(progress, metric, each),
        "mean": round(each.mean, 6),
        "deviation": round(each.deviation, 6),
        "bound": round(each.bound, 6),
        "beyond": round(each.beyond, 6),
    }


def _streams(groups: Sequence[Group]) -> str:
    return (
        f"the {len(groups)} streams of the replicates" if len(groups) > 1 else "the stream of the replicates"
    )


def _round(number: float | None) -> float | None:
    return None if number is None else round(number, 4)


RULES: tuple[Rule, ...] = (
    lies_with_its_replicates,
    has_a_known_stream,
    is_no_replicate_of_itself,
    can_be_laid_beside,
)

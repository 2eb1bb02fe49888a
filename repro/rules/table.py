"""RT2xx: the table of training results, looked at by itself and against the rest of the card."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from repro.rules.interface import Found, Rule, rule
from repro.rules.subject import Progress


@rule("RT201", "warning")
def steps_go_on(progress: Progress) -> Iterator[Found]:
    """A step is not larger than the one above it.

    The Trainer counts optimizer steps from 1 and never goes back, so the column only rises. A step that
    repeats or falls means that rows were doubled, moved or pasted from another run.

    Why it matters:
        The losses of such rows cannot be laid beside those of a re-run: which came first is not known.

    How to mend:
        Take the table again from trainer_state.json of the run, in the order of its log history.

    Before:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 2.0   | 200  | 1.4000          |
        | 1.2           | 1.0   | 100  | 1.3000          |

    After:
        ### Training results

        | Training Loss | Epoch | Step | Validation Loss |
        |:-------------:|:-----:|:----:|:---------------:|
        | 1.5           | 1.0   | 100  | 1.4000          |
        | 1.2           | 2.0   | 200  | 1.3000          |
    """
    steps = progress.points("step")
    for (_, above), (row, step) in pairwise(steps):
        if step <= above:
            yield Found(
                f"step {step:g} stands below step {above:g}",
                progress.lines[row],
                {"step": step, "above": above},
            )


RULES: tuple[Rule, ...] = (steps_go_on,)

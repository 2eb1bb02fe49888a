"""What sections are about, by words in their titles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

Topic: TypeAlias = Literal["hyperparameters", "training log", "versions", "validation metrics", "evaluation"]


class Words(NamedTuple):
    """The words, in lower case, of which a title on a topic has one, and those that it has not."""

    words: tuple[str, ...]
    but: tuple[str, ...] = ()


TOPICS: dict[Topic, Words] = {
    "hyperparameters": Words(("hyperparameter", "hyper-parameter", "hyper parameter", "best params")),
    "training log": Words(("training results", "training logs")),
    "versions": Words(("version",)),
    "validation metrics": Words(("validation metrics",)),
    "evaluation": Words(
        ("evaluation", "metrics", "results", "performance"),
        but=("training", "data", "set metrics", "versions"),  # logs and statistics, not results
    ),
}
#: What sections are about whose code may have arguments of a training.
TRAINING = Words(("training", "fine-tun", "finetun", "config", "arguments"), but=("result", "log", "metric"))
_MAX_KEPT = 60  # characters of a title that is kept in memory


def holds(text: str, words: Sequence[str]) -> bool:
    """Tell whether a text holds one of these words."""
    for word in words:  # noqa: SIM110 - twice as fast as any()
        if word in text:
            return True
    return False


def on_training(title: str) -> bool:
    """Tell whether a section of this title may show code of the training."""
    title = title.lower()
    return holds(title, TRAINING.words) and not holds(title, TRAINING.but)


def topics(title: str) -> tuple[Topic, ...]:
    """Return what a section of this title is about.

    >>> topics("Training hyperparameters"), topics("Evaluation results"), topics("Limitations")
    (('hyperparameters',), ('evaluation',), ())
    """
    return _topics(title) if len(title) <= _MAX_KEPT else _topics.__wrapped__(title)


@lru_cache(maxsize=1_000)  # cards share most of their titles
def _topics(title: str) -> tuple[Topic, ...]:
    title = title.lower()
    return tuple(
        [topic for topic, (words, but) in TOPICS.items() if holds(title, words) and not holds(title, but)]
    )

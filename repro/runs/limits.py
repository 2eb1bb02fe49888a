"""What a training is watched for; nothing of it changes a number, so it is no part of a run's id."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How often a checkpoint is written, and when a worker counts as hung.

    Attributes:
        checkpoint_minutes: Minutes between two checkpoints inside an epoch; 0 for none but at epoch ends.
        hang_minutes: Minutes without a word from the worker after which it counts as hung; 0 for never.
    """

    checkpoint_minutes: float = 15.0
    hang_minutes: float = 60.0

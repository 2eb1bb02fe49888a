"""Differences between releases that the recipes meet."""

from __future__ import annotations

from worker_modules import load

COMPAT = load("compat")


def test_own_checkpoints_are_trusted_unless_the_user_says_otherwise() -> None:
    """A run that is gone on with may load its own random states; the user's word on it is kept."""
    environ: dict[str, str] = {}
    COMPAT.trust_own_checkpoints(environ)
    assert environ == {"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}
    said = {"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "0"}
    COMPAT.trust_own_checkpoints(said)
    assert said == {"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "0"}

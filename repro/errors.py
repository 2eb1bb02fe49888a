"""The one error tree: every error says what is wrong, gives one hint, and knows its exit code.

`cli/main.py` catches `ReproError` once and prints it as two lines; library users catch it by class.
"""

from __future__ import annotations


class ReproError(Exception):
    """The root of all errors that this program raises on purpose.

    Args:
        message: One line that says what is wrong and where.
        hint: One line that says what to do about it.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadInput(ReproError):
    """A card, case, option, file or folder that cannot be used (exit code 2)."""

    exit_code = 2


class EnvironmentFailed(ReproError):
    """The software of that day cannot be locked, built or probed (exit code 3)."""

    exit_code = 3


class TrainingFailed(ReproError):
    """The worker ended without a result (exit code 4)."""

    exit_code = 4


class OutOfMemory(TrainingFailed):
    """The worker had too little memory (exit code 4)."""


class NetworkFailed(ReproError):
    """The Hub, a registry or another host could not be reached or refused (exit code 5)."""

    exit_code = 5


class Refused(NetworkFailed):
    """The Hub answered, but not with what was asked for: not there, gated, broken (exit code 5).

    Args:
        message: As in `ReproError`.
        hint: As in `ReproError`.
        reason: What of the message says why, in a few words.
    """

    def __init__(self, message: str, hint: str = "", *, reason: str) -> None:
        super().__init__(message, hint)
        self.reason = reason


class Interrupted(ReproError):
    """The user stopped the program; what was done so far is kept (exit code 130)."""

    exit_code = 130

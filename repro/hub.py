"""The Hub: the only importer of huggingface_hub. The client is imported when it is first needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from repro.errors import NetworkFailed

T = TypeVar("T")


def fetch_file(repository: str, revision: str | None, name: str) -> Path:
    """Return a file of a repository, from the client's cache or downloaded.

    Args:
        repository: `user/model`.
        revision: A commit, branch or tag; None for the default branch.
        name: The file's path in the repository.

    Raises:
        NetworkFailed: Not there, gated, offline, or the Hub cannot be reached.
    """
    from huggingface_hub import hf_hub_download

    return Path(_asked(f"{repository}: {name}", lambda: hf_hub_download(repository, name, revision=revision)))


def fetch_files(repository: str, revision: str, names: Iterable[str]) -> Path:
    """Return the folder of one revision that holds all of `names`; errors as in `fetch_file`."""
    files = [fetch_file(repository, revision, name) for name in names]
    return files[0].parent


def has_files(repository: str, revision: str, names: Iterable[str]) -> bool:
    """Tell whether all of `names` at a commit are in the client's cache; asks nobody."""
    from huggingface_hub import try_to_load_from_cache

    return all(isinstance(try_to_load_from_cache(repository, name, revision=revision), str) for name in names)


def committed_at(repository: str, revision: str | None) -> datetime | None:
    """Return the instant of the last commit up to a revision, or None where the Hub does not say.

    Raises:
        NetworkFailed: As in `fetch_file`.
    """
    from huggingface_hub import HfApi

    commits = _asked(repository, lambda: HfApi().list_repo_commits(repository, revision=revision))
    return commits[0].created_at if commits else None


def model_facts(repository: str) -> dict[str, Any]:
    """Return what the Hub knows about a model: front matter, `pipeline_tag`, `library_name`, `gated`.

    Raises:
        NetworkFailed: As in `fetch_file`.
    """
    from huggingface_hub import HfApi

    info = _asked(repository, lambda: HfApi().model_info(repository))
    card: Any = info.card_data
    stated = card.to_dict() if card is not None else {}
    named = next((tag.partition(":")[2] for tag in info.tags or () if tag.startswith("license:")), None)
    return {
        "license": named,
        **{key: value for key, value in stated.items() if value is not None},
        "pipeline_tag": info.pipeline_tag,
        "library_name": info.library_name,
        "gated": info.gated,
    }


def _asked(what: str, question: Callable[[], T]) -> T:
    """Ask the Hub, and turn every way of failing into one line and one hint.

    The client tries again for half a minute, and would print two lines of its own each time.
    """
    from huggingface_hub import errors
    from huggingface_hub import logging as client_log
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # of its HTTP library, httpx or httpx2

    # From the most particular to the most general: the first that fits is told.
    refusals: tuple[tuple[type[Exception], str, str], ...] = (
        (errors.HFValidationError, "not a repository's name", "it looks like user/model"),
        (errors.GatedRepoError, "the repository is gated", "ask for access, then `hf auth login`"),
        (
            errors.RepositoryNotFoundError,
            "no such repository on the Hub, or a private one",
            "is the name right?",
        ),
        (errors.RevisionNotFoundError, "no such revision", "check the commit, branch or tag"),
        (
            errors.LocalEntryNotFoundError,
            "not in the cache, and the Hub cannot be reached",
            "see `repro doctor`",
        ),
        (errors.EntryNotFoundError, "no such file in the repository", "check the file's name"),
    )
    if "HF_HUB_VERBOSITY" not in os.environ:
        client_log.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        return question()
    except (errors.HFValidationError, errors.OfflineModeIsEnabled, HTTPError, OSError) as error:
        for kind, problem, hint in refusals:
            if isinstance(error, kind):
                raise NetworkFailed(f"{what}: {problem}", hint) from error
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise NetworkFailed(f"{what}: {first}", "see `repro doctor`") from error

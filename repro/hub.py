"""The Hub: the only importer of huggingface_hub. The client is imported when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

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


def committed_at(repository: str, revision: str | None) -> datetime | None:
    """Return the instant of the last commit up to a revision, or None where the Hub does not say.

    Raises:
        NetworkFailed: As in `fetch_file`.
    """
    from huggingface_hub import HfApi

    commits = _asked(repository, lambda: HfApi().list_repo_commits(repository, revision=revision))
    return commits[0].created_at if commits else None


def _asked(what: str, question: Callable[[], T]) -> T:
    """Ask the Hub, and turn every way of failing into one line and one hint."""
    from huggingface_hub import errors
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # of its HTTP library, httpx or httpx2

    try:
        return question()
    except errors.HFValidationError as error:
        raise NetworkFailed(f"{what}: not a repository's name", "it looks like user/model") from error
    except errors.GatedRepoError as error:
        raise NetworkFailed(
            f"{what}: the repository is gated", "ask for access, then `hf auth login`"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise NetworkFailed(
            f"{what}: no such repository on the Hub, or a private one", "check the name, or `hf auth login`"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise NetworkFailed(f"{what}: no such revision", "check the commit, branch or tag") from error
    except errors.LocalEntryNotFoundError as error:
        raise NetworkFailed(
            f"{what}: not in the cache, and the Hub cannot be reached", "see `repro doctor`"
        ) from error
    except errors.EntryNotFoundError as error:
        raise NetworkFailed(f"{what}: no such file in the repository", "check the file's name") from error
    except (errors.HfHubHTTPError, errors.OfflineModeIsEnabled, HTTPError, OSError) as error:
        first = str(error).strip().splitlines()
        raise NetworkFailed(
            f"{what}: {first[0] if first else type(error).__name__}", "see `repro doctor`"
        ) from error

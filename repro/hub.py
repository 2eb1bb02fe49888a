"""The Hub: the only importer of huggingface_hub. The client is imported when it is first needed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from repro.errors import NetworkFailed, Refused

T = TypeVar("T")

_COMMIT = re.compile(r"[0-9a-f]{40}")
_REACH_SECONDS = 10.0
_TOO_MANY = 429


class Hit(NamedTuple):
    """A model that a search found; None for what the Hub does not say.

    Attributes:
        repository: Its name. It comes from a stranger and may be anything.
        commit: The newest commit.
        created: When the repository was made.
        private: Whether only its owner sees it.
        files: The names of its files.
    """

    repository: str
    commit: str | None
    created: datetime | None
    private: bool
    files: frozenset[str] | None


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


def reach() -> None:
    """Ask the Hub for any answer at all, without the client's patience for one that does not come.

    Raises:
        NetworkFailed: It cannot be reached, or may not be asked.
    """
    from huggingface_hub import constants, get_session

    _asked("the Hub", lambda: get_session().head(f"{constants.ENDPOINT}/api/models", timeout=_REACH_SECONDS))


def search_models(most: int, *, name: str | None = None, tag: str | None = None) -> list[Hit]:
    """Search the Hub for models.

    Args:
        most: How many are asked for at most.
        name: A text in their names.
        tag: One of their tags, e.g. `base_model:finetune:google-bert/bert-base-uncased`.

    Raises:
        NetworkFailed: As in `fetch_file`, or the answer is none.
    """
    from huggingface_hub import HfApi

    what = f"searching for {name or tag}"

    def question() -> list[Hit]:
        found = HfApi().list_models(search=name, filter=tag, full=True, limit=most)
        return [_hit(each) for each in islice(found, most)]

    try:
        return _asked(what, question)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise NetworkFailed(f"{what}: what answered is no Hub", "see `repro doctor`") from error


def _hit(info: Any) -> Hit:
    return Hit(
        repository=str(info.id),
        commit=_commit(info.sha),
        created=info.created_at,
        private=bool(info.private),
        files=None if info.siblings is None else frozenset(each.rfilename for each in info.siblings),
    )


def _commit(text: object) -> str | None:
    return text if isinstance(text, str) and _COMMIT.fullmatch(text) else None


def newest_commit(repository: str) -> str | None:
    """Return the newest commit of a repository, None where it is not said; errors as in `fetch_file`."""
    from huggingface_hub import HfApi

    return _commit(_asked(repository, lambda: HfApi().model_info(repository)).sha)


def fetch_small_file(repository: str, revision: str, name: str, *, most: int) -> Path | None:
    """Return a file as `fetch_file` does, without a bar; None where it is larger than `most` bytes.

    A larger one is not downloaded.

    Raises:
        NetworkFailed: As in `fetch_file`; `Refused` where the Hub was reached.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]

    class NoBar(tqdm):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **{**options, "disable": True})  # type: ignore[no-untyped-call]

    def question() -> Path | None:
        ahead = hf_hub_download(repository, name, revision=revision, dry_run=True)
        if (ahead.file_size or 0) > most:
            return None
        return Path(hf_hub_download(repository, name, revision=revision, tqdm_class=NoBar))

    return _asked(f"{repository}: {name}", question)


def _status(error: BaseException | None) -> int | None:
    """Return the HTTP status behind an error: the client wraps some in errors of its cache."""
    for _ in range(4):
        status = getattr(getattr(error, "response", None), "status_code", None)
        if error is None or isinstance(status, int):
            return status
        error = error.__cause__
    return None


def _asked(what: str, question: Callable[[], T]) -> T:
    """Ask the Hub, and turn every way of failing into one line and one hint.

    The client tries again for half a minute, and would print two lines of its own each time.
    """
    from huggingface_hub import errors
    from huggingface_hub import logging as client_log
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # of its HTTP library, httpx or httpx2

    if "HF_HUB_VERBOSITY" not in os.environ:
        client_log.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        return question()
    except (errors.HFValidationError, errors.OfflineModeIsEnabled, HTTPError, OSError) as error:
        raise _failure(what, error) from error


def _failure(what: str, error: Exception) -> NetworkFailed:
    from huggingface_hub import errors

    status = _status(error)
    if status == _TOO_MANY:
        hint = "wait some minutes; who is logged in (`hf auth login`) may ask more often"
        return NetworkFailed(f"{what}: the Hub asks for fewer requests (429)", hint)
    if isinstance(error, errors.LocalEntryNotFoundError) and status is None:
        return NetworkFailed(f"{what}: not in the cache, and the Hub cannot be reached", "see `repro doctor`")
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
        (errors.LocalEntryNotFoundError, f"the Hub answered {status}", "try again later"),
        (errors.EntryNotFoundError, "no such file in the repository", "check the file's name"),
    )
    for kind, problem, hint in refusals:
        if isinstance(error, kind):
            return Refused(f"{what}: {problem}", hint, reason=problem)
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if status is not None:
        return Refused(f"{what}: {first}", "see `repro doctor`", reason=f"the Hub answered {status}")
    return NetworkFailed(f"{what}: {first}", "see `repro doctor`")

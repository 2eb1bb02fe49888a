"""Load a case: a bundled name or a folder with a `case.toml`."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from repro.cards import read_card
from repro.errors import BadInput
from repro.records.card import Card
from repro.records.case import Case, Model
from repro.records.claims import Claims
from repro.records.codec import from_json, from_toml, read_text
from repro.records.environment import Environment
from repro.records.run import PublishedCase

FILE = "case.toml"
_BUNDLED = Path(__file__).parent
#: The packages whose documented versions make an environment, in the order of a card.
#: The printed versions that make an environment; most cards print the first four.
DOCUMENTED = (
    "transformers", "torch", "datasets", "tokenizers",
    "tensorflow", "accelerate", "peft", "trl", "sentence-transformers", "setfit", "python",
)  # fmt: skip


@dataclass(frozen=True)
class LoadedCase:
    """A case with its card read.

    Attributes:
        name: The folder's name, fit for a file name.
        folder: Where the case lies.
        case: What `case.toml` says.
        card: The card as it was read.
        digest: SHA-256 over `case.toml` and every file that it names, the lock aside.
        locked: The committed environment and the text of its lock, where the case carries one.
    """

    name: str
    folder: Path
    case: Case
    card: Card
    digest: str
    locked: tuple[Environment, str] | None

    def path(self, name: str) -> Path:
        """Return a file of the case."""
        return self.folder / name

    def published(self) -> PublishedCase:
        """Return the part that a run's record keeps."""
        case = self.case
        return PublishedCase(
            name=self.name,
            title=case.title,
            summary=case.summary,
            source=case.source,
            digest=self.digest,
            model=case.model.id,
            task=case.task.kind,
            claims=self.card.claims,
            tolerances=case.tolerances,
            assumptions=case.assumptions,
            remarks=case.remarks,
        )


def bundled() -> tuple[str, ...]:
    """Return the names of the bundled cases."""
    return tuple(sorted(path.parent.name for path in _BUNDLED.glob(f"*/{FILE}")))


def find_case(target: str) -> Path | None:
    """Return the folder of a bundled case or of a case on disk, or None where `target` names neither."""
    if target in bundled():
        return _BUNDLED / target
    folder = Path(target)
    if folder.name == FILE:
        folder = folder.parent
    return folder if (folder / FILE).is_file() else None


def card_of(folder: Path) -> tuple[str, Path]:
    """Return what a case's card is called, and where it lies; nothing but `case.toml` is read.

    Raises:
        BadInput: A broken `case.toml`, or one that names a card outside its folder: a stranger's case is no
            reason to read any other file.
    """
    source = f"{folder.name}/{FILE}"
    case = from_toml(read_text(folder / FILE), Case, source=source)
    path = folder / case.card
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BadInput(f"{source}: the card {case.card} is not in the case's folder", "copy it there")
    return f"{folder.name}/{case.card}", path


def load_case(target: str) -> LoadedCase:
    """Load a bundled case by its name, or a case folder.

    Args:
        target: The name or the folder.

    Raises:
        BadInput: No such case; or a file of it is missing, unreadable, or holds a wrong type (names the file,
            the key, what was expected and what was found).
    """
    folder = find_case(target)
    if folder is None:
        raise BadInput(
            f"{target}: no such case", f"bundled cases: {', '.join(bundled())}; a case folder has a {FILE}"
        )
    case = from_toml(read_text(folder / FILE), Case, source=f"{folder.name}/{FILE}")
    _check_model(case.model, f"{folder.name}/{FILE}")
    card = read_card(read_text(folder / case.card), target=f"{folder.name}/{case.card}")
    return LoadedCase(
        name=re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip(".-") or "case",
        folder=folder,
        case=case,
        card=card,
        digest=_digest(folder, case),
        locked=_locked(folder, case),
    )


def documented_versions(claims: Claims) -> dict[str, str]:
    """Return the documented versions that make an environment, as printed."""
    return {name: claims.versions[name].text for name in DOCUMENTED if name in claims.versions}


def _check_model(model: Model, source: str) -> None:
    """A model is pinned on the Hub or initialised here; anything less cannot be run."""
    pinned = model.repository is not None and model.revision is not None
    initialised = None not in (model.config, model.vocabulary, model.seed)
    if not (pinned or (initialised and model.repository is None)):
        raise BadInput(
            f"{source}: model: expected repository and revision, or config, vocabulary and seed",
            "see docs/cases.md for the format",
        )


def _digest(folder: Path, case: Case) -> str:
    named = [FILE, case.card, case.data.build, case.model.config, case.model.vocabulary]
    digest = hashlib.sha256()
    for name in named:
        if name is not None:
            try:
                content = (folder / name).read_bytes()
            except OSError as error:
                raise BadInput(
                    f"{folder.name}/{FILE}: {name} cannot be read: {error.strerror}",
                    "every file that a case names lies in its folder",
                ) from error
            digest.update(b"%s %d\n" % (name.encode(), len(content)) + content)
    return digest.hexdigest()


def _locked(folder: Path, case: Case) -> tuple[Environment, str] | None:
    if case.environment.lock is None:
        return None
    lock = folder / case.environment.lock
    record = lock.with_suffix(".json")
    return from_json(read_text(record), Environment, source=f"{folder.name}/{record.name}"), read_text(lock)

"""A run's folder: where things lie in it, which folder a request belongs to, and who holds it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from repro.errors import BadInput
from repro.records.codec import load, read_text, save, to_json
from repro.records.comparison import Comparison
from repro.records.run import Completed, Run, Settings

if TYPE_CHECKING:
    from repro.comparison.replicates import Peer

ID_LENGTH = 12
# Settings that came later are left out of an id where they have their default: earlier runs keep theirs.
_ALWAYS_HASHED = ("environment", "device", "seed", "rehearse", "model", "data")


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint: its folder, its step, and the sequence number of the event that announced it."""

    path: Path
    step: int
    sequence: int


@dataclass(frozen=True)
class RunFolder:
    """The files of one run."""

    path: Path

    @property
    def record(self) -> Path:
        """`run.json`."""
        return self.path / "run.json"

    @property
    def comparison(self) -> Path:
        """`comparison.json`."""
        return self.path / "comparison.json"

    @property
    def events(self) -> Path:
        """`events.jsonl`."""
        return self.path / "events.jsonl"

    @property
    def lock(self) -> Path:
        """`environment.lock`."""
        return self.path / "environment.lock"

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def worker_log(self) -> Path:
        """What the worker and its libraries printed."""
        return self.path / "worker.log"

    @property
    def peers(self) -> Path:
        """The public replicates that the case had when the run began, as CSV."""
        return self.path / "peers.csv"

    def replicates(self, table: Path | None = None) -> tuple[Peer, ...]:
        """Read the replicates that the run keeps, or those of another table.

        Raises:
            BadInput: They cannot be read.
        """
        if table is None and not self.peers.is_file():
            return ()
        from repro.comparison.replicates import read_replicates

        table = table or self.peers
        return read_replicates(read_text(table), source=str(table))

    def other_seeds(self, run: Run) -> tuple[Run, ...]:
        """Return the finished runs beside this one that differ in nothing but the seed, one a seed."""
        found: dict[int, Run] = {}
        for record in sorted(self.path.parent.glob("*/run.json")):
            with suppress(BadInput):
                other = RunFolder(record.parent).load()
                if other.settings.seed != run.settings.seed and _alike(run, other):
                    found.setdefault(other.settings.seed, other)
        return tuple(found[seed] for seed in sorted(found))

    def load(self) -> Run:
        """Read `run.json`.

        Raises:
            BadInput: It is missing, broken, or no run.
        """
        return load(self.record, Run)

    def save(self, run: Run) -> None:
        """Write `run.json`, whole or not at all."""
        save(self.record, run)

    def save_comparison(self, comparison: Comparison) -> None:
        """Write `comparison.json`, whole or not at all."""
        save(self.comparison, comparison)

    def last_checkpoint(self) -> Checkpoint | None:
        """Return the newest checkpoint that was written to its end, or None.

        The worker writes the marker last, after everything else is on the disk.
        """
        whole = []
        for marker in self.checkpoints.glob("checkpoint-*/complete.json"):
            try:
                said = json.loads(marker.read_bytes())
                whole.append(Checkpoint(marker.parent, int(said["step"]), int(said["sequence"])))
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return max(whole, key=lambda each: each.step, default=None)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for this process.

        Raises:
            BadInput: It cannot be written, or another process holds it.
        """
        from filelock import FileLock, Timeout  # heavy, and only runs hold folders

        held = self.path / ".held"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(held, timeout=0)
            lock.acquire()
        except Timeout as error:
            raise BadInput(
                f"{self.path}: another `repro run` is at work in this folder",
                "wait for it, or use another --out",
            ) from error
        except OSError as error:
            raise BadInput(
                f"{self.path}: cannot be written: {error.strerror or error}",
                "choose another folder with --out",
            ) from error
        try:
            yield
        finally:
            lock.release()
            if not self.record.exists():  # nothing came of it: leave nothing behind
                held.unlink(missing_ok=True)
                with suppress(OSError):
                    self.path.rmdir()


def run_id(case_digest: str, lock_sha256: str, settings: Settings) -> str:
    """Return the run's id: the hash of case, lock, seed and settings, as twelve hexadecimal digits."""
    defaults = Settings(seed=settings.seed)
    asked = {
        name: getattr(settings, name)
        for name in settings.__struct_fields__
        if name in _ALWAYS_HASHED or getattr(settings, name) != getattr(defaults, name)
    }
    text = "\n".join([case_digest, lock_sha256, to_json(asked, indent=0)])
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH]


def choose_folder(out: Path, case: str, identity: str, *, fresh: bool) -> RunFolder:
    """Return the folder for a run: the newest of this id, or with `fresh` the next one.

    Nothing is ever overwritten by a fresh run: its folder has the id and a number.
    """
    number = 1
    while _numbered(out / case, identity, number + 1).exists():
        number += 1
    folder = _numbered(out / case, identity, number)
    if fresh and folder.exists():
        folder = _numbered(out / case, identity, number + 1)
    return RunFolder(folder)


def _alike(run: Run, other: Run) -> bool:
    """Tell whether a run is a replicate of another: the same but for the seed."""
    return (
        isinstance(other.result, Completed)
        and other.case.digest == run.case.digest
        and other.environment.lock_sha256 == run.environment.lock_sha256
        and other.settings == replace(run.settings, seed=other.settings.seed)
    )


def find_run(name: str, out: Path) -> RunFolder:
    """Return the folder of a run that exists.

    Args:
        name: The folder, its `run.json`, or the run's id.
        out: Where ids are looked up.

    Raises:
        BadInput: There is none.
    """
    path = Path(name)
    if path.name == "run.json":
        path = path.parent
    if (path / "run.json").is_file():
        return RunFolder(path)
    if path.name == name and name not in (".", ".."):
        found = sorted(out.glob(f"*/{name}*/run.json"))
        if len(found) == 1 or (found and found[0].parent.name == name):
            return RunFolder(found[0].parent)
        if found:
            raise BadInput(
                f"{name}: {len(found)} runs begin with it", f"one is {found[0].parent}; name it in full"
            )
    raise BadInput(f"{name}: no run there (no run.json), and none of that id under {out}", "see `repro run`")


def is_finished(run: Run) -> bool:
    """Whether there is nothing left to train."""
    return isinstance(run.result, Completed)


def _numbered(folder: Path, identity: str, number: int) -> Path:
    return folder / (identity if number == 1 else f"{identity}-{number}")

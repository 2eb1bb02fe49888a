"""A run's folder: where things lie in it, which folder a request belongs to, and who holds it."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins
from msgspec.structs import fields, replace

from repro.errors import BadInput
from repro.records.codec import load, read_text, save, to_json
from repro.records.comparison import Comparison
from repro.records.run import Completed, Run, Settings
from repro.runs.state import intact_up_to

if TYPE_CHECKING:
    from repro.comparison.replicates import Peer

ID_LENGTH = 12
_HELD_SECONDS = 0.5  # `repro runs` holds a folder for a moment, to see whether somebody does
_FIRST_SETTINGS = ("environment", "device", "seed", "rehearse", "model", "data")


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
    def again(self) -> RunFolder:
        """The folder of a second training of this run, which is compared with it."""
        return RunFolder(self.path.with_name(f"{self.path.name}-again"))

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
                if other.settings.seed != run.settings.seed and _alike(run, other, seed=other.settings.seed):
                    found.setdefault(other.settings.seed, other)
        return tuple(found[seed] for seed in sorted(found))

    def published_path(self, run: Run) -> Run | None:
        """Return the finished run beside this one that differs in nothing but `--fast`, or None."""
        for record in sorted(self.path.parent.glob("*/run.json")):
            with suppress(BadInput):
                other = RunFolder(record.parent).load()
                if other.settings.fast is None and _alike(run, other, fast=None):
                    return other
        return None

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

    def earlier(self) -> Run | None:
        """Return the run that the folder holds already; None without one, or where its record is broken."""
        try:
            return self.load()
        except BadInput:
            return None

    def last_checkpoint(self) -> Checkpoint | None:
        """Return the newest checkpoint that can be trusted, or None.

        The worker gives it its name when everything else is on the disk. Each of its files must be there in
        its full length, and the events up to it intact: they hold what was measured before.
        """
        intact = intact_up_to(self.events)
        whole = []
        for marker in self.checkpoints.glob("checkpoint-*/complete.json"):
            try:
                said = json.loads(marker.read_bytes())
                lengths = {name: (marker.parent / name).stat().st_size for name in said["files"]}
                if lengths == said["files"] and 0 < said["sequence"] <= intact:
                    whole.append(Checkpoint(marker.parent, said["step"], said["sequence"]))
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return max(whole, key=lambda each: each.step, default=None)

    @property
    def _holder_file(self) -> Path:
        return self.path / ".holder.json"

    def _holder(self) -> str:
        """Say who holds the folder, as far as it can be known."""
        try:
            who = json.loads(self._holder_file.read_bytes())
            return f": process {who['process']} on {who['host']}, since {who['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            return ""

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
            lock = FileLock(held, timeout=_HELD_SECONDS)
            lock.acquire()
        except Timeout as error:
            raise BadInput(
                f"{self.path}: another `repro run` is at work in this folder{self._holder()}",
                "wait for it, or use another --out",
            ) from error
        except OSError as error:
            raise BadInput(
                f"{self.path}: cannot be written: {error.strerror or error}",
                "choose another folder with --out",
            ) from error
        who = {"process": os.getpid(), "host": socket.gethostname(), "since": now()}
        try:
            with suppress(OSError):  # a full disk is found out where it matters
                self._holder_file.write_text(json.dumps(who) + "\n", encoding="utf-8")
            yield
        finally:
            self._holder_file.unlink(missing_ok=True)
            lock.release()
            if not self.record.exists():  # nothing came of it: leave nothing behind
                held.unlink(missing_ok=True)
                with suppress(OSError):
                    self.path.rmdir()


def now() -> str:
    """Return the time of day as records have it, RFC 3339 UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def run_id(case_digest: str, lock_sha256: str, settings: Settings) -> str:
    """Return the run's id: the hash of case, lock, seed and settings, as twelve hexadecimal digits.

    Later settings are left out where nothing was asked for: earlier runs keep their id.
    """
    said = to_builtins(settings)
    later = {each.name: each.default for each in fields(Settings) if each.name not in _FIRST_SETTINGS}
    hashed = {name: value for name, value in said.items() if name not in later or value != later[name]}
    text = "\n".join([case_digest, lock_sha256, to_json(hashed, indent=0)])
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


def _alike(run: Run, other: Run, **but_for: Any) -> bool:
    """Tell whether another run is finished and the same, but for some settings."""
    return (
        isinstance(other.result, Completed)
        and other.case.digest == run.case.digest
        and other.environment.lock_sha256 == run.environment.lock_sha256
        and other.settings == replace(run.settings, **but_for)
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

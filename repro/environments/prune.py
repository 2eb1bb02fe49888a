"""Remove from the cache what nobody has used for some time: environments, locks, tokenised data."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from repro.environments.cache import MARKER, Marker, held_alone, hold_file, is_locked
from repro.environments.disk import usage
from repro.environments.lock import lock_digest
from repro.environments.moment import format_instant
from repro.errors import BadInput, EnvironmentFailed
from repro.records.codec import load, read_text
from repro.records.prune import Kind, Pruned, Pruning

AGE = re.compile(r"(\d{1,5})([hdw])", re.ASCII)
UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(frozen=True)
class _Entry:
    """Something in the cache, with what is removed for it; the first path says when it was last used."""

    kind: Kind
    name: str
    paths: tuple[Path, ...]
    last_used: datetime
    lock_sha256: str = ""


def parse_age(text: str) -> timedelta:
    """Read an age: `30d`, `12h`, `4w`.

    Raises:
        BadInput: Something else.
    """
    if match := AGE.fullmatch(text.strip()):
        return int(match[1]) * UNITS[match[2]]
    raise BadInput(f"not an age: {text[:24]!r}", "write hours, days or weeks: 12h, 30d, 4w")


def prune(
    cache: Path,
    *,
    older_than: timedelta = timedelta(0),
    referred: Mapping[str, str] | None = None,
    dry_run: bool = False,
    now: datetime | None = None,
) -> Pruned:
    """Remove what was last used longer ago than an age, and every build that was killed.

    An environment that a running process builds or uses is never removed.

    Args:
        cache: The cache's folder.
        older_than: The age; by default everything is old enough.
        referred: Digest of a lock to the run that was made with it: what they need is kept.
        dry_run: Only say what would be removed.
        now: The instant that ages are counted from.

    Returns:
        What was there, what went and why, and the sizes before and after.

    Raises:
        EnvironmentFailed: Something cannot be removed.
    """
    limit = (now or datetime.now(UTC)) - older_than
    entries = sorted(_entries(cache), key=lambda one: one.last_used)
    with ExitStack() as holds:
        why = {entry: _why_kept(entry, limit, referred or {}, holds) for entry in entries}
        going = [entry for entry in entries if not why[entry]]
        sizes = {entry: usage(entry.paths) for entry in entries}
        before = usage(path for entry in entries for path in entry.paths)
        gone = usage(path for entry in going for path in entry.paths)
        after = usage(path for entry in entries if why[entry] for path in entry.paths)
        if not dry_run:
            for entry in going:
                _remove(entry)
            _sweep(cache)
    return Pruned(
        cache=str(cache),
        dry_run=dry_run,
        entries=tuple(
            Pruning(
                name=entry.name,
                kind=entry.kind,
                last_used=format_instant(entry.last_used),
                total_bytes=sizes[entry].total,
                shared_bytes=sizes[entry].shared,
                removed=entry in going,
                why=why[entry]
                or ("a build that was not finished" if entry.kind == "unfinished" else "unused"),
            )
            for entry in entries
        ),
        before_bytes=before.total,
        after_bytes=after.total,
        freed_bytes=gone.own,
    )


def _entries(cache: Path) -> Iterator[_Entry]:
    """Yield what can be pruned; files that vanish meanwhile are no longer there."""
    for folder in sorted((cache / "environments").glob("*/")):
        if folder.is_symlink():
            continue
        marker = folder / MARKER
        with suppress(FileNotFoundError):
            try:
                digest = load(marker, Marker).lock_sha256
                beside = sorted((cache / "overlays").glob(f"{digest[:16]}-*/"))  # of no use without it
                yield _Entry("environment", folder.name, (folder, *beside), _written(marker), digest)
            except BadInput:
                yield _Entry("unfinished", folder.name, (folder,), _written(folder))
    for lock in sorted((cache / "locks").glob("*.lock")):
        paths = (lock, lock.with_suffix(".json"))
        with suppress(FileNotFoundError, BadInput):
            yield _Entry("lock", lock.name, paths, _written(lock), lock_digest(read_text(lock)))
    for folder in sorted((cache / "tokenised").glob("*/")):
        with suppress(FileNotFoundError):
            yield _Entry("data", folder.name, (folder,), _written(folder))


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _why_kept(entry: _Entry, limit: datetime, referred: Mapping[str, str], holds: ExitStack) -> str:
    """Return why an entry stays; for one that goes nothing, and its hold is ours until `holds` ends."""
    if entry.kind != "unfinished":
        if entry.last_used > limit:
            return "used since"
        if run := referred.get(entry.lock_sha256):
            return f"needed by {run}"
    if entry.kind in ("lock", "data"):  # read once, or mapped: what is mapped outlives its name
        return ""
    # On Windows nothing but the lock of the build says so.
    if not holds.enter_context(held_alone(entry.paths[0])) or is_locked(_build_lock(entry.paths[0])):
        return "in use by a running process"
    return ""


def _build_lock(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _remove(entry: _Entry) -> None:
    """Remove an entry; an environment's marker goes first, so that half of it is never trusted."""
    try:
        for path in entry.paths:
            if path.is_dir():
                (path / MARKER).unlink(missing_ok=True)
                shutil.rmtree(path)
                _build_lock(path).unlink(missing_ok=True)
                hold_file(path).unlink(missing_ok=True)
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise EnvironmentFailed(
            f"{error.filename or entry.name}: cannot be removed: {error.strerror or error}",
            "is the cache another user's, or its disk read-only?",
        ) from error


def _sweep(cache: Path) -> None:
    """Remove the locks that builds left which came to nothing."""
    for file in (cache / "environments").glob("*.used"):
        folder = file.with_suffix("")
        with held_alone(folder) as alone, suppress(OSError):
            if alone and not folder.exists():
                _build_lock(folder).unlink(missing_ok=True)
                file.unlink()

"""What a pruning of the cache removed, or would remove."""

from __future__ import annotations

from typing import Literal

from repro.records.codec import Record

Kind = Literal["environment", "unfinished", "lock", "data"]


class Pruning(Record, frozen=True, kw_only=True):
    """One thing in the cache.

    Attributes:
        name: The folder's or the lock's name.
        kind: `environment`, `unfinished` (a build that was killed), `lock` or `data` (tokenised).
        last_used: RFC 3339 UTC.
        total_bytes: Its size.
        shared_bytes: What of it has a name elsewhere too, in uv's cache or in another environment.
        removed: Whether it was removed, or would be.
        why: Why it is removed or kept.
    """

    name: str
    kind: Kind
    last_used: str
    total_bytes: int
    shared_bytes: int
    removed: bool
    why: str


class Pruned(Record, frozen=True, kw_only=True, tag_field="schema", tag="repro.prune/1"):
    """What `repro env prune` did.

    Attributes:
        cache: The cache's folder.
        dry_run: Nothing was removed: this is what would have been.
        entries: Everything that was looked at, oldest first.
        before_bytes: What all of it took; a file with several names counts once.
        after_bytes: What it takes now, or would.
        freed_bytes: What the disk has more of; less than the difference where uv's cache keeps files alive.
    """

    cache: str
    dry_run: bool
    entries: tuple[Pruning, ...]
    before_bytes: int
    after_bytes: int
    freed_bytes: int

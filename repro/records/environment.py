"""The software of a day: what was documented, what was locked, and every deviation between them."""

from __future__ import annotations

from repro.records.codec import Record


class Deviation(Record, frozen=True, kw_only=True):
    """Anything in which a run differs from what was published.

    Attributes:
        what: The thing that differs: `device`, `torch build`, `data`, `seed`, …
        published: What the card or the case says ("not stated" where it says nothing).
        actual: What this run has.
        reason: Why, in one sentence.
    """

    what: str
    published: str
    actual: str
    reason: str


class Sizes(Record, frozen=True, kw_only=True):
    """What an environment costs.

    Attributes:
        download_bytes: Sum of the wheels for this platform; None where the registry does not say.
        disk_bytes: Installed size; measured where `measured`, else estimated from the download.
        measured: Whether `disk_bytes` was measured on a build of this very lock.
    """

    download_bytes: int | None = None
    disk_bytes: int | None = None
    measured: bool = False


class Environment(Record, frozen=True, kw_only=True, tag_field="schema", tag="repro.environment/1"):
    """One dated environment, before or after it is built.

    Attributes:
        documented: Package to version as printed by the card, local tags included.
        locked: Package to version of the whole closure, in the order of the lock.
        python: The interpreter's minor version, e.g. `3.10`.
        python_reason: Why this interpreter.
        moment: The instant as of which the closure was resolved, RFC 3339 UTC.
        moment_reason: Where the moment comes from.
        stream: The random stream that follows from the locked versions (`A1`, `A2`, `B`, `C`), or None.
        deviations: What differs from the documented versions, with reasons.
        lock_sha256: Digest of the lock file's bytes; the environment's name in the cache.
        torch_moment: The instant as of which a torch later than the day, and its needs, were resolved.
        torch_backend: The build of torch on PyTorch's own index, e.g. `cu117`; empty for the registry's.
        platform: `linux-x86_64` and the like: a lock holds for one platform.
        sizes: What it costs on the network and on disk.
    """

    documented: dict[str, str]
    locked: dict[str, str]
    python: str
    python_reason: str = ""
    moment: str
    moment_reason: str = ""
    stream: str | None = None
    deviations: tuple[Deviation, ...] = ()
    lock_sha256: str = ""
    torch_moment: str = ""
    torch_backend: str = ""
    platform: str = ""
    sizes: Sizes = Sizes()

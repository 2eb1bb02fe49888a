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


class Attempt(Record, frozen=True, kw_only=True):
    """One try at a lock.

    Attributes:
        moment: The instant as of which it was, RFC 3339 UTC.
        python: The Python that it was for; empty where there was none to try.
        instead: Package to the version that stood for a documented one that cannot be had.
        outcome: `locked`, or in a few words why not.
    """

    moment: str
    python: str = ""
    instead: dict[str, str] = {}
    outcome: str


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


class Probe(Record, frozen=True, kw_only=True):
    """What a built environment did when it was tried: imports, and two short epochs of its own Trainer.

    Attributes:
        imported: Whether all packages that a training needs were imported.
        trained: Whether the weights moved and the loss is a number; None where nothing there can train.
        loss: Mean training loss of the eight steps of a tiny BERT, to the last digit.
        orders: For each epoch the numbers of the sixteen examples, in the order in which the model saw them.
        stream: The random stream that gives this order with this torch, or None for none that is known.
        seconds: What the trial took.
        failure: What went wrong; empty where nothing did.
        traceback: Where it went wrong, in the environment's own Python.
        unusable: Why torch can use none of the GPUs, and a hint; empty where it can, or where there is none.
    """

    imported: bool
    trained: bool | None = None
    loss: float | None = None
    orders: tuple[tuple[int, ...], ...] = ()
    stream: str | None = None
    seconds: float = 0.0
    failure: str = ""
    traceback: str = ""
    unusable: tuple[str, ...] = ()


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
        inferred: Package that nobody documented to the reason why it is there, and in that version.
        notes: What should be known about the documented versions though it is no deviation.
        attempts: What was tried to get the lock, in order; the last one is `locked`.
        lock_sha256: Digest of the lock file's bytes; the environment's name in the cache.
        torch_moment: The instant as of which a torch later than the day, and its needs, were resolved.
        torch_backend: The build of torch on PyTorch's own index, e.g. `cu117`; empty for the registry's.
        platform: `linux-x86_64` and the like: a lock holds for one platform.
        sizes: What it costs on the network and on disk.
        probe: What it did when it was built; None before that.
    """

    documented: dict[str, str]
    locked: dict[str, str]
    python: str
    python_reason: str = ""
    moment: str
    moment_reason: str = ""
    stream: str | None = None
    deviations: tuple[Deviation, ...] = ()
    inferred: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    lock_sha256: str = ""
    torch_moment: str = ""
    torch_backend: str = ""
    platform: str = ""
    sizes: Sizes = Sizes()
    probe: Probe | None = None

"""An offline kit: everything that a machine without a network needs for one environment and its case."""

from __future__ import annotations

from repro.records.codec import Record


class KitFile(Record, frozen=True, kw_only=True):
    """One file of the kit.

    Attributes:
        path: Relative to the kit's folder, with forward slashes.
        size: In bytes.
        sha256: Hexadecimal digest.
    """

    path: str
    size: int
    sha256: str


class Missing(Record, frozen=True, kw_only=True):
    """What the kit should have and has not.

    Attributes:
        what: `model`, `data`, or the tools that a package's source needs.
        reason: Why it could not be had.
        hint: How to do without.
    """

    what: str
    reason: str
    hint: str = ""


class Kit(Record, frozen=True, kw_only=True, tag_field="schema", tag="repro.kit/1"):
    """`kit.json`, which is written last: a kit without it was not written to its end.

    Attributes:
        repro: The version of this program that wrote it.
        case: The case, as it was named.
        platform: What its wheels are for, `linux-x86_64` and the like.
        python: The interpreter's minor version, which the machine has to have itself.
        get_python: Ways to get it, one of which suits.
        lock_sha256: Digest of the kit's `environment.lock`.
        files: Every file of the kit but this one.
        missing: What could not be had.
    """

    repro: str
    case: str
    platform: str
    python: str
    get_python: tuple[str, ...] = ()
    lock_sha256: str
    files: tuple[KitFile, ...]
    missing: tuple[Missing, ...] = ()

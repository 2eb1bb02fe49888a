"""What came of many environments: one row each."""

from __future__ import annotations

from repro.records.codec import Record
from repro.records.environment import Deviation, Probe


class MatrixRow(Record, frozen=True, kw_only=True):
    """One environment of a matrix: how far it came.

    Attributes:
        asked: The words that it was asked for with: `4.6@3.7`, or the cards that print these versions.
        documented: Package to version, as asked for or printed.
        wanted_python: The minor version of Python that was asked for; empty for none.
        lock_only: Whether nothing was to be built.
        python: The minor version of Python that was chosen.
        moment: The instant as of which it was resolved.
        versions: Package to locked version, of those that decide what a training does.
        deviations: What differs from the documented versions.
        lock_sha256: The lock's digest; empty where there is none.
        built: Whether it was built; None where that was not tried, as in the following ones.
        from_cache: Whether it was there already; build and probe are then those of that day.
        probe: What its Trainer did.
        expected: The random stream that follows from the locked versions.
        lock_seconds: What the resolution took.
        build_seconds: What the build took, downloads included.
        download_bytes: What an empty package cache has to fetch.
        disk_bytes: The installed size, measured.
        failure: Why it went no further; empty where nothing failed.
        hint: What to do about that.
        network: Whether it failed by the network: to be tried again.
    """

    asked: str
    documented: dict[str, str]
    wanted_python: str = ""
    lock_only: bool = False
    python: str = ""
    moment: str = ""
    versions: dict[str, str] = {}
    deviations: tuple[Deviation, ...] = ()
    lock_sha256: str = ""
    built: bool | None = None
    from_cache: bool = False
    probe: Probe | None = None
    expected: str | None = None
    lock_seconds: float | None = None
    build_seconds: float | None = None
    download_bytes: int | None = None
    disk_bytes: int | None = None
    failure: str = ""
    hint: str = ""
    network: bool = False


class Matrix(Record, frozen=True, kw_only=True, tag_field="schema", tag="repro.matrix/1"):
    """Many environments.

    Attributes:
        rows: In the order in which they were asked for.
        complete: Whether all that was asked for is there; False after Ctrl-C.
    """

    rows: tuple[MatrixRow, ...]
    complete: bool = True

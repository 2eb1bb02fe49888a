"""Where audits are written: standard output, a whole document, or JSON lines that can be gone on with."""

from __future__ import annotations

import os
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from repro.errors import BadInput
from repro.records.claims import Audit, Claims, Finding, Kind, Suppressed
from repro.reports.audits import Summary
from repro.rules.reading import READABLE


class Output(ABC):
    """Takes bytes; a context that ends whole or not at all, where that can be had."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Write whole cards."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class StandardOutput(Output):
    """Standard output, as UTF-8 unless the terminal wants something else."""

    def write(self, data: bytes) -> None:
        """Write and flush."""
        buffer = getattr(sys.stdout, "buffer", None)
        if buffer is not None and (sys.stdout.encoding or "").lower().replace("-", "") == "utf8":
            sys.stdout.flush()
            buffer.write(data)
            buffer.flush()
        else:
            encoding = sys.stdout.encoding or "utf-8"
            sys.stdout.write(data.decode().encode(encoding, "backslashreplace").decode(encoding))
            sys.stdout.flush()


class WholeFile(Output):
    """A document: it is there when it is whole, and what was there before stays until then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, self._part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        except OSError as error:
            raise _unwritable(path, error) from error
        self._file = os.fdopen(handle, "wb")

    def write(self, data: bytes) -> None:
        """Write to the part."""
        try:
            self._file.write(data)
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the document in its place, or take the part away."""
        try:
            self._file.close()
            if kind is None:
                Path(self._part).chmod(0o644)
                Path(self._part).replace(self._path)
        except OSError as failure:
            raise _unwritable(self._path, failure) from failure
        finally:
            Path(self._part).unlink(missing_ok=True)


class Lines(Output):
    """JSON lines, written as they come; where it ends early, after the last whole line."""

    def __init__(self, path: Path, *, at: int = 0) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = path.open("r+b" if at else "wb", buffering=0)
            self._file.truncate(at)
            self._file.seek(at)
        except OSError as error:
            raise _unwritable(path, error) from error
        self._whole = at

    def write(self, data: bytes) -> None:
        """Write whole lines."""
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise _unwritable(self._path, error) from error
        self._whole += len(data)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop a line that was interrupted."""
        with self._file:
            if kind is not None:
                self._file.truncate(self._whole)


def _unwritable(path: Path, error: OSError) -> BadInput:
    reason = error.strerror or str(error)
    return BadInput(f"{path}: cannot be written: {reason}", "choose another --out, or free some space")


# ------------------------------------------------------------------------------------------- going on


class _Line(msgspec.Struct, tag_field="schema", tag="repro.audit/1"):
    """What is needed of a line that was written before: everything but its claims."""

    target: str
    kind: Kind
    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()

    def audit(self) -> Audit:
        return Audit(
            target=self.target,
            kind=self.kind,
            claims=Claims(),
            findings=self.findings,
            suppressed=self.suppressed,
        )


@dataclass
class Written:
    """What an interrupted audit left.

    Attributes:
        cards: Its whole lines.
        end: Where the last whole line ends.
        first: The first line, with its newline.
        last: The last whole line.
        summary: The counts of all of them.
    """

    cards: int
    end: int
    first: bytes
    last: bytes
    summary: Summary

    @classmethod
    def read(cls, path: Path) -> Written:
        """Count what is there; half a line at the end is left out.

        Raises:
            BadInput: The file cannot be read, or holds something else.
        """
        decode = msgspec.json.Decoder(_Line).decode
        found = cls(0, 0, b"", b"", Summary())
        try:
            for line in _whole_lines(path):
                audit = decode(line).audit()
                found.summary.add(audit)
                found.summary.unreadable += any(each.rule == READABLE for each in audit.findings)
                found.cards += 1
                found.end += len(line)
                found.first = found.first or line
                found.last = line
        except OSError as error:
            raise BadInput(f"{path}: cannot be read: {error.strerror}", "check its permissions") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadInput(
                f"{path}: line {found.cards + 1} is no audit: {error}",
                "only JSON lines of several cards can be gone on with; --overwrite starts anew",
            ) from error
        return found


def _whole_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=1024 * 1024) as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line

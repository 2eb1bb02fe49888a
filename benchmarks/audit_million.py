"""A table of a million cards: memory, speed, stopping and going on, and the summary at the end.

python benchmarks/audit_million.py CARDS [--rows N] [--jobs N] [--parquet] [--folder FOLDER]

Makes a table from a folder of cards (the shorter half of them, all texts different, one row in 200 broken in
one of six ways), audits it with `--findings-only`, interrupts the audit by Ctrl-C half way, goes on with it,
and checks that every row has its line and, up to 50,000 rows, that the file is byte for byte the undisturbed
audit's. Memory is that of all processes together, sampled twenty times a second. `--rows 20000` takes half a
minute.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from audit_speed import distinct

_WHOLE = 50_000  # up to here the undisturbed audit is run too
_BROKEN: tuple[bytes, ...] = (
    b'{"modelId": "user/x", "card": "# m',
    b'{"modelId": "user/x"}',
    b'{"card": null}',
    b'{"card": ""}',
    b'["card"]',
    b'{"card": "caf\xe9"}',
)


def main() -> None:
    """Run it and print what was measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cards", type=Path, help="a folder of cards")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--parquet", action="store_true", help="a Parquet file instead of JSON lines")
    parser.add_argument(
        "--folder", type=Path, help="where the files go, which need some 3 GB for a million rows"
    )
    options = parser.parse_args()
    # A shell that runs this in the background has it ignore Ctrl-C, and the audits would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        path = folder / ("cards.parquet" if options.parquet else "cards.jsonl")
        (write_parquet if options.parquet else write_lines)(path, options.cards, options.rows)
        print(f"{options.rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB, {options.jobs} processes")
        measure(path, options.rows, options.jobs)


def rows(cards: Path, count: int) -> Iterator[bytes]:
    """Yield the lines of the table, without newlines."""
    for i, text in enumerate(distinct(cards, count, shorter_half=True)):
        if i % 200 == 7:
            yield _BROKEN[i // 200 % len(_BROKEN)]
        else:
            yield json.dumps({"modelId": f"user/{i}", "card": text}).encode()


def write_lines(path: Path, cards: Path, count: int) -> None:
    """Write JSON lines."""
    with path.open("wb") as file:
        for row in rows(cards, count):
            file.write(row + b"\n")


def write_parquet(path: Path, cards: Path, count: int) -> None:
    """Write a Parquet file of bytes; one row in 200 is null or empty, or no UTF-8."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema([("modelId", pa.string()), ("card", pa.binary())])
    texts = enumerate(distinct(cards, count, shorter_half=True))
    with parquet.ParquetWriter(path, schema) as file:
        while batch := list(islice(texts, 20_000)):
            broken = (None, b"", b"caf\xe9")
            values = [broken[i // 200 % 3] if i % 200 == 7 else text.encode() for i, text in batch]
            file.write_table(pa.table({"modelId": [f"user/{i}" for i, _ in batch], "card": values}, schema))


def measure(path: Path, count: int, jobs: int) -> None:
    """Interrupt an audit half way, go on, and check what came of it."""
    out, summary = path.with_name("out.jsonl"), path.with_name("summary.json")
    first = Audit(path, out, jobs)
    while first.process.poll() is None and lines_in(out) < count // 2:
        time.sleep(0.05)
    os.killpg(first.process.pid, signal.SIGINT)
    asked = time.perf_counter()
    assert first.end() == 130, "it was not interrupted"
    stopped = time.perf_counter() - asked
    left = sum(1 for _ in out.open("rb"))
    assert 0 < left < count
    print(f"stopped {stopped:.2f} s after Ctrl-C, behind {left:,} whole lines")
    second = Audit(path, out, jobs, "--resume", "--summary", summary)
    assert second.end() == 1, "it was not gone on with"
    done = json.loads(summary.read_text())
    assert done["cards"] == count == sum(1 for _ in out.open("rb"))
    print(f"unreadable rows, counted and reported: {done['unreadable']:,}")
    print(f"findings: {sum(done['by_severity'].values()):,}")
    print(f"output: {out.stat().st_size / 1e6:,.0f} MB")
    seconds = first.seconds + second.seconds
    print(f"{count / seconds:,.0f} rows a second, stop and start included ({seconds:,.0f} s)")
    print(f"peak memory of all processes together: {max(first.peak, second.peak) / 1e6:,.0f} MB")
    if count <= _WHOLE:
        whole = path.with_name("whole.jsonl")
        assert Audit(path, whole, jobs).end() == 1
        assert digest(whole) == digest(out), "it is not the undisturbed audit's"
        print("the file is, byte for byte, that of an undisturbed audit")


class Audit:
    """A running audit, whose memory is watched."""

    def __init__(self, path: Path, out: Path, jobs: int, *more: str | Path) -> None:
        arguments: list[str | Path] = ["audit", path, "--format", "json", "--findings-only", "--isolated"]
        arguments += ["--jobs", str(jobs), "--out", out, *more]
        self.peak = 0
        self.seconds = 0.0
        self._start = time.perf_counter()
        self.process = subprocess.Popen(
            [Path(sys.executable).with_name("repro"), *arguments],
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._watch = threading.Thread(target=self._sample, daemon=True)
        self._watch.start()

    def end(self) -> int:
        """Wait for it; return its exit code."""
        code = self.process.wait()
        self.seconds = time.perf_counter() - self._start
        self._watch.join()
        return code

    def _sample(self) -> None:
        while self.process.poll() is None:
            self.peak = max(self.peak, sum(map(resident, family(self.process.pid))))
            time.sleep(0.05)


def family(pid: int) -> list[int]:
    """Return a process and its children."""
    try:
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    except OSError:
        return []


def resident(pid: int) -> int:
    """Return the resident memory of a process; pages that it shares with others count for each."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


_counted: dict[Path, tuple[int, int]] = {}


def lines_in(out: Path) -> int:
    """Return how many lines a growing file has, reading only what is new."""
    if not out.exists():
        return 0
    at, count = _counted.get(out, (0, 0))
    with out.open("rb") as file:
        file.seek(at)
        while data := file.read(1 << 20):
            count += data.count(b"\n")
            at += len(data)
    _counted[out] = at, count
    return count


def digest(path: Path) -> str:
    """Return the hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main()

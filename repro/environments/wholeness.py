"""Whether an environment's files are those of its wheels.

A lock's hashes are those of the wheels, and uv checks them when it downloads. What it installs from is its
own cache of unpacked wheels, and nobody checks that again: a file that a bad disk or a killed process has
damaged there would be trained with. Each wheel lists the digests of its files (`RECORD`); they are compared.

Reading gigabytes takes seconds, and with hard links it is the same files every time: a package whose files
were compared once, and have since kept their inodes, sizes and times, is known. (So does git know its files.)
"""

from __future__ import annotations

import csv
import os
from base64 import urlsafe_b64encode
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import file_digest, sha256
from pathlib import Path
from threading import Event

from packaging.utils import canonicalize_name

from repro.environments.disk import scan

PREFIX = "sha256="
THREADS = 2


def damaged(
    folder: Path, packages: Collection[str], *, known: Path | None = None, stop: Event | None = None
) -> dict[str, str]:
    """Return the packages of an environment that are not as their wheels are.

    Args:
        folder: The environment's folder.
        packages: Normalised names of the packages to look at.
        known: A file that remembers what was compared before; nothing is remembered without.
        stop: Once it is set nothing more is looked at.

    Returns:
        Normalised name to the first file that is another one, relative to `site-packages`; `RECORD` where the
        package has none. Byte code, which Python writes anew, and files without a digest do not count; where
        several wheels bring the same file, the digest of any of them does.
    """
    site = site_packages(folder)
    recorded = _recorded(site)
    found = {name: "RECORD" for name in packages if name not in recorded}
    stated: dict[str, list[str]] = defaultdict(list)
    for files in recorded.values():
        for path, digest in files.items():
            stated[path].append(digest)
    stats, before = scan(site), _read_known(known)
    pairs: list[tuple[str, str]] = []
    fresh: dict[str, str] = {}
    for name in packages:
        files = recorded.get(name, {})
        linked = {
            path: place
            for path in files
            if len(stated[path]) == 1 and (place := stats.get(f"{site}{os.sep}{path}")) and place.st_nlink > 1
        }
        if (mark := _fingerprint(files, linked)) in before:
            files = {path: digest for path, digest in files.items() if path not in linked}
        elif linked:
            fresh[name] = mark
        pairs += [(name, path) for path in files]
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        digests = pool.map(lambda pair: _digest(site, pair[1], stop), pairs)
        for (name, path), actual in zip(pairs, digests, strict=True):
            if actual not in stated[path]:
                found.setdefault(name, path)
    _add_known(known, [mark for name, mark in fresh.items() if name not in found])
    return found


def _fingerprint(files: Mapping[str, str], linked: Mapping[str, os.stat_result]) -> str:
    """Return what changes when any of the linked files does, without reading them."""
    digest = sha256()
    for path, place in linked.items():
        where = (place.st_dev, place.st_ino, place.st_size, place.st_mtime_ns)
        digest.update(f"{path} {files[path]} {where}\n".encode())
    return digest.hexdigest()


def site_packages(folder: Path) -> Path:
    """Return where an environment's packages lie."""
    return next(folder.glob("lib/python*/site-packages"), folder / "Lib" / "site-packages")


def _recorded(site: Path) -> dict[str, dict[str, str]]:
    """Return the packages that state their files, as path to digest."""
    recorded: dict[str, dict[str, str]] = {}
    for info in sorted(site.glob("*.dist-info")):
        name = str(canonicalize_name(info.name.removesuffix(".dist-info").rpartition("-")[0]))
        if rows := list(_rows(info / "RECORD")):
            recorded[name] = {path: digest for path, digest in rows if digest}
    return recorded


def _rows(record: Path) -> Iterator[tuple[str, str]]:
    """Yield the files that a wheel brought and their digests (or nothing), as its `RECORD` states them."""
    try:
        rows = list(csv.reader(record.read_text(encoding="utf-8").splitlines()))
    except (OSError, ValueError, csv.Error):
        return
    for row in rows:
        if len(row) >= 2:
            fixed = row[1].startswith(PREFIX) and "__pycache__" not in row[0]
            yield row[0], row[1] if fixed else ""


def _digest(site: Path, path: str, stop: Event | None) -> str:
    """Return a file's digest as `RECORD` writes it; empty where it cannot be read, or once stopped."""
    if stop is not None and stop.is_set():
        return ""
    try:
        with open(os.path.join(site, path), "rb") as file:  # noqa: PTH118, PTH123 - tens of thousands of files
            digest = file_digest(file, "sha256").digest()
    except OSError:
        return ""
    return PREFIX + urlsafe_b64encode(digest).decode().rstrip("=")


def _read_known(known: Path | None) -> frozenset[str]:
    if known is not None:
        with suppress(OSError, ValueError):
            return frozenset(known.read_text(encoding="ascii").split())
    return frozenset()


def _add_known(known: Path | None, fingerprints: list[str]) -> None:
    """Append what was compared; where that cannot be written, it is compared again the next time."""
    if known is not None and fingerprints:
        with suppress(OSError), known.open("a", encoding="ascii") as file:
            file.write("".join(f"{one}\n" for one in fingerprints))

"""What folders take on the disk, told truthfully: files with a name elsewhere are no gain when they go."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """Sizes of files in bytes; links are not followed, and a file with several names counts once.

    Attributes:
        total: All files.
        shared: Those of them that also have a name outside, e.g. in uv's cache, which hard links come from.
            A file system that shares blocks instead (reflinks) does not say so: there it is 0.
    """

    total: int
    shared: int

    @property
    def own(self) -> int:
        """What the disk has more of when the folders are gone."""
        return self.total - self.shared


def usage(places: Iterable[Path]) -> Usage:
    """Return what folders, or single files, take together; what vanishes meanwhile counts nothing."""
    total = 0
    linked: dict[tuple[int, int], list[int]] = {}  # device and inode to size and names that were not seen
    for place in places:
        for found in scan(place).values():
            if found.st_nlink <= 1:
                total += found.st_size
            elif (seen := linked.get((found.st_dev, found.st_ino))) is not None:
                seen[1] -= 1
            else:
                linked[found.st_dev, found.st_ino] = [found.st_size, found.st_nlink - 1]
                total += found.st_size
    return Usage(total, sum(size for size, unseen in linked.values() if unseen > 0))


def scan(place: Path) -> dict[str, os.stat_result]:
    """Return every file below a folder (or the file itself), by its path, with what the system says of it."""
    found: dict[str, os.stat_result] = {}
    to_read = [str(place)]
    while to_read:
        folder = to_read.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        to_read.append(entry.path)
                    else:
                        # Not `entry.stat`: on Windows that knows nothing of inodes and links.
                        try:
                            found[entry.path] = os.lstat(entry.path)
                        except OSError:
                            continue
        except NotADirectoryError:
            found[folder] = os.lstat(folder)
        except OSError:
            continue
    return found


def gigabytes(count: int) -> str:
    """Return a size for people: `3.9 GB`, `12 MB`, `4 kB`."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if count >= 0.95 * unit:
            return f"{count / unit:.1f} {name}" if count < 10 * unit else f"{count / unit:.0f} {name}"
    return f"{count / 1e3:.0f} kB"

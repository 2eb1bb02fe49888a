"""This machine's platform, and which wheels it can install."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable
from functools import cache

from packaging.tags import Tag, compatible_tags, cpython_tags

UV_PLATFORMS = {
    "linux-x86_64": "x86_64-unknown-linux-gnu",
    "linux-aarch64": "aarch64-unknown-linux-gnu",
    "macos-arm64": "aarch64-apple-darwin",
    "macos-x86_64": "x86_64-apple-darwin",
    "windows-x86_64": "x86_64-pc-windows-msvc",
}


def this_platform() -> str:
    """Return this machine's name: `linux-x86_64`, `macos-arm64`, `windows-x86_64` and the like."""
    system = {"linux": "linux", "darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform)
    machine = platform.machine().lower()
    return f"{system}-{ {'amd64': 'x86_64'}.get(machine, machine) }"


def minor_tuple(minor: str) -> tuple[int, int]:
    """Return `(3, 10)` for `3.10`."""
    major, _, rest = minor.partition(".")
    return int(major), int(rest)


@cache
def wheel_ranks(minor: str) -> dict[Tag, int]:
    """Return every wheel tag that CPython `minor` installs on this machine, with its rank (0 is best)."""
    version = minor_tuple(minor)
    interpreter = f"cp{version[0]}{version[1]}"
    tags = [*cpython_tags(version), *compatible_tags(version, interpreter)]
    return {tag: rank for rank, tag in reversed(list(enumerate(tags)))}


def rank(tags: Iterable[Tag], minor: str) -> int | None:
    """Return how well a wheel with these tags suits CPython `minor` here: 0 is best, None is not at all."""
    ranks = wheel_ranks(minor)
    return min((ranks[tag] for tag in tags if tag in ranks), default=None)

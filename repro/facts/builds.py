"""Local build tags of torch: which ones PyTorch published for which releases (`1.13.0+cu117`).

Sources: PyTorch's page "Installing previous versions of PyTorch" (repository pytorch/pytorch.github.io,
`_get_started/previous-versions.md`, several revisions from 2.0.1 to 2.9.1), for 1.10+cu113 and 1.11+cu115 the
wheel lists of nixpkgs and of PyG, for 2.10 to 2.13 that of PyG. The table holds for a minor series as a
whole and errs on the side of too many tags.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, TypeAlias

from packaging.version import InvalidVersion, Version

#: What a tag is: `published` for this series; `dropped`, for earlier series only; `later`, for a CUDA release
#: that PyTorch took up in a later series; `unpublished`, for one that PyTorch never built for; `false`, for
#: one that does not exist; `other`: a vendor's or somebody's own build, or one that the table cannot judge.
Build: TypeAlias = Literal["published", "dropped", "later", "unpublished", "false", "other"]

_LONGEST = 64
_CUDA = re.compile(r"cu([0-9]{2,4})")

CUDA_BUILDS: dict[tuple[int, int], frozenset[str]] = {
    series: frozenset(tags.split())
    for series, tags in {
        (1, 0): "cu80 cu90 cu100",
        (1, 1): "cu90 cu100",
        (1, 2): "cu92 cu100",
        (1, 3): "cu92 cu100 cu101",
        (1, 4): "cu92 cu100 cu101",
        (1, 5): "cu92 cu101 cu102",
        (1, 6): "cu92 cu101 cu102",
        (1, 7): "cu92 cu101 cu102 cu110",
        (1, 8): "cu101 cu102 cu111",
        (1, 9): "cu102 cu111",
        (1, 10): "cu102 cu111 cu113",
        (1, 11): "cu102 cu113 cu115",
        (1, 12): "cu102 cu113 cu116",
        (1, 13): "cu116 cu117",
        (2, 0): "cu117 cu118",
        (2, 1): "cu118 cu121",
        (2, 2): "cu118 cu121",
        (2, 3): "cu118 cu121",
        (2, 4): "cu118 cu121 cu124",
        (2, 5): "cu118 cu121 cu124",
        (2, 6): "cu118 cu124 cu126",
        (2, 7): "cu118 cu126 cu128",
        (2, 8): "cu126 cu128 cu129",
        (2, 9): "cu126 cu128 cu129 cu130",
        (2, 10): "cu126 cu128 cu129 cu130",
        (2, 11): "cu126 cu128 cu129 cu130",
        (2, 12): "cu126 cu129 cu130 cu132",
        (2, 13): "cu126 cu129 cu130 cu132",
    }.items()
}
_OLD = frozenset({"cu75", "cu91"})
_PUBLISHED = frozenset().union(*CUDA_BUILDS.values()) | _OLD
_NEWEST_SERIES = max(CUDA_BUILDS)
_FIRST: dict[str, tuple[int, int]] = {}  # the first series of each tag
for _series in sorted(CUDA_BUILDS):
    for _tag in CUDA_BUILDS[_series]:
        _FIRST.setdefault(_tag, _series)
#: CUDA releases that exist and for which PyTorch published no release of torch; vendors may have.
_UNPUBLISHED = frozenset({"cu112", "cu114", "cu120", "cu122", "cu123", "cu125", "cu131"})
_NEWEST_CUDA = 132


def build_of(version: str) -> tuple[str, Build] | None:
    """Return a torch version's local build tag and what it is; None where it has none or cannot be read.

    >>> build_of("1.13.0+cu117"), build_of("1.13.0+cu121"), build_of("2.1.0+cu999"), build_of("1.13.0")
    (('cu117', 'published'), ('cu121', 'later'), ('cu999', 'false'), None)
    """
    return _build_of(version) if len(version) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _build_of(version: str) -> tuple[str, Build] | None:
    try:
        parsed = Version(version)
    except InvalidVersion:
        return None
    if parsed.local is None:
        return None
    tag = parsed.local
    return tag, _judge(parsed, tag.partition(".")[0])  # cu117.with.pypi.cudnn is a build of cu117


def _judge(parsed: Version, first: str) -> Build:
    found = _CUDA.fullmatch(first)
    if "nv" in str(parsed.local).split("."):  # NVIDIA's own wheels
        return "other"
    if found is None:
        return "published" if first in {"cpu", "xpu"} or first.startswith("rocm") else "other"
    series = (parsed.major, parsed.minor)
    if first in CUDA_BUILDS.get(series, ()):
        return "published"
    if first in _PUBLISHED:
        if parsed.is_prerelease or series not in CUDA_BUILDS:
            return "other"
        return "later" if series < _FIRST.get(first, (0, 0)) else "dropped"
    if first in _UNPUBLISHED:
        return "unpublished"
    if int(found[1]) > _NEWEST_CUDA and len(found[1]) == 3 and found[1][0] == "1" and series > _NEWEST_SERIES:
        return "other"  # newer than the table
    return "false"

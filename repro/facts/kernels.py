"""Which releases of torch have code for which GPU, on the registry's wheels for Linux x86-64.

Source: the wheels themselves. `torch.cuda.get_arch_list()` returns a text that is compiled into
`torch/lib/libtorch_python.so`; it was read from the wheel of one release of every series from 1.6 to 2.15
(`tests/facts/test_kernels.py` has all of them, and holds this table against them). PyTorch's own index has
other builds of the same releases: 2.0 for CUDA 11.8, for one, has code for 9.0 already.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from packaging.version import InvalidVersion, Version

Capability: TypeAlias = tuple[int, int]

#: Compute capability for which code was built, to the first and the last release that has it; None: the
#: newest that was read still has. Code for 8.0 runs on 8.6 and 8.9 too, and so on within a major version.
BUILT: dict[Capability, tuple[str, str | None]] = {
    (3, 7): ("1.6.0", "2.0.1"),
    (5, 0): ("1.6.0", "2.7.1"),
    (6, 0): ("1.6.0", "2.7.1"),
    (7, 0): ("1.6.0", "2.10.0"),
    (7, 5): ("1.13.0", None),
    (8, 0): ("1.13.0", None),
    (9, 0): ("2.1.0", None),
    (10, 0): ("2.8.0", None),
    (12, 0): ("2.8.0", None),
}
OLDEST_READ, NEWEST_READ = Version("1.6.0"), Version("2.15.0")


def capability_of(architecture: str) -> Capability | None:
    """Return a compute capability from `sm_90` or `9.0`; None for anything else.

    >>> capability_of("sm_120"), capability_of("8.6"), capability_of("gfx90a")
    ((12, 0), (8, 6), None)
    """
    found = re.fullmatch(r"(?:sm_(\d{1,3})|(\d{1,2})\.)(\d)", architecture.strip())
    return (int(found[1] or found[2]), int(found[3])) if found else None


def runs_on(torch: str, gpu: Capability) -> bool | None:
    """Tell whether the registry's wheel of a release runs on a GPU; None where that is not known.

    >>> runs_on("1.13.0", (9, 0)), runs_on("2.1.0", (9, 0)), runs_on("0.4.1", (9, 0))
    (False, True, None)
    """
    try:
        version = Version(torch)
    except InvalidVersion:
        return None
    if not OLDEST_READ <= Version(version.public) <= NEWEST_READ:
        return None
    return any(_has(each, version) for each in _spans(gpu))


def nearest_torch(torch: str, gpu: Capability) -> str | None:
    """Return the release nearest to a documented one that runs on a GPU, rather a later than an earlier one.

    >>> nearest_torch("1.13.0", (9, 0)), nearest_torch("2.8.0", (6, 1)), nearest_torch("1.13.0", (2, 0))
    ('2.1.0', '2.7.1', None)
    """
    try:
        version = Version(torch)
    except InvalidVersion:
        return None
    spans = _spans(gpu)
    later = [first for first, _ in spans if Version(first) > version]
    earlier = [last for _, last in spans if last is not None and Version(last) < version]
    return min(later, key=Version, default=None) or max(earlier, key=Version, default=None)


def _spans(gpu: Capability) -> list[tuple[str, str | None]]:
    return [span for built, span in BUILT.items() if built[0] == gpu[0] and built[1] <= gpu[1]]


def _has(span: tuple[str, str | None], version: Version) -> bool:
    first, last = span
    return Version(first) <= version and (last is None or Version(version.public) <= Version(last))

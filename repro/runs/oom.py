"""Whether the kernel killed a process for lack of memory."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")


def kills(cgroups: Path = _CGROUPS, proc: Path = Path("/proc")) -> int:
    """Return how often the kernel has killed a process for lack of memory, as far as it tells: it counts up.

    Args:
        cgroups: Where control groups are mounted, of either version.
        proc: Where the kernel's own counters are.
    """
    found = [_counted(proc / "vmstat")]
    with suppress(OSError):
        for line in (proc / "self" / "cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            below = path.lstrip("/")
            if not controllers:
                found.append(_counted(cgroups / below / "memory.events"))
            elif "memory" in controllers.split(","):
                found.append(_counted(cgroups / "memory" / below / "memory.oom_control"))
    return sum(found)


def _counted(path: Path) -> int:
    with suppress(OSError, ValueError):
        for line in path.read_text().splitlines():
            name, _, number = line.partition(" ")
            if name == "oom_kill":
                return int(number)
    return 0

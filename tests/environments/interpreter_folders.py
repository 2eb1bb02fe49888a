"""Folders with a real interpreter in them, as awkward as those of real machines."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from repro.environments import find_interpreters

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
AWKWARD = "my pÿthon 蛇 'x'"  # spaces, letters beyond ASCII, a quote


@cache
def pythons() -> dict[str, Path]:
    """Return the interpreters of this machine that can be copied: minor version to path, oldest first."""
    found = {}
    for each in sorted(find_interpreters(), key=lambda one: [int(part) for part in one.version.split(".")]):
        path = each.path.resolve()
        if (path.parent.parent / "lib" / f"python{each.minor}" / "os.py").exists():
            found[each.minor] = path
    return found


def other_python() -> Path | None:
    """Return an interpreter of another minor version than this one's: it can be hidden and shown."""
    return next((path for minor, path in reversed(pythons().items()) if minor not in (HERE, "3.6")), None)


def installation(
    folder: Path, original: Path, *, sitecustomize: str | None = None, externally_managed: bool = False
) -> Path:
    """Make an installation of its own from a real interpreter: its program, copied, and its library, linked.

    Args:
        folder: Where; `bin` and `lib` come into it.
        original: The interpreter.
        sitecustomize: What runs at every start, or None.
        externally_managed: Whether installers are told to keep off (PEP 668).

    Returns:
        Its `python`.
    """
    name = original.name
    (folder / "bin").mkdir(parents=True)
    shutil.copy2(original, folder / "bin" / name)
    python = folder / "bin" / "python"
    python.symlink_to(name)
    library = folder / "lib" / name
    library.mkdir(parents=True)
    for each in (original.parent.parent / "lib" / name).iterdir():
        if each.name not in ("site-packages", "EXTERNALLY-MANAGED"):
            (library / each.name).symlink_to(each)
    (library / "site-packages").mkdir()
    if sitecustomize is not None:
        (library / "site-packages" / "sitecustomize.py").write_text(sitecustomize, encoding="utf-8")
    if externally_managed:
        (library / "EXTERNALLY-MANAGED").write_text(
            "[externally-managed]\nError=keep off\n", encoding="utf-8"
        )
    return python


def said_by(python: Path, code: str, *options: str) -> str:
    """Return what an interpreter prints when it runs a line of code."""
    done = subprocess.run([python, *options, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout

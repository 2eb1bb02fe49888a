"""Which Python a set of versions needs, and where this machine has it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from repro.environments.platforms import rank, this_platform
from repro.environments.registry import File
from repro.environments.uvtool import DISK_FULL, run_uv
from repro.errors import BadInput, EnvironmentFailed, ReproError

# Minor version to its release (python.org) and to a late patch level: resolvers take a bare 3.7 for 3.7.0,
# which packages that ask for 3.7.1 would reject.
PYTHONS = {
    "3.6": ("2016-12-23", 15), "3.7": ("2018-06-27", 16), "3.8": ("2019-10-14", 18),
    "3.9": ("2020-10-05", 18), "3.10": ("2021-10-04", 13), "3.11": ("2022-10-24", 7),
    "3.12": ("2023-10-02", 1), "3.13": ("2024-10-07", 0), "3.14": ("2025-10-07", 0),
}  # fmt: skip
#: What the worker is made for and was tried on. Others are taken only where nothing else has wheels.
SUPPORTED = frozenset(f"3.{minor}" for minor in range(7, 14))
MARKER = "repro-interpreter:"
PROBE = f"""
import json, struct, sys, sysconfig
print("\\n{MARKER}" + json.dumps([
    sys.implementation.name, list(sys.version_info[:3]), sys.version_info[3], struct.calcsize("P") * 8,
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")), getattr(sys, "_base_executable", sys.executable),
    sys.base_prefix]))
"""
# Without start-up files: a `sitecustomize` can print, fail or end the process.
BARE = ("-I", "-S")
PROBE_SECONDS = 60  # a tenth of a second, but for a busy machine
VENV_SECONDS = 300  # half a second, but for a slow network file system
CONDA_ROOTS = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba")


@dataclass(frozen=True)
class Interpreter:
    """An interpreter that really ran: its path and its version, e.g. `3.10.13`."""

    path: Path
    version: str

    @property
    def minor(self) -> str:
        """`3.10` for `3.10.13`."""
        return self.version.rpartition(".")[0]


def choose_minors(
    files: Mapping[str, Sequence[File]], versions: Mapping[str, Version], moment: datetime
) -> tuple[list[str], str]:
    """Choose the Python versions that have wheels for everything documented.

    Those that the worker was tried on come before others, whatever their age.

    Args:
        files: Documented package to the files of its version.
        versions: Documented package to version, for the reason.
        moment: What appeared later does not count, files and Pythons alike.

    Returns:
        The minor versions, best first, and a sentence that says why the first one.

    Raises:
        EnvironmentFailed: There is none; names the package with the fewest.
    """
    released = [minor for minor, (date, _) in PYTHONS.items() if date <= moment.date().isoformat()]
    having = {
        name: [minor for minor in released if any(usable(file, minor, moment) for file in of)]
        for name, of in files.items()
    }
    good = [minor for minor in reversed(released) if all(minor in minors for minors in having.values())]
    good.sort(key=lambda minor: minor not in SUPPORTED)
    if not good:
        name = min(having, key=lambda one: len(having[one]), default="")
        listed = ", ".join(having.get(name, [])) or "no Python"
        raise EnvironmentFailed(
            f"no Python has wheels for all documented versions on {this_platform()} as of {moment:%Y-%m-%d}",
            f"{name} {versions.get(name, '')} has them for {listed}; another moment may fit",
        )
    reason = f"the newest with wheels for all documented versions on {this_platform()}"
    newer = released[released.index(good[0]) + 1 :]
    if newer and newer[0] in good:
        return good, f"{reason}; {newer[0]} has them too, but the worker was not tried on it"
    lacking = [
        f"{name} {versions[name]}" for name, minors in having.items() if newer and newer[0] not in minors
    ]
    return good, f"{reason}; {lacking[0]} has none for {newer[0]}" if lacking else reason


def usable(file: File, minor: str, moment: datetime | None = None) -> bool:
    """Tell whether CPython `minor` on this machine can install a wheel, and could at the moment if given."""
    if rank(file.tags, minor) is None or (moment and (file.uploaded is None or file.uploaded > moment)):
        return False
    try:
        return SpecifierSet(file.requires_python or "").contains(full_version(minor))
    except ValueError:  # old projects state nonsense; installers ignore it too
        return True


def full_version(minor: str) -> str:
    """Return a late patch level of a minor version: `3.10.13` for `3.10`."""
    return f"{minor}.{PYTHONS[minor][1]}"


def check_minor(text: str) -> str:
    """Return a minor version that a user asked for.

    Raises:
        BadInput: Not one that this program knows.
    """
    if text in PYTHONS:
        return text
    raise BadInput(f"not a Python that can be asked for: {text[:12]!r}", f"one of {', '.join(PYTHONS)}")


def find_interpreters() -> list[Interpreter]:
    """Return every interpreter on this machine that runs, newest first, each once."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        candidates = _real(chain(_around(), _uv_pythons()))
        found = {one.path.resolve(): one for one in pool.map(verify, candidates) if one}
    return sorted(found.values(), key=lambda one: Version(one.version), reverse=True)


def find_interpreter(
    minor: str, *, download: bool = True, report: Callable[[str], None] = lambda _: None
) -> Interpreter:
    """Find an interpreter of a minor version: PATH, pyenv, conda, uv's own; else let uv download one.

    Args:
        minor: `3.10` and the like.
        download: Whether uv may fetch one that is missing.
        report: Told what is going on.

    Raises:
        EnvironmentFailed: There is none and none could be had; names the version and how to get it.
    """
    # Those whose path names the version come first: usually one run is enough. uv is asked only after them.
    for places in (lambda: _around(minor), _uv_pythons):
        for path in sorted(_real(places()), key=lambda path: minor not in str(path)):
            if (found := verify(path)) and found.minor == minor:
                return found
    why = ""
    if download:
        report(f"no Python {minor} here: uv fetches one")
        try:
            run_uv(
                ["python", "install", minor],
                doing="download",
                folder=Path(tempfile.gettempdir()),
                timeout=900,
            )
        except ReproError as error:
            why = f" ({error.message})"
        for path in _uv_pythons():
            if (found := verify(path)) and found.minor == minor:
                return found
    raise EnvironmentFailed(
        f"Python {minor} is needed and not on this machine{why}",
        f"get it by `uv python install {minor}`, `pyenv install {minor}`, "
        f"`conda create -n py{minor} python={minor}` or as your system's package python{minor}",
    )


def verify(path: Path) -> Interpreter | None:
    """Run a candidate and return what it is; None if it does not run or is no usable CPython.

    Shims can be dead ends, wrappers can print: only the marked line counts, and only the interpreter's own
    word for where it lies. A virtual environment stands for the interpreter that it was made from, which
    outlives it; where its record of that is broken, the link may still lead there.
    """
    return _verify(path) or (_verify(path.resolve()) if path.is_symlink() else None)


def _verify(path: Path) -> Interpreter | None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        done = subprocess.run(
            [path, *BARE, "-c", PROBE], env=environ, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=PROBE_SECONDS, check=False,
        )  # fmt: skip
        line = re.search(rf"^{MARKER}(.+)$", done.stdout.decode("utf-8", "replace"), re.MULTILINE)
        if done.returncode != 0 or line is None:
            return None
        name, version, level, bits, no_gil, executable, prefix = json.loads(line[1])
        major, minor, patch = (int(part) for part in version)
        found = _outside_environments(Path(executable), Path(prefix), f"python{major}.{minor}")
    except (OSError, subprocess.TimeoutExpired, ValueError, TypeError):
        return None
    if (name, level, no_gil) != ("cpython", "final", False) or bits != (64 if sys.maxsize > 2**32 else 32):
        return None
    return Interpreter(found, f"{major}.{minor}.{patch}") if found.is_file() else None


def _outside_environments(executable: Path, prefix: Path, name: str) -> Path:
    """Return an interpreter's place; that of the one that a virtual environment was made from.

    Before Python 3.11 one in a virtual environment says that it lies there, though its prefix is the other's.
    """
    if executable.is_file() and not (executable.parent.parent / "pyvenv.cfg").exists():
        return executable
    origin = prefix / "python.exe" if sys.platform == "win32" else prefix / "bin" / name
    return origin if origin.is_file() else executable


def make_environment(python: Path, folder: Path) -> None:
    """Make an empty virtual environment, by the interpreter's own module.

    uv would run the interpreter with its start-up files, and cannot read one that prints. In the environment
    those of the interpreter do not count.

    Args:
        python: A real interpreter, as `find_interpreter` returns it.
        folder: Where; it must not be there.

    Raises:
        EnvironmentFailed: The interpreter cannot; says its last words.
    """
    command = [str(python), *BARE, "-m", "venv", "--without-pip", str(folder)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        done = subprocess.run(
            command, cwd=folder.parent, env=environ, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, errors="replace", timeout=VENV_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentFailed(f"{python} cannot make an environment: {error}"[:300]) from error
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        hint = "is its module venv there (on Debian and Ubuntu the package python3-venv)?"
        if DISK_FULL.search(last):
            hint = "free some space, or choose another cache folder with REPRO_CACHE_DIR"
        raise EnvironmentFailed(f"{python} cannot make an environment: {last[:200]}", hint)


def _real(places: Iterable[Path]) -> list[Path]:
    """Return files that may be interpreters, each once."""
    return list(dict.fromkeys(_behind(path) for path in places if path.is_file()))


def _around(minor: str | None = None) -> Iterator[Path]:
    """Yield where interpreters may be, uv's own aside; with `minor`, none whose name says another."""
    names = ["python3", "python", *(f"python{one}" for one in ([minor] if minor else reversed(PYTHONS)))]
    suffix = ".exe" if sys.platform == "win32" else ""
    shims = {
        root / "shims" for root in _pyenv_roots()
    }  # half of them dead, and what they lead to is looked at
    folders = [Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if part]
    on_path = (folder / (name + suffix) for folder in folders if folder not in shims for name in names)
    yield from chain([Path(sys.executable)], on_path, _pyenv(), _conda())


def _behind(path: Path) -> Path:
    """Return the interpreter that a link leads to; other links may be to programs that look at their name."""
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return path
    return target if target.name.startswith("python") else path


def _python_in(folder: Path) -> Path:
    return folder / "python.exe" if sys.platform == "win32" else folder / "bin" / "python"


def _pyenv_roots() -> dict[Path, None]:
    roots = [os.environ.get("PYENV_ROOT"), Path.home() / ".pyenv"]
    return dict.fromkeys(Path(root) for root in roots if root)


def _pyenv() -> Iterator[Path]:
    for root in _pyenv_roots():
        yield from sorted(map(_python_in, (root / "versions").glob("*")), reverse=True)


def _conda() -> Iterator[Path]:
    home = Path.home()
    listed = home / ".conda" / "environments.txt"
    try:
        lines = listed.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        lines = []
    roots = [home / name for name in CONDA_ROOTS] + [Path("/opt") / name for name in ("conda", *CONDA_ROOTS)]
    within = chain.from_iterable((root / "envs").glob("*") for root in roots)
    named = [os.environ.get("CONDA_PREFIX", ""), *lines]
    for folder in chain((Path(line.strip()) for line in named if line.strip()), roots, within):
        yield _python_in(folder)


def _uv_pythons() -> list[Path]:
    try:
        folder = run_uv(["python", "dir"], doing="asking uv", folder=Path(tempfile.gettempdir()), timeout=60)
    except ReproError:
        return []
    return sorted(map(_python_in, Path(folder.strip()).glob("cpython-*")), reverse=True)

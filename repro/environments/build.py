"""Build a locked environment with uv, once, so that only whole ones are ever used."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from repro.environments.cache import MARKER, Built, Marker, environment_folder, lookup, python_of
from repro.environments.interpreters import find_interpreter, make_environment
from repro.environments.lock import backend_arguments, lock_digest, read_lock
from repro.environments.platforms import this_platform
from repro.environments.uvtool import lacks_wheels, run_uv
from repro.errors import BadInput, EnvironmentFailed
from repro.records.codec import to_json, write_atomic
from repro.records.environment import Environment, Probe

CACHE_HINT = "choose another cache folder with REPRO_CACHE_DIR"
PROBE_SECONDS = 300
KEPT_VARIABLES = ("PYTHONUTF8", "PYTHONIOENCODING")  # how text looks, not what runs


def child_environment(hash_seed: int = 0) -> dict[str, str]:
    """Return the variables for a process that runs inside an environment: nothing of ours leaks into it.

    Args:
        hash_seed: For PYTHONHASHSEED, so that the order of sets does not differ from run to run.

    Returns:
        This process's variables without Python's own and any virtual environment's; no user's site folder.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT_VARIABLES
        or not (name.startswith("PYTHON") or name in ("VIRTUAL_ENV", "CONDA_PREFIX", "__PYVENV_LAUNCHER__"))
    }
    return kept | {"PYTHONNOUSERSITE": "1", "PYTHONHASHSEED": str(hash_seed % 2**32)}


def probe_imports(packages: Iterable[str]) -> Callable[[Path], None]:
    """Return a probe that imports packages in an environment.

    Args:
        packages: Their names; a dash stands for an underscore.

    Returns:
        Takes the environment's interpreter; raises EnvironmentFailed with the last line of the error.
    """
    modules = [name.replace("-", "_") for name in packages]

    def probe(python: Path) -> None:
        code = "import importlib,sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
        try:
            done = subprocess.run(
                [python, "-c", code, *modules], cwd=python.parent, env=child_environment(),
                stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                timeout=PROBE_SECONDS, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EnvironmentFailed(f"the environment's Python does not run: {error}"[:300]) from error
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
            raise EnvironmentFailed(
                f"the built environment cannot import {', '.join(modules)}: {last[:200]}",
                "another moment may fit better: give one in the case's environment",
            )

    return probe


def build(
    environment: Environment,
    lock: str,
    *,
    cache: Path | None = None,
    probe: Callable[[Path], Probe | None] | None = None,
    report: Callable[[str], None] = lambda _: None,
    offline: bool = False,
) -> Built:
    """Return a built environment: from the cache, or built now.

    The folder is made in its final place, because scripts hold absolute paths; a marker that is written last
    makes it whole. Two processes that want the same one build it once.

    Args:
        environment: The record of the lock.
        lock: The lock's text.
        cache: The cache's folder, by default `cache_folder()`.
        probe: Tries the new environment's interpreter and raises if it is no good; by default the documented
            packages are imported. What it returns is kept; environments from the cache are not probed again.
        report: Told what is going on, one line at a time.
        offline: Use nothing but uv's cache.

    Raises:
        BadInput: The lock is none, or not that of the record.
        EnvironmentFailed: It cannot be built here; nothing that looks finished is left.
        NetworkFailed: The index could not be reached.
    """
    packages = read_lock(lock)
    if lock_digest(lock) != environment.lock_sha256:
        raise BadInput("the lock is not the one that the environment was recorded with", "lock it again")
    if environment.platform != this_platform():
        raise EnvironmentFailed(
            f"the lock is for {environment.platform or 'elsewhere'}, this machine is {this_platform()}",
            "lock it again here: `repro env CASE --lock-only`",
        )
    if found := lookup(environment, cache):
        return found
    folder = environment_folder(environment, cache)
    with _locked(folder, report):
        if found := lookup(environment, cache):  # another process was faster
            return found
        _check_space(environment, folder.parent)
        interpreter = find_interpreter(environment.python, download=not offline, report=report)
        start = time.monotonic()
        try:
            report(_announcement(environment, len(packages), interpreter.version))
            with _writing(folder):
                if folder.exists():
                    shutil.rmtree(folder)  # a build that was killed: nothing in it is trusted
                _install(interpreter.path, folder, lock, environment, offline)
            seconds = round(time.monotonic() - start, 3)
            report("trying it")
            seen = (probe or probe_imports(environment.documented))(python_of(folder))
            with _writing(folder):
                marker = Marker(
                    lock_sha256=environment.lock_sha256,
                    python=interpreter.version,
                    seconds=seconds,
                    disk_bytes=_disk_bytes(folder),
                    probe=seen,
                )
                write_atomic(folder / MARKER, to_json(marker) + "\n")
        except BaseException:  # Ctrl-C too: what is not whole is not left lying
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return Built(python_of(folder), folder, marker.seconds, False, marker.disk_bytes, marker.probe)


def _install(python: Path, folder: Path, lock: str, environment: Environment, offline: bool) -> None:
    """Make the environment and install the lock: wheels only, else sources built with tools of the day."""
    make_environment(python, folder)
    (folder / "environment.lock").write_bytes(lock.encode())
    hint = "the lock's files may be gone or damaged: lock it again"
    sync = ["pip", "sync", "environment.lock", "--require-hashes", "--python", str(python_of(folder))]
    sync += backend_arguments(environment.torch_backend)
    try:
        run_uv(
            [*sync, "--only-binary", ":all:"], doing="installing", folder=folder, hint=hint, offline=offline
        )
    except EnvironmentFailed as error:
        if not lacks_wheels(error):
            raise
        day = environment.torch_moment or environment.moment
        run_uv([*sync, "--exclude-newer", day], doing="installing", folder=folder, hint=hint, offline=offline)


@contextmanager
def _locked(folder: Path, report: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of one environment; say so when another process holds it."""
    from filelock import FileLock, Timeout  # heavy, and a cache hit needs no lock

    with _writing(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{folder}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            report("another process is building this environment: waiting for it")
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _check_space(environment: Environment, place: Path) -> None:
    """Refuse before the download what cannot fit on the disk."""
    needed, free = environment.sizes.disk_bytes, shutil.disk_usage(place).free
    if needed is not None and needed > free:
        raise EnvironmentFailed(
            f"the environment needs {needed / 1e9:.1f} GB, {place} has {free / 1e9:.1f} GB free", CACHE_HINT
        )


def _announcement(environment: Environment, packages: int, python: str) -> str:
    size = environment.sizes.download_bytes
    note = f"; the first time {size / 1e9:.1f} GB are downloaded" if size else ""
    return f"building {packages} packages with Python {python}{note}"


@contextmanager
def _writing(place: Path) -> Iterator[None]:
    """Turn what the system says about a folder that cannot be written into one line and a hint."""
    try:
        yield
    except (OSError, BadInput) as error:
        raise EnvironmentFailed(f"{place} cannot be written: {error}", CACHE_HINT) from error


def _disk_bytes(folder: Path) -> int:
    """Return the sum of the files' sizes; links are not followed."""
    return sum((Path(root) / name).lstat().st_size for root, _, names in os.walk(folder) for name in names)

"""Build a locked environment with uv, once, so that only whole ones are ever used."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from repro.environments.cache import MARKER, Built, Marker, environment_folder, held, lookup, python_of, used
from repro.environments.disk import usage
from repro.environments.interpreters import find_interpreter, make_environment
from repro.environments.lock import backend_arguments, lock_digest, read_lock
from repro.environments.platforms import this_platform
from repro.environments.registry import Registry
from repro.environments.uvtool import OFFLINE_FILES_HINT, lacks_wheels, run_uv
from repro.environments.wholeness import damaged
from repro.errors import BadInput, EnvironmentFailed, ReproError
from repro.records.codec import to_json, write_atomic
from repro.records.environment import Environment, Probe

CACHE_HINT = "choose another cache folder with REPRO_CACHE_DIR"
KNOWN = "compared.txt"  # beside the environments: what `wholeness` has read before
LOCK_HINT = "the lock's files may be gone or damaged: lock it again"
PROBE_SECONDS = 300
UNUSABLE = re.compile(r"Failed to install: \S+ \(([A-Za-z0-9._-]+)==")
GONE = re.compile(r"no version of ([A-Za-z0-9._-]+)==")
KEPT_VARIABLES = ("PYTHONUTF8", "PYTHONIOENCODING")  # how text looks, not what runs


@dataclass(frozen=True)
class Source:
    """Where the files of an environment come from.

    Attributes:
        moment: The instant as of which tools that build sources are chosen.
        offline: Whether nothing may be asked but uv's cache and `wheels`.
        wheels: A folder that is asked instead of the registry.
        backend: A build of torch on PyTorch's own index; empty for the registry's.
    """

    moment: str
    offline: bool = False
    wheels: Path | None = None
    backend: str = ""


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
    wheels: Path | None = None,
) -> Built:
    """Return a built environment: from the cache, or built now.

    The folder is made in its final place, because scripts hold absolute paths; a marker that is written last
    makes it whole. Two processes that want the same one build it once. While the new environment is tried,
    its files are compared with the digests that their wheels state, and what was damaged in uv's cache is
    fetched again.

    Args:
        environment: The record of the lock.
        lock: The lock's text.
        cache: The cache's folder, by default `cache_folder()`.
        probe: Tries the new environment's interpreter and raises if it is no good; by default the documented
            packages are imported. What it returns is kept; environments from the cache are not probed again.
        report: Told what is going on, one line at a time.
        offline: Use nothing but uv's cache.
        wheels: A folder that has the lock's files, as an offline kit does: nothing else is asked.

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
    folder = environment_folder(environment, cache)
    source = Source(
        environment.torch_moment or environment.moment,
        offline or wheels is not None,
        wheels,
        environment.torch_backend,
    )
    with held(folder):
        if found := lookup(environment, cache):
            used(found.folder / MARKER)
            return found
        with _locked(folder, report):
            if found := lookup(environment, cache):  # another process was faster
                return found
            return _build(environment, lock, packages, folder, source, probe, report)


def _build(
    environment: Environment,
    lock: str,
    packages: Mapping[str, str],
    folder: Path,
    source: Source,
    probe: Callable[[Path], Probe | None] | None,
    report: Callable[[str], None],
) -> Built:
    """Build in a folder that is locked; leave nothing there unless it is whole."""
    _check_space(environment, folder.parent)
    interpreter = find_interpreter(environment.python, download=not source.offline, report=report)
    start = time.monotonic()
    try:
        report(_announcement(environment, len(packages), interpreter.version, source))
        with _writing(folder):
            if folder.exists():
                shutil.rmtree(folder)  # a build that was killed: nothing in it is trusted
            make(interpreter.path, folder, lock, source)
        seconds = round(time.monotonic() - start, 3)
        report("trying it")
        seen = _try(probe or probe_imports(environment.documented), folder, packages, source, report)
        with _writing(folder):
            size = usage([folder])
            marker = Marker(
                lock_sha256=environment.lock_sha256,
                python=interpreter.version,
                seconds=seconds,
                disk_bytes=size.total,
                shared_bytes=size.shared,
                probe=seen,
            )
            write_atomic(folder / MARKER, to_json(marker) + "\n")
    except BaseException:  # Ctrl-C too: what is not whole is not left lying
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Built(
        python_of(folder), folder, marker.seconds, False, marker.disk_bytes, marker.probe, marker.shared_bytes
    )


def make(python: Path, folder: Path, lock: str, source: Source) -> None:
    """Make the environment and install the lock: wheels only, else sources built with tools of the day."""
    make_environment(python, folder)
    (folder / "environment.lock").write_bytes(lock.encode())
    try:
        _sync(folder, source, "--only-binary", ":all:")
    except EnvironmentFailed as error:
        if not lacks_wheels(error):
            raise
        _sync(folder, source)


def _sync(folder: Path, source: Source, *options: str) -> None:
    """Have uv install the folder's lock, hashes checked."""
    # Tools that build sources are those of the day; a folder of wheels states no upload times.
    wheels_only = "--only-binary" in options
    dated = [] if wheels_only or source.wheels is not None else ["--exclude-newer", source.moment]
    found = [] if source.wheels is None else ["--no-index", "--find-links", str(source.wheels.absolute())]
    sync = ["pip", "sync", "environment.lock", "--require-hashes", "--python", str(python_of(folder))]
    arguments = [*sync, *backend_arguments(source.backend), *found, *dated, *options]
    try:
        run_uv(arguments, doing="installing", folder=folder, offline=source.offline, hint=LOCK_HINT)
    except EnvironmentFailed as error:
        # uv has unpacked the wheel into its cache and cannot read it there.
        said = UNUSABLE.search("\n".join(getattr(error, "__notes__", ())))
        if said and error.hint in (LOCK_HINT, OFFLINE_FILES_HINT):
            error.hint = f"uv's package cache is damaged: `uv cache clean {said[1]}`, then build it again"
        if not source.offline and (gone := GONE.search(error.message)):
            # To uv a page to sign in is an index without files. Ours has to be JSON, and says so.
            Registry().files(gone[1])
        raise


def _try(
    probe: Callable[[Path], Probe | None],
    folder: Path,
    packages: Mapping[str, str],
    source: Source,
    report: Callable[[str], None],
) -> Probe | None:
    """Probe a new environment and compare its files with their wheels' digests, both at once.

    What is damaged came so out of uv's cache: it is installed again from the files themselves, whose hashes
    are the lock's, and the environment is probed again.
    """
    stop = Event()
    with ThreadPoolExecutor(max_workers=1) as pool:
        checking = pool.submit(damaged, folder, packages, known=folder.parent / KNOWN, stop=stop)
        failure, seen = None, None
        try:
            seen = probe(python_of(folder))
        except ReproError as error:
            failure = error
        except BaseException:  # Ctrl-C: the check has nothing to wait for
            stop.set()
            raise
    broken = checking.result()
    if not broken:
        if failure is not None:
            raise failure
        return seen
    name, path = next(iter(broken.items()))
    if source.offline and source.wheels is None:
        raise EnvironmentFailed(
            f"{', '.join(broken)}: damaged in uv's package cache ({path} is not the wheel's)",
            f"with a network: `uv cache clean {name}`, then build it again",
        )
    report(f"{', '.join(broken)}: damaged in uv's package cache (`uv cache clean` mends it): installed anew")
    _sync(folder, source, "--no-cache", *(f"--reinstall-package={name}" for name in broken))
    return probe(python_of(folder))


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


def _announcement(environment: Environment, packages: int, python: str, source: Source) -> str:
    size = None if source.offline else environment.sizes.download_bytes
    note = f"; the first time {size / 1e9:.1f} GB are downloaded" if size else ""
    return f"building {packages} packages with Python {python}{note}"


@contextmanager
def _writing(place: Path) -> Iterator[None]:
    """Turn what the system says about a folder that cannot be written into one line and a hint."""
    try:
        yield
    except (OSError, BadInput) as error:
        raise EnvironmentFailed(f"{place} cannot be written: {error}", CACHE_HINT) from error

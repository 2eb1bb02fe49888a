"""Builds with real uv: only whole environments are trusted, whatever happens while one is made."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from wheelhouse import JSON, MINOR, House, record, serve

from repro.environments import (
    build,
    cache_folder,
    child_environment,
    environment_folder,
    lookup,
    with_measured_size,
)
from repro.environments.cache import MARKER
from repro.errors import BadInput, EnvironmentFailed, NetworkFailed
from repro.records.codec import to_json
from repro.records.environment import Sizes

posix = pytest.mark.skipif(os.name == "nt", reason="signals and folders as on POSIX")
linux = pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")

# Builds in a process of its own; with `stop` it stays in its probe until it is killed.
BUILDER = """
import sys, time
from pathlib import Path
from repro.environments import build
from repro.records.codec import load
from repro.records.environment import Environment
record, lock, probe = sys.argv[1:4]
def stay(python):
    print("probing", flush=True)
    time.sleep(60 if probe == "stop" else 0.5)
built = build(load(Path(record), Environment), Path(lock).read_text(), probe=stay)
print("from cache" if built.from_cache else "built", flush=True)
"""


def start(lock: str, folder: Path, probe: str = "go") -> subprocess.Popen[str]:
    """Start a process that builds an environment."""
    folder.mkdir(exist_ok=True)
    (folder / "record.json").write_text(to_json(record(lock)), encoding="utf-8")
    (folder / "lock").write_bytes(lock.encode())
    command = [sys.executable, "-c", BUILDER, str(folder / "record.json"), str(folder / "lock"), probe]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ)


def version_in(python: Path, module: str) -> str:
    """Return a module's version as seen by an environment's interpreter."""
    code = f"import {module}; print({module}.__version__)"
    done = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=True, env=child_environment()
    )
    return done.stdout.strip()


def unfinished(lock: str) -> bool:
    """Tell whether nothing of a lock's environment could be taken for a whole one."""
    return not (environment_folder(record(lock)) / MARKER).exists() and lookup(record(lock)) is None


def test_a_lock_becomes_an_environment(house: House) -> None:
    """Every package of the lock is there in its version, and the size is measured."""
    lock = house.lock("tiny==1.0", "other==2.0")
    built = build(record(lock), lock)
    assert not built.from_cache
    assert (version_in(built.python, "tiny"), version_in(built.python, "other")) == ("1.0", "2.0")
    assert built.disk_bytes > 1000
    measured = with_measured_size(record(lock), built).sizes
    assert (measured.disk_bytes, measured.measured) == (built.disk_bytes, True)
    assert built.folder.is_relative_to(cache_folder())
    assert (built.folder / "environment.lock").read_text(encoding="utf-8") == lock


def test_the_second_time_asks_nobody(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment from the cache needs neither network nor uv, and is the same."""
    lock = house.lock("tiny==1.0")
    first = build(record(lock), lock)
    house.requests.clear()
    monkeypatch.setenv("PATH", "")
    again = build(record(lock), lock, probe=lambda _: pytest.fail("probed again"), offline=True)
    assert again.from_cache
    assert (again.python, again.seconds, again.disk_bytes) == (first.python, first.seconds, first.disk_bytes)
    assert house.requests == []


def test_folders_with_spaces_and_other_scripts(house: House, tmp_path: Path) -> None:
    """Spaces and letters beyond ASCII in the cache's path do no harm."""
    lock = house.lock("tiny==1.0")
    built = build(record(lock), lock, cache=tmp_path / "my càche 缓存 'x'")
    assert version_in(built.python, "tiny") == "1.0"


def test_a_relative_cache_is_found_from_elsewhere(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative cache folder gives paths that hold in any working folder."""
    lock = house.lock("tiny==1.0")
    monkeypatch.chdir(tmp_path)
    assert build(record(lock), lock, cache=Path("here")).python.is_absolute()


def test_a_failing_probe_leaves_nothing(house: House) -> None:
    """An environment that cannot import what is documented is none; the error says what is wrong."""
    house.add("broken", "1.0", code="raise ImportError('no PyExtensionType')\n")
    lock = house.lock("broken==1.0")
    with pytest.raises(EnvironmentFailed, match="no PyExtensionType") as caught:
        build(record(lock), lock)
    assert "\n" not in caught.value.message
    assert not environment_folder(record(lock)).exists()


def test_a_wrong_hash_leaves_nothing(house: House) -> None:
    """A file that is not the locked one is refused."""
    lock = "tiny==1.0 --hash=sha256:" + "0" * 64 + "\n"
    with pytest.raises(EnvironmentFailed, match=r"[Hh]ash mismatch"):
        build(record(lock), lock)
    assert not environment_folder(record(lock)).exists()


def test_a_registry_in_trouble_leaves_nothing(house: House) -> None:
    """A registry that fails is a network error, and the next build goes through."""
    lock = house.lock("tiny==1.0")
    house.status = 503
    with pytest.raises(NetworkFailed):
        build(record(lock), lock)
    assert not environment_folder(record(lock)).exists()
    house.status = 200
    assert not build(record(lock), lock).from_cache


@pytest.mark.parametrize(
    ("mood", "said"),
    [
        ("nobody", "Failed to fetch"),
        ("a page for the index", "is not JSON"),
        ("a page for the file", "Failed to download `tiny==1.0`"),
        ("half a file", "Failed to download `tiny==1.0`"),
        ("silence in a file", "network timeout"),
        ("500 for the file", "500 Internal Server Error"),
    ],
)
def test_a_network_in_trouble_leaves_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, mood: str, said: str
) -> None:
    """Whatever the network does to index or file: a network error in one line, nothing left, then built."""
    lock, wheel = house.lock("tiny==1.0"), "tiny-1.0-py3-none-any.whl"
    whole, address = house.wheels[wheel], os.environ["UV_DEFAULT_INDEX"]
    monkeypatch.setenv("UV_HTTP_TIMEOUT", "1")
    match mood:
        case "nobody":
            monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
        case "a page for the index":
            house.content_type = "text/html"
        case "a page for the file":
            house.wheels[wheel] = b"<html>sign in</html>" * 20
        case "half a file":
            house.slow[wheel], house.cut = whole, True
        case "silence in a file":
            house.slow[wheel] = whole
        case "500 for the file":
            house.failing = f"/files/{wheel}"
    with pytest.raises(NetworkFailed, match=said) as caught:
        build(record(lock), lock)
    assert caught.value.exit_code == 5
    assert "\n" not in caught.value.message + caught.value.hint
    assert "lock it again" not in caught.value.hint
    assert not environment_folder(record(lock)).exists()
    monkeypatch.setenv("UV_DEFAULT_INDEX", address)
    house.content_type, house.failing = JSON, ""
    house.wheels[wheel] = whole
    house.slow.clear()
    assert version_in(build(record(lock), lock).python, "tiny") == "1.0"


def test_a_locked_version_that_is_gone_is_said(house: House) -> None:
    """A registry that answers as it should and no longer has the version is no network trouble."""
    house.add("tiny", "2.0")
    lock = house.lock("tiny==1.0")
    del house.pages["tiny"][0]
    with pytest.raises(EnvironmentFailed, match=r"no version of tiny==1\.0") as caught:
        build(record(lock), lock)
    assert "lock it again" in caught.value.hint


def test_offline_without_files_says_so(house: House) -> None:
    """Offline, what uv's cache does not have is an environment error; what it has is built."""
    lock = house.lock("tiny==1.0")
    with pytest.raises(EnvironmentFailed, match="installing failed") as caught:
        build(record(lock), lock, offline=True)
    assert "network" in caught.value.hint
    assert house.requests == []


@pytest.mark.parametrize("damage", ["no marker", "half a marker", "other lock", "no lock", "no python"])
def test_damaged_environments_are_built_again(house: House, damage: str) -> None:
    """A folder without marker, lock or interpreter is never trusted; it is made anew."""
    lock = house.lock("tiny==1.0")
    built = build(record(lock), lock)
    match damage:
        case "no marker":
            (built.folder / MARKER).unlink()
        case "half a marker":
            (built.folder / MARKER).write_text('{"schema": "repro.built/1", "lock', encoding="utf-8")
        case "other lock":
            (built.folder / "environment.lock").write_text(house.lock("other==2.0"), encoding="utf-8")
        case "no lock":
            (built.folder / "environment.lock").unlink()
        case "no python":
            built.python.unlink()
    assert lookup(record(lock)) is None
    again = build(record(lock), lock)
    assert not again.from_cache
    assert version_in(again.python, "tiny") == "1.0"


def test_the_lock_must_be_the_records(house: House) -> None:
    """A record with another lock, or of another platform, is refused before anything is made."""
    lock = house.lock("tiny==1.0")
    with pytest.raises(BadInput, match="not the one"):
        build(record(lock), house.lock("other==2.0"))
    with pytest.raises(EnvironmentFailed, match="beos-m68k"):
        build(record(lock, platform="beos-m68k"), lock)
    assert not cache_folder().exists()


def test_what_cannot_fit_is_not_begun(house: House) -> None:
    """An environment larger than the free space is refused with both figures."""
    lock = house.lock("tiny==1.0")
    with pytest.raises(EnvironmentFailed, match=r"needs 1000000000\.0 GB") as caught:
        build(record(lock, sizes=Sizes(disk_bytes=10**18)), lock)
    assert "REPRO_CACHE_DIR" in caught.value.hint
    assert house.requests == []


def test_a_cache_that_cannot_be_written_is_said(house: House, tmp_path: Path) -> None:
    """A cache below a file (as root nothing is read-only) is one line with a hint."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    lock = house.lock("tiny==1.0")
    with pytest.raises(EnvironmentFailed, match="cannot be written") as caught:
        build(record(lock), lock, cache=tmp_path / "file" / "cache")
    assert "REPRO_CACHE_DIR" in caught.value.hint


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk of half a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk can be mounted by root on Linux only")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_nothing(house: House, small_disk: Path) -> None:
    """A disk that fills up while the environment is written leaves nothing that looks finished."""
    house.add("large", "1.0", code=f"x = {'1' * 1_000_000!r}\n")
    lock = house.lock("large==1.0")
    with pytest.raises(EnvironmentFailed, match="no space left") as caught:
        build(record(lock), lock, cache=small_disk)
    assert "REPRO_CACHE_DIR" in caught.value.hint
    assert lookup(record(lock), small_disk) is None
    assert not environment_folder(record(lock), small_disk).exists()


def test_errors_of_a_probe_pass_unchanged(house: House) -> None:
    """What a probe raises is not taken for trouble with the cache."""
    lock = house.lock("tiny==1.0")

    def refuse(_: Path) -> None:
        raise BadInput("the probe's own words")

    with pytest.raises(BadInput, match="own words"):
        build(record(lock), lock, probe=refuse)
    assert not environment_folder(record(lock)).exists()


def test_a_missing_interpreter_is_said(house: House) -> None:
    """A lock for a Python that is nowhere names it; nothing is left."""
    lock = house.lock("tiny==1.0")
    with pytest.raises(EnvironmentFailed, match=r"Python 3\.99 is needed"):
        build(record(lock, python="3.99"), lock, offline=True)
    assert not environment_folder(record(lock, python="3.99")).exists()


@posix
def test_a_killed_build_is_not_trusted(house: House, tmp_path: Path) -> None:
    """SIGKILL leaves a folder without marker; the next build starts over and succeeds."""
    lock = house.lock("tiny==1.0")
    process = start(lock, tmp_path / "a", "stop")
    assert process.stdout is not None
    assert process.stdout.readline() == "probing\n"
    process.kill()
    process.communicate()
    assert environment_folder(record(lock)).exists()
    assert unfinished(lock)
    assert version_in(build(record(lock), lock).python, "tiny") == "1.0"


@posix
def test_interruption_leaves_nothing(house: House, tmp_path: Path) -> None:
    """Ctrl-C in a build removes what is not whole."""
    lock = house.lock("tiny==1.0")
    process = start(lock, tmp_path / "a", "stop")
    assert process.stdout is not None
    assert process.stdout.readline() == "probing\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode != 0
    assert not environment_folder(record(lock)).exists()


@linux
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_uv_ends_with_its_build(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    """A build that is ended while uv is at work takes uv along: nobody goes on writing into the folder."""
    lock = house.lock("tiny==1.0")
    with serve() as silent:
        silent.delay = 120.0
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"{silent.address}/simple")
        process = start(lock, tmp_path / "a")
        wait_for(lambda: silent.requests)
        children = [pid for pid in descendants(process.pid) if "uv" in command_of(pid)]
        assert children
        process.send_signal(how)
        process.communicate(timeout=30)
        wait_for(lambda: not any(running(pid) for pid in children))
    assert unfinished(lock)
    assert environment_folder(record(lock)).exists() == (how != signal.SIGINT)


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until a condition holds; fail after a long time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def running(pid: int) -> bool:
    """Tell whether a process lives (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def command_of(pid: int) -> str:
    """Return a process's command line."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[0]


def descendants(pid: int) -> list[int]:
    """Return the processes below one."""
    children = [
        int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    ]
    return children + [grand for child in children for grand in descendants(child)]


def test_two_processes_build_it_once(house: House, tmp_path: Path) -> None:
    """Of two processes that want the same environment at the same time one builds, the other takes it."""
    lock = house.lock("tiny==1.0", "other==2.0")
    processes = [start(lock, tmp_path / name) for name in "ab"]
    answers = [process.communicate(timeout=60)[0].splitlines() for process in processes]
    assert sorted(answers) == [["from cache"], ["probing", "built"]]


def test_waiting_is_said(house: House, tmp_path: Path) -> None:
    """A process that waits for another one's build says so."""
    lock = house.lock("tiny==1.0")
    process = start(lock, tmp_path / "a")
    assert process.stdout is not None
    assert process.stdout.readline() == "probing\n"
    said: list[str] = []
    assert build(record(lock), lock, report=said.append).from_cache
    assert said == ["another process is building this environment: waiting for it"]
    process.communicate()


def test_children_see_nothing_of_ours(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process in the environment has our paths, hooks and switches blanked and the hash seed set."""
    (tmp_path / "leak.py").write_text("", encoding="utf-8")
    for variable in ("PYTHONPATH", "PYTHONSTARTUP", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setenv("KEPT", "yes")
    lock = house.lock("tiny==1.0")
    built = build(record(lock), lock)
    code = (
        "import json, os, site, sys, importlib.util\n"
        "print(json.dumps([importlib.util.find_spec('leak') is None, sys.dont_write_bytecode,"
        " site.ENABLE_USER_SITE,"
        " os.environ['PYTHONHASHSEED'], os.environ['KEPT'], 'VIRTUAL_ENV' in os.environ]))"
    )
    done = subprocess.run(
        [built.python, "-c", code], env=child_environment(7), capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [True, False, False, "7", "yes", False]
    assert child_environment()["PYTHONHASHSEED"] == "0"
    assert child_environment(2**32 + 1)["PYTHONHASHSEED"] == "1"


def test_the_environments_python_is_the_wanted_one(house: House) -> None:
    """The interpreter in the environment is of the recorded minor version."""
    lock = house.lock("tiny==1.0")
    built = build(record(lock), lock)
    done = subprocess.run([built.python, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"Python {MINOR}.")

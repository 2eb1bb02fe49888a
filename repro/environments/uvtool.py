"""Running uv: a clean surrounding, and its failures as one line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from repro.environments.registry import OFFLINE_HINT, index_of_tools
from repro.errors import EnvironmentFailed, NetworkFailed, ReproError

# Only what says where packages come from and how they get here may pass: a constraint, a resolution mode or
# an interpreter that the user has set for another project would change what is locked.
UV_VARIABLES = (
    "UV_CACHE_DIR", "UV_NO_CACHE", "UV_LINK_MODE", "UV_CONCURRENT_", "UV_CONFIG_FILE", "UV_NO_CONFIG",
    "UV_DEFAULT_INDEX", "UV_INDEX_", "UV_HTTP_", "UV_REQUEST_TIMEOUT", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS",
    "UV_INSECURE_HOST", "UV_KEYRING_PROVIDER", "UV_OFFLINE", "UV_PYTHON_INSTALL_", "UV_CREDENTIALS_DIR",
)  # fmt: skip
UNREACHABLE = re.compile(
    r"error sending request|failed to fetch|could not connect|client error \(connect\)|dns error|"
    r"connection (?:refused|reset)|operation timed out|network timeout|request failed after|"
    r"network is unreachable|response body error|"
    r"status client error \((?:401|403|407|429)|status server error|network was disabled",
    re.IGNORECASE,
)
NO_ARCHIVE = re.compile(r"invalid zip file structure", re.IGNORECASE)
DISK_FULL = re.compile(r"no space left|disk quota|os error 28\b", re.IGNORECASE)
READ_ONLY = re.compile(r"read-only file system|permission denied|os error (?:13|30)\b", re.IGNORECASE)
LACKS_WHEELS = re.compile(r"no (?:usable )?wheels|building (?:from source|source distributions) is disabled")
LONGEST_SENTENCE = 300
NO_ARCHIVE_HINT = "what came is no wheel: is there a page to sign in, or was the download cut off?"
OFFLINE_FILES_HINT = "the files are not in uv's cache: run it once with a network"

# Replaces itself by uv after asking Linux to end it with its parent: a killed build must not go on writing.
_TIED = """import ctypes, os, sys
PR_SET_PDEATHSIG, SIGKILL = 1, 9
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


def uv_binary() -> str:
    """Return the path of uv.

    Raises:
        EnvironmentFailed: It is not installed.
    """
    import uv  # only where something is built

    try:
        return os.fspath(uv.find_uv_bin())
    except FileNotFoundError as error:
        raise EnvironmentFailed("uv is not installed", "install it again: pip install uv") from error


def run_uv(
    arguments: Sequence[str],
    *,
    doing: str,
    folder: Path,
    hint: str = "run it again with --verbose",
    offline: bool = False,
    timeout: float | None = None,
) -> str:
    """Run uv and return its standard output.

    Args:
        arguments: The command line after `uv`.
        doing: What it is for, as a message's beginning: `locking`, `installing`.
        folder: The working folder; nobody's project, so that no project's settings are read.
        hint: What to do where uv's own words are all there is.
        offline: Use nothing but uv's cache.
        timeout: Seconds; None leaves it to uv's own limit for each request.

    Raises:
        EnvironmentFailed: uv failed; the message is the essential sentence of its own.
        NetworkFailed: uv could not reach the index.
    """
    command = [
        uv_binary(),
        *arguments,
        "--color",
        "never",
        "--no-progress",
        *(["--offline"] if offline else []),
    ]
    if sys.platform == "linux":
        command = [sys.executable, "-I", "-S", "-c", _TIED, str(os.getpid()), *command]
    try:
        done = subprocess.run(
            command, cwd=folder, env=_environ(os.environ), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, encoding="utf-8", errors="replace", timeout=timeout, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFailed(f"{doing} took longer than {timeout:g} s", "try again") from error
    except OSError as error:
        raise EnvironmentFailed(
            f"uv cannot be started: {error.strerror}", "install it again: pip install uv"
        ) from error
    if done.returncode == 0:
        return done.stdout
    failure = _failure(doing, done, hint, offline)
    failure.add_note(_clean(done.stderr))  # all that uv said, for --verbose
    raise failure


def _failure(doing: str, done: subprocess.CompletedProcess[str], hint: str, offline: bool) -> ReproError:
    """Return the error that a failed uv stands for."""
    if done.returncode < 0:
        return EnvironmentFailed(
            f"{doing} failed: uv was ended by signal {-done.returncode}", "is memory short?"
        )
    message = f"{doing} failed: {essence(done.stderr)}"
    if DISK_FULL.search(done.stderr):
        return EnvironmentFailed(
            f"{doing} failed: no space left on a disk that is written to",
            "free some space, or set REPRO_CACHE_DIR and UV_CACHE_DIR to another disk",
        )
    if READ_ONLY.search(done.stderr):
        return EnvironmentFailed(
            message, "set REPRO_CACHE_DIR and UV_CACHE_DIR to folders that can be written"
        )
    if offline:
        return EnvironmentFailed(message, OFFLINE_FILES_HINT)
    if UNREACHABLE.search(done.stderr):
        return NetworkFailed(message, OFFLINE_HINT)
    if NO_ARCHIVE.search(done.stderr):
        return NetworkFailed(message, NO_ARCHIVE_HINT)
    return EnvironmentFailed(message, hint)


def lacks_wheels(error: ReproError) -> bool:
    """Tell whether uv failed because something has no wheel, so that sources may help."""
    return any(LACKS_WHEELS.search(note) for note in getattr(error, "__notes__", ()))


def _clean(stderr: str) -> str:
    """Return uv's output without colours and without credentials in addresses."""
    return re.sub(r"(\w+://)[^/\s@]+@", r"\1", re.sub(r"\x1b\[[0-9;]*m", "", stderr))


def essence(stderr: str) -> str:
    """Return the one sentence of uv's error output that says what is wrong.

    For an unsolvable set of requirements that is the reasoning up to its conclusion, else the error and its
    innermost cause. Credentials in addresses are left out.
    """
    text = re.split(r"^\s*hint:", _clean(stderr), maxsplit=1, flags=re.MULTILINE)[0]
    if reasoning := re.search(r"\bBecause\b.*", text, re.DOTALL):
        sentence = re.sub(
            r",\s+we\s+can\s+conclude\s+that\s+your\s+requirements.*", "", reasoning[0], flags=re.DOTALL
        )
    else:
        errors = re.findall(r"^(?:error: |\s*×\s*)(.+)", text, re.MULTILINE)
        causes = re.findall(r"^\s+(?:Caused by|cause): (.+)", text, re.MULTILINE)
        sentence = (
            ": ".join([*errors[:1], *causes[-1:]]) or text.strip().rpartition("\n")[2] or "uv said nothing"
        )
    sentence = " ".join(sentence.split())
    if len(sentence) > LONGEST_SENTENCE:  # the cause stands last: leave out the middle
        sentence = sentence[: LONGEST_SENTENCE // 2] + " … " + sentence[-LONGEST_SENTENCE // 2 :]
    return sentence


def _environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that uv gets: no virtual environment, and pip's index where uv has none."""
    kept = {
        name: value
        for name, value in environ.items()
        if name not in ("VIRTUAL_ENV", "CONDA_PREFIX")
        and not name.startswith("PYTHON")
        and (not name.startswith("UV_") or name.startswith(UV_VARIABLES))
    }
    index = index_of_tools()
    if index and index.source == "pip":
        kept["UV_DEFAULT_INDEX"] = index.address  # not an argument: it may hold a password
    return kept

"""An environment for people who do not use this program: requirements, pylock.toml, Dockerfile, conda."""

from __future__ import annotations

import re
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

from repro.environments.interpreters import full_version
from repro.environments.lock import read_hashes, read_lock
from repro.environments.platforms import UV_PLATFORMS
from repro.environments.uvtool import run_uv
from repro.errors import BadInput, EnvironmentFailed
from repro.records.codec import write_atomic
from repro.records.environment import Environment

Format = Literal["requirements", "pylock", "dockerfile", "conda"]
FORMATS: tuple[Format, ...] = get_args(Format)
LOCK = "environment.lock"
DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
SHA256 = re.compile(r'sha256 = "([0-9a-f]{64})"')
DOCKER_PLATFORMS = {"linux-x86_64": "linux/amd64", "linux-aarch64": "linux/arm64"}


def export(environment: Environment, lock: str, form: Format) -> str:
    """Return an environment's lock in another form.

    Args:
        environment: The record of the lock.
        lock: The lock's text.
        form: `requirements` (the lock, and how pip and uv install it), `pylock` (PEP 751, with addresses of
            the configured index), `dockerfile`, or `conda` (an `environment.yml`).

    Raises:
        EnvironmentFailed: A pylock.toml is not to be had for this lock; a Dockerfile for another system.
        NetworkFailed: A pylock.toml needs the index, and it cannot be reached.
    """
    match form:
        case "requirements":
            return _requirements(environment, lock)
        case "pylock":
            return _pylock(environment, lock)
        case "dockerfile":
            return _dockerfile(environment)
        case "conda":
            return _conda(environment, lock)


def write_build_context(folder: Path, environment: Environment, lock: str, worker: Path) -> None:
    """Write all that `docker build` needs into a folder: Dockerfile, lock and worker.

    Args:
        folder: The folder; made where it is not there.
        environment: The record of the lock.
        lock: The lock's text.
        worker: The folder of the worker's code.

    Raises:
        BadInput: It cannot be written.
    """
    if folder.is_file():
        raise BadInput(f"{folder}: is a file", "a Dockerfile is written with what it copies: name a folder")
    files = {path.name: path.read_bytes() for path in sorted(worker.glob("*.py"))}
    write_atomic(folder / LOCK, lock)
    for name, content in files.items():
        write_atomic(folder / "worker" / name, content)
    write_atomic(folder / "Dockerfile", _dockerfile(environment))


def _about(environment: Environment) -> str:
    documented = ", ".join(f"{name} {version}" for name, version in environment.documented.items())
    return (
        f"# {documented}: {len(environment.locked)} packages as of {environment.moment},\n"
        f"# for Python {environment.python} on {environment.platform}. "
        f"SHA-256 of the lock: {environment.lock_sha256}\n"
    )


def _requirements(environment: Environment, lock: str) -> str:
    minor = environment.python
    return (
        f"{_about(environment)}#\n"
        f"# with pip:  python{minor} -m venv env\n"
        "#            env/bin/python -m pip install --require-hashes --no-deps -r requirements.txt\n"
        f"# with uv:   uv venv --python {minor} env\n"
        "#            uv pip sync --python env --require-hashes requirements.txt\n"
        f"{lock}"
    )


def _conda(environment: Environment, lock: str) -> str:
    """Return an environment.yml whose pip section is the lock, so that one file is enough.

    Each requirement is one line, as conda hands them to pip; one hash makes pip want all hashes.
    """
    hashes = read_hashes(lock)
    pins = "".join(
        f'      - "{name}=={version} {" ".join(f"--hash=sha256:{one}" for one in sorted(hashes[name]))}"\n'
        for name, version in read_lock(lock).items()
    )
    return (
        f"{_about(environment)}#\n"
        "# conda env create --file environment.yml\n"
        f"name: repro-{environment.lock_sha256[:8]}\n"
        "channels:\n  - conda-forge\n"
        f"dependencies:\n  - python={environment.python}\n  - pip\n  - pip:\n{pins}"
    )


def _dockerfile(environment: Environment) -> str:
    platform = DOCKER_PLATFORMS.get(environment.platform)
    if platform is None:
        raise EnvironmentFailed(
            f"no image is like {environment.platform}, which the lock is for", "lock it on Linux"
        )
    return (
        f"{_about(environment)}#\n"
        "# docker build --tag repro FOLDER\n"
        "# docker run --rm --volume RUN:/run repro /run/request.json /run/result.json\n"
        "#\n"
        "# Paths in the request are those inside the container. The worker ends with its standard input:\n"
        "# it gets one that stays open.\n"
        f"FROM --platform={platform} python:{environment.python}-slim\n"
        "ENV PYTHONNOUSERSITE=1 PYTHONHASHSEED=0 PIP_NO_CACHE_DIR=1\n"
        f"COPY {LOCK} /opt/repro/{LOCK}\n"
        f"RUN python -m pip install --require-hashes --no-deps --requirement /opt/repro/{LOCK}\n"
        "COPY worker /opt/repro/worker\n"
        "RUN mkfifo /opt/repro/open\n"
        'ENTRYPOINT ["sh", "-c", "exec python /opt/repro/worker \\"$@\\" 0<>/opt/repro/open", "worker"]\n'
    )


def _pylock(environment: Environment, lock: str) -> str:
    """Have uv look up where the lock's files are; what has anything but the lock's is refused.

    Without a moment: a torch that was asked for, and what the moment does not apply to, are younger.
    """
    triple = UV_PLATFORMS.get(environment.platform)
    with tempfile.TemporaryDirectory(prefix="repro-export-") as name:
        folder = Path(name)
        (folder / "requirements.in").write_text(lock, encoding="utf-8")
        run_uv(
            [
                "pip", "compile", "requirements.in", "--output-file", "pylock.toml",
                "--format", "pylock.toml", "--no-deps", "--no-header", "--no-annotate",
                "--python", sys.executable,
                "--python-version", full_version(environment.python),
                *(["--python-platform", triple] if triple else []),
            ],
            doing="exporting", folder=folder, hint="the lock's files may be gone: lock it again",
        )  # fmt: skip
        text = _only_locked((folder / "pylock.toml").read_text(encoding="utf-8"), lock)
    _check_pylock(tomllib.loads(text), lock)
    series = environment.python.partition(".")
    without_credentials = re.sub(r"(\w+://)[^/\s\"@]+@", r"\1", text)
    above = f"{series[0]}.{int(series[2]) + 1}"
    # What was resolved for one patch level holds for the whole series.
    return _about(environment) + re.sub(
        r"^requires-python = .*$",
        f'requires-python = ">={environment.python},<{above}"',
        without_credentials,
        count=1,
        flags=re.MULTILINE,
    )


def _only_locked(text: str, lock: str) -> str:
    """Leave out files that the lock does not name, as those that appeared later; uv writes each on a line."""
    known = frozenset().union(*read_hashes(lock).values())
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if known.issuperset(SHA256.findall(line)))


def _check_pylock(document: Mapping[str, list[dict[str, object]]], lock: str) -> None:
    """Refuse a pylock.toml that has other packages than the lock, or one of which it has no locked file."""
    versions = {str(one["name"]): str(one.get("version")) for one in document["packages"]}
    hashes = read_hashes(lock)
    found = {str(one["name"]): frozenset(DIGEST.findall(str(one))) for one in document["packages"]}
    if versions != read_lock(lock) or not all(
        files and files <= hashes[name] for name, files in found.items()
    ):
        raise EnvironmentFailed(
            "uv wrote another pylock.toml than the lock says", "export requirements instead, or lock it again"
        )

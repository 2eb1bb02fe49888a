"""The lock: every package of the closure with its hashes, as of a moment, and what it costs."""

from __future__ import annotations

import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from repro.environments.interpreters import find_interpreter, full_version
from repro.environments.platforms import UV_PLATFORMS, rank, this_platform
from repro.environments.registry import Registry
from repro.environments.uvtool import lacks_wheels, run_uv
from repro.environments.versions import Requirements
from repro.errors import BadInput, EnvironmentFailed, ReproError
from repro.records.environment import Sizes

LINE = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,99})==(?P<version>[A-Za-z0-9.!+_-]{1,64})"
    r"(?P<hashes>(?: +--hash=sha256:[0-9a-f]{64})+) *",
    re.ASCII,
)
# What uv takes from PyTorch's own index, with a torch that comes from there.
PYTORCH_PACKAGES = (
    "torch", "torchvision", "torchaudio", "triton",
    "pytorch-triton", "pytorch-triton-rocm", "pytorch-triton-xpu",
)  # fmt: skip
LARGEST_LOCK = 8_000_000  # characters; a closure of a hundred packages has under 200,000
LOCK_SECONDS = 900.0
# Had as wheels or not at all: their sources want a Rust toolchain, CUDA or a day. An older Python has wheels.
COMPILED = (
    "datasets",
    "numpy",
    "pandas",
    "pyarrow",
    "safetensors",
    "scikit-learn",
    "scipy",
    "tokenizers",
    "torch",
)
# Wheels that import what they do not state, and what that is. Every environment of their day had it.
UNSTATED = (("torch", SpecifierSet("==1.10.*"), "setuptools<70"),)  # `from pkg_resources import packaging`
DISK_PER_DOWNLOAD = 2.0  # installed bytes per byte of wheel; 1.9 for torch 1.13 with its CUDA libraries


def lock_digest(lock: str) -> str:
    """Return the SHA-256 of a lock's bytes, hexadecimal."""
    return sha256(lock.encode()).hexdigest()


def read_lock(text: str) -> dict[str, str]:
    """Read a lock; it may hold nothing but comments and `name==version --hash=sha256:…`.

    Args:
        text: The lock, lines continued by a backslash.

    Returns:
        Normalised name to version, in the order of the lock.

    Raises:
        BadInput: An address, an option, a marker, a missing hash, a package twice, or nothing at all.
    """
    return {name: version for name, (version, _) in _read(text).items()}


def read_hashes(text: str) -> dict[str, frozenset[str]]:
    """Return normalised name to SHA-256 digests; arguments and errors as in `read_lock`."""
    return {name: hashes for name, (_, hashes) in _read(text).items()}


def _read(text: str) -> dict[str, tuple[str, frozenset[str]]]:
    if len(text) > LARGEST_LOCK:
        raise BadInput(f"the lock is too long: {len(text)} characters", "is it a lock?")
    found: dict[str, tuple[str, frozenset[str]]] = {}
    for number, line in _logical_lines(text):
        match = LINE.fullmatch(line)
        if match is None:
            raise BadInput(
                f"lock, line {number}: not `name==version --hash=sha256:…`: {line[:40]!r}",
                "a lock has no addresses, options or markers; `repro env CASE --lock-only` makes one",
            )
        try:
            Version(match["version"])
        except (InvalidVersion, ValueError) as error:
            raise BadInput(f"lock, line {number}: not a version: {match['version'][:24]!r}") from error
        name = canonicalize_name(match["name"])
        if name in found:
            raise BadInput(f"lock, line {number}: {name} stands there twice", "keep one of them")
        found[name] = (match["version"], frozenset(re.findall(r"[0-9a-f]{64}", match["hashes"])))
    if not found:
        raise BadInput("the lock is empty", "`repro env CASE --lock-only` makes one")
    return found


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Join continued lines; number each by its first line. Only newlines end one, as for installers."""
    lines: list[tuple[int, str]] = []
    open_line = False
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.removesuffix("\r")
        body = line.removesuffix("\\")
        if open_line:
            first, before = lines[-1]
            lines[-1] = (first, before + " " + body.strip(" "))
        elif line.strip(" ") and not line.lstrip(" ").startswith("#"):
            lines.append((number, body.strip(" ")))
        else:
            continue
        open_line = line.endswith("\\")
    return lines


def compile_lock(
    requirements: Requirements, *, minor: str, moment: str, keep: str = "", backend: str = ""
) -> str:
    """Resolve the closure as of a moment, for this platform.

    Wheels only where that is possible; where a package of the closure has none, sources are allowed for all
    but the documented versions and what nobody compiles on the way. What a wheel needs and does not state is
    added.

    Args:
        requirements: What is documented and what the case adds.
        minor: The Python version, `3.10`.
        moment: The full instant, RFC 3339.
        keep: An earlier lock, whose versions are taken wherever they fit.
        backend: A build of torch on PyTorch's own index, e.g. `cu117`; empty for the registry's wheel.

    Returns:
        The lock's text: names, versions, hashes; no addresses.

    Raises:
        EnvironmentFailed: There is no solution; says why in uv's words.
        NetworkFailed: The index could not be reached.
    """
    lines = requirements.lines()
    # With a lock that is kept every version is exact and needs no cutoff, which would hide a later torch.
    exempt = requirements.exempt.union(requirements.names if keep else ())
    more = [argument for name in sorted(exempt) for argument in _exempt(name)] + backend_arguments(backend)
    compiled = partial(_compile, minor=minor, moment=moment, keep=keep, more=more)
    python, only_binary = Path(sys.executable), [":all:"]
    try:
        text = compiled(lines, python, only_binary)
    except EnvironmentFailed as error:
        if not lacks_wheels(error):
            raise
        python = find_interpreter(minor, download=False).path  # sources are built to learn what they need
        only_binary = sorted({*requirements.documented, *COMPILED})
        text = compiled(lines, python, only_binary)
    locked = read_lock(text)  # no addresses, options or markers: whatever uv's own configuration says
    unstated = [
        needed for name, versions, needed in UNSTATED if name in locked and versions.contains(locked[name])
    ]
    return compiled("\n".join([lines, *unstated, ""]), python, only_binary) if unstated else text


def backend_arguments(backend: str) -> list[str]:
    """Return uv's arguments for PyTorch's own index, which states no upload times; none for no backend."""
    exempt = [argument for name in PYTORCH_PACKAGES if backend for argument in _exempt(name)]
    return ["--torch-backend", backend, *exempt] if backend else []


def _compile(
    lines: str,
    python: Path,
    only_binary: list[str],
    *,
    minor: str,
    moment: str,
    keep: str,
    more: list[str],
) -> str:
    # A fresh folder: uv keeps the pins of an existing output file and reads a surrounding project's settings.
    # An explicit interpreter: else uv looks for one of that very version, and tries to download it.
    with tempfile.TemporaryDirectory(prefix="repro-lock-") as name:
        folder = Path(name)
        (folder / "requirements.in").write_text(lines, encoding="utf-8")
        if keep:
            (folder / "environment.lock").write_text(keep, encoding="utf-8")
        triple = UV_PLATFORMS.get(this_platform())
        run_uv(
            [
                "pip", "compile", "requirements.in", "--output-file", "environment.lock",
                "--python", str(python),
                "--generate-hashes", "--no-header", "--no-annotate", "--exclude-newer", moment,
                "--python-version", full_version(minor), *(["--python-platform", triple] if triple else []),
                *(argument for package in only_binary for argument in ("--only-binary", package)),
                *more,
            ],
            doing="locking", folder=folder, timeout=LOCK_SECONDS,
            hint="another moment, or a pin among the case's packages, may fit",
        )  # fmt: skip
        return (folder / "environment.lock").read_text(encoding="utf-8")


def _exempt(name: str) -> tuple[str, str]:
    return "--exclude-newer-package", f"{name}=false"


def lock_sizes(lock: str, minor: str, registry: Registry) -> Sizes:
    """Return what the files of a lock weigh for this platform.

    Args:
        lock: The lock's text.
        minor: The Python version, `3.10`.
        registry: Where sizes are stated.

    Returns:
        The sum of the files that an installer would choose, and an estimate of the installed size; both None
        where the registry does not state every size.
    """
    hashes = read_hashes(lock)
    with ThreadPoolExecutor(max_workers=4) as pool:
        sizes = list(pool.map(lambda name: _size(registry, name, hashes[name], minor), hashes))
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return Sizes()
    return Sizes(download_bytes=sum(known), disk_bytes=round(sum(known) * DISK_PER_DOWNLOAD))


def _size(registry: Registry, name: str, hashes: frozenset[str], minor: str) -> int | None:
    try:
        files = [file for file in registry.files(name) if file.sha256 in hashes]
    except ReproError:  # a size is good to know, not worth failing for
        return None
    ranked = [(place, file) for file in files if (place := rank(file.tags, minor)) is not None]
    best = (
        min(ranked, key=lambda pair: pair[0])[1]
        if ranked
        else next((file for file in files if not file.tags), None)
    )
    return best.size if best else None

"""From the versions that a card prints to requirements that a registry can answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name
from packaging.version import Version

from repro.environments.platforms import this_platform
from repro.errors import BadInput, EnvironmentFailed
from repro.records.environment import Deviation

LONGEST = 64  # characters of a version or a name: real ones have under 40
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", re.ASCII)
VERSION = re.compile(r"[0-9][A-Za-z0-9.!+_-]*", re.ASCII)

# The tag that `torch.__version__` prints with the registry's own wheel on Linux x86-64: the very same build.
REGISTRY_TORCH_BUILD = {"1.13": "cu117"}
NEEDS_ACCELERATE = Version("4.29")  # its Trainer imports it, though a card never prints it
TRAINS_WITH = ("transformers", "torch")


@dataclass(frozen=True)
class Requirements:
    """What to ask the registry for.

    Attributes:
        documented: Package to public version (no local tag), as the card states them.
        extra: Package to exact version, or None for the newest of the moment.
        deviations: What cannot be had as printed.
    """

    documented: dict[str, Version]
    extra: dict[str, Version | None]
    deviations: tuple[Deviation, ...]

    def lines(self) -> str:
        """Return the requirements as text for uv, one a line."""
        pinned = [f"{name}=={version}" for name, version in self.documented.items()]
        extra = [f"{name}=={version}" if version else name for name, version in self.extra.items()]
        return "\n".join([*pinned, *extra, ""])


def parse_version(package: str, text: str) -> Version:
    """Read one version as printed.

    Raises:
        BadInput: Not a version; the message quotes at most its first characters.
    """
    stripped = text.strip()
    try:
        if len(stripped) <= LONGEST and VERSION.fullmatch(stripped):
            return Version(stripped)
    except ValueError:
        pass
    raise BadInput(
        f"{package}: not a version: {_quoted(text)}", "a version looks like 4.21.2 or 1.13.0+cu117"
    )


def requirements(documented: Mapping[str, str], packages: Mapping[str, str]) -> Requirements:
    """Turn documented versions and a case's packages into requirements.

    A local tag is stripped, because no registry has the tagged version; where the registry's wheel is another
    build, that is recorded as a deviation.

    Args:
        documented: Package to version as the card prints them.
        packages: Further packages of the case: exact versions, or `*` for the newest of the moment.

    Returns:
        The requirements, with deviations.

    Raises:
        BadInput: A text that is no package name or version, or a case that contradicts its card.
        EnvironmentFailed: A development version, or no version of transformers or torch.
    """
    deviations = []
    pinned: dict[str, Version] = {}
    for name, text in documented.items():
        version = parse_version(_name(name), text)
        if version.is_devrelease:
            raise EnvironmentFailed(
                f"{name} {version} is a development version, which no registry has",
                f"name a release in the case instead, e.g. {version.base_version}",
            )
        pinned[canonicalize_name(name)] = Version(version.public)
        if version.local and (deviation := _build_deviation(canonicalize_name(name), version)):
            deviations.append(deviation)
    extra: dict[str, Version | None] = {}
    for name, text in packages.items():
        key = canonicalize_name(_name(name))
        wanted = None if text.strip() == "*" else parse_version(name, text)
        if key not in pinned:
            extra[key] = wanted
        elif wanted is not None and wanted != pinned[key]:
            raise BadInput(
                f"{name}: the case says {wanted}, the card {pinned[key]}", "drop it from the case's packages"
            )
    for name in TRAINS_WITH:
        if name not in pinned and name not in extra:
            raise EnvironmentFailed(
                f"no version of {name} is documented", f"add {name} to the case's packages"
            )
    transformers = pinned.get("transformers") or extra.get("transformers")
    if transformers is not None and transformers >= NEEDS_ACCELERATE and "accelerate" not in pinned:
        extra.setdefault("accelerate", None)
    return Requirements(pinned, extra, tuple(deviations))


def _build_deviation(name: str, version: Version) -> Deviation | None:
    """Return the deviation of a tagged version, or None where the registry's wheel is that build."""
    series = f"{version.major}.{version.minor}"
    same = name == "torch" and version.local == REGISTRY_TORCH_BUILD.get(series)
    if same and this_platform() == "linux-x86_64":
        return None
    return Deviation(
        what=f"{name} build",
        published=str(version),
        actual=f"{version.public}, the registry's wheel",
        reason=f"the registry carries no build +{version.local} for {this_platform()}",
    )


def _name(text: str) -> str:
    if len(text) <= LONGEST and NAME.fullmatch(text):
        return text
    raise BadInput(f"not a package name: {_quoted(text)}", "a name has letters, digits, dots and dashes")


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 24 else text[:24] + "…")

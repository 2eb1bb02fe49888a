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

# The tag in `torch/version.py` of the registry's own wheels for Linux x86-64, by series (read from them).
# Up to 1.13 the wheel is the build of that tag; from 2.0 on PyTorch's own index has another one of the same
# name, with the CUDA libraries inside.
REGISTRY_TORCH = {
    "1.8": "cu102", "1.9": "cu102", "1.10": "cu102", "1.11": "cu102", "1.12": "cu102", "1.13": "cu117",
    "2.0": "cu117", "2.1": "cu121", "2.2": "cu121", "2.3": "cu121", "2.4": "cu121", "2.5": "cu124",
    "2.6": "cu124", "2.7": "cu126", "2.8": "cu128",
}  # fmt: skip
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
    deviations: tuple[Deviation, ...] = ()

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
    here = this_platform()
    known = REGISTRY_TORCH.get(f"{version.major}.{version.minor}") if name == "torch" else None
    actual = f"{version.public}, the registry's wheel"
    if known is None or here != "linux-x86_64":
        reason = f"it is not known that the registry's wheel for {here} is the build +{version.local}"
    elif known != version.local:
        actual = f"{version.public}+{known}, the registry's wheel"
        reason = f"the registry has no build +{version.local}: its wheel is +{known}"
    elif version.major >= 2:
        actual = f"{version}, the registry's wheel"
        reason = "PyTorch's own index has another build of this name; the registry's takes CUDA from packages"
    else:
        return None
    return Deviation(what=f"{name} build", published=str(version), actual=actual, reason=reason)


def _name(text: str) -> str:
    if len(text) <= LONGEST and NAME.fullmatch(text):
        return text
    raise BadInput(f"not a package name: {_quoted(text)}", "a name has letters, digits, dots and dashes")


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 24 else text[:24] + "…")

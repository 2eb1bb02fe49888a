"""From the versions that a card prints to requirements that a registry can be asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name
from packaging.version import Version

from repro.errors import BadInput, EnvironmentFailed

LONGEST = 64  # characters of a version or a name: real ones have under 40
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", re.ASCII)
VERSION = re.compile(r"[0-9][A-Za-z0-9.!+_-]*", re.ASCII)


@dataclass(frozen=True)
class Requirements:
    """What to ask the registry for.

    Attributes:
        documented: Package to public version (no local tag): exact pins, had as wheels or not at all.
        extra: Package to specifier; empty for the newest of the moment.
        exempt: Packages to which the moment does not apply, because what is required of them is narrow
            enough without it.
    """

    documented: dict[str, Version]
    extra: dict[str, str]
    exempt: frozenset[str] = frozenset()

    @property
    def names(self) -> list[str]:
        """All names, documented ones first."""
        return [*self.documented, *self.extra]

    def only(self, names: frozenset[str]) -> Requirements:
        """Return the part that is about some of the packages."""
        return Requirements(
            {name: version for name, version in self.documented.items() if name in names},
            {name: specifier for name, specifier in self.extra.items() if name in names},
            self.exempt & names,
        )

    def lines(self) -> str:
        """Return the requirements as text for uv, one a line."""
        pinned = [f"{name}=={version}" for name, version in self.documented.items()]
        return "\n".join([*pinned, *(name + specifier for name, specifier in self.extra.items()), ""])


@dataclass(frozen=True)
class Printed:
    """What a card and its case say, read and not yet judged.

    Attributes:
        texts: Package to version as printed, local tag included.
        packages: The case's further packages to specifier; empty for the newest of the moment.
        python: The version of Python, where the card prints one.
    """

    texts: dict[str, str]
    packages: dict[str, str]
    python: Version | None = None

    @property
    def versions(self) -> dict[str, Version]:
        """The same, read."""
        return {name: Version(text) for name, text in self.texts.items()}


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


def read_versions(documented: Mapping[str, str], packages: Mapping[str, str]) -> Printed:
    """Read documented versions and a case's packages; asks nobody.

    Args:
        documented: Package (or `python`) to version as the card prints them.
        packages: Further packages of the case: exact versions, or `*` for the newest of the moment.

    Raises:
        BadInput: A text that is no package name or version, or a case that contradicts its card.
        EnvironmentFailed: No package's version is documented, so there is no day to go back to.
    """
    texts: dict[str, str] = {}
    for name, text in documented.items():
        parse_version(name, text)
        texts[canonicalize_name(_name(name))] = text.strip()
    python = texts.pop("python", None)
    if not texts:
        raise EnvironmentFailed("no package's version is documented", "an environment needs at least one")
    extra: dict[str, str] = {}
    for name, text in packages.items():
        key = canonicalize_name(_name(name))
        wanted = None if text.strip() == "*" else parse_version(name, text)
        if key not in texts:
            extra[key] = f"=={wanted}" if wanted else ""
        elif wanted is not None and wanted.public != Version(texts[key]).public:
            message = f"{name}: the case says {wanted}, the card {texts[key]}"
            raise BadInput(message, "drop it from the case's packages")
    return Printed(texts, extra, Version(python) if python else None)


def _name(text: str) -> str:
    if len(text) <= LONGEST and NAME.fullmatch(text):
        return text
    raise BadInput(f"not a package name: {_quoted(text)}", "a name has letters, digits, dots and dashes")


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 24 else text[:24] + "…")

"""The package registry that uv or pip is configured for: which it is, and what it has.

No registry's address is written here: where neither tool is configured, the library pypi-simple knows one.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from packaging.tags import Tag
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from repro.errors import EnvironmentFailed, NetworkFailed

TIMEOUT = (10.0, 30.0)  # seconds to connect, and between two answers
OFFLINE_HINT = "check the network or the index that uv and pip are set to; bundled cases carry their lock"


@dataclass(frozen=True)
class Index:
    """An index of packages: its address, and whose configuration it comes from (`uv`, `pip` or `default`)."""

    address: str
    source: str

    @property
    def shown(self) -> str:
        """The address without the user name and password that it may hold."""
        return without_credentials(self.address)


def without_credentials(address: str) -> str:
    """Return an address without user name and password, for messages."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def configured_index() -> Index:
    """Return the index that uv is configured for, else pip's, else the library's default."""
    if index := index_of_tools():
        return index
    from pypi_simple import PYPI_SIMPLE_ENDPOINT  # heavy

    return Index(PYPI_SIMPLE_ENDPOINT, "default")


def index_of_tools() -> Index | None:
    """Return the index that uv is configured for, else pip's; None where neither is.

    Read are the variables of both tools, and the `uv.toml` and `pip.conf` of the user and of the system.
    """
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if address := os.environ.get(variable):
            return Index(address, "uv")
    for path in _uv_files():
        if address := _uv_index(path):
            return Index(address, "uv")
    if address := os.environ.get("PIP_INDEX_URL"):
        return Index(address, "pip")
    for path in _pip_files():
        if address := _pip_index(path):
            return Index(address, "pip")
    return None


def _config_folders() -> tuple[list[Path], list[Path]]:
    """Return where a user's and where the system's configuration lies on this machine."""
    home = Path.home()
    if sys.platform == "win32":
        return (
            [Path(os.environ.get("APPDATA", home / "AppData" / "Roaming"))],
            [Path(os.environ.get("PROGRAMDATA", "C:/ProgramData"))],
        )
    user = [Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")]
    if sys.platform == "darwin":
        user.append(home / "Library" / "Application Support")
    shared = (os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
    return user, [*map(Path, shared), Path("/etc")]


def _uv_files() -> Iterator[Path]:
    if os.environ.get("UV_NO_CONFIG"):
        return
    if named := os.environ.get("UV_CONFIG_FILE"):
        yield Path(named)
        return
    user, system = _config_folders()
    for folder in (*user, *system):
        yield folder / "uv" / "uv.toml"


def _pip_files() -> Iterator[Path]:
    named = os.environ.get("PIP_CONFIG_FILE")
    if named:
        yield Path(named)
        if named == os.devnull:  # pip's way to say: no configuration files at all
            return
    file = "pip.ini" if sys.platform == "win32" else "pip.conf"
    yield Path(sys.prefix) / file
    user, system = _config_folders()
    for folder in user:
        yield folder / "pip" / file
    yield Path.home() / (".pip" if sys.platform != "win32" else "pip") / file
    for folder in system:
        yield folder / "pip" / file
        yield folder / file


def _uv_index(path: Path) -> str | None:
    """Return the default index of one `uv.toml`; None for a file that is missing, broken or silent."""
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    tables = settings.get("index", [])
    for table in tables if isinstance(tables, list) else []:
        if isinstance(table, dict) and table.get("default") is True and isinstance(table.get("url"), str):
            return str(table["url"])
    pip = settings.get("pip", {})
    for place in (pip if isinstance(pip, dict) else {}, settings):
        if isinstance(address := place.get("index-url"), str):
            return address
    return None


def _pip_index(path: Path) -> str | None:
    """Return `global.index-url` of one `pip.conf`; None for a file that is missing, broken or silent."""
    import configparser  # heavy

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, configparser.Error):
        return None
    for key in ("index-url", "index_url"):
        if address := parser.get("global", key, fallback=""):
            return address
    return None


@dataclass(frozen=True)
class File:
    """One file of a project on the registry.

    Attributes:
        name: The file's name.
        version: The version that the name states.
        uploaded: When it appeared; None where the registry does not say.
        requires_python: The specifier as stated, or None.
        yanked: Whether it was withdrawn.
        size: In bytes; None where the registry does not say.
        sha256: Hexadecimal digest; None where the registry does not say.
        address: Where it is; for downloads only, never written into any file.
    """

    name: str
    version: str
    uploaded: datetime | None
    requires_python: str | None
    yanked: bool
    size: int | None
    sha256: str | None
    address: str = ""

    @property
    def tags(self) -> frozenset[Tag]:
        """The wheel's tags; empty for a source distribution. Costly: projects have thousands of files."""
        return _tags(self.name)


class Registry:
    """Reads projects' pages over HTTP, each once.

    Args:
        index: The index; by default the configured one.
    """

    def __init__(self, index: Index | None = None) -> None:
        self.index = index or configured_index()
        self._pages: dict[str, tuple[File, ...]] = {}
        self._versions: dict[str, dict[Version, list[File]]] = {}

    def files(self, project: str) -> tuple[File, ...]:
        """Return all files of a project.

        Raises:
            EnvironmentFailed: The registry has no such project.
            NetworkFailed: The registry cannot be reached or does not answer in JSON.
        """
        name = canonicalize_name(project)
        if name not in self._pages:
            self._pages[name] = self._fetch(name)
        return self._pages[name]

    def files_of(self, project: str, version: Version) -> tuple[File, ...]:
        """Return the files of one version (local tags do not count).

        Raises:
            EnvironmentFailed: No such project or version; names the nearest versions that there are.
            NetworkFailed: As in `files`.
        """
        found = self._by_version(project).get(version)
        if not found:
            near = ", ".join(nearest(version, self.versions(project))) or "none at all"
            raise EnvironmentFailed(
                f"{project} {version} is not on the registry", f"versions near it: {near}"
            )
        return tuple(found)

    def versions(self, project: str) -> list[Version]:
        """Return all versions of a project, oldest first; errors as in `files`."""
        return sorted(self._by_version(project))

    def _by_version(self, project: str) -> dict[Version, list[File]]:
        name = canonicalize_name(project)
        if name not in self._versions:
            found: dict[Version, list[File]] = {}
            parsed = {text: _version(text) for text in {file.version for file in self.files(name)}}
            for file in self.files(name):
                if (version := parsed[file.version]) is not None:
                    found.setdefault(version, []).append(file)
            self._versions[name] = found
        return self._versions[name]

    def _fetch(self, name: str) -> tuple[File, ...]:
        import requests  # heavy
        from pypi_simple import (  # heavy
            ACCEPT_JSON_ONLY,
            NoSuchProjectError,
            PyPISimple,
            UnsupportedContentTypeError,
            UnsupportedRepoVersionError,
        )

        where = self.index.shown
        try:
            with PyPISimple(self.index.address, accept=ACCEPT_JSON_ONLY) as client:
                client.s.verify = certificates()
                page = client.get_project_page(name, timeout=TIMEOUT)
        except NoSuchProjectError as error:
            raise EnvironmentFailed(
                f"{name} is not on the registry", f"asked {where}; check the spelling"
            ) from error
        except requests.HTTPError as error:
            status = error.response.status_code if error.response is not None else "an error"
            raise NetworkFailed(
                f"the registry answered {status} for {name} ({where})", OFFLINE_HINT
            ) from error
        except (
            UnsupportedContentTypeError,
            UnsupportedRepoVersionError,
            ValueError,
            KeyError,
            TypeError,
        ) as error:
            raise NetworkFailed(
                f"the registry's page of {name} cannot be read ({where})", OFFLINE_HINT
            ) from error
        except requests.Timeout as error:
            raise NetworkFailed(f"the registry did not answer in time ({where})", OFFLINE_HINT) from error
        except (requests.RequestException, OSError) as error:
            raise NetworkFailed(f"the registry cannot be reached ({where})", OFFLINE_HINT) from error
        if page.repository_version is None or page.packages is None:
            raise NetworkFailed(f"the registry's page of {name} is not JSON ({where})", OFFLINE_HINT)
        return tuple(
            File(
                name=package.filename,
                version=package.version,
                uploaded=package.upload_time.astimezone(UTC) if package.upload_time else None,
                requires_python=package.requires_python,
                yanked=package.is_yanked,
                size=package.size,
                sha256=package.digests.get("sha256"),
                address=package.url,
            )
            for package in page.packages
            if package.version is not None
        )


def certificates() -> str | bool:
    """Return the certificates that other tools trust; requests itself reads only two of the variables."""
    if not (os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")):
        for variable in ("SSL_CERT_FILE", "PIP_CERT"):
            if (bundle := os.environ.get(variable)) and Path(bundle).is_file():
                return bundle
    return True


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _tags(filename: str) -> frozenset[Tag]:
    if not filename.endswith(".whl"):
        return frozenset()
    try:
        return parse_wheel_filename(filename)[3]
    except ValueError:  # names from before the format was fixed
        return frozenset()


def nearest(version: Version, existing: Sequence[Version]) -> list[str]:
    """Return up to four existing versions that are spelt like `version`, else those around it."""
    texts = [str(one) for one in existing]
    if alike := get_close_matches(str(version), texts, n=4, cutoff=0.75):
        return alike
    place = sum(one < version for one in existing)
    return texts[max(0, place - 2) : place + 2]

"""Refresh `repro/facts/releases.json` from the package index that uv or pip is configured for.

    python tools/refresh_releases.py            # only versions that the table does not have yet are asked for
    python tools/refresh_releases.py --all      # everything anew

For each version: the instant of its first file, whether all its files were withdrawn, `Requires-Python`, the
CPythons with wheels for Linux x86-64 (compiled packages), and what its metadata requires of the other
packages of the table. Metadata comes from the index where it serves it (PEP 658), else from the end of the
wheel by HTTP range requests, so that no wheel is downloaded whole.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pypi_simple import ACCEPT_JSON_ONLY, DistributionPackage, NoMetadataError, PyPISimple

import repro.facts
from repro.environments.registry import configured_index

TABLE = Path(repro.facts.__file__).with_name("releases.json")

COMPILED = ("torch", "tokenizers", "tensorflow")
WITH_REQUIREMENTS = ("transformers", "accelerate", "peft", "trl", "sentence-transformers", "setfit")
PACKAGES = (*COMPILED, "datasets", *WITH_REQUIREMENTS)

LINUX = re.compile(r"-(?P<python>(?:cp\d+\.?)+)-(?P<abi>[^-]+)-(?:many)?linux[^-]*x86_64[^-]*\.whl$")
TIMEOUT = (10.0, 60.0)
TAIL = 64 * 1024  # bytes read at a time: a wheel's directory mostly fits


class RemoteFile(io.RawIOBase):
    """A file behind an address, read by HTTP range requests."""

    def __init__(self, client: PyPISimple, address: str) -> None:
        self._client = client
        self._address = address
        self._place = 0
        self._blocks: dict[int, bytes] = {}
        answer = client.s.get(address, headers={"Range": "bytes=-1"}, timeout=TIMEOUT)
        answer.raise_for_status()
        if answer.status_code != 206:
            raise OSError(f"no range requests: {address}")
        self.size = int(answer.headers["Content-Range"].rpartition("/")[2])

    def seekable(self) -> bool:
        """Yes."""
        return True

    def readable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Return where the next read begins."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        self._place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.size}[whence]
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from the blocks that it lies in."""
        wanted = min(len(buffer), self.size - self._place)
        done = 0
        while done < wanted:
            block, at = divmod(self._place, TAIL)
            piece = self._block(block)[at : at + wanted - done]
            buffer[done : done + len(piece)] = piece
            done += len(piece)
            self._place += len(piece)
        return done

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            first, last = number * TAIL, min((number + 1) * TAIL, self.size) - 1
            answer = self._client.s.get(
                self._address, headers={"Range": f"bytes={first}-{last}"}, timeout=TIMEOUT
            )
            answer.raise_for_status()
            self._blocks[number] = answer.content
        return self._blocks[number]


def metadata(client: PyPISimple, package: DistributionPackage) -> str:
    """Return the core metadata of a wheel, from the index or from within the wheel."""
    if package.has_metadata:
        try:
            return client.get_package_metadata(package, timeout=TIMEOUT)
        except NoMetadataError:
            pass
    with zipfile.ZipFile(io.BufferedReader(RemoteFile(client, package.url))) as wheel:
        name = next(one for one in wheel.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", one))
        return wheel.read(name).decode()


def requirements(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return what metadata requires of the table's packages: always, and in the extra `torch`."""
    always: dict[str, str] = {}
    extra: dict[str, str] = {}
    for line in HeaderParser().parsestr(text).get_all("Requires-Dist", []):
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        name = canonicalize_name(requirement.name)
        if name not in PACKAGES or not requirement.specifier:
            continue
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            always[name] = str(requirement.specifier)
        elif requirement.marker.evaluate({"extra": "torch"}):
            extra[name] = str(requirement.specifier)
    return always, extra


def wheels(names: Iterable[str]) -> str | None:
    """Return the CPythons with Linux x86-64 wheels: `3.7-3.11`, or `3.9+` for the stable ABI."""
    minors: set[int] = set()
    stable: set[int] = set()
    for name in names:
        if not (found := LINUX.search(name)):
            continue
        for tag in re.findall(r"cp3(\d+)", found["python"]):
            (stable if "abi3" in found["abi"] else minors).add(int(tag))
    if stable:
        return f"3.{min(stable | minors)}+"
    return f"3.{min(minors)}-3.{max(minors)}" if minors else None


def entry(
    client: PyPISimple, name: str, files: list[DistributionPackage], known: dict[str, Any] | None
) -> dict[str, Any] | None:
    """Return the row of one version, or None where the index does not date it."""
    dates = [file.upload_time for file in files if file.upload_time]
    if not dates:
        return None
    row: dict[str, Any] = {"date": min(dates).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    if all(file.is_yanked for file in files):
        row["yanked"] = True
    if python := next((file.requires_python for file in files if file.requires_python), None):
        row["python"] = python
    if name in COMPILED and (cpythons := wheels(file.filename for file in files)):
        row["wheels"] = cpythons
    if name in WITH_REQUIREMENTS:
        wheel = next((file for file in files if file.filename.endswith(".whl")), None)
        if known is not None:
            row |= {key: known[key] for key in ("requires", "with_torch") if key in known}
        elif wheel is not None:
            always, extra = requirements(metadata(client, wheel))
            row |= {key: value for key, value in (("requires", always), ("with_torch", extra)) if value}
    return row


def project(client: PyPISimple, name: str, known: dict[str, Any]) -> dict[str, Any]:
    """Return the rows of one project, oldest version first."""
    page = client.get_project_page(name, timeout=TIMEOUT)
    files: defaultdict[Version, list[DistributionPackage]] = defaultdict(list)
    for package in page.packages:
        try:
            files[Version(package.version or "")].append(package)
        except InvalidVersion:
            continue
    rows = {}
    for version in sorted(files):
        if row := entry(client, name, files[version], known.get(str(version))):
            rows[str(version)] = row
    return rows


def written(table: dict[str, Any]) -> str:
    """Return the table as JSON, one version a line."""
    packages = ",\n".join(
        f" {json.dumps(name)}: {{\n"
        + ",\n".join(f"  {json.dumps(version)}: {json.dumps(row)}" for version, row in rows.items())
        + "\n }"
        for name, rows in table["packages"].items()
    )
    head = {key: value for key, value in table.items() if key != "packages"}
    return f'{json.dumps(head)[:-1]}, "packages": {{\n{packages}\n}}}}\n'


def main() -> int:
    """Write the table anew, and say how many versions each package has."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="ask for the metadata of every version anew")
    parser.add_argument("--out", type=Path, default=TABLE)
    options = parser.parse_args()
    known = {} if options.all or not TABLE.exists() else json.loads(TABLE.read_text())["packages"]
    until = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    packages = {}
    with PyPISimple(configured_index().address, accept=ACCEPT_JSON_ONLY) as client:
        client.s.verify = os.environ.get("SSL_CERT_FILE") or True
        for name in sorted(PACKAGES):
            packages[name] = project(client, name, known.get(name, {}))
            sys.stderr.write(f"{name}: {len(packages[name])} versions\n")
    options.out.write_text(written({"schema": "repro.releases/1", "until": until, "packages": packages}))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A package registry on the loopback interface, with wheels made on the spot: real HTTP, small files."""

from __future__ import annotations

import base64
import io
import json
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from packaging.version import Version

from repro.environments import lock_digest, read_lock, this_platform
from repro.environments.versions import Requirements, read_versions
from repro.records.environment import Environment

MINOR = (
    f"{sys.version_info[0]}.{sys.version_info[1]}"  # the one Python that every machine with these tests has
)
JSON = "application/vnd.pypi.simple.v1+json"


@dataclass
class House:
    """The registry's content and its mood."""

    address: str = ""
    wheels: dict[str, bytes] = field(default_factory=dict)
    pages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    status: int = 200
    delay: float = 0.0
    failing: str = ""  # the path that answers 500
    content_type: str = JSON
    requests: list[str] = field(default_factory=list)
    slow: dict[str, bytes] = field(default_factory=dict)  # wheels of which half is sent, and then nothing
    cut: bool = False  # whether the connection ends after that half, instead of staying silent
    sent_half: Event = field(default_factory=Event)

    def add(
        self,
        name: str,
        version: str,
        *,
        uploaded: str | None = "2022-06-01T12:00:00.500000Z",
        requires: tuple[str, ...] = (),
        requires_python: str | None = None,
        tag: str = "py3-none-any",
        yanked: bool = False,
        code: str = "",
        files: dict[str, str] | None = None,
    ) -> str:
        """Publish a wheel with one module, and further files by their path in it; return its digest."""
        file = f"{name.replace('-', '_')}-{version}-{tag}.whl"
        data = _wheel(name, version, tag, requires, code, files or {})
        stated = {"upload-time": uploaded, "requires-python": requires_python, "yanked": yanked}
        return self._publish(name, file, data, {key: value for key, value in stated.items() if value})

    def _publish(self, name: str, file: str, data: bytes, stated: dict[str, Any]) -> str:
        digest = sha256(data).hexdigest()
        self.wheels[file] = data
        entry = {
            "filename": file,
            "url": f"{self.address}/files/{file}",
            "hashes": {"sha256": digest},
            "size": len(data),
        }
        self.pages.setdefault(name, []).append(entry | stated)
        return digest

    def add_source(self, name: str, version: str) -> str:
        """Publish a source distribution that builds itself without further tools; return its digest."""
        top = f"{name}-{version}"
        wheel = f"{name}-{version}-py3-none-any.whl"
        built = base64.b64encode(_wheel(name, version, "py3-none-any", (), "", {}))
        backend = (
            "import base64, pathlib\n"
            "def get_requires_for_build_wheel(settings=None): return []\n"
            "def build_wheel(folder, settings=None, metadata=None):\n"
            f"    data = base64.b64decode({built!r})\n"
            f"    pathlib.Path(folder, {wheel!r}).write_bytes(data)\n"
            f"    return {wheel!r}\n"
        )
        project = (
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
            f'[project]\nname = "{name}"\nversion = "{version}"\n'
        )
        info = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for path, text in {"backend.py": backend, "pyproject.toml": project, "PKG-INFO": info}.items():
                entry = tarfile.TarInfo(f"{top}/{path}")
                entry.size = len(text.encode())
                archive.addfile(entry, io.BytesIO(text.encode()))
        return self._publish(
            name, f"{top}.tar.gz", buffer.getvalue(), {"upload-time": "2022-06-01T12:00:00Z"}
        )

    def wait_until_slow(self) -> None:
        """Wait until half of a slow wheel was sent."""
        assert self.sent_half.wait(60)

    def lock(self, *pins: str) -> str:
        """Return a lock of published wheels, `name==version` each."""
        lines = []
        for pin in pins:
            name, _, version = pin.partition("==")
            files = [file for file in self.pages[name] if f"-{version}" in file["filename"]]
            lines.append(f"{pin} --hash=sha256:{files[0]['hashes']['sha256']}")
        return "\n".join(lines) + "\n"


def _wheel(
    name: str, version: str, tag: str, requires: tuple[str, ...], code: str, more: dict[str, str]
) -> bytes:
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    files = {
        f"{name.replace('-', '_')}.py": code or f"__version__ = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n",
    } | {path.replace("INFO", info): text.replace("INFO", info) for path, text in more.items()}
    files.setdefault(f"{info}/RECORD", "".join(map(_row, files.items())) + f"{info}/RECORD,,\n")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path), text)  # a fixed date: the same wheel has the same digest
    return buffer.getvalue()


def _row(entry: tuple[str, str]) -> str:
    """Return a file's line in a wheel's RECORD."""
    path, text = entry
    digest = base64.urlsafe_b64encode(sha256(text.encode()).digest()).decode().rstrip("=")
    return f"{path},sha256={digest},{len(text.encode())}\n"


@contextmanager
def serve() -> Iterator[House]:
    """Serve an empty house until the block ends."""
    house, closing = House(), Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            house.requests.append(self.path)
            closing.wait(house.delay)
            kind, _, name = self.path.strip("/").partition("/")
            if name in house.slow:
                self.send_half(house.slow[name])
                return
            status, body, content_type = house.status, b"<html>sign in</html>", house.content_type
            if self.path == house.failing:
                status, content_type = 500, "text/plain"
            elif status == 200 and kind == "files" and name in house.wheels:
                body, content_type = house.wheels[name], "application/octet-stream"
            elif status == 200 and kind == "simple" and name in house.pages and content_type == JSON:
                page = {"meta": {"api-version": "1.1"}, "name": name, "files": house.pages[name]}
                body = json.dumps(page | {"versions": []}).encode()
            elif status == 200 and content_type == JSON:
                status = 404
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def send_half(self, data: bytes) -> None:
            """Send half of a file, and end the connection or hold it until everything ends."""
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            house.sent_half.set()
            if not house.cut:
                closing.wait()

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *args: object) -> None:
            """Tests' output is for tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    house.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield house
    finally:
        closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def only(address: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make an index the configured one, with caches of its own."""
    no_configuration(monkeypatch, folder)
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{address}/simple")
    monkeypatch.setenv("UV_CACHE_DIR", str(folder / "uv-cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_HTTP_TIMEOUT", "300")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("REPRO_CACHE_DIR", str(folder / "cache"))


def no_configuration(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Hide this machine's configuration of uv and pip."""
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL", "UV_NO_CONFIG", "UV_CONFIG_FILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(home / "xdg"))
    monkeypatch.delenv("PIP_CONFIG_FILE", raising=False)


def requirements(documented: dict[str, str], packages: dict[str, str]) -> Requirements:
    """Return documented versions as they are, without local tags, as what uv is asked for."""
    printed = read_versions(documented, packages)
    pinned = {name: Version(version.public) for name, version in printed.versions.items()}
    return Requirements(pinned, printed.packages)


def record(lock: str, **changes: Any) -> Environment:
    """Return the record of a small lock for this machine."""
    locked = read_lock(lock)
    fields: dict[str, Any] = {
        "documented": locked,
        "locked": locked,
        "python": MINOR,
        "moment": "2022-12-06T17:20:22Z",
        "lock_sha256": lock_digest(lock),
        "platform": this_platform(),
    }
    return Environment(**fields | changes)

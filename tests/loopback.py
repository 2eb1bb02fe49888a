"""Servers on loopback that the tests start: files at addresses, and the least of a Hub that keeps files."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on a free port of 127.0.0.1; yield the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Files(BaseHTTPRequestHandler):
    """Serves `content` by path; a path in `failing` answers with its status."""

    content: ClassVar[dict[str, bytes]] = {}
    failing: ClassVar[dict[str, int]] = {}

    def do_GET(self) -> None:
        """Answer with the file."""
        path = unquote(urlsplit(self.path).path)
        if path in self.failing:
            self.send_error(self.failing[path])
        elif path in self.content:
            self.answer(200, self.content[path])
        else:
            self.send_error(404)

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        """Send one answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet."""


class Hub(Files):
    """The part of the Hub that a download asks for; `content` maps `user/model/file` to bytes.

    One commit each; a repository named `user/gated` is gated.
    """

    commit: ClassVar[str] = "c0ffee" + "0" * 34
    #: What `/api/models/NAME` answers beside the name.
    facts: ClassVar[dict[str, dict[str, Any]]] = {}

    def do_HEAD(self) -> None:
        """Answer with the file's metadata."""
        self.do_GET()

    def do_GET(self) -> None:
        """Answer a resolve or an API request as the Hub does."""
        path = unquote(urlsplit(self.path).path).strip("/")
        if path.startswith("api/models/") and "/commits/" in path:
            date = "2022-12-01T10:00:00.000Z"
            commits = [{"id": self.commit, "title": "t", "message": "", "date": date, "authors": []}]
            self.answer(200, json.dumps(commits).encode(), Content_Type="application/json")
            return
        if path.startswith("api/models/") and path.removeprefix("api/models/") in self.facts:
            name = path.removeprefix("api/models/")
            body = json.dumps({"id": name, "tags": [], "siblings": [], **self.facts[name]}).encode()
            self.answer(200, body, Content_Type="application/json")
            return
        repository, _, rest = path.partition("/resolve/")
        revision, _, name = rest.partition("/")
        if repository == "user/gated":
            self.answer(403, b"", X_Error_Code="GatedRepo")
        elif not any(key.startswith(f"{repository}/") for key in self.content):
            self.answer(404, b"", X_Error_Code="RepoNotFound")
        elif revision not in ("main", self.commit):
            self.answer(404, b"", X_Error_Code="RevisionNotFound")
        elif f"{repository}/{name}" not in self.content:
            self.answer(404, b"", X_Error_Code="EntryNotFound", X_Repo_Commit=self.commit)
        else:
            body = self.content[f"{repository}/{name}"]
            etag = f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"'
            self.answer(200, body, X_Repo_Commit=self.commit, ETag=etag)

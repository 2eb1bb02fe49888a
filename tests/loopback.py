"""Servers on loopback that the tests start: files at addresses, and the least of a Hub that keeps files."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlencode, urlsplit


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
        elif revision not in ("main", self.commit_of(repository)):
            self.answer(404, b"", X_Error_Code="RevisionNotFound")
        elif f"{repository}/{name}" not in self.content:
            self.answer(404, b"", X_Error_Code="EntryNotFound", X_Repo_Commit=self.commit_of(repository))
        else:
            body = self.content[f"{repository}/{name}"]
            etag = f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"'
            self.answer(200, body, X_Repo_Commit=self.commit_of(repository), ETag=etag)

    def commit_of(self, repository: str) -> str:  # noqa: ARG002 - a Hub may have one for each
        """Return a repository's one commit."""
        return self.commit


class SearchableHub(Hub):
    """A Hub that also answers searches, in pages: the models are those of `content` and of `models`.

    Each repository has a commit of its own. What is asked stands in `asked`, in order.
    """

    #: What a search says of a model beside its name and commit.
    models: ClassVar[dict[str, dict[str, Any]]] = {}
    #: How many models a page has.
    page: ClassVar[int] = 4
    #: What the next searches answer instead, one each: status and headers.
    refusing: ClassVar[list[tuple[int, dict[str, str]]]] = []
    #: The status with which a repository's files answer.
    broken: ClassVar[dict[str, int]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Answer a search as the Hub does, or anything else."""
        type(self).asked.append(f"{self.command} {unquote(self.path)}")
        parts = urlsplit(self.path)
        if parts.path == "/api/models" and self.command == "GET":
            self._search(parse_qs(parts.query))
        elif status := self.broken.get(parts.path.partition("/resolve/")[0].strip("/")):
            self.answer(status, b"", Retry_After="0")
        else:
            super().do_GET()

    def _search(self, query: dict[str, list[str]]) -> None:
        if self.refusing:
            status, headers = self.refusing.pop(0)
            self.answer(status, b"", **headers)
            return
        text, wanted = query.get("search", [""])[0].lower(), set(query.get("filter", []))
        names = {key.rpartition("/")[0] for key in self.content} | self.models.keys()
        found = [
            name
            for name in sorted(names)
            if text in name.lower() and wanted <= set(self.models.get(name, {}).get("tags", ()))
        ]
        start = int(query.get("cursor", ["0"])[0])
        size = min(self.page, int(query.get("limit", ["1000"])[0]))
        headers = {}
        if start + size < len(found):
            following = urlencode({**query, "cursor": start + size}, doseq=True)
            headers["Link"] = f'<http://{self.headers["Host"]}/api/models?{following}>; rel="next"'
        body = [self._entry(name) for name in found[start : start + size]]
        self.answer(200, json.dumps(body).encode(), Content_Type="application/json", **headers)

    def _entry(self, name: str) -> dict[str, Any]:
        files = [key.rpartition("/")[2] for key in self.content if key.rpartition("/")[0] == name]
        entry = {"id": name, "sha": self.commit_of(name), "private": False, "tags": []}
        entry |= {"siblings": [{"rfilename": file} for file in files], **self.models.get(name, {})}
        return {key: value for key, value in entry.items() if value is not None}

    def commit_of(self, repository: str) -> str:
        """Return a repository's one commit."""
        return hashlib.sha1(repository.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()

"""PyTorch's own index on the loopback interface: uv knows its address, so a proxy stands in the way there.

Real TLS with a certificate of this test's own authority; what is asked for is answered from a `House`. The
pages are as PyTorch's are: HTML, hashes, no upload times.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from urllib.parse import unquote

import pytest
import trustme
from wheelhouse import House

HOST = "download.pytorch.org"


@contextmanager
def serve_pytorch(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[House]:
    """Serve an empty index as https://download.pytorch.org/whl/BACKEND until the block ends.

    Projects are named `BACKEND/NAME` in the house's pages.
    """
    house = House(address="..")
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            house.requests.append(self.path)
            parts = unquote(self.path).strip("/").split("/")
            status, body = house.status, b"<html>sign in</html>"
            if status == 200 and parts[-1] in house.wheels:
                body = house.wheels[parts[-1]]
            elif status == 200 and (files := house.pages.get("/".join(parts[1:]))):
                links = [
                    f'<a href="/whl/files/{each["filename"].replace("+", "%2B")}'
                    f'#sha256={each["hashes"]["sha256"]}">{each["filename"]}</a><br/>'
                    for each in files
                ]
                body = ("<!DOCTYPE html><html><body>\n" + "\n".join(links) + "\n</body></html>").encode()
            elif status == 200:
                status = 403  # what PyTorch's index says about a project that it has not
            self.send_response(status)
            self.send_header("Content-Type", "application/zip" if parts[-1] in house.wheels else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - the library's name

        def log_message(self, *args: object) -> None:
            """Tests' output is for tests."""

    class Proxy(StreamRequestHandler):
        def handle(self) -> None:
            wanted = self.rfile.readline().split()
            while self.rfile.readline().strip():
                pass
            if wanted[:2] != [b"CONNECT", f"{HOST}:443".encode()]:
                self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with suppress(OSError), context.wrap_socket(self.connection, server_side=True) as secured:
                Pages(secured, self.client_address, server)

    class Server(ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    server = Server(("127.0.0.1", 0), Proxy)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.server_address[1]}")
    for name in ("https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "authority.pem"))
    try:
        yield house
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def closed_port() -> int:
    """Return a port of the loopback interface on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])

"""The script that refreshes the table of releases."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
import zipfile
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import ModuleType

import pytest
from loopback import serving
from pypi_simple import PyPISimple

from repro.facts import releases

SCRIPT = Path(__file__).parents[2] / "tools" / "refresh_releases.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("refresh_releases", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_wheels_of_linux_count(script: ModuleType) -> None:
    """The CPythons are those of Linux x86-64 wheels, open at the upper end for the stable ABI."""
    names = [
        "torch-1.13.0-cp37-cp37m-manylinux1_x86_64.whl",
        "torch-1.13.0-cp311-cp311-manylinux1_x86_64.whl",
        "torch-1.13.0-cp312-cp312-macosx_11_0_arm64.whl",
        "torch-1.13.0-cp36-cp36m-manylinux2014_aarch64.whl",
        "torch-1.13.0.tar.gz",
    ]
    assert script.wheels(names) == "3.7-3.11"
    assert (
        script.wheels(["tokenizers-0.21.0-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"])
        == "3.9+"
    )
    assert script.wheels(["x-1.tar.gz"]) is None


def test_requirements_of_the_extra_stand_apart(script: ModuleType) -> None:
    """What is always required and what the extra `torch` states are kept apart; others do not count."""
    metadata = (
        "Metadata-Version: 2.1\n"
        "Requires-Dist: tokenizers (!=0.11.3,<0.13,>=0.11.1)\n"
        "Requires-Dist: numpy (>=1.17)\n"
        "Requires-Dist: torch (>=1.0) ; extra == 'torch'\n"
        "Requires-Dist: datasets ; extra == 'torch'\n"
        "Requires-Dist: not a requirement\n"
    )
    assert script.requirements(metadata) == ({"tokenizers": "!=0.11.3,<0.13,>=0.11.1"}, {"torch": ">=1.0"})


def test_the_table_is_written_as_it_is_read(script: ModuleType) -> None:
    """What the script writes is the shipped file, byte for byte, when nothing changed."""
    shipped = Path(releases.__file__).with_name("releases.json").read_text()
    assert script.written(json.loads(shipped)) == shipped


def test_a_wheel_is_read_by_its_ends(script: ModuleType) -> None:
    """Metadata is read out of a large wheel by range requests, without downloading the whole."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as wheel:
        wheel.writestr("big.bin", bytes(1_000_000))
        wheel.writestr("demo-1.0.dist-info/METADATA", "Name: demo\n")
    content = archive.getvalue()
    sent = []

    class Ranges(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
            start = int(first) if first else len(content) - int(last)
            end = int(last) + 1 if first else len(content)
            sent.append(end - start)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
            self.send_header("Content-Length", str(end - start))
            self.end_headers()
            self.wfile.write(content[start:end])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep quiet."""

    with serving(Ranges) as address, PyPISimple(address) as client:
        client.s.trust_env = False
        remote = script.RemoteFile(client, f"{address}/demo-1.0-py3-none-any.whl")
        with zipfile.ZipFile(io.BufferedReader(remote)) as wheel:
            assert wheel.read("demo-1.0.dist-info/METADATA") == b"Name: demo\n"
    assert sum(sent) < 200_000


@pytest.mark.network
def test_the_index_says_what_the_table_says(tmp_path: Path) -> None:
    """Refreshed, the table has every release that it had."""
    out = tmp_path / "releases.json"
    subprocess.run([sys.executable, str(SCRIPT), "--out", str(out)], check=True, capture_output=True)
    fresh = json.loads(out.read_text())["packages"]
    shipped = json.loads(Path(releases.__file__).with_name("releases.json").read_text())["packages"]
    for package, rows in shipped.items():
        assert set(rows) <= set(fresh[package])

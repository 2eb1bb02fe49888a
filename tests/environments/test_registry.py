"""Which index is configured, and what a registry in any mood does to us."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from packaging.version import Version
from wheelhouse import House, no_configuration

from repro.environments.registry import Index, Registry, configured_index
from repro.errors import EnvironmentFailed, NetworkFailed


@pytest.fixture
def house(index: House) -> House:
    return index


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_uv_comes_before_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """uv's variable, uv's old variable, uv's file, pip's variable, pip's file: in this order."""
    no_configuration(monkeypatch, tmp_path)
    write(tmp_path / "config/pip/pip.conf", "[global]\nindex-url = https://file.invalid/simple\n")
    assert configured_index() == Index("https://file.invalid/simple", "pip")
    monkeypatch.setenv("PIP_INDEX_URL", "https://variable.invalid/simple")
    assert configured_index() == Index("https://variable.invalid/simple", "pip")
    write(tmp_path / "config/uv/uv.toml", 'index-url = "https://toml.invalid/simple"\n')
    assert configured_index() == Index("https://toml.invalid/simple", "uv")
    write(tmp_path / "config/uv/uv.toml", '[[index]]\nurl = "https://table.invalid/"\ndefault = true\n')
    assert configured_index() == Index("https://table.invalid/", "uv")
    monkeypatch.setenv("UV_INDEX_URL", "https://old.invalid/simple")
    assert configured_index() == Index("https://old.invalid/simple", "uv")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://new.invalid/simple")
    assert configured_index() == Index("https://new.invalid/simple", "uv")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("uv/uv.toml", "not toml ["),
        ("uv/uv.toml", 'index = "x"\npip = 3\n'),
        ("pip/pip.conf", "no section\n"),
    ],
)
def test_broken_configuration_is_passed_over(
    file: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken configuration file of another tool does not stop this one."""
    no_configuration(monkeypatch, tmp_path)
    write(tmp_path / "config" / file, text)
    assert configured_index().source in {"pip", "default"}


def test_credentials_are_not_shown() -> None:
    """An address with a password is shown without it."""
    assert Index("https://me:secret@host.invalid/simple", "pip").shown == "https://host.invalid/simple"


def test_files_carry_what_the_page_says(house: House) -> None:
    """Upload time, size, digest, yank and requires-python arrive as stated."""
    digest = house.add("tiny", "1.0", yanked=True, requires_python=">=3.7")
    (file,) = Registry().files_of("Tiny", Version("1.0"))
    assert (file.sha256, file.yanked, file.requires_python) == (digest, True, ">=3.7")
    assert file.uploaded is not None
    assert file.uploaded.isoformat() == "2022-06-01T12:00:00.500000+00:00"
    assert file.size == len(house.wheels["tiny-1.0-py3-none-any.whl"])


def test_a_page_is_read_once(house: House) -> None:
    """A project's page is asked for once, however often it is needed."""
    house.add("tiny", "1.0")
    registry = Registry()
    assert registry.files("tiny") == registry.files("TINY")
    assert house.requests == ["/simple/tiny/"]


def test_missing_version_names_its_neighbours(house: House) -> None:
    """An unknown version is answered with the ones near it."""
    for version in ("4.21.0", "4.21.1", "4.22.0", "5.0.0"):
        house.add("tiny", version)
    with pytest.raises(EnvironmentFailed, match=r"tiny 4\.21\.9 is not on the registry") as caught:
        Registry().files_of("tiny", Version("4.21.9"))
    assert "4.21.1" in caught.value.hint


def test_unknown_project_is_an_environment_error(house: House) -> None:
    """A project that does not exist is no network trouble."""
    with pytest.raises(EnvironmentFailed, match="nothing-here is not on the registry"):
        Registry().files("nothing-here")


@pytest.mark.parametrize(
    ("status", "content_type"),
    [
        (500, "text/plain"),
        (503, "text/html"),
        (403, "text/html"),
        (200, "text/html"),
        (200, "application/pdf"),
    ],
)
def test_a_registry_in_trouble_is_a_network_error(house: House, status: int, content_type: str) -> None:
    """Server errors, refusals and HTML instead of JSON are one line with a hint at the bundled locks."""
    house.add("tiny", "1.0")
    house.status, house.content_type = status, content_type
    with pytest.raises(NetworkFailed) as caught:
        Registry().files("tiny")
    assert "\n" not in caught.value.message
    assert "bundled cases carry their lock" in caught.value.hint


def test_broken_json_is_a_network_error(house: House) -> None:
    """JSON that is no project's page is named as unreadable."""
    house.pages["tiny"] = [{"filename": 3}]
    with pytest.raises(NetworkFailed, match="cannot be read"):
        Registry().files("tiny")


def test_refused_connection_is_a_network_error() -> None:
    """A port that nobody listens on is one line, without credentials."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://me:secret@127.0.0.1:{taken.getsockname()[1]}/simple"
    with pytest.raises(NetworkFailed, match="cannot be reached") as caught:
        Registry(Index(address, "uv")).files("tiny")
    assert "secret" not in caught.value.message

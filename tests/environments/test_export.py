"""Exports for people who do not use this program: each is installed from, as far as it can be here."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import uv
import yaml
from wheelhouse import MINOR, House, record

from repro.environments import read_lock
from repro.environments.export import FORMATS, Format, export, write_build_context
from repro.environments.lock import read_hashes
from repro.errors import BadInput, EnvironmentFailed, NetworkFailed
from repro.records.environment import Environment
from repro.runs.local import WORKER


@pytest.fixture
def house(index: House) -> House:
    index.add("tiny", "1.0", requires=("other",))
    index.add("other", "2.0")
    index.add("other", "3.0")
    return index


@pytest.fixture
def locked(house: House) -> tuple[Environment, str]:
    lock = house.lock("tiny==1.0", "other==2.0")
    return record(lock), lock


def new_environment(folder: Path) -> Path:
    """Make an empty virtual environment with pip; return its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def installed(python: Path) -> dict[str, str]:
    """Return what of the lock is installed."""
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format", "json"], capture_output=True, text=True, check=True
    )
    return {
        one["name"]: one["version"] for one in json.loads(listed.stdout) if one["name"] in ("tiny", "other")
    }


def pip(python: Path, house: House, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Install with pip from the loopback registry alone."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    environ |= {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": f"{house.address}/simple/"}
    return subprocess.run(
        [python, "-m", "pip", "install", "--disable-pip-version-check", *arguments],
        capture_output=True, text=True, check=False, env=environ, cwd=cwd,
    )  # fmt: skip


def test_requirements_install_with_pip(house: House, locked: tuple[Environment, str], tmp_path: Path) -> None:
    """`pip install` with the options that the file's own head names installs the lock, and checks hashes."""
    text = export(*locked, "requirements")
    (tmp_path / "requirements.txt").write_text(text, encoding="utf-8")
    (said,) = re.findall(r"^#\s+env/bin/python -m pip install (.+)$", text, re.MULTILINE)
    python = new_environment(tmp_path / "env")
    done = pip(python, house, *said.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert installed(python) == read_lock(locked[1])
    changed = re.sub(r"sha256:[0-9a-f]{4}", "sha256:0000", text)
    (tmp_path / "requirements.txt").write_text(changed, encoding="utf-8")
    done = pip(python, house, *said.split(), "--force-reinstall", cwd=tmp_path)
    assert done.returncode != 0
    assert "HASHES" in done.stderr


def test_requirements_install_with_uv(locked: tuple[Environment, str], tmp_path: Path) -> None:
    """The two uv commands in the file's head install the lock."""
    text = export(*locked, "requirements").replace(f"--python {MINOR}", f"--python {sys.executable}")
    (tmp_path / "requirements.txt").write_text(text, encoding="utf-8")
    commands = re.findall(r"^#.*?\buv ((?:venv|pip) .+)$", text, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        subprocess.run([uv.find_uv_bin(), *command.split()], cwd=tmp_path, check=True, capture_output=True)
    (module,) = (tmp_path / "env").rglob("other.py")
    assert "2.0" in module.read_text()


def test_requirements_are_the_lock(locked: tuple[Environment, str]) -> None:
    """The export reads as a lock with the same packages and hashes, and has no address."""
    text = export(*locked, "requirements")
    assert read_hashes(text) == read_hashes(locked[1])
    assert "://" not in text
    assert locked[0].moment in text


def test_a_pylock_installs_with_uv(house: House, locked: tuple[Environment, str], tmp_path: Path) -> None:
    """`uv pip sync pylock.toml` installs the lock from it, and refuses files of another hash."""
    text = export(*locked, "pylock")
    document = tomllib.loads(text)
    assert document["lock-version"] == "1.0"
    assert {one["name"]: one["version"] for one in document["packages"]} == read_lock(locked[1])
    digests = set(re.findall(r'sha256 = "([0-9a-f]{64})"', text))
    assert digests == set().union(*read_hashes(locked[1]).values())
    assert document["requires-python"].startswith(f">={MINOR},<")
    (tmp_path / "pylock.toml").write_text(text, encoding="utf-8")
    python = str(new_environment(tmp_path / "env"))
    command = [uv.find_uv_bin(), "pip", "sync", "pylock.toml", "--python", python]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    assert installed(Path(python)) == read_lock(locked[1])
    changed = re.sub(r'sha256 = "[0-9a-f]{4}', 'sha256 = "0000', text)
    (tmp_path / "pylock.toml").write_text(changed, encoding="utf-8")
    done = subprocess.run(
        [*command, "--reinstall"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode != 0
    assert "ash mismatch" in done.stderr


def test_a_pylock_has_what_the_lock_has(house: House, locked: tuple[Environment, str]) -> None:
    """A locked file that is younger than the moment is in it; one that is not locked is left out."""
    house.pages["other"][0]["upload-time"] = "2026-01-01T00:00:00Z"
    house.add("tiny", "1.0", tag="py2.py3-none-any", uploaded="2026-01-01T00:00:00Z", code="x = 1\n")
    text = export(*locked, "pylock")
    digests = re.findall(r'sha256 = "([0-9a-f]{64})"', text)
    assert sorted(digests) == sorted(set().union(*read_hashes(locked[1]).values()))
    assert {one["name"]: len(one["wheels"]) for one in tomllib.loads(text)["packages"]} == {
        "tiny": 1, "other": 1
    }  # fmt: skip


def test_a_pylock_has_no_password(
    house: House, locked: tuple[Environment, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password in the index's address does not get into the export."""
    address = house.address.replace("://", "://user:secret@")
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{address}/simple")
    for page in house.pages.values():
        for file in page:
            file["url"] = file["url"].replace("://", "://user:secret@")
    assert "secret" not in export(*locked, "pylock")


def test_a_pylock_of_other_files_is_refused(house: House, locked: tuple[Environment, str]) -> None:
    """Where the registry has other files by now than the lock names, no pylock.toml is made of them."""
    for file in house.pages["tiny"]:
        file["hashes"]["sha256"] = "0" * 64
    with pytest.raises(EnvironmentFailed, match="pylock") as caught:
        export(*locked, "pylock")
    assert "requirements" in caught.value.hint


def test_a_pylock_needs_the_registry(
    locked: tuple[Environment, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the registry there are no addresses: a network error; the other exports need none."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple/")
    with pytest.raises(NetworkFailed):
        export(*locked, "pylock")
    others: list[Format] = [form for form in FORMATS if form != "pylock"]
    assert all(export(*locked, form) for form in others)


def test_a_conda_file_installs_with_pip(
    house: House, locked: tuple[Environment, str], tmp_path: Path
) -> None:
    """environment.yml names the Python; its pip section, read by pip as conda has it, installs the lock."""
    document = yaml.safe_load(export(*locked, "conda"))
    assert document["name"].startswith("repro-")
    conda, (section,) = document["dependencies"][:-1], document["dependencies"][-1:]
    assert conda == [f"python={MINOR}", "pip"]
    (tmp_path / "condaenv.requirements.txt").write_text("\n".join(section["pip"]), encoding="utf-8")
    python = new_environment(tmp_path / "env")
    done = pip(python, house, "-U", "-r", "condaenv.requirements.txt", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert installed(python) == read_lock(locked[1])


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """Return a Dockerfile's instructions with their arguments."""
    lines = [line for line in dockerfile.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def test_a_build_context_is_whole(house: House, locked: tuple[Environment, str], tmp_path: Path) -> None:
    """The Dockerfile copies only what lies beside it, lock and worker, and has pip check the hashes."""
    environment = record(locked[1], platform="linux-x86_64")
    write_build_context(tmp_path / "context", environment, locked[1], WORKER)
    context = tmp_path / "context"
    found = instructions((context / "Dockerfile").read_text())
    assert found[0] == ("FROM", f"--platform=linux/amd64 python:{MINOR}-slim")
    assert {name for name, _ in found} <= {"FROM", "ENV", "COPY", "RUN", "ENTRYPOINT"}
    copied = {rest.split()[0]: rest.split()[1] for name, rest in found if name == "COPY"}
    assert (
        set(copied)
        == {"environment.lock", "worker"}
        == {path.name for path in context.iterdir()} - {"Dockerfile"}
    )
    assert (context / "environment.lock").read_text() == locked[1]
    assert {path.name for path in (context / "worker").iterdir()} == {p.name for p in WORKER.glob("*.py")}
    install = next(rest for name, rest in found if name == "RUN" and "pip install" in rest)
    assert {"--require-hashes", "--no-deps", copied["environment.lock"]} <= set(install.split())
    assert "://" not in (context / "Dockerfile").read_text()


@pytest.mark.skipif(os.name == "nt", reason="what the image runs is a POSIX shell's")
def test_the_image_runs_the_worker_on_a_request(
    house: House, locked: tuple[Environment, str], tmp_path: Path
) -> None:
    """What the Dockerfile does, done here step by step, installs the lock and answers a request."""
    root, context = tmp_path / "root", tmp_path / "context"
    write_build_context(context, record(locked[1], platform="linux-x86_64"), locked[1], WORKER)
    python = new_environment(tmp_path / "env")
    environ = dict(os.environ, PATH=f"{python.parent}{os.pathsep}{os.environ['PATH']}")
    environ |= {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": f"{house.address}/simple/"}
    environ.pop("PIP_FIND_LINKS", None)
    for name, rest in instructions((context / "Dockerfile").read_text().replace("/opt/repro", f"{root}")):
        if name == "COPY":
            source, target = rest.split()
            root.mkdir(exist_ok=True)
            subprocess.run(["cp", "-r", context / source, target], check=True)
        elif name == "RUN":
            subprocess.run(["sh", "-c", rest], check=True, env=environ, capture_output=True)
        elif name == "ENTRYPOINT":
            (tmp_path / "request.json").write_text('{"protocol": 1, "recipe": "describe"}')
            command = [*json.loads(rest), tmp_path / "request.json", tmp_path / "result.json"]
            subprocess.run(command, check=True, env=environ, stdin=subprocess.DEVNULL, timeout=60)
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["status"] == "completed"
    assert read_lock(locked[1]).items() <= result["value"]["packages"].items()


def test_no_image_is_made_for_another_system(locked: tuple[Environment, str], tmp_path: Path) -> None:
    """A lock of macOS fits no image, and a file is no build context."""
    with pytest.raises(EnvironmentFailed, match="macos-arm64"):
        export(record(locked[1], platform="macos-arm64"), locked[1], "dockerfile")
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="is a file"):
        write_build_context(tmp_path / "file", *locked, WORKER)

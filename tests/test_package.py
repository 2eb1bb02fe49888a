"""What is shipped is whole: every package, template and case is in the wheel, every verb in the docs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import uv

from repro.cli.main import app

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel built from a copy of the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("repro", "templates", "pyproject.toml", "README.md", "LICENSE"):
        origin = ROOT / name
        if origin.is_dir():
            shutil.copytree(origin, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(origin, source)
    built = subprocess.run(
        [uv.find_uv_bin(), "build", "--wheel", "--out-dir", folder, source],
        capture_output=True,
        text=True,
        check=False,
    )
    if "error sending request" in built.stderr.lower() or "failed to fetch" in built.stderr.lower():
        pytest.skip("no registry can be reached for the build backend")
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_everything(wheel: Path) -> None:
    """Every module, template, case file and the type marker of the sources is in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (entries,) = (archive.read(name).decode() for name in names if name.endswith("entry_points.txt"))
    sources = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "repro").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    templates = {
        f"repro/templates/{path.relative_to(ROOT / 'templates')}"
        for path in (ROOT / "templates").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sources | templates <= names
    assert len(templates) > 5
    assert "[pytest11]\nrepro.pytest_plugin = repro.pytest_plugin" in entries


def test_an_installed_wheel_works(wheel: Path, tmp_path: Path) -> None:
    """From an installed wheel, outside the sources, the example is rendered with the packaged templates."""
    site = tmp_path / "site"
    subprocess.run(
        [uv.find_uv_bin(), "pip", "install", "--no-deps", "--target", site, wheel, "--quiet"], check=True
    )
    shutil.copytree(ROOT / "reports" / "example", tmp_path / "run")
    (tmp_path / "run" / "report.html").unlink()
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        f"import repro; assert {str(site)!r} in repro.__file__\n"
        "from repro.cli.main import call; sys.exit(call(sys.argv[1:]))"
    )
    for arguments in (["report", "run"], ["audit", "issues-128"], ["env", "demo", "--lock-only", "--json"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "report.html").stat().st_size > 10_000


def test_the_readme_names_every_verb() -> None:
    """The README's table of verbs is that of the program."""
    table = re.findall(
        r"^\| `repro (env matrix|env prune|runs rm|\w+)", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert sorted(table) == sorted(str(command.name) for command in app.registered_commands)


def test_the_architecture_names_every_module() -> None:
    """Each package and module at the top level has its place in docs/architecture.md."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    for path in (ROOT / "repro").iterdir():
        name = path.stem
        if not name.startswith("_") and name != "py":
            assert f"`{name}`" in text or f"`{name}/`" in text, name


def test_no_address_of_a_package_file_is_kept() -> None:
    """No lock or document in the repository holds the address of a package file."""
    for path in [*ROOT.glob("repro/cases/**/*.lock"), *ROOT.glob("repro/cases/**/*.json")]:
        assert "://" not in path.read_text(), path

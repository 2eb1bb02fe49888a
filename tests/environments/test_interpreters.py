"""Which Python fits, and finding one among dead shims, noise and other implementations."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from interpreter_folders import AWKWARD, installation, other_python, pythons, said_by
from packaging.version import Version
from wheelhouse import only, record, serve

from repro.environments import build, probe_imports
from repro.environments.interpreters import (
    check_minor,
    choose_minors,
    find_interpreter,
    find_interpreters,
    make_environment,
    verify,
)
from repro.environments.platforms import this_platform
from repro.environments.registry import File
from repro.errors import BadInput, EnvironmentFailed

posix = pytest.mark.skipif(os.name == "nt", reason="shell scripts stand in for interpreters")
linux = pytest.mark.skipif(this_platform() != "linux-x86_64", reason="the wheels' names are of Linux x86-64")
DAY = datetime(2022, 12, 6, tzinfo=UTC)
HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


def wheel(name: str, tag: str, requires_python: str | None = None, uploaded: datetime | None = DAY) -> File:
    return File(f"{name}-1.0-{tag}.whl", "1.0", uploaded, requires_python, False, 1, None)


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text, encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home folder without any interpreter in or around it, and without a way to download one."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "uv"))
    for variable in ("PYENV_ROOT", "CONDA_PREFIX"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


VERSIONS = {"tokenizers": Version("0.12.1"), "datasets": Version("2.7.1")}


@linux
def test_the_newest_python_with_all_wheels_is_chosen() -> None:
    """tokenizers 0.12.1 has wheels up to 3.10: a pure package and a newer Python do not change that."""
    files = {
        "tokenizers": [
            wheel("tokenizers", f"cp{v}-cp{v}-manylinux_2_17_x86_64.manylinux2014_x86_64")
            for v in (38, 39, 310)
        ],
        "datasets": [wheel("datasets", "py3-none-any", ">=3.7.0")],
    }
    minors, reason = choose_minors(files, VERSIONS, DAY)
    assert minors == ["3.10", "3.9", "3.8"]
    assert "tokenizers 0.12.1 has none for 3.11" in reason


def test_pythons_of_the_future_do_not_count() -> None:
    """Pure packages run on any Python, but a card of 2022 was not made with one of 2023."""
    minors, _ = choose_minors({"datasets": [wheel("datasets", "py3-none-any")]}, VERSIONS, DAY)
    assert minors[0] == "3.11"


def test_a_python_that_the_worker_was_not_tried_on_comes_last() -> None:
    """Where there are wheels up to 3.14, the choice is 3.13; 3.14 and 3.6 only where there is no other."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    minors, reason = choose_minors({"datasets": [wheel("datasets", "py3-none-any")]}, VERSIONS, now)
    assert minors == [*(f"3.{minor}" for minor in range(13, 6, -1)), "3.14", "3.6"]
    assert "3.14 has them too" in reason
    for bounds, expected in ((">=3.14", ["3.14"]), ("<3.7", ["3.6"]), (">=3.13", ["3.13", "3.14"])):
        files = {"datasets": [wheel("datasets", "py3-none-any", bounds)]}
        assert choose_minors(files, VERSIONS, now)[0] == expected


@linux
def test_stable_abi_and_bounds_count() -> None:
    """A stable-ABI wheel fits every later Python, within its stated bounds."""
    files = {"tokenizers": [wheel("tokenizers", "cp37-abi3-manylinux_2_17_x86_64", ">=3.7,<3.9")]}
    assert choose_minors(files, VERSIONS, DAY)[0] == ["3.8", "3.7"]


def test_wheels_after_the_moment_do_not_count() -> None:
    """A wheel that appeared after the moment was not there for the published run."""
    late = wheel("datasets", "py3-none-any", uploaded=DAY.replace(year=2023))
    with pytest.raises(EnvironmentFailed, match="as of 2022-12-06") as caught:
        choose_minors({"datasets": [late]}, VERSIONS, DAY)
    assert "datasets 2.7.1" in caught.value.hint


@posix
def test_dead_shim_is_passed_over(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pyenv shim that exits 127 is no interpreter; the one in pyenv's versions is found behind it."""
    script(nowhere / f"bin/python{HERE}", 'echo "pyenv: command not found" >&2\nexit 127\n')
    script(nowhere / ".pyenv/versions/1.2.3/bin/python", f'exec "{sys.executable}" "$@"\n')
    monkeypatch.setattr(sys, "executable", str(nowhere / "bin" / "gone"))
    found = find_interpreter(HERE, download=False)
    assert found.minor == HERE
    assert found.path.exists()


@posix
def test_noise_on_standard_output_is_tolerated(tmp_path: Path) -> None:
    """What a start-up file prints before and after does not hide the interpreter's answer."""
    noisy = script(tmp_path / "python", f'echo "Welcome \\377"\n"{sys.executable}" "$@"\necho bye\n')
    found = verify(noisy)
    assert found is not None
    assert found.version.startswith(HERE + ".")


@posix
@pytest.mark.parametrize(
    "text",
    [
        "exit 0\n",
        'echo \'repro-interpreter:["pypy", [3, 10, 1], "final", 64, false, "/x"]\'\n',
        'echo \'repro-interpreter:["cpython", [3, 15, 0], "alpha", 64, false, "/x"]\'\n',
        "echo 'repro-interpreter:[1'\n",
        "echo repro-interpreter:null\n",
        "exit 127\n",
    ],
)
def test_other_programs_are_no_interpreters(text: str, tmp_path: Path) -> None:
    """PyPy, pre-releases, silence and nonsense are passed over without an error."""
    assert verify(script(tmp_path / "python", text)) is None


def test_a_file_that_cannot_run_is_no_interpreter(tmp_path: Path) -> None:
    """A text file without a right to run is passed over."""
    path = tmp_path / "python"
    path.write_text("not a program", encoding="utf-8")
    assert verify(path) is None


@pytest.mark.skipif(HERE == "3.10", reason="the interpreter of these tests cannot be hidden from them")
def test_missing_interpreter_says_how_to_get_it(nowhere: Path) -> None:
    """Without Python 3.10 the error names it and the ways to get it."""
    with pytest.raises(EnvironmentFailed, match=r"Python 3\.10 is needed") as caught:
        find_interpreter("3.10", download=False)
    assert "uv python install 3.10" in caught.value.hint
    assert "pyenv install 3.10" in caught.value.hint


@posix
def test_a_virtual_environment_leads_to_its_interpreter(tmp_path: Path) -> None:
    """An environment's Python stands for the interpreter that it was made from, which outlives it."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    found = verify(tmp_path / "venv/bin/python")
    assert found is not None
    assert tmp_path not in found.path.parents


START_UP = {
    "prints": "import sys\nprint('Welcome!')\nsys.stderr.write('Welcome, too!')\n",
    "prints what we look for": "print('repro-interpreter:[1, 2')\n",
    "fails": "raise RuntimeError('broken')\n",
    "ends": "raise SystemExit(3)\n",
    "takes the output away": "import sys\nsys.stdout = None\n",
}


def virtual_environment(python: Path, folder: Path, *options: str) -> None:
    """Make one as its users do."""
    subprocess.run([str(python), "-m", "venv", "--without-pip", *options, str(folder)], check=True)


every_python = pytest.mark.parametrize("minor", [*pythons()])


@posix
@every_python
@pytest.mark.parametrize("start_up", START_UP)
def test_start_up_files_do_no_harm(minor: str, start_up: str, tmp_path: Path) -> None:
    """An interpreter whose `sitecustomize` prints, fails or ends it is found; its environments are clean."""
    python = installation(tmp_path / "here", pythons()[minor], sitecustomize=START_UP[start_up])
    found = verify(python)
    assert found is not None
    assert found.minor == minor
    assert found.path.parent == python.parent
    make_environment(found.path, tmp_path / "made")
    code = "import sys; print(sys.prefix, sys.version_info[:2])"
    said = said_by(tmp_path / "made/bin/python", code)
    assert said == f"{tmp_path / 'made'} {tuple(int(part) for part in minor.split('.'))}\n"


@posix
@every_python
def test_awkward_folders_and_managed_systems_do_no_harm(minor: str, tmp_path: Path) -> None:
    """An interpreter below spaces, quotes and other scripts, kept from installers by PEP 668, can be used."""
    python = installation(tmp_path / AWKWARD, pythons()[minor], externally_managed=True)
    found = verify(python)
    assert found is not None
    made = tmp_path / AWKWARD / "made from it"
    make_environment(found.path, made)
    assert said_by(made / "bin/python", "import sys; print(sys.prefix)") == f"{made}\n"


@posix
@every_python
@pytest.mark.parametrize("how", ["links", "copies"])
def test_every_environment_leads_to_its_interpreter(minor: str, how: str, tmp_path: Path) -> None:
    """Whatever Python made it and however, a virtual environment stands for what it was made from."""
    python = installation(tmp_path / "here", pythons()[minor])
    virtual_environment(python, tmp_path / "made", *(["--copies"] if how == "copies" else []))
    found = verify(tmp_path / "made/bin/python")
    assert found is not None
    assert found.path.resolve() == python.resolve()


@posix
@every_python
@pytest.mark.parametrize("how", ["links", "copies"])
def test_an_environment_whose_interpreter_is_gone_is_passed_over(
    minor: str, how: str, tmp_path: Path
) -> None:
    """A virtual environment that outlived its interpreter is never taken for one.

    A dead link is none; a copy is none either, or leads to where its program was built to lie.
    """
    python = installation(tmp_path / "here", pythons()[minor])
    virtual_environment(python, tmp_path / "made", *(["--copies"] if how == "copies" else []))
    shutil.rmtree(tmp_path / "here")
    found = verify(tmp_path / "made/bin/python")
    if how == "links":
        assert found is None
    assert found is None or (tmp_path not in found.path.parents and verify(found.path) == found)


@posix
@every_python
def test_a_broken_record_of_its_home_does_no_harm(minor: str, tmp_path: Path) -> None:
    """Where `pyvenv.cfg` names a home that is gone, the link still leads to the interpreter."""
    python = installation(tmp_path / "here", pythons()[minor])
    virtual_environment(python, tmp_path / "made")
    (tmp_path / "made/pyvenv.cfg").write_text(
        f"home = {tmp_path}/gone\ninclude-system-site-packages = false\n"
    )
    found = verify(tmp_path / "made/bin/python")
    assert found is not None
    assert found.path.resolve() == python.resolve()


@posix
@pytest.mark.skipif(other_python() is None, reason="needs a second Python, which can be hidden and shown")
def test_the_only_interpreter_is_the_awkward_one(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Among broken environments and dead shims, one that prints is found, and a lock is installed with it."""
    original = other_python()
    assert original is not None
    minor = original.name.removeprefix("python")
    folder = nowhere / AWKWARD
    installation(folder, original, sitecustomize=START_UP["prints"], externally_managed=True)
    script(nowhere / f"bin/python{minor}", "exit 127\n")  # a dead shim
    (nowhere / ".pyenv/versions/9.9.9/bin").mkdir(parents=True)
    (nowhere / ".pyenv/versions/9.9.9/bin/python").symlink_to(nowhere / "gone")  # an uninstalled version
    monkeypatch.setenv("PATH", os.pathsep.join([str(nowhere / "bin"), str(folder / "bin")]))
    with serve() as house:
        only(house.address, monkeypatch, nowhere)
        house.add("tiny", "1.0")
        lock = house.lock("tiny==1.0")
        built = build(record(lock, python=minor), lock, probe=probe_imports(["tiny"]), report=print)
    assert said_by(built.python, "import tiny; print(tiny.__version__)") == "1.0\n"


@posix
def test_an_interpreter_that_cannot_make_environments_says_so(tmp_path: Path) -> None:
    """The last words of an interpreter without the module for it are the error."""
    mute = script(tmp_path / "python", "echo 'No module named venv' >&2\nexit 1\n")
    with pytest.raises(EnvironmentFailed, match="cannot make an environment: No module named venv") as caught:
        make_environment(mute, tmp_path / "made")
    assert "python3-venv" in caught.value.hint


def test_all_interpreters_are_listed_once_and_run() -> None:
    """The list holds interpreters that ran, newest first, none twice."""
    found = find_interpreters()
    assert HERE in {one.minor for one in found}
    assert len({one.path.resolve() for one in found}) == len(found)
    assert found == sorted(found, key=lambda one: Version(one.version), reverse=True)


@pytest.mark.parametrize("text", ["2.7", "3", "3.10.1", "../3", "9" * 5000])
def test_only_known_pythons_can_be_asked_for(text: str) -> None:
    """A Python that this program does not know is bad input."""
    with pytest.raises(BadInput):
        check_minor(text)

"""The lock's format, and locks that uv really made."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wheelhouse import MINOR, House, requirements

from repro.environments.lock import compile_lock, lock_digest, lock_sizes, read_lock
from repro.environments.registry import Registry
from repro.environments.uvtool import uv_binary
from repro.errors import BadInput, EnvironmentFailed, NetworkFailed

HASH = "--hash=sha256:" + "0" * 64
MOMENT = "2022-12-06T17:20:22Z"
DOCUMENTED = {"transformers": "4.21.2", "torch": "1.13.0+cu117"}


@pytest.fixture
def house(index: House) -> House:
    index.add("transformers", "4.21.2", requires=("numpy>=1.17",))
    index.add("torch", "1.13.0")
    index.add("numpy", "1.23.5")
    index.add("numpy", "2.3.4", uploaded="2025-10-15T00:00:00Z")
    return index


def test_continued_lines_and_comments_are_read() -> None:
    """uv's own form is read: continued lines, several hashes, comments, either line ending."""
    torch = f"Torch==1.13.0 \\\r\n    {HASH} \\\r\n    {HASH}\r\n"
    text = f"# made by uv\r\n{torch}    # via x\r\n\r\nsix==1.16.0 {HASH}\n"
    assert read_lock(text) == {"torch": "1.13.0", "six": "1.16.0"}


@pytest.mark.parametrize(
    "line",
    [
        "six==1.16.0",
        f"six>=1.16.0 {HASH}",
        f"six==1.16.0 {HASH[:-1]}",
        "six==1.16.0 --hash=md5:" + "0" * 32,
        f"six @ https://host.invalid/six {HASH}",
        f"https://host.invalid/six {HASH}",
        "--index-url https://host.invalid/simple",
        "-r other.txt",
        "-e .",
        f'six==1.16.0 ; python_version < "4" {HASH}',
        f"six==1.16.0 {HASH} --index-url https://host.invalid",
        f"six==1.16.0\x0c--index-url x {HASH}",
        f"six==1.16.0\u2028-r x {HASH}",
        f"six==1.16.0 {HASH}\nSix==1.16.0 {HASH}",
        f"six=={'9' * 10_000} {HASH}",
        f"six==1..0 {HASH}",
        f"six[extra]==1.16.0 {HASH}",
        "",
        "# nothing but a comment",
    ],
)
def test_anything_else_is_refused(line: str) -> None:
    """Addresses, options, markers, ranges, missing hashes and doubles are refused in one short line."""
    with pytest.raises(BadInput) as caught:
        read_lock(line)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 150


NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True).filter(lambda name: "--" not in name)
PINS = st.dictionaries(NAMES, st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,4}){0,3}", fullmatch=True), min_size=1)


@given(PINS)
def test_every_lock_is_read_back(pins: dict[str, str]) -> None:
    """Names and versions come back as written, in order, on one line or continued."""
    flat = "".join(f"{name}=={version} {HASH}\n" for name, version in pins.items())
    continued = "".join(f"{name}=={version} \\\n    {HASH}\n" for name, version in pins.items())
    assert list(read_lock(flat).items()) == list(pins.items())
    assert read_lock(continued) == pins


@given(st.text() | st.text(alphabet="six=1.-\\\n #@:/;" + HASH))
def test_any_text_is_a_lock_or_refused(text: str) -> None:
    """No text gets through as anything but pins, or makes the reader fail."""
    with suppress(BadInput):
        assert all(name and version for name, version in read_lock(text).items())


def test_the_closure_is_of_the_moment(house: House) -> None:
    """What appeared after the moment is not locked; hashes are there, addresses are not."""
    digest = house.add("six", "1.16.0")
    lock = compile_lock(requirements(DOCUMENTED, {"six": "*"}), minor=MINOR, moment=MOMENT)
    assert read_lock(lock) == {
        "numpy": "1.23.5",
        "six": "1.16.0",
        "torch": "1.13.0",
        "transformers": "4.21.2",
    }
    assert digest in lock
    assert "://" not in lock
    assert "127.0.0.1" not in lock


def test_what_nobody_compiles_is_had_as_a_wheel_or_not_at_all(house: House) -> None:
    """A pyarrow that has only sources is no part of a lock; a package that is pure Python is."""
    house.add_source("pyarrow", "10.0.0")
    house.add_source("sourced", "1.0")
    wanted = requirements(DOCUMENTED, {"pyarrow": "*", "sourced": "*"})
    with pytest.raises(EnvironmentFailed, match="pyarrow"):
        compile_lock(wanted, minor=MINOR, moment=MOMENT)
    house.add("pyarrow", "9.0.0")
    locked = read_lock(compile_lock(wanted, minor=MINOR, moment=MOMENT))
    assert (locked["pyarrow"], locked["sourced"]) == ("9.0.0", "1.0")


def test_what_a_wheel_needs_and_does_not_state_is_there(house: House) -> None:
    """torch 1.10 imports pkg_resources: its lock has a setuptools that still has it; others' have none."""
    house.add("torch", "1.10.2")
    house.add("setuptools", "65.6.3")
    house.add("setuptools", "70.0.0")
    for torch, expected in (("1.10.2", "65.6.3"), ("1.13.0", None)):
        wanted = requirements({**DOCUMENTED, "torch": torch}, {})
        locked = read_lock(compile_lock(wanted, minor=MINOR, moment=MOMENT))
        assert locked.get("setuptools") == expected


def test_the_same_question_has_the_same_answer(house: House) -> None:
    """Two locks of one moment are equal to the byte, also after newer files have appeared."""
    wanted = requirements(DOCUMENTED, {})
    first = compile_lock(wanted, minor=MINOR, moment=MOMENT)
    house.add("numpy", "1.26.0", uploaded="2023-09-16T00:00:00Z")
    assert lock_digest(compile_lock(wanted, minor=MINOR, moment=MOMENT)) == lock_digest(first)


def test_settings_of_other_projects_do_not_leak(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """uv's settings for another project (a constraint, a later cutoff, a folder's uv.toml) change nothing."""
    constraint = tmp_path / "constraint.txt"
    constraint.write_text("numpy<1\n", encoding="utf-8")
    monkeypatch.setenv("UV_CONSTRAINT", str(constraint))
    monkeypatch.setenv("UV_EXCLUDE_NEWER", "2030-01-01T00:00:00Z")
    (tmp_path / "uv.toml").write_text('exclude-newer = "2030-01-01T00:00:00Z"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert (
        read_lock(compile_lock(requirements(DOCUMENTED, {}), minor=MINOR, moment=MOMENT))["numpy"] == "1.23.5"
    )


def test_pips_index_serves_uv_where_uv_has_none(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only pip is configured, uv gets pip's index."""
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", f"{house.address}/simple")
    assert "torch" in read_lock(compile_lock(requirements(DOCUMENTED, {}), minor=MINOR, moment=MOMENT))


def test_files_without_upload_time_are_unavailable(house: House) -> None:
    """A file that no date is stated for cannot be part of a dated lock."""
    house.add("six", "1.16.0", uploaded=None)
    with pytest.raises(EnvironmentFailed, match="six"):
        compile_lock(requirements(DOCUMENTED, {"six": "*"}), minor=MINOR, moment=MOMENT)


def test_an_unsolvable_set_is_explained_in_one_line(house: House) -> None:
    """Versions that exclude each other are named with uv's own reason."""
    house.add("datasets", "2.7.1", requires=("torch<1.13",))
    with pytest.raises(EnvironmentFailed, match=r"datasets depend on torch<1\.13") as caught:
        compile_lock(requirements({**DOCUMENTED, "datasets": "2.7.1"}, {}), minor=MINOR, moment=MOMENT)
    assert "\n" not in caught.value.message
    assert "hint" not in caught.value.message


def test_an_unreachable_registry_is_a_network_error(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server in trouble and a closed port are network errors, not the card's fault."""
    house.status = 500
    with pytest.raises(NetworkFailed):
        compile_lock(requirements(DOCUMENTED, {}), minor=MINOR, moment=MOMENT)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    with pytest.raises(NetworkFailed):
        compile_lock(requirements(DOCUMENTED, {}), minor=MINOR, moment=MOMENT)


def test_sizes_are_of_the_files_that_are_installed(house: House) -> None:
    """The download is the sum of this platform's files; one unknown size makes it unknown."""
    house.add("torch", "1.13.0", tag="cp36-cp36m-win32", code="x = 1  # a foreign wheel\n" * 100)
    lock = house.lock("torch==1.13.0", "numpy==1.23.5")
    expected = sum(len(house.wheels[f"{name}-py3-none-any.whl"]) for name in ("torch-1.13.0", "numpy-1.23.5"))
    assert lock_sizes(lock, MINOR, Registry()).download_bytes == expected
    del house.pages["numpy"][0]["size"]
    assert lock_sizes(lock, MINOR, Registry()).download_bytes is None


@pytest.fixture
def registry() -> Registry:
    """Return the configured registry, for the published versions."""
    found = Registry()
    try:
        found.files("tokenizers")
    except NetworkFailed as error:
        pytest.skip(f"the configured registry cannot be reached: {error.message}")
    return found


def test_the_published_versions_lock_as_of_their_day(registry: Registry, tmp_path: Path) -> None:
    """The closure has pyarrow of the day (10), which datasets 2.7.1 can import, and numpy before 2."""
    documented = {**DOCUMENTED, "datasets": "2.7.1", "tokenizers": "0.12.1"}
    extra = {"scikit-multilearn": "0.2.0", "scikit-learn": "*"}
    text = compile_lock(requirements(documented, extra), minor="3.10", moment=MOMENT)
    locked = read_lock(text)
    assert locked["pyarrow"].startswith("10.")
    assert locked["numpy"].startswith("1.")
    assert {name: locked[name] for name in documented} == {
        "transformers": "4.21.2", "torch": "1.13.0", "datasets": "2.7.1", "tokenizers": "0.12.1",
    }  # fmt: skip
    assert "://" not in text


def test_uv_is_the_one_that_was_installed_with_the_program() -> None:
    """uv is found as a package's binary, not by PATH, and runs."""
    done = subprocess.run([uv_binary(), "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("uv ")

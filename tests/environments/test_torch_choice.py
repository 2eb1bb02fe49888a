"""Another torch than the documented one, and PyTorch's own builds, by real uv and loopback indexes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytorch_index import closed_port, serve_pytorch
from wheelhouse import MINOR, House

from repro.environments import (
    TorchChoice,
    build,
    choose_torch,
    environment_folder,
    lock_digest,
    probe_imports,
    read_lock,
    resolve,
    resolve_with_torch,
    this_platform,
)
from repro.environments.build import child_environment
from repro.errors import BadInput, EnvironmentFailed, NetworkFailed, ReproError
from repro.records.codec import from_json, to_json
from repro.records.environment import Environment

CARD = {"transformers": "4.21.2", "torch": "1.13.0+cu117", "datasets": "2.7.1"}
DAY = "2022-12-06T17:20:22Z"
tagged = pytest.mark.skipif(this_platform().startswith("macos"), reason="builds for macOS have no tag")


@pytest.fixture
def house(index: House) -> House:
    """A registry of the day, with what came later and would not fit."""
    index.add("transformers", "4.21.2", uploaded="2022-08-24T12:00:00Z", requires=("numpy>=1.17",))
    index.add("datasets", "2.7.1", uploaded="2022-11-22T17:20:22Z", requires=("pyarrow>=1", "fsspec"))
    index.add("tokenizers", "0.12.1", uploaded="2022-04-13T12:00:00Z")
    index.add("torch", "1.13.0", uploaded="2022-10-28T12:00:00Z", requires=("nvidia-cublas-cu11==11.10",))
    index.add("nvidia-cublas-cu11", "11.10", uploaded="2022-10-01T12:00:00Z")
    for name in ("numpy", "pyarrow", "fsspec", "sympy"):
        index.add(name, "1.24", uploaded="2022-11-01T12:00:00Z")
        index.add(name, "2.1", uploaded="2023-09-01T12:00:00Z")
    index.add(
        "torch", "2.1.0", uploaded="2023-10-04T12:00:00Z",
        requires=("nvidia-cublas-cu12==12.1", "fsspec", "sympy>=2"),
    )  # fmt: skip
    index.add("nvidia-cublas-cu12", "12.1", uploaded="2023-05-01T12:00:00Z")
    return index


@pytest.fixture
def pytorch(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """PyTorch's own index, with builds for three backends."""
    with serve_pytorch(monkeypatch, tmp_path) as pytorch:
        for backend in ("cu117", "cu116", "cpu"):
            tag = f"1.13.0+{backend}"
            pytorch.add("torch", tag, code=f"__version__ = {tag!r}\n")
            pytorch.pages[f"{backend}/torch"] = pytorch.pages.pop("torch")
        yield pytorch


def resolved(version: str | None, backend: str | None = None) -> tuple[Environment, str]:
    return resolve_with_torch(choose_torch(version, backend), CARD, python=MINOR)


def deviations(environment: Environment) -> dict[str, tuple[str, str]]:
    return {each.what: (each.published, each.actual) for each in environment.deviations}


def test_a_newer_torch_changes_nothing_else(house: House) -> None:
    """With another torch the rest stays as it was on the day; only what that torch asks for is newer."""
    environment, lock = resolved("2.1.0")
    assert environment.locked == read_lock(lock) == {
        "datasets": "2.7.1", "fsspec": "1.24", "numpy": "1.24", "nvidia-cublas-cu12": "12.1",
        "pyarrow": "1.24", "sympy": "2.1", "tokenizers": "0.12.1", "torch": "2.1.0", "transformers": "4.21.2",
    }  # fmt: skip
    assert environment.moment == resolve(CARD, python=MINOR)[0].moment == DAY
    assert environment.torch_moment == "2023-10-18T12:00:00Z"
    assert environment.documented == CARD
    assert environment.lock_sha256 == lock_digest(lock)
    assert from_json(to_json(environment), Environment, source="test") == environment


def test_another_torch_is_a_deviation(house: House) -> None:
    """What was printed, what is there and the option that caused it are in the record, once."""
    environment, _ = resolved("2.1.0")
    assert deviations(environment) == {"torch": ("1.13.0+cu117", "2.1.0")}
    assert environment.deviations[0].reason == "asked for with --torch 2.1.0"


def test_the_documented_torch_is_no_deviation(house: House) -> None:
    """Who asks for the release that is documented gets the environment of the day."""
    environment, _ = resolved("1.13.0")
    day, _ = resolve(CARD, python=MINOR)
    assert (environment.locked, environment.deviations) == (day.locked, day.deviations)


def test_what_was_resolved_can_be_built(house: House) -> None:
    """The lock with the newer torch installs, though the moment lies before that torch."""
    environment, lock = resolved("2.1.0")
    built = build(environment, lock, probe=probe_imports(["torch", "datasets", "sympy"]))
    assert built.python.exists()


def test_a_package_without_wheels_is_built_beside_a_newer_torch(house: House) -> None:
    """Where sources have to be built as of a day, the newer torch is not hidden by that day."""
    house.add_source("sourced", "1.0")
    choice = TorchChoice("2.1.0")
    environment, lock = resolve_with_torch(choice, CARD, packages={"sourced": "1.0"}, python=MINOR)
    assert build(environment, lock, probe=probe_imports(["sourced", "torch"])).python.exists()


def test_a_day_that_is_known_is_not_resolved_again(house: House) -> None:
    """A case's own lock is where the rest comes from."""
    day = resolve(CARD, python=MINOR)
    environment, _ = resolve_with_torch(
        TorchChoice("2.1.0"), CARD, day=day, resolve_day=lambda *_, **__: pytest.fail("resolved again")
    )
    assert environment.locked["pyarrow"] == day[0].locked["pyarrow"]


def test_a_torch_that_never_was_names_its_neighbours(house: House) -> None:
    """A release that the registry does not have is answered with those that it has."""
    with pytest.raises(EnvironmentFailed, match=r"torch 2\.1\.9 is not on the registry") as caught:
        resolved("2.1.9")
    assert "2.1.0" in caught.value.hint


def test_a_torch_for_other_pythons_says_which(house: House) -> None:
    """A release without a wheel for the Python that was asked for says for which it has one."""
    house.add("torch", "2.2.0", tag="cp38-none-any")
    with pytest.raises(EnvironmentFailed, match=f"torch 2.2.0 has no wheel for Python {MINOR}") as caught:
        resolved("2.2.0")
    assert "3.8" in caught.value.hint


def test_a_torch_that_does_not_fit_the_rest_is_one_line(house: House) -> None:
    """Where the documented versions rule the torch out, that is said in one line."""
    house.add("torch", "2.3.0", uploaded="2024-04-24T12:00:00Z", requires=("transformers>=4.30",))
    with pytest.raises(EnvironmentFailed, match="locking failed") as caught:
        resolved("2.3.0")
    assert "\n" not in caught.value.message


@tagged
def test_the_documented_build_is_no_deviation(pytorch: House) -> None:
    """From PyTorch's own index the build is the printed one, local tag and all, and brings its own CUDA."""
    environment, lock = resolved(None, "cu117")
    assert environment.locked["torch"] == "1.13.0+cu117"
    assert "nvidia-cublas-cu11" not in environment.locked
    assert environment.locked["pyarrow"] == "1.24"
    assert (environment.torch_backend, environment.torch_moment) == ("cu117", "")
    assert environment.deviations == ()
    assert lock.splitlines()[0] == "# torch-backend: cu117"
    assert "://" not in lock


@tagged
@pytest.mark.parametrize("backend", ["cu116", "cpu"])
def test_another_build_is_a_deviation(pytorch: House, backend: str) -> None:
    """A build other than the printed one is recorded as what it is."""
    environment, _ = resolved(None, backend)
    assert deviations(environment) == {"torch build": ("1.13.0+cu117", f"1.13.0+{backend}")}
    assert environment.deviations[0].reason == f"asked for with --torch-backend {backend}"


@tagged
def test_the_build_is_part_of_what_a_lock_is(pytorch: House) -> None:
    """Locks for other builds have other digests, and so their environments other folders."""
    found = [resolved(None, backend)[0] for backend in ("cu117", "cu116", "cpu")]
    found.append(resolve(CARD, python=MINOR)[0])
    assert len({each.lock_sha256 for each in found}) == 4
    assert len({environment_folder(each) for each in found}) == 4


@tagged
def test_a_build_is_installed_from_its_own_index(pytorch: House) -> None:
    """What is in the environment is the build of PyTorch's own index, though the registry has one too."""
    environment, lock = resolved(None, "cpu")
    built = build(environment, lock, probe=probe_imports(["torch", "datasets"]))
    done = subprocess.run(
        [built.python, "-c", "import torch; print(torch.__version__)"],
        env=child_environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "1.13.0+cpu\n"


@pytest.mark.parametrize("mood", ["nobody listens", "no way through", "in trouble"])
def test_an_index_that_cannot_be_reached_is_one_line(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mood: str
) -> None:
    """Where PyTorch's index cannot be had, the error is one of the network and says how to do without."""
    with serve_pytorch(monkeypatch, tmp_path) as pytorch:
        if mood == "nobody listens":
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")
        elif mood == "no way through":
            monkeypatch.setenv("HTTPS_PROXY", house.address)  # knows no CONNECT
        pytorch.status = 503
        with pytest.raises(NetworkFailed) as caught:
            resolved(None, "cu117")
    assert caught.value.exit_code == 5
    assert caught.value.message.startswith("PyTorch's index for cu117 cannot be had from here: ")
    assert "--torch-backend" in caught.value.hint
    assert "\n" not in caught.value.message + caught.value.hint


@pytest.mark.network
@pytest.mark.skipif(this_platform() != "linux-x86_64", reason="PyTorch published cu117 for Linux and Windows")
def test_pytorchs_real_index_has_the_documented_build(cache: Path) -> None:
    """The real index gives torch 1.13.0+cu117 as printed: no deviation, the rest of the lock is kept."""
    day, _ = resolve(CARD)
    environment, lock = resolve_with_torch(choose_torch(None, "cu117"), CARD)
    assert environment.locked["torch"] == read_lock(lock)["torch"] == "1.13.0+cu117"
    assert environment.torch_backend == "cu117"
    assert environment.deviations == ()
    brought = {"torch", *(name for name in day.locked if name.startswith(("nvidia-", "triton")))}
    assert {name: version for name, version in day.locked.items() if name not in brought}.items() <= (
        environment.locked.items()
    )


def test_a_build_that_never_was_asks_nobody(house: House, pytorch: House) -> None:
    """PyTorch published no 1.13.0 for CUDA 12.1; the error says for what it did."""
    with pytest.raises(BadInput, match=r"no torch 1\.13\.0\+cu121") as caught:
        resolved(None, "cu121")
    assert "cu116, cu117" in caught.value.hint
    assert pytorch.requests == []


def test_a_day_without_torch_is_refused(house: House) -> None:
    """A day whose environment has no torch has none to be replaced."""
    environment, lock = resolve(CARD, python=MINOR)
    bare = {name: version for name, version in environment.locked.items() if name != "torch"}
    fields = {**to_builtins(environment), "locked": bare}
    day = (from_json(to_json(fields), Environment, source="test"), lock)
    with pytest.raises(BadInput, match="has no torch"):
        resolve_with_torch(TorchChoice(None, "cpu"), CARD, day=day)


def to_builtins(environment: Environment) -> dict[str, object]:
    return from_json(to_json(environment), dict[str, object], source="test")


@pytest.mark.parametrize(
    ("version", "backend", "said"),
    [
        ("1; rm -rf", None, "not a version"),
        ("9" * 10_000, None, "not a version"),
        ("../..", None, "not a version"),
        ("2.1.0+cu118", None, "has no build tag"),
        (None, "auto", "this machine's driver"),
        (None, "cu117 --index-url x", "not a build"),
        (None, "../cu117", "not a build"),
        (None, "cu" + "9" * 10_000, "not a build"),
        (None, "", "not a build"),
    ],
)
def test_hostile_words_are_refused(version: str | None, backend: str | None, said: str) -> None:
    """What is no release and no build is refused in a short line with a hint, before anybody is asked."""
    with pytest.raises(BadInput, match=said) as caught:
        choose_torch(version, backend)
    assert len(caught.value.message) < 120
    assert caught.value.hint


@given(st.text(max_size=40), st.text(max_size=20) | st.none())
def test_any_words_are_read_or_refused(version: str, backend: str | None) -> None:
    """Whatever stands behind the options, it is a choice or one of our own errors."""
    with suppress(ReproError):
        assert choose_torch(version, backend)

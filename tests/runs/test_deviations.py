"""Whatever a run has that the published one had not is a deviation, and what is the same is none."""

from __future__ import annotations

from typing import Any

import pytest

from repro.cards import read_card
from repro.records.case import Hardware
from repro.records.claims import Claims
from repro.records.event import Started
from repro.records.run import Device, Settings
from repro.runs.deviations import observed_deviations

HERE = Hardware(kind="cpu")


def read(hyperparameters: str, *versions: str) -> Claims:
    """Read a card with these hyperparameters, and with versions besides those of transformers and torch."""
    printed = "".join(f"- {each}\n" for each in ("Transformers 4.21.2", "Pytorch 1.13.0+cu117", *versions))
    return read_card(
        "# m\n\n### Training hyperparameters\n\nThe following hyperparameters were used during training:\n"
        f"{hyperparameters}\n\n### Framework versions\n\n{printed}",
        target="card.md",
    ).claims


CLAIMS = read("- seed: 42")
CPU = Device(kind="cpu", name="a processor", threads=2, capability="AVX2")


def found(
    hardware: Hardware | None,
    device: Device = CPU,
    seed: int = 42,
    torch: str = "1.13.0",
    transformers: str = "4.21.2",
    python: str = "3.10.13",
    claims: Claims = CLAIMS,
    arguments: dict[str, Any] | None = None,
    **settings: Any,
) -> dict[str, tuple[str, str]]:
    packages = {"transformers": transformers, "torch": torch}
    started = Started(sequence=1, time=0, python=python, packages=packages, device=device)
    asked = Settings(seed=seed, **settings)
    passed = {"seed": seed, **(arguments or {})}
    deviations = observed_deviations(claims, hardware, asked, started, arguments=passed)
    assert all(each.reason for each in deviations)
    return {each.what: (each.published, each.actual) for each in deviations}


def test_the_same_in_everything() -> None:
    """The documented seed, versions and hardware are no deviation; a local tag is no other version."""
    assert found(Hardware(kind="cpu", threads=2, capability="AVX2")) == {}
    assert found(Hardware(kind="cpu")) == {}


@pytest.mark.parametrize(
    ("hardware", "what", "published"),
    [
        (Hardware(kind="cuda"), "device", "cuda"),
        (Hardware(kind="cpu", threads=8), "threads", "8"),
        (Hardware(kind="cpu", threads=2, capability="AVX512"), "instruction set", "AVX512"),
        (None, "device", "not stated"),
    ],
)
def test_other_hardware(hardware: Hardware | None, what: str, published: str) -> None:
    """Another device, thread count or instruction set is told, with what was published if anybody says."""
    assert {name: pair[0] for name, pair in found(hardware).items()} == {what: published}


def test_another_seed_and_version() -> None:
    """Another seed and another version are told with both texts as printed."""
    assert found(HERE, seed=43) == {"seed": ("42", "43")}
    assert found(HERE, torch="2.13.0+cpu") == {"torch": ("1.13.0+cu117", "2.13.0+cpu")}


def test_a_seed_that_nobody_stated() -> None:
    """A seed that the card does not state is told, too: it is ours."""
    assert found(HERE, claims=read("- learning_rate: 5e-05"), arguments={"learning_rate": 5e-05})["seed"] == (
        "not stated",
        "42",
    )


def test_what_versions_bring() -> None:
    """Other versions bring their random stream, and their default optimizer unless one is asked for."""
    later = found(HERE, transformers="4.40.2")
    assert later == {
        "transformers": ("4.21.2", "4.40.2"),
        "random stream": ("A2", "C"),
        "optimizer": ("adamw_hf", "adamw_torch"),
    }
    assert "optimizer" not in found(HERE, transformers="4.40.2", arguments={"optim": "adafactor"})


@pytest.mark.parametrize(
    ("printed", "same"), [("3.10.13", True), ("3.10", True), ("3.1", False), ("3.9", False)]
)
def test_another_python(printed: str, same: bool) -> None:
    """A documented Python is held to what the card prints of it."""
    assert ("python" not in found(HERE, claims=read("- seed: 42", f"Python {printed}"))) == same


def test_another_build_of_torch_in_the_users_own_environment() -> None:
    """Where no lock judged it, another build of the documented torch is told."""
    assert found(HERE, torch="1.13.0+cpu", environment="current") == {
        "torch build": ("1.13.0+cu117", "1.13.0+cpu")
    }
    assert found(HERE, torch="1.13.0+cu117", environment="current") == {}


def test_what_the_cases_own_arguments_replace() -> None:
    """An argument of the case that replaces a documented one is told; one that adds to them is none."""
    claims = read("- seed: 42\n- learning_rate: 5e-05\n- num_epochs: 16")
    told = found(HERE, claims=claims, arguments={"learning_rate": 1e-4, "num_train_epochs": 16, "fp16": True})
    assert told == {"learning_rate": ("5e-05", "0.0001")}


def test_a_batch_that_took_more_devices() -> None:
    """A total batch that one device does not make is told; one that accumulation explains is none."""
    claims = read("- seed: 42\n- train_batch_size: 8\n- total_train_batch_size: 32")
    one = {"per_device_train_batch_size": 8}
    assert found(HERE, claims=claims, arguments=one) == {"total train batch size": ("32", "8")}
    assert found(HERE, claims=claims, arguments={**one, "gradient_accumulation_steps": 4}) == {}


def test_a_rehearsal_and_levels_of_determinism() -> None:
    """A rehearsal is shorter, and any level of determinism but the published one is told."""
    assert found(HERE, rehearse=10) == {"length": ("the whole training", "at most 10 steps")}
    assert found(HERE, determinism="published") == {}
    published = "as the release's defaults are"
    assert found(HERE, determinism="strict") == {
        "determinism": (published, "strict: deterministic algorithms")
    }
    off = found(HERE, determinism="off")["determinism"][1]
    assert off == "off: the fastest algorithms: none on a CPU"


def test_why_there_is_no_gpu_is_the_reason() -> None:
    """Where the worker knows why it took the CPU, that is the reason of the deviation."""
    started = Started(
        sequence=1, time=0, python="3.10", packages={}, device=CPU, device_reason="no kernels for this GPU"
    )
    (deviation,) = observed_deviations(CLAIMS, None, Settings(seed=42), started, arguments={"seed": 42})
    assert deviation.reason == "no kernels for this GPU"

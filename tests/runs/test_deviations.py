"""Whatever a run has that the published one had not is a deviation, and what is the same is none."""

from __future__ import annotations

import pytest

from repro.cards import read_card
from repro.records.case import Hardware
from repro.records.event import Started
from repro.records.run import Device, Settings
from repro.runs.deviations import observed_deviations

CLAIMS = read_card(
    "# m\n\n### Training hyperparameters\n\nThe following hyperparameters were used during training:\n"
    "- seed: 42\n\n### Framework versions\n\n- Transformers 4.21.2\n- Pytorch 1.13.0+cu117\n",
    target="card.md",
).claims
CPU = Device(kind="cpu", name="a processor", threads=2, capability="AVX2")


def found(
    hardware: Hardware | None,
    device: Device = CPU,
    seed: int = 42,
    torch: str = "1.13.0",
) -> dict[str, tuple[str, str]]:
    packages = {"transformers": "4.21.2", "torch": torch}
    started = Started(sequence=1, time=0, python="3.10", packages=packages, device=device)
    deviations = observed_deviations(CLAIMS, hardware, Settings(seed=seed), started)
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
    hardware = Hardware(kind="cpu")
    assert found(hardware, seed=43) == {"seed": ("42", "43")}
    assert found(hardware, torch="2.13.0+cpu") == {"torch": ("1.13.0+cu117", "2.13.0+cpu")}


def test_why_there_is_no_gpu_is_the_reason() -> None:
    """Where the worker knows why it took the CPU, that is the reason of the deviation."""
    started = Started(
        sequence=1, time=0, python="3.10", packages={}, device=CPU, device_reason="no kernels for this GPU"
    )
    (deviation,) = observed_deviations(CLAIMS, None, Settings(seed=42), started)
    assert deviation.reason == "no kernels for this GPU"

"""Each option of `repro run` leaves the deviations that it causes, without anybody writing them down.

A new option fails the first test until it is said here what it leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from repro import inputs
from repro.cases import load_case
from repro.records.case import Hardware
from repro.records.event import FastPath, Started
from repro.records.run import Device, Settings
from repro.runs.arguments import training_arguments
from repro.runs.deviations import fast_deviation, observed_deviations
from repro.runs.micro_batch import split
from repro.workflows import RunOptions

TESTS = Path(__file__).parents[1]
CASE = "issues-128"
CPU = Device(kind="cpu", name="a processor", threads=2, capability="AVX2")

# Nothing that a run measures depends on them, or they refuse instead of deviating.
NONE = {
    "case": "it is what is compared with",
    "out": "where files land",
    "templates": "how reports look",
    "fresh": "the same again",
    "kit": "the same lock, model and data, verified",
    "relock": "the documented versions again: what else differs is in the lock's own record",
    "again": "the same again, to be compared",
    "energy": "measured from outside the training",
    "country": "what energy is turned into",
    "limits": "how often checkpoints are written, which draw nothing",
    "report_to": "the Trainer reports elsewhere, and the random states are put back behind each report",
    "until_epoch": "the first epochs of the same training, whose verdict is marked as a prefix's",
    "stop_when_decided": "the same, ended where the verdict can change no more",
    "strict": "refuses an environment that deviates",
}
# What needs a registry is tested with one, by these.
ELSEWHERE = {
    "torch": ("environments/test_torch_choice.py", "test_another_torch_is_a_deviation"),
    "torch_backend": ("environments/test_torch_choice.py", "test_another_build_is_a_deviation"),
    "stream": ("environments/test_resolve.py", "test_the_other_stream_can_be_asked_for"),
}


def trained(on: Device = CPU, **settings: Any) -> set[str]:
    """What a training in the documented environment on the published hardware tells, but for `settings`."""
    case = load_case(CASE)
    stated = case.card.claims
    arguments = training_arguments(stated.hyperparameters, where="card.md") | case.case.arguments
    asked = Settings(**{"seed": arguments["seed"], **settings})
    arguments["seed"] = asked.seed
    if asked.micro_batch is not None:
        arguments = split(arguments, asked.micro_batch)
    packages = {name: claim.text for name, claim in stated.versions.items()}
    if asked.environment == "current":
        packages |= {"transformers": "5.24.0", "torch": "2.15.0+cpu", "accelerate": "1.15.0"}
    started = Started(sequence=1, time=0, python="3.10.13", packages=packages, device=on)
    hardware = Hardware(kind="cpu", threads=2, capability="AVX2")
    return {each.what for each in observed_deviations(stated, hardware, asked, started, arguments=arguments)}


def prepared(cache: Path, **options: Any) -> set[str]:
    """What getting the model and the data tells."""
    handed = inputs.hand_over(options.pop("model", None), options.pop("data", None))
    accepted = {"rehearse": False, "accept_other_model": False, "accept_other_data": False, **options}
    return {each.what for each in inputs.prepare(load_case(CASE), handed, cache, **accepted).deviations}


def handed_over(cache: Path) -> set[str]:
    """What another model and other data tell, where they are accepted."""
    (cache / "model").mkdir()
    (cache / "model" / "config.json").write_text("{}")
    (cache / "issues.jsonl").write_text("{}\n")
    return prepared(
        cache,
        model=cache / "model",
        data=cache / "issues.jsonl",
        accept_other_model=True,
        accept_other_data=True,
    )


FASTER = FastPath(sequence=2, time=0, mode="same-stream", means={"gradients": "freed after each step"})
GPU = Device(kind="cuda", name="a GPU", threads=2, capability="sm_80")
LEFT: dict[str, tuple[Callable[[Path], set[str]], set[str]]] = {
    "seed": (lambda _: trained(seed=43), {"seed"}),
    "determinism": (lambda _: trained(determinism="strict"), {"determinism"}),
    "micro_batch": (lambda _: trained(micro_batch=8), {"micro batch"}),
    "fast": (lambda _: {fast_deviation(FASTER).what}, {"fast same-stream"}),
    "device": (lambda _: trained(GPU, device="cuda"), {"device"}),
    "environment": (
        lambda _: trained(environment="current"),
        {"transformers", "torch", "random stream", "optimizer"},
    ),
    "rehearse": (
        lambda cache: trained(rehearse=2) | prepared(cache, rehearse=True),
        {"length", "model", "data"},
    ),
    **dict.fromkeys(
        ("model", "data", "accept_other_model", "accept_other_data"), (handed_over, {"model", "data"})
    ),
}


def test_every_option_is_accounted_for() -> None:
    """Each option is among those that leave deviations, those that leave none, or those tested elsewhere."""
    options = [each.name for each in fields(RunOptions)]
    assert sorted(options) == sorted([*LEFT, *NONE, *ELSEWHERE])


def test_what_was_published_leaves_none() -> None:
    """The documented training on the published hardware leaves no deviation: there is nothing to tell."""
    assert trained() == set()


@pytest.mark.parametrize("option", LEFT)
def test_an_option_leaves_its_deviations(option: str, tmp_path: Path) -> None:
    """The code that an option makes go another way tells so, and tells nothing else."""
    tell, expected = LEFT[option]
    assert tell(tmp_path) == expected


@pytest.mark.parametrize("option", ELSEWHERE)
def test_options_of_the_lock_are_tested_with_a_registry(option: str) -> None:
    """The deviations of options that go to a registry have a test of their own, by this name."""
    module, test = ELSEWHERE[option]
    assert f"def {test}(" in (TESTS / module).read_text()

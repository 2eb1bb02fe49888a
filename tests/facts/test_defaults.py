"""The Trainer's defaults by release, as read from the wheels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.facts.defaults import Defaults, defaults, has_optimizer, schedulers, torch_needed


@pytest.mark.parametrize(
    ("transformers", "torch", "expected"),
    [
        ("4.6.1", None, "adamw_hf"),
        ("4.21.2", "1.13.0", "adamw_hf"),
        ("4.31.0", "2.0.1", "adamw_hf"),
        ("4.32.0", "2.0.1", "adamw_torch"),
        ("4.32.0.dev0", "2.0.1", None),
        ("4.53.3", "2.8.0", "adamw_torch"),
        ("4.54.0", "2.7.1+cu126", "adamw_torch"),
        ("4.54.0", "2.8.0", "adamw_torch_fused"),
        ("4.57.1", "2.8.0.dev20250319", "adamw_torch_fused"),
        ("5.23.0", "2.13.0", "adamw_torch_fused"),
        ("5.23.0", None, None),
        ("5.23.0", "nonsense", None),
    ],
)
def test_default_optimizer(transformers: str, torch: str | None, expected: str | None) -> None:
    """The default optimizer changed in 4.32 and, with torch 2.8, in 4.54; where it is open it is None."""
    did = defaults(transformers, torch)
    assert did is not None
    assert did.optimizer == expected


def test_other_defaults_never_changed() -> None:
    """Weight decay 0, clipping at 1, no half precision: in every release."""
    assert defaults("4.6.1") == Defaults(optimizer="adamw_hf")
    did = defaults("5.23.0", "2.9.0")
    assert did is not None
    assert (did.weight_decay, did.max_grad_norm, did.fp16, did.bf16) == (0.0, 1.0, False, False)


@pytest.mark.parametrize(
    ("name", "transformers", "expected"),
    [
        ("adamw_hf", "4.49.0", True),
        ("adamw_hf", "4.50.0", False),
        ("adamw_torch_fused", "4.26.1", False),
        ("adamw_torch_fused", "4.27.0", True),
        ("rmsprop", "nonsense", None),
        ("my_own", "4.50.0", None),
    ],
)
def test_has_optimizer(name: str, transformers: str, expected: bool | None) -> None:
    """Optimizers came and went with releases."""
    assert has_optimizer(name, transformers) is expected


def test_schedulers_came_with_releases() -> None:
    """inverse_sqrt came with 4.27, greedy with 5.4."""
    assert "inverse_sqrt" not in (schedulers("4.26.1") or ())
    assert "inverse_sqrt" in (schedulers("4.27.0") or ())
    assert "greedy" in (schedulers("5.4.0") or ())
    assert schedulers("?") is None


@given(st.text(max_size=80))
def test_any_text_is_answered(text: str) -> None:
    """No text makes the tables fail."""
    defaults(text, text)
    schedulers(text)
    torch_needed(text)
    has_optimizer(text, text)

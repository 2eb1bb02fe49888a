"""The streams of published pairs of versions, and texts that are no versions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.facts.streams import stream


@pytest.mark.parametrize(
    ("transformers", "torch", "accelerate", "expected"),
    [
        ("4.21.2", "1.13.0+cu117", None, "A2"),
        ("4.6.1", "1.9.0", None, "A1"),
        ("4.16.2", "1.10.0+cu111", None, "A1"),
        ("4.16.2", "1.11.0", None, "A2"),
        ("4.30.2", "2.0.1", "0.21.0", "A2"),
        ("4.30.2", None, "0.21.0", None),
        ("4.31.0", "2.0.1", None, None),
        ("4.31.0", None, "0.21.0", "B"),
        ("4.37.2", "2.1.0", "0.24.1", "B"),
        ("4.35.0", "2.1.0", "0.25.0", "C"),
        ("4.37.2", "2.1.0", "0.26.0", "B"),
        ("4.38.0", "2.1.0", None, "C"),
        ("4.38.2", "2.1.0", "0.26.1", "C"),
        ("4.38.2", "2.1.0", "0.24.0", "B"),
        ("5.23.0", "2.13.0", "1.11.0", "C"),
        ("4.17.0.dev0", "1.10.0", None, "A1"),
        ("4.31.0.dev0", "2.0.1", "0.21.0", None),
        ("4.38.0.dev0", "2.1.0", "0.27.0", None),
        ("4.21.2", "1.11.0a0+gitabc", None, None),
        (None, "1.13.0", "0.21.0", None),
    ],
)
def test_stream_of_known_pairs(
    transformers: str | None, torch: str | None, accelerate: str | None, expected: str | None
) -> None:
    """Every tested pair has the stream that was measured; open cases have none."""
    packages = {"transformers": transformers, "torch": torch, "accelerate": accelerate}
    assert stream({name: version for name, version in packages.items() if version}) == expected


@given(st.dictionaries(st.sampled_from(["transformers", "torch", "accelerate", "other"]), st.text()))
def test_any_text_is_answered(packages: dict[str, str]) -> None:
    """No text makes the table fail: what cannot be read leaves the stream open."""
    assert stream(packages) in {None, "A1", "A2", "B", "C"}


def test_ten_thousand_digits_are_no_version() -> None:
    """A version of 10,000 digits leaves the stream open instead of raising."""
    assert stream({"transformers": "9" * 10_000, "torch": "1.13.0"}) is None

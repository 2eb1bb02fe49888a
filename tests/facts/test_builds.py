"""Local build tags of torch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.facts.builds import build_of


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.13.0+cu117", "published"),
        ("1.13.0+cu116", "published"),
        ("1.7.1+cu110", "published"),
        ("1.10.0+cpu", "published"),
        ("2.4.0+rocm6.1", "published"),
        ("2.0.0+cu117.with.pypi.cudnn", "published"),
        ("2.8.0.dev20250319+cu128", "published"),
        ("1.13.0+cu121", "later"),
        ("1.13.1+cu113", "dropped"),
        ("2.0.1+cu120", "unpublished"),
        ("2.1.0+cu999", "false"),
        ("1.13.0+cu118.nv", "other"),
        ("1.13.0+cu1", "other"),
        ("1.12.1+computecanada", "other"),
        ("1.13.0a0+936e930", "other"),
        ("2.7.0.dev20250101+cu130", "other"),
        ("99.0+cu121", "other"),
    ],
)
def test_build_of(version: str, expected: str) -> None:
    """A tag is published, dropped, later, unpublished, false, or somebody else's."""
    found = build_of(version)
    assert found is not None
    assert found[1] == expected


@pytest.mark.parametrize("version", ["1.13.0", "", "x+cu117", "1.13.0+cu117" + "0" * 100])
def test_no_tag_is_none(version: str) -> None:
    """What has no tag, or cannot be read, is not judged."""
    assert build_of(version) is None


@given(st.text(max_size=80) | st.from_regex(r"[12]\.[0-9]{1,2}\.[0-9]\+[a-z0-9.]{1,12}", fullmatch=True))
def test_any_text_is_answered(version: str) -> None:
    """No text makes the table fail."""
    found = build_of(version)
    assert found is None or found[0]

"""uv's error output becomes one sentence, in the forms of several releases."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.environments.uvtool import essence, run_uv
from repro.errors import EnvironmentFailed

NEW = """Using Python 3.11.2 environment at: e
error: No solution found when resolving dependencies
  cause: Because transformers==4.17.0 depends on one of:
             tokenizers>=0.11.1,<0.11.3
             tokenizers>0.11.3
         and you require tokenizers==0.11.0, we can conclude that your requirements are unsatisfiable.

hint: Wheels are required
"""
OLD = """  \x1b[31m×\x1b[0m No solution found when resolving dependencies:
  ╰─▶ Because there is no version of torch==9 and you require torch==9, we can
      conclude that your requirements are unsatisfiable.
"""


@pytest.mark.parametrize(
    ("stderr", "expected"),
    [
        (NEW, "Because transformers==4.17.0 depends on one of: tokenizers>=0.11.1,<0.11.3 tokenizers>0.11.3 "
              "and you require tokenizers==0.11.0"),
        (OLD, "Because there is no version of torch==9 and you require torch==9"),
        ("error: Failed to fetch: `http://me:pw@h.invalid/x`\n  Caused by: Request\n  Caused by: refused\n",
         "Failed to fetch: `http://h.invalid/x`: refused"),
        ("", "uv said nothing"),
        ("something else\nlast words\n", "last words"),
    ],
)  # fmt: skip
def test_the_essential_sentence(stderr: str, expected: str) -> None:
    """Of uv's output the reason remains, without colours, hints, passwords and line ends."""
    assert essence(stderr) == expected


@given(st.text())
def test_any_output_is_one_line(stderr: str) -> None:
    """Whatever uv prints, a short line without line ends comes out."""
    sentence = essence(stderr)
    assert sentence
    assert len(sentence.splitlines()) == 1
    assert len(sentence) <= 310


def test_a_failing_uv_is_an_environment_error(tmp_path: Path) -> None:
    """A command that uv refuses is an error with what was being done."""
    with pytest.raises(EnvironmentFailed, match=r"^testing failed: ") as caught:
        run_uv(["pip", "no-such-command"], doing="testing", folder=tmp_path)
    assert "no-such-command" in caught.value.__notes__[0]

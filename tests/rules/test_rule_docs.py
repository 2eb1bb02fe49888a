"""The committed pages of the rules are those that the code gives."""

from __future__ import annotations

import runpy
from pathlib import Path

TOOL = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "rule_pages.py"))


def test_pages_are_those_of_the_code() -> None:
    """Each rule has its page, and no page says something else than its rule; else run tools/rule_pages.py."""
    made: dict[str, str] = TOOL["pages"]()
    there = {path.name: path.read_text() for path in TOOL["FOLDER"].glob("*.md")}
    assert sorted(there) == sorted(made)
    assert [name for name in made if made[name] != there[name]] == []

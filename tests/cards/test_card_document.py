"""What holds for a card split into its parts."""

from __future__ import annotations

import pytest

from repro.cards.document import Document


def lines(text: str) -> tuple[str, ...]:
    return tuple(Document.parse(text).lines)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_line_ending_counts_once(newline: str) -> None:
    """Lines are an editor's lines; form feeds and Unicode separators begin none."""
    assert lines(newline.join(["\ufeffa", "b\x0cc", "", "d\u2028e"])) == ("a", "b\x0cc", "", "d\u2028e")


def test_comments_are_not_seen() -> None:
    """Comments vanish, over several lines too, and what stands beside them stays in its place."""
    assert lines("a <!-- b --> c <!-- d\n# e\nf --> g\nh") == ("a  c ", "", " g", "h")


def test_code_is_not_seen() -> None:
    """What stands in a code block is no heading, bullet or table; a longer fence closes a shorter one."""
    assert lines("a\n```yaml\n# b\n~~~\n``` c\n````\n# d") == ("a", "```", "```", "```", "```", "```", "# d")


@pytest.mark.parametrize("opening", ["```", "~~~yaml", "<!-- never closed"])
def test_what_is_never_closed_hides_nothing(opening: str) -> None:
    """A missing end of code or comment does not cost the claims below it."""
    assert lines(f"```\nx\n```\n{opening}\n# b\n- c: 1")[3:] == (opening, "# b", "- c: 1")


def test_sections_hold_their_subsections() -> None:
    """A section ends at the next heading of its level or above; a section in a section is not given twice."""
    text = "# A\n## Versions x\na\n### Versions y\nb\n# \n## versions z ##\nc\n#no heading"
    document = Document.parse(text)
    assert [list(document.lines)[span.start : span.stop] for span in document.sections("versions")] == [
        ["a", "### Versions y", "b"],
        ["c", "#no heading"],
    ]
    assert [heading.title for heading in document.headings] == ["A", "Versions x", "Versions y", "versions z"]


def test_front_matter_is_not_body() -> None:
    """YAML comments are no headings and YAML lists state nothing, but their lines are counted."""
    document = Document.parse("---\n# note\ntags: a\n---\n# Title")
    assert document.lines == ["", "", "", "", "# Title"]
    assert (document.words("tags"), document.words("none")) == (("a",), ())


def test_monstrous_lines_are_passed_over() -> None:
    """A line longer than any generator prints states nothing and hides nothing."""
    assert lines("a\n" + "|" * 200_000 + "\nb") == ("a", "…", "b")

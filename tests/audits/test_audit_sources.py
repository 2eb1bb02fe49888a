"""What targets mean, and how bytes become text."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.audits import sources
from repro.audits.sources import Source, decoded, one_source, open_targets
from repro.errors import BadInput

CARD = "# m\n\n### Framework versions\n\n- Transformers 4.21.2\n"


def read(*targets: str | Path) -> list[Source]:
    """All sources of targets, in order."""
    return [
        source
        for target in open_targets([str(each) for each in targets])
        for chunk in target.chunks()
        for source in chunk.read()
    ]


@given(st.text())
def test_utf8_is_read_as_it_is(text: str) -> None:
    """Text comes back as it was written, U+FFFD and all, with no undecodable byte."""
    encodable = text.encode("utf-8", "replace").decode()
    assert decoded(encodable.encode()) == (encodable, 0)


@given(st.lists(st.one_of(st.text(alphabet="aé€😀\ufffd"), st.binary(max_size=4))))
def test_every_bad_byte_is_one_replacement(parts: list[str | bytes]) -> None:
    """Each byte that is no UTF-8 becomes one U+FFFD and is counted; all others stay."""
    data = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    text, bad = decoded(data)
    there = data.decode("utf-8", "ignore")
    assert text.replace("\ufffd", "") == there.replace("\ufffd", "")
    assert bad == text.count("\ufffd") - there.count("\ufffd")
    assert len(text.encode()) == len(there.encode()) + 3 * bad
    assert len(data) == len(there.encode()) + bad


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    """Cards in a folder and below come in the order of their relative paths; other files are no cards."""
    for name in (
        "org/b/README.md",
        "org/a/README.md",
        "org.md",
        "z.HTML",
        "a.markdown",
        "n.txt",
        "rows.jsonl",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CARD)
    names = [str(Path(each.target).relative_to(tmp_path)) for each in read(tmp_path)]
    assert names == ["a.markdown", "org.md", "org/a/README.md", "org/b/README.md", "z.HTML"]
    assert names == sorted(names)


def test_nothing_outside_a_folder_is_read(tmp_path: Path) -> None:
    """Hidden files, links that leave the folder and linked folders are skipped; links inside are followed."""
    folder = tmp_path / "cards"
    (folder / ".git").mkdir(parents=True)
    (tmp_path / "secret.md").write_text("# secret")
    (tmp_path / "cards2").mkdir()
    (tmp_path / "cards2" / "near.md").write_text("# near")
    for name in (".git/x.md", ".hidden.md", "real.md"):
        (folder / name).write_text(CARD)
    (folder / "outside.md").symlink_to(tmp_path / "secret.md")
    (folder / "near.md").symlink_to(tmp_path / "cards2" / "near.md")
    (folder / "inside.md").symlink_to(folder / "real.md")
    (folder / "loop").symlink_to(folder)
    assert [Path(each.target).name for each in read(folder)] == ["inside.md", "real.md"]
    (folder / "real.md").unlink()
    (folder / "inside.md").unlink()
    with pytest.raises(BadInput, match=r"no card .* in this folder; 2 links leave it"):
        open_targets([str(folder)])


def test_a_file_that_cannot_be_read_keeps_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder, binary, too long and unreadable files are sources with a problem, in their order."""
    monkeypatch.setattr(sources, "LONGEST", 100)
    (tmp_path / "a.md").write_bytes(b"\x89PNG\0")
    (tmp_path / "b.md").write_text("x" * 101)
    (tmp_path / "c.md").write_text(CARD)
    (tmp_path / "d.md").write_text(CARD)
    if sys.platform != "win32" and os.geteuid():
        (tmp_path / "d.md").chmod(0)
    problems = [each.problem for each in read(tmp_path)]
    assert "binary" in problems[0]
    assert "larger than" in problems[1]
    assert problems[2] == ""
    if sys.platform != "win32" and os.geteuid():
        assert "denied" in problems[3]


def test_only_a_single_card_is_strict(tmp_path: Path) -> None:
    """A card that is the only target is strict, one of several is not."""
    path = tmp_path / "card.md"
    path.write_text(CARD)
    assert [each.strict for each in read(path)] == [True]
    assert [each.strict for each in read(path, path)] == [False, False]


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda _: None, "no such file"),
        (lambda path: path.mkdir(), "no card"),
        (lambda path: path.write_bytes(b"\0"), "binary"),
    ],
)
def test_one_source_is_there_or_an_error(
    make: Callable[[Path], object], problem: str, tmp_path: Path
) -> None:
    """Where one card is asked for, whatever is wrong with it is an error with a hint."""
    path = tmp_path / "it.md"
    make(path)
    with pytest.raises(BadInput, match=problem) as raised:
        one_source(str(path))
    assert raised.value.hint


def test_several_cards_are_not_one(tmp_path: Path) -> None:
    """A folder is no single card, and standard input can be read once."""
    (tmp_path / "a.md").write_text(CARD)
    with pytest.raises(BadInput, match="more than one card"):
        one_source(str(tmp_path))
    with pytest.raises(BadInput, match="once"):
        open_targets(["-", "-"])


def test_a_case_has_a_card() -> None:
    """A bundled case's name means its card."""
    (source,) = read("demo")
    assert source.target == "demo/card.md"
    assert "hyperparameters" in source.text

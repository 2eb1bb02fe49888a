"""Chunks through processes: the order, how far ahead they are, and what is left behind."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from auditor_samples import CARD
from hypothesis import given
from hypothesis import strategies as st

from repro.audits import Request, Settings, pool, work
from repro.audits.command import cores
from repro.audits.output import Lines, WholeFile, Written
from repro.audits.pool import workers
from repro.audits.sources import Given
from repro.audits.stream import Bench, Format, encoded
from repro.errors import BadInput

SETTINGS = Settings(select=("RT201",), plugins=False)
JSON = Format("json", several=True)


def chunks(count: int, taken: list[int]) -> Iterator[Given]:
    """Chunks of one card, each noted when it is taken."""
    for i in range(count):
        taken.append(i)
        yield Given(((f"{i}.md", CARD.encode()),))


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_answers_come_in_order_and_not_far_ahead(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However processes are started, answers come in the order of the chunks, few of which wait."""
    monkeypatch.setattr(pool, "_start_method", lambda: method)
    taken: list[int] = []
    with workers(SETTINGS, JSON, 2) as started:
        for done, answer in enumerate(started.answers(chunks(30, taken))):
            assert f'"target":"{done}.md"'.encode() in answer.text
            assert len(taken) <= done + 8
    assert len(taken) == 30
    assert not multiprocessing.active_children()


def test_0_jobs_are_one_a_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """0 stands for as many processes as there are cores; where that is one, none is started."""
    assert cores() >= 1
    monkeypatch.setattr("repro.audits.command.cores", lambda: 1)
    monkeypatch.setattr(pool, "workers", None)
    (tmp_path / "card.md").write_text(CARD)
    outcome = work(Request((str(tmp_path / "card.md"),), settings=SETTINGS, jobs=0))
    assert (outcome.summary.cards, outcome.summary.findings) == (1, 2)


def test_an_error_in_a_worker_is_the_programs_own() -> None:
    """What a worker refuses is refused here with message and hint, and the workers end."""
    bad = Given((("empty.md", b" "),), strict=True)
    with pytest.raises(BadInput, match="empty") as raised, workers(SETTINGS, JSON, 2) as started:
        list(started.answers([bad]))
    assert raised.value.hint
    assert not multiprocessing.active_children()


def test_half_a_character_is_spelled_out() -> None:
    """A file's name that is no UTF-8 can be written."""
    assert encoded("a\udcffb") == b"a\\udcffb"


# ------------------------------------------------------------------------------------------- files


@given(st.integers(0, 5), st.binary(max_size=40).filter(lambda data: b"\n" not in data))
def test_half_a_line_is_left_out(whole: int, half: bytes) -> None:
    """Whatever stands behind the last whole line, what is whole is counted, and ends where it ends."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "out.jsonl")
        bench = Bench(SETTINGS, JSON)
        lines = [bench(chunk).text for chunk in chunks(whole, [])]
        path.write_bytes(b"".join(lines) + half)
        found = Written.read(path)
    assert (found.cards, found.end) == (whole, len(b"".join(lines)))
    assert found.summary.by_severity == ({"warning": 2 * whole} if whole else {})
    assert (found.first, found.last) == ((lines[0], lines[-1]) if lines else (b"", b""))


def test_an_interrupted_write_leaves_whole_lines(tmp_path: Path) -> None:
    """Where writing is broken off, the file ends behind the last card that was written whole."""
    path = tmp_path / "out.jsonl"
    lines = Lines(path)
    lines.write(b"one\n")
    lines._file.write(b"tw")
    lines.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert path.read_bytes() == b"one\n"
    with Lines(path, at=4) as lines:
        lines.write(b"two\n")
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_document_that_is_not_whole_is_not_there(tmp_path: Path) -> None:
    """Where an audit fails, neither half a document nor its part is left."""
    page = WholeFile(tmp_path / "page.html")
    page.write(b"<html>")
    page.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """A place that cannot be written is an error with a hint, for lines and for documents."""
    (tmp_path / "file").write_text("")
    (tmp_path / "card.md").write_text(CARD)
    for name in ("json", "html"):
        request = Request(
            (str(tmp_path / "card.md"), str(tmp_path / "card.md")),
            settings=SETTINGS,
            format=Format(name),
            out=tmp_path / "file" / "out",
        )
        with pytest.raises(BadInput, match="cannot be written") as raised:
            work(request)
        assert "--out" in raised.value.hint

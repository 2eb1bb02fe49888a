"""An evaluation on somebody's own texts, as the report and the card show it."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from repro.records.codec import from_json, load, to_json
from repro.records.comparison import Comparison
from repro.records.evaluation import Evaluation, Measurement, Spread
from repro.records.run import Run
from repro.reports import render
from repro.reports.evaluations import evaluation_view, read

EXAMPLE = Path(__file__).parents[2] / "reports" / "example"


def spread(*losses: float, perplexity: float = 8.0) -> Spread:
    return Spread(
        losses=losses,
        mean=sum(losses) / len(losses),
        lowest=min(losses),
        highest=max(losses),
        perplexity=perplexity,
    )


def evaluation(file: str = "own.txt") -> Evaluation:
    own = Measurement(
        texts=1200, trained=spread(2.0, 2.5), base=spread(7.0, 7.1), gain=spread(4.6, 5.0, perplexity=121.5)
    )
    return Evaluation(
        run="0123456789ab",
        file=file,
        sha256="a" * 64,
        when="2026-01-01T00:00:00Z",
        kind="text",
        empty=2,
        tokens=34_000,
        truncated=3,
        unknown_share=0.0625,
        sequence_length=64,
        mask_probability=0.15,
        mask_seeds=(0, 1),
        own=own,
        case=Measurement(texts=60, trained=spread(1.9, 2.0)),
        weights="b" * 64,
        step=464,
        device="cpu (a processor)",
        seconds=1.0,
        notes=("the environment has changed",),
    )


def test_an_evaluation_survives_its_json() -> None:
    """What is written into the record is what is read from it."""
    assert from_json(to_json(evaluation()), Evaluation, source="x") == evaluation()


def test_what_was_read_is_said() -> None:
    """Texts, tokens, unknown ones, cut and left out ones are counted in words."""
    said = read(evaluation())
    for part in ("1,200 texts", "34,000 tokens", "6.2% unknown", "3 cut at the case's 64", "2 left out"):
        assert part in said


def test_the_table_has_both_models_and_the_case() -> None:
    """Own texts and the case's data, trained and base model, their difference, and the published loss."""
    view = evaluation_view(evaluation(), "1.8739")
    assert [row[:3] for row in view.rows] == [
        ("Your texts", "Trained", "2.2500"),
        ("Your texts", "Base, before the training", "7.0500"),
        ("Your texts", "Gain by the training (base − trained)", "4.8000"),
        ("The case's evaluation data", "Trained", "1.9500"),
        ("The case's evaluation data", "as published", "1.8739"),
    ]
    assert "2 times (seeds 0 to 1)" in view.masks


def test_the_report_and_the_card_show_it(tmp_path: Path) -> None:
    """Both have a section, and a hostile file name is spelled out in it."""
    run = replace(
        load(EXAMPLE / "run.json", Run), evaluations=(evaluation("<script>|\x1b[31m`x`.txt"), evaluation())
    )
    render(run, load(EXAMPLE / "comparison.json", Comparison), tmp_path)
    html, card = (tmp_path / "report.html").read_text(), (tmp_path / "card.md").read_text()
    for text in (html, card):
        assert "On your own texts" in text
        assert "4.8000" in text
        assert "\x1b" not in text
        assert "<script>" not in text


def test_a_run_without_one_has_no_section(tmp_path: Path) -> None:
    """Where nobody evaluated, neither report nor card speaks of it."""
    run = load(EXAMPLE / "run.json", Run)
    render(run, load(EXAMPLE / "comparison.json", Comparison), tmp_path)
    for name in ("report.html", "card.md"):
        assert "your own texts" not in (tmp_path / name).read_text().lower()

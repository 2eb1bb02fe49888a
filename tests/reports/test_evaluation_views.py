"""An evaluation on somebody's own texts, as the report and the card show it."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace
from report_samples import sample_evaluation as evaluation

from repro.records.codec import from_json, load, to_json
from repro.records.comparison import Comparison
from repro.records.evaluation import Evaluation
from repro.records.run import Run
from repro.reports import render
from repro.reports.evaluations import evaluation_view, read

EXAMPLE = Path(__file__).parents[2] / "reports" / "example"


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

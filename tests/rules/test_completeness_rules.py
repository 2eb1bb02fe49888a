"""RC6xx: what counts as written, and what is left of templates."""

from __future__ import annotations

import pytest

from repro.rules import completeness as rules
from repro.testing import findings

FRONT = "---\nlicense: mit\n---\n\n# issues-128\n\n"


def scores(text: str) -> dict[str, float]:
    """The score of each section of a card."""
    (found,) = findings(rules.completeness, text)
    sections: dict[str, float] = found.evidence["sections"]
    return sections


def test_plain_text_has_no_score() -> None:
    """A text that was not written for the Hub is not held against a model card's sections."""
    assert findings(rules.completeness, "# Notes\n\n## Uses\n\nNone.\n") == []
    assert findings(rules.annex_xi, "# Notes\n") == []


def test_a_full_card_has_no_finding() -> None:
    """A card with all nine sections is not mentioned, and the score of the others is their sum."""
    assert findings(rules.completeness, rules.completeness.page.after) == []
    (found,) = findings(rules.completeness, FRONT)
    assert found.evidence["score"] == sum(found.evidence["sections"].values()) == 0.5
    assert tuple(found.evidence["sections"]) == rules.SECTIONS


@pytest.mark.parametrize(
    "body",
    [
        "More information needed",
        "[More Information Needed]",
        "- **Users:** [More Information Needed]",
        "TODO",
        "N/A",
        "...",
        "<!-- Direct use -->",
        "",
        "### Direct Use\n\n[More Information Needed]\n\n### Downstream Use",
    ],
)
def test_what_is_not_written(body: str) -> None:
    """A template's words, an empty section, and empty subsections say nothing."""
    assert scores(f"{FRONT}## Uses\n\n{body}\n\n## More\n\nText.\n")["intended use"] == 0


@pytest.mark.parametrize(
    "body", ["For issues.", "### Direct Use\n\nFor issues.", "```python\nimport x\n```", "| a |"]
)
def test_what_is_written(body: str) -> None:
    """Text, code, a table, and a subsection's text say something."""
    assert scores(f"{FRONT}## Uses\n\n{body}\n")["intended use"] == 0.5


@pytest.mark.parametrize(
    ("body", "section", "score"),
    [
        ("### Usage Warnings\n\nAnswers may be rude.\n", "caveats and recommendations", 1),
        ("## Legal and Ethical Duties\n\nMind the law.\n", "ethical considerations", 1),
        ("- **Ethical responsibilities**: mind the law.\n", "ethical considerations", 1),
        ("**Training data**\n\n9,300 issues.\n", "training data", 1),
        ("- **Training data:** [More Information Needed]\n", "training data", 0),
        ("- **Training data**\n- **Uses**\n", "training data", 0),
        ("It has no **training data** of its own.\n", "training data", 0),
        ("**The training data of this model are issues of last year.** They are few.\n", "training data", 0),
        ("## Evaluation\n\nThe metric is pass@1.\n", "metrics", 0.5),
        ("## Evaluation\n\nMeasured on a held-out split.\n", "evaluation data", 0.5),
        ("## Evaluation\n\nIt works well.\n", "metrics", 0),
        ("It has an accuracy of 0.9 on the test set.\n", "metrics", 0),
    ],
)
def test_other_forms_of_sections(body: str, section: str, score: float) -> None:
    """Bold words with a text behind them head a section, and one on results may name metric and data."""
    assert scores(f"{FRONT}{body}")[section] == score


def test_only_sections_are_missed() -> None:
    """The finding says that there is no section, not that nothing is said."""
    (found,) = findings(rules.completeness, f"{FRONT}It has an accuracy of 0.9 on the test set.\n")
    assert "no section on intended use, factors, metrics" in found.message


def test_template_of_the_hub_is_mapped() -> None:
    """The headings of the Hub's own template, filled in, make all nine sections."""
    from huggingface_hub import ModelCard, ModelCardData

    fields = [
        "model_description",
        "direct_use",
        "out_of_scope_use",
        "bias_risks_limitations",
        "bias_recommendations",
        "training_data",
        "testing_data",
        "testing_factors",
        "testing_metrics",
    ]
    written = dict.fromkeys(fields, "Something.")
    written["results"] = "| Label | Loss |\n|:---:|:---:|\n| bug | 1.2 |\n"
    data = ModelCardData(license="mit", base_model="gpt2")
    assert findings(rules.completeness, str(ModelCard.from_template(data, **written))) == []
    empty = str(ModelCard.from_template(data))
    assert {name for name, score in scores(empty).items() if score} == {"model details"}


def test_placeholders_are_counted() -> None:
    """Both spellings count, and the first gives the line."""
    (found,) = findings(
        rules.placeholders_left, "# a\n\n[More Information Needed]\n\nMore information needed\n"
    )
    assert (found.line, found.evidence) == (3, {"count": 2})


def test_own_words_are_no_request() -> None:
    """The generator's request is found in a comment only."""
    assert findings(rules.generator_comment_left, "Please proofread and complete it.\n") == []


def test_own_comments_are_no_template() -> None:
    """Comments of one's own are left alone; blanks that a program should have filled are a warning."""
    assert findings(rules.template_left, "<!-- see the paper -->\n\n$\\frac{{a}}{b}$\n") == []
    (found,) = findings(rules.template_left, '# {{ model_id | default("Model ID", true) }}\n')
    assert found.severity == "warning"


def test_annex_xi_claims_no_compliance() -> None:
    """What would be asked for is a note of the strict profile, and says nothing about complying."""
    assert rules.annex_xi.profiles == {"strict"}
    (found,) = findings(rules.annex_xi, FRONT)
    assert found.severity == "note"
    assert "would ask for" in found.message
    page = rules.annex_xi.page
    words = f"{page.title} {page.what} {page.why} {page.mend} {found.message}".lower()
    assert "complian" not in words
    assert "compli" not in words.replace("complicated", "")

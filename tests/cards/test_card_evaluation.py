"""What holds for the results that a card states."""

from __future__ import annotations

import pytest

from repro.cards import read_card


def read(text: str) -> dict[str, tuple[str, int]]:
    claims = read_card(text, target="card.md").claims
    return {name: (claim.text, claim.line) for name, claim in claims.evaluation.items()}


def test_several_lists_are_all_read() -> None:
    """Lists below one sentence or several are read; short labels may stand between them."""
    text = (
        "After first training it achieves:\n\non small dataset\n- Loss: 0.5\n\nafter second training:\n"
        "on large dataset\n\n- Loss: 0.4\n- Note: good\n\n"
        "It achieves the following results on the test set:\n- Loss: 0.3"
    )
    assert read(text) == {"loss": ("0.5", 4), "loss (2)": ("0.4", 9), "loss (3)": ("0.3", 13)}


def test_other_lists_are_not_taken_for_results() -> None:
    """A list behind prose that is no label of results states none."""
    assert list(read("It achieves the following results:\n- F1: 0.5\n\nOur sizes:\n- train: 1000")) == ["f1"]


def test_list_without_bullets() -> None:
    """Lines `name: number` below the sentence are its list, with or without emphasis."""
    text = (
        "It achieves the following results on the evaluation set:\n\nLoss: 0.5\n**F1 macro**: 0.25\nNote: no"
    )
    assert read(text) == {"loss": ("0.5", 3), "f1_macro": ("0.25", 4)}


def test_tables_of_metrics() -> None:
    """Below a heading on evaluation, a table states a metric a row, or a metric a column for all labels."""
    text = (
        "## Evaluation\n### Metrics\n"
        "| Metric | Value |\n|:--|:--|\n| **ndcg@10** | **0.5** |\n| dataset | x |\n\n"
        "| Metric | sts-dev | sts-test |\n|--|--|--|\n| pearson | 0.7 | 0.6 |\n\n"
        "| Label | Accuracy |\n|--|--|\n| **all** | 0.8 |\n| a | 0.7 |\n"
    )
    assert read(text) == {
        "ndcg@10": ("**0.5**", 5),
        "sts_dev_pearson": ("0.7", 10),
        "sts_test_pearson": ("0.6", 10),
        "accuracy": ("0.8", 14),
    }


def test_sections_add_to_the_list() -> None:
    """Beside the announced headline, sections on evaluation state results; logs and data state none."""
    assert read("# x\n## Evaluation results\n- Wer: 12.5\n- Notes: none\n") == {"wer": ("12.5", 3)}
    text = "It achieves the following results:\n- Loss: 0.5\n## Results\n- Wer: 12.5\n"
    assert list(read(text)) == ["loss", "wer"]
    assert read("## Training and evaluation data\n- Size: 10\n## Training results\n- Runtime: 10\n") == {}


def test_metrics_below_training_results() -> None:
    """Bullets with a metric and a table of keys below «Training results» are results beside the headline."""
    text = (
        "It achieves the following results:\n- Loss: 0.5\n\n### Training results\n\n"
        "- Validation Loss: 0.25\n- Accuracy: 0.75, \n- Runtime: 10\n\n"
        "| key | value |\n|--|--|\n| eval_auc | 0.9 |\n| device | tpu |\n"
    )
    assert read(text) == {
        "loss": ("0.5", 2),
        "validation_loss": ("0.25", 6),
        "accuracy": ("0.75", 7),
        "eval_auc": ("0.9", 12),
    }


def test_results_below_a_caption() -> None:
    """A line of bold text stands for a heading up to the first paragraph behind its table."""
    table = "| Metric | Value |\n|--|--|\n| F1 | 0.5 |\n"
    text = f"# x\n\n**Evaluation results:**\n\n{table}\nSizes\n\n{table.replace('F1', 'Rows')}"
    assert read(text) == {"f1": ("0.5", 7)}
    assert read(text.replace("**Evaluation results:**", "**Sizes**")) == {}


def test_lists_are_numbered_as_a_whole() -> None:
    """What a list states again bears the list's number, also where one value is that of another list."""
    sentence = "It achieves the following results on the {} set:\n"
    lists = (
        "- Loss: 0.5\n- F1: 0.8\n",
        "- Loss: 0.4\n- Wer: 0.1\n",
        "- Loss: 0.3\n- F1: 0.8\n",
        "- Loss: 0.3\n",
        "- F1: 0.7\n",
    )
    text = "\n".join(sentence.format(i) + each for i, each in enumerate(lists))
    assert read(text) == {
        "loss": ("0.5", 2),
        "f1": ("0.8", 3),
        "loss (2)": ("0.4", 6),
        "wer": ("0.1", 7),
        "loss (3)": ("0.3", 10),
        "f1 (3)": ("0.8", 11),
        "f1 (4)": ("0.7", 17),
    }


def test_hyperparameters_in_a_section_on_results_are_none() -> None:
    """What is read as a hyperparameter is no result, whatever section it stands in."""
    assert read("## Evaluation results\n### Training hyperparameters\n- seed: 42\n") == {}


def test_printed_log_is_read() -> None:
    """What `log_metrics` prints is read in a block of code, where nothing else is."""
    printed = (
        "***** eval metrics *****\n  epoch     =  3.0\n  eval_f1   = 83.3\n  eval_runtime = 0:04:44.21\n"
    )
    text = f"```\n{printed}\nx = 1\n```"
    assert read(text) == {"epoch": ("3.0", 3), "eval_f1": ("83.3", 4), "eval_runtime": ("0:04:44.21", 5)}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("F1 score: 85.1341", {"f1_score": "85.1341"}),
        ("**Test accuracy** = 91%", {"test_accuracy": "91%"}),
        ("{'exact_match': 54.5, 'f1': 73.6}", {"exact_match": "54.5", "f1": "73.6"}),
        ("Accuracy: very good", {}),
        ("Price: 85", {}),
        ("{'a': 1}", {}),
        ("The F1: 85", {}),
        ("- F1: 85", {}),
    ],
)
def test_metric_alone_on_its_line(line: str, expected: dict[str, str]) -> None:
    """A line that is a metric and a number, or a dict of metrics, and nothing else is a result."""
    assert {name: text for name, (text, _) in read(f"# x\n\n{line}\n").items()} == expected


def test_contradiction_within_a_list_leaves_the_list_whole() -> None:
    """A metric that a list states twice stands by itself; the rest of the list keeps its numbers."""
    text = "It achieves the following results:\n- Loss: 0.5\n- F1: 0.8\n- F1: 0.9\n- Wer: 0.1\n\n"
    text += "On the test set:\n- Wer: 0.2\n- F1: 0.7\n"
    assert read(text) == {
        "loss": ("0.5", 2),
        "f1": ("0.8", 3),
        "wer": ("0.1", 5),
        "wer (2)": ("0.2", 8),
        "f1 (2)": ("0.7", 9),
        "f1 (3)": ("0.9", 4),
    }

"""What holds for the Trainer's cards once people have edited them."""

from __future__ import annotations

from card_generator import COMMENT

from repro.cards import read_card
from repro.records.claims import Claims

HYPERPARAMETERS = "### Training hyperparameters\n\nThe following hyperparameters were used during training:\n"


def read(text: str) -> Claims:
    audit = read_card(f"{COMMENT}\n\n# name\n\n{text}", target="card.md")
    assert audit.kind == "trainer"
    return audit.claims


def test_only_the_sentence_is_needed() -> None:
    """Without its heading, the generated list is still found below its sentence."""
    claims = read(
        "The following hyperparameters were used during training:\n- seed: 1\n\nAnd:\n- not_one: 2\n"
    )
    assert list(claims.hyperparameters) == ["seed"]


def test_only_the_heading_is_needed() -> None:
    """Without its sentence, the list is found below its heading, whatever its bullets look like."""
    claims = read("## Training Hyperparameters\n* seed = 1\nnum_epochs: 3\n\n## Next\n- other: 1\n")
    assert {name: claim.value for name, claim in claims.hyperparameters.items()} == {
        "seed": 1,
        "num_epochs": 3,
    }


def test_several_trainings_give_the_one_of_the_results() -> None:
    """With several trainings on one card, hyperparameters and results are those of the same one."""
    log = "| Training Loss | Epoch |\n|:--:|:--:|\n| {} | 1.0 |\n\n"
    text = HYPERPARAMETERS + "- seed: 1\n\nTraining results\n\n" + log.format(0.1)
    claims = read(
        text + "#### Second\n\n" + HYPERPARAMETERS + "- seed: 2\n\n### Training results\n\n" + log.format(0.2)
    )
    assert claims.hyperparameters["seed"].value == 2
    assert claims.results is not None
    assert claims.results.rows[0].cells[0].value == 0.2
    assert [table.rows[0].cells[0].value for table in claims.tables] == [0.1]


def test_results_may_be_present_and_empty() -> None:
    """An empty section is no table, and a table of another kind is not taken for it."""
    table = "|Metric|Value|\n|---|---|\n|F1|1|"
    claims = read(f"### Training results\n\n\n\n### Framework versions\n\n- Transformers 4.40.0\n\n{table}")
    assert claims.results is None
    assert len(claims.tables) == 1
    assert claims.versions["transformers"].text == "4.40.0"


def test_log_is_found_without_its_heading() -> None:
    """A table of losses by step is the training log wherever it stands."""
    claims = read("|Split|Size|\n|---|---|\n|train|1|\n\n|Step|Training Loss|\n|---|---|\n|500|1.5|\n")
    assert claims.results is not None
    assert claims.results.columns == ("step", "training_loss")
    assert len(claims.tables) == 1


def test_headline_is_the_first_list() -> None:
    """Of two lists of results the first has the bare names, and nothing of the second is lost."""
    sentence = "It achieves the following results on the evaluation set:\n"
    claims = read(f"{sentence}- Loss: nan\n- Accuracy: 91.1370%\n- F1: 0,86\n\n{sentence}- Loss: 0.5\n")
    assert {name: claim.value for name, claim in claims.evaluation.items()} == {
        "loss": "nan", "accuracy": "91.1370%", "f1": "0,86", "loss (2)": 0.5,
    }  # fmt: skip


def test_headline_may_stand_further_down() -> None:
    """A sentence without a list does not hide the next one."""
    claims = read(
        "It achieves the following results: great.\n\n# x\n\nIt achieves the following results:\n\n- Wer: 0.5"
    )
    assert claims.evaluation["wer"].line == 12


def test_details_and_badges_state_nothing() -> None:
    """The recipe that axolotl pastes above the heading gives neither name nor hyperparameters."""
    recipe = (
        "<details><summary>See config</summary>\n\n```yaml\n# seed\nseed: 7\n- lr: 1\n```\n\n</details><br>\n"
    )
    audit = read_card(
        f"{COMMENT}\n\n[<img src='x'/>](y)\n{recipe}\n# name\n\n{HYPERPARAMETERS}- seed: 1", target="x"
    )
    assert audit.claims.name == "name"
    assert {name: claim.value for name, claim in audit.claims.hyperparameters.items()} == {"seed": 1}

"""In what two cards differ: each way of being no replicate has words of its own."""

from __future__ import annotations

from typing import Any

import pytest
from recipe_samples import ROWS, card

from repro.cards import read_card
from repro.peers.recipe import difference, is_comparable, recipe_of
from repro.records.peers import Recipe
from repro.rules import Context, Subject


def recipe(**changes: Any) -> Recipe:
    """The recipe of a card with changes."""
    return recipe_of(Subject(read_card(card(**changes), target="README.md"), Context()))


def test_a_card_of_the_same_recipe_differs_in_nothing() -> None:
    """Two cards with the same recipe differ in nothing, whatever else they print."""
    assert difference(recipe(), recipe(name="other", versions={"Transformers": "4.40.0"}, loss="2")) == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"learning_rate": "2e-05"}, "learning rate 2e-05, not 5e-05"),
        ({"learning_rate": None}, "states no learning rate"),
        ({"train_batch_size": "16"}, "train batch size 16, not 32"),
        ({"gradient_accumulation_steps": "2", "total_train_batch_size": "64"}, "train batch size 64, not 32"),
        ({"distributed_type": "multi-GPU", "num_devices": "2"}, "train batch size 64, not 32"),
        ({"distributed_type": "multi-GPU"}, "states no train batch size"),
        ({"num_epochs": "3"}, "epochs 3, not 4"),
        ({"num_epochs": None, "training_steps": "400"}, "states no epochs"),
        ({"lr_scheduler_type": "cosine"}, "scheduler cosine, not linear"),
        ({"lr_scheduler_warmup_ratio": "0.1"}, "warm-up ratio 0.1, not 0"),
        ({"lr_scheduler_warmup_steps": "500"}, "warm-up steps 500, not 0"),
        ({"label_smoothing_factor": "0.1"}, "label smoothing 0.1, not 0"),
        ({"optimizer": "Adafactor"}, "optimizer adafactor, not adam"),
        (
            {"optimizer": "Use adamw_torch with betas=(0.9,0.98) and epsilon=1e-08"},
            "optimizer's betas and epsilon 0.9, 0.98, 1e-08, not 0.9, 0.999, 1e-08",
        ),
        ({"base": "other/tiny"}, "another base model: other/tiny, not sample/tiny"),
        ({"rows": ROWS[:3]}, "its table ends at step 300, not 400"),
        ({"rows": ROWS[1::2]}, "evaluated 2 times, not 4 times, in 400 steps"),
        ({"rows": [("1.0", "1.0", "50", "1.1")]}, "evaluated at steps 50 to 50, not 100 to 400"),
    ],
)
def test_each_difference_is_said_in_a_few_words(changes: dict[str, Any], said: str) -> None:
    """A card of another recipe is told by what it states, with both values."""
    assert difference(recipe(), recipe(**changes)) == said


@pytest.mark.parametrize(
    "changes",
    [
        {"learning_rate": "0.00005"},
        {"train_batch_size": "16", "gradient_accumulation_steps": "2", "total_train_batch_size": "32"},
        {
            "train_batch_size": "8",
            "distributed_type": "multi-GPU",
            "num_devices": "4",
            "total_train_batch_size": "32",
        },
        {"seed": "43"},
        {"seed": None},
        {"base": None},
        {"base": "/content/tiny"},
        {"optimizer": None},
        {
            "optimizer": "Use adamw_torch with betas=(0.9,0.999) and epsilon=1e-08 and optimizer_args=No "
            "additional optimizer arguments"
        },
        {"optimizer": "Use OptimizerNames.ADAMW_TORCH_FUSED with betas=(0.9,0.999) and epsilon=1e-08"},
        {"mixed_precision_training": "Native AMP"},
        {"num_epochs": "4.0"},
    ],
)
def test_what_is_the_same_in_other_words_is_no_difference(changes: dict[str, Any]) -> None:
    """Other spellings of the same recipe, another seed and what is not stated leave nobody out."""
    assert difference(recipe(), recipe(**changes)) == ""


def test_a_warm_up_ratio_of_any_release_is_the_same() -> None:
    """What transformers 4 prints as a ratio and 5 as a step below one is one warm-up."""
    own = recipe(lr_scheduler_warmup_ratio="0.1")
    assert difference(own, recipe(lr_scheduler_warmup_steps="0.1")) == ""
    assert difference(own, recipe(lr_scheduler_warmup_steps="10")) == "warm-up ratio 0, not 0.1"


def test_an_old_name_of_the_base_model_is_the_same_model() -> None:
    """`bert-base-uncased` is google-bert/bert-base-uncased, and nobody else's model of that name."""
    own = recipe(base="bert-base-uncased")
    assert difference(own, recipe(base="google-bert/bert-base-uncased")) == ""
    assert difference(own, recipe(base="google-bert/bert-base-cased")).startswith("another base model")
    assert difference(own, recipe(base="me/bert-base-uncased")).startswith("another base model")


def test_another_named_data_set_is_another_recipe() -> None:
    """Two named data sets that are not the same leave a card out; a file's loader is no name."""
    own = recipe(dataset="the emotion dataset")
    assert difference(own, recipe(dataset="the dair-ai/emotion dataset")) == ""
    assert difference(own, recipe(dataset="the json dataset")) == ""
    assert difference(own, recipe(dataset="the imdb dataset")) == "another data set: imdb, not emotion"


def test_what_the_published_card_does_not_state_is_not_compared() -> None:
    """A published card without scheduler, optimizer, base model and table is compared by the rest."""
    own = recipe(lr_scheduler_type=None, optimizer=None, base=None, rows=None)
    assert difference(own, recipe(lr_scheduler_type="cosine", optimizer="Adafactor")) == ""


def test_a_card_without_rate_or_batch_or_end_has_no_recipe() -> None:
    """Learning rate, batch and epochs (or steps) are the least that a recipe has."""
    assert is_comparable(recipe(num_epochs=None, training_steps="400"))
    for name in ("learning_rate", "train_batch_size", "num_epochs"):
        assert not is_comparable(recipe(**{name: None}))


def test_hostile_values_are_no_recipe() -> None:
    """Numbers that are none, overflow or never end are not stated."""
    read = recipe(
        learning_rate="nan", seed="1e300", lr_scheduler_warmup_steps="inf", optimizer="Adam with betas=(e,-) "
    )
    assert (read.learning_rate, read.seed, read.warmup_steps) == (None, None, 0.0)
    assert read.optimizer_numbers == ()

"""RH3xx: hyperparameters against each other and against what their release does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.cards.values import value
from repro.records.card import Card
from repro.records.claims import Claim, Claims
from repro.rules import Rule, RuleSet, check
from repro.rules import hyperparameters as rules
from repro.testing import check_page, findings

MARK = "<!-- generated automatically according to the information the Trainer had access to -->\n"
ADAM = "Adam with betas=(0.9,0.999) and epsilon=1e-08"
NAMED = (
    "Use adamw_torch with betas=(0.9,0.999) and epsilon=1e-08 "
    "and optimizer_args=No additional optimizer arguments"
)
PUBLISHED = {
    "learning_rate": "2e-05",
    "train_batch_size": "32",
    "eval_batch_size": "32",
    "seed": "42",
    "optimizer": ADAM,
    "lr_scheduler_type": "linear",
    "num_epochs": "16",
}


def card(
    stated: dict[str, str], *, transformers: str | None = None, below: str = "", mark: str = MARK
) -> str:
    """A card that states hyperparameters."""
    lines = "\n".join(f"- {name}: {text}" for name, text in stated.items())
    versions = f"\n### Framework versions\n\n- Transformers {transformers}\n" if transformers else ""
    return (
        f"{mark}\n### Training hyperparameters\n\n"
        f"The following hyperparameters were used during training:\n{lines}\n\n{below}{versions}"
    )


def table(*rows: tuple[float, int]) -> str:
    """A results table of epochs and steps."""
    body = "\n".join(f"| 1.0 | {epoch} | {step} | 1.0000 |" for epoch, step in rows)
    head = "| Training Loss | Epoch | Step | Validation Loss |\n|:---:|:---:|:---:|:---:|"
    return f"### Training results\n\n{head}\n{body}\n"


def severities(rule: Rule, text: str) -> list[str]:
    """What a rule finds on a card, by severity."""
    return [found.severity for found in findings(rule, text)]


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.id)
def test_page(rule: Rule) -> None:
    """A rule finds something on the card of its `Before` and nothing on that of its `After`."""
    check_page(rule)


@pytest.mark.parametrize("transformers", ["4.21.2", None])
def test_a_sound_list_has_nothing_but_notes(transformers: str | None) -> None:
    """The hyperparameters of the published run are found right."""
    text = card(PUBLISHED, transformers=transformers)
    assert {found.severity for rule in rules.RULES for found in findings(rule, text)} <= {"note"}


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"train_batch_size": "8", "gradient_accumulation_steps": "4", "total_train_batch_size": "32"}, []),
        ({"train_batch_size": "8", "num_devices": "2", "total_train_batch_size": "16"}, []),
        ({"train_batch_size": "3", "total_train_batch_size": "64"}, ["warning"]),
        ({"train_batch_size": "8", "total_train_batch_size": "64"}, ["note"]),
        ({"train_batch_size": "4", "distributed_type": "IPU", "total_train_batch_size": "250"}, ["note"]),
        (
            {
                "train_batch_size": "8",
                "num_devices": "2",
                "gradient_accumulation_steps": "4",
                "total_train_batch_size": "32",
            },
            ["warning"],
        ),
        ({"train_batch_size": "8", "num_devices": "2 x A100", "total_train_batch_size": "64"}, []),
        ({"train_batch_size": "0", "total_train_batch_size": "64"}, []),
        ({"total_train_batch_size": "64"}, []),
        ({"train_batch_size": "nan", "total_train_batch_size": "inf"}, []),
    ],
)
def test_total_batch(stated: dict[str, str], expected: list[str]) -> None:
    """A total that its stated factors do not make is a warning; where a factor may be unstated, a note."""
    assert severities(rules.train_batch_is_its_factors, card(stated)) == expected


@pytest.mark.parametrize(
    ("optimizer", "transformers", "default"),
    [
        (ADAM, "4.21.2", "adamw_hf"),
        (ADAM, "4.31.0", "adamw_hf"),
        (ADAM, "4.32.0", "adamw_torch"),
        (ADAM, "4.45.2", "adamw_torch"),
        (ADAM, "4.32.0.dev0", None),
    ],
)
def test_the_label_adam_hides_an_adamw(optimizer: str, transformers: str, default: str | None) -> None:
    """Up to 4.45 the note says which AdamW was the default, and leaves it open on the border."""
    (found,) = findings(rules.optimizer_is_named, card({"optimizer": optimizer}, transformers=transformers))
    assert found.evidence["default"] == default
    assert found.severity == "note"


@pytest.mark.parametrize(
    ("optimizer", "transformers"),
    [("Adafactor", "4.21.2"), (NAMED, "4.46.3"), ("AdamW", "4.21.2"), (ADAM, None)],
)
def test_other_labels_hide_nothing(optimizer: str, transformers: str | None) -> None:
    """A label that names the optimizer, or a card without a release, needs no note."""
    text = card({"optimizer": optimizer}, transformers=transformers)
    assert findings(rules.optimizer_is_named, text) == []


@pytest.mark.parametrize(
    ("optimizer", "transformers", "expected"),
    [
        (ADAM, "4.45.2", []),
        (ADAM, "4.46.0", ["warning"]),
        (ADAM, "4.46.0.dev0", []),
        ("Adam with weight decay", "4.46.0", []),
        (NAMED, "4.46.0", []),
        (NAMED, "4.45.2", ["warning"]),
        (NAMED.replace("adamw_torch", "OptimizerNames.ADAMW_TORCH_FUSED"), "4.57.1", []),
        (NAMED.replace("adamw_torch", "OptimizerNames.ADAMW_BNB"), "4.51.3", []),
        (NAMED.replace("adamw_torch", "adamw_hf"), "4.49.0", []),
        (NAMED.replace("adamw_torch", "adamw_hf"), "4.50.0", ["warning"]),
        (NAMED.replace("adamw_torch", "stable_adamw"), "4.53.0", ["warning"]),
        (NAMED.replace("adamw_torch", "my_own"), "4.53.0", []),
    ],
)
def test_labels_of_other_releases(optimizer: str, transformers: str, expected: list[str]) -> None:
    """A form that the release never printed is a warning, but not for development versions on a border."""
    text = card({"optimizer": optimizer}, transformers=transformers)
    assert severities(rules.label_is_of_the_release, text) == expected


@pytest.mark.parametrize(
    ("scheduler", "transformers", "expected"),
    [
        ("linear", "4.6.1", []),
        ("SchedulerType.COSINE", "4.35.0", []),
        ("inverse_sqrt", "4.26.0", ["warning"]),
        ("inverse_sqrt", "4.27.0", []),
        ("inverse_sqrt", "4.27.0.dev0", []),
        ("greedy", None, []),
        ("one_cycle", "4.27.0", ["note"]),
        ("my scheduler, see below", "4.27.0", []),
    ],
)
def test_schedulers(scheduler: str, transformers: str | None, expected: list[str]) -> None:
    """A scheduler that came later is a warning, one that no release knows a note."""
    text = card({"lr_scheduler_type": scheduler}, transformers=transformers)
    assert severities(rules.scheduler_exists, text) == expected


@pytest.mark.parametrize(
    ("ratio", "expected"), [("0.1", []), ("1.0", []), ("0", []), ("3", ["error"]), ("-0.1", ["error"])]
)
def test_warmup_ratio(ratio: str, expected: list[str]) -> None:
    """A ratio lies between 0 and 1, as the Trainer holds."""
    assert severities(rules.warmup_ratio_is_one, card({"lr_scheduler_warmup_ratio": ratio})) == expected


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"lr_scheduler_warmup_steps": "1000", "training_steps": "400"}, ["warning"]),
        ({"lr_scheduler_warmup_steps": "400", "training_steps": "400"}, []),
        ({"lr_scheduler_warmup_steps": "1000", "training_steps": "400", "lr_scheduler_type": "constant"}, []),
        ({"lr_scheduler_warmup_steps": "0.5", "training_steps": "400"}, []),
        ({"lr_scheduler_warmup_steps": "1000", "training_steps": "-1"}, []),
    ],
)
def test_warmup_longer_than_the_training(stated: dict[str, str], expected: list[str]) -> None:
    """More warmup steps than training steps is a warning, unless the scheduler ignores them."""
    assert severities(rules.warmup_fits, card(stated)) == expected


@pytest.mark.parametrize(
    ("stated", "rows", "expected"),
    [
        ({"lr_scheduler_warmup_steps": "1000", "num_epochs": "2"}, [(1.0, 100), (2.0, 200)], ["warning"]),
        ({"lr_scheduler_warmup_steps": "1000", "num_epochs": "20"}, [(1.0, 100), (2.0, 200)], ["note"]),
        ({"lr_scheduler_warmup_steps": "150", "num_epochs": "2"}, [(1.0, 100), (2.0, 200)], []),
        ({"lr_scheduler_warmup_steps": "201", "num_epochs": "2"}, [(1.0, 100)], ["note"]),
        ({"lr_scheduler_warmup_steps": "1000", "training_steps": "400"}, [(1.0, 100)], []),
        ({"lr_scheduler_warmup_steps": "1000", "num_epochs": "2"}, [(0.0, 100)], ["note"]),
    ],
)
def test_warmup_longer_than_the_table(
    stated: dict[str, str], rows: list[tuple[float, int]], expected: list[str]
) -> None:
    """A warmup beyond all planned steps is a warning; beyond the table of a training cut short, a note."""
    assert severities(rules.training_outlasts_its_warmup, card(stated, below=table(*rows))) == expected


def test_a_table_beyond_the_warmup_shows_its_end() -> None:
    """Where the table goes on to the warmup's last step or beyond, too few stated epochs say nothing."""
    stated = {"lr_scheduler_warmup_steps": "300", "num_epochs": "2"}
    for last in (3.0, 300), (9.0, 900):
        text = card(stated, below=table((1.0, 100), last))
        assert findings(rules.training_outlasts_its_warmup, text) == []
    short = card(stated, below=table((1.0, 100), (2.9, 299)))
    assert severities(rules.training_outlasts_its_warmup, short) == ["warning"]


def test_the_learning_rate_that_was_reached_is_told() -> None:
    """Whose training ended in its warmup reads which learning rate it had at the end."""
    stated = {"learning_rate": "2e-05", "lr_scheduler_warmup_steps": "1000", "training_steps": "400"}
    (found,) = findings(rules.warmup_fits, card(stated))
    assert "reached 8e-06 of 2e-05" in found.message


@pytest.mark.parametrize(
    ("stated", "transformers", "expected"),
    [
        ({"lr_scheduler_warmup_ratio": "0.1"}, "4.57.6", []),
        ({"lr_scheduler_warmup_ratio": "0.1"}, "5.0.0", ["warning"]),
        ({"lr_scheduler_warmup_ratio": "0.1"}, "5.0.0.dev0", []),
        ({"lr_scheduler_warmup_steps": "0.1"}, "5.0.0", []),
        ({"lr_scheduler_warmup_steps": "0.1"}, "4.57.6", ["warning"]),
        ({"lr_scheduler_warmup_steps": "90135.9"}, "4.10.3", []),
        ({"lr_scheduler_warmup_steps": "0.1"}, None, []),
    ],
)
def test_warmups_of_other_releases(
    stated: dict[str, str], transformers: str | None, expected: list[str]
) -> None:
    """A ratio has its own line up to 4.57 and stands in the steps from 5.0 on."""
    assert severities(rules.warmup_is_of_the_release, card(stated, transformers=transformers)) == expected


@pytest.mark.parametrize(
    ("below", "transformers", "assumed"),
    [
        ("", "4.21.2", {"weight_decay": 0.0, "max_grad_norm": 1.0, "bf16": False}),
        ("", "4.12.0", {"weight_decay": 0.0, "max_grad_norm": 1.0}),
        ("We used weight decay of 0.01 and bfloat16.", "4.21.2", {"max_grad_norm": 1.0}),
        ("weight_decay, gradient clipping and bf16 as usual.", "4.21.2", None),
        ("- fp16: True", "4.21.2", {"weight_decay": 0.0, "max_grad_norm": 1.0}),
        ("Trained with FP16.", "4.21.2", {"weight_decay": 0.0, "max_grad_norm": 1.0}),
        ("Weights are float16.", "4.21.2", {"weight_decay": 0.0, "max_grad_norm": 1.0}),
        ("A batch of 16.", "4.21.2", {"weight_decay": 0.0, "max_grad_norm": 1.0, "bf16": False}),
        ("", None, None),
    ],
)
def test_what_is_assumed(below: str, transformers: str | None, assumed: dict[str, float] | None) -> None:
    """What the generator leaves out and nobody wrote down stands in the note, with the release's default."""
    text = card(PUBLISHED, transformers=transformers, below=f"{below}\n")
    found = findings(rules.silent_arguments_are_stated, text)
    assert [each.evidence["assumed"] for each in found] == ([assumed] if assumed else [])


@pytest.mark.parametrize(
    ("rate", "extra", "expected"),
    [
        ("2e-05", "", []),
        ("0.001", "", []),
        ("0.2", "", ["warning"]),
        ("5", "", ["warning"]),
        ("0", "", ["warning"]),
        ("1e-12", "", ["warning"]),
        ("-1e-05", "", ["error"]),
        ("nan", "", ["error"]),
        ("0.03", "This model was trained from scratch on an unknown dataset.\n", []),
        ("0.03", "### Framework versions\n\n- PEFT 0.7.1\n", []),
    ],
)
def test_learning_rates(rate: str, extra: str, expected: list[str]) -> None:
    """What no optimizer takes is an error, what trains nothing or diverges a warning, by what is trained."""
    text = card({"learning_rate": rate, "optimizer": ADAM}, below=extra)
    assert severities(rules.learning_rate_is_likely, text) == expected


def test_other_optimizers_have_other_scales() -> None:
    """SGD with 0.1 is usual; so is it in a card of no Trainer that names no optimizer."""
    assert findings(rules.learning_rate_is_likely, card({"learning_rate": "0.1", "optimizer": "SGD"})) == []
    assert findings(rules.learning_rate_is_likely, card({"learning_rate": "0.1"}, mark="")) == []


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (ADAM, []),
        ("Adam with betas=(0.9,0.95) and epsilon=1e-06", []),
        ("Adam with betas=(0.999,0.9) and epsilon=1e-08", ["note"]),
        ("Adam with betas=(0.9,0.999) and epsilon=1", ["note"]),
        ("Adam with betas=(0.9,0.999) and epsilon=-1", ["error"]),
        ("Adam with betas=(1.0,0.999) and epsilon=1e-08", ["error"]),
        ("Adam with betas=(a,b) and epsilon=c", []),
        ("Adafactor", []),
    ],
)
def test_betas(optimizer: str, expected: list[str]) -> None:
    """What torch refuses is an error, what is only odd a note."""
    assert severities(rules.betas_are_betas, card({"optimizer": optimizer})) == expected


def test_a_seed_is_missed_only_where_it_is_always_printed() -> None:
    """A Trainer's list without a seed lost it; other cards never had one."""
    stated = {"learning_rate": "2e-05", "train_batch_size": "8"}
    assert severities(rules.seed_is_stated, card(stated)) == ["warning"]
    assert severities(rules.seed_is_stated, card({**stated, "random_seed": "1"})) == []
    assert severities(rules.seed_is_stated, card(stated, mark="")) == []


def test_an_author_who_names_adamw_has_said_what_ran() -> None:
    """The label Adam hides nothing from a reader where the text names AdamW."""
    assert severities(rules.optimizer_is_named, card(PUBLISHED, transformers="4.21.2")) == ["note"]
    text = card(PUBLISHED, transformers="4.21.2", below="The optimizer was AdamW.\n")
    assert findings(rules.optimizer_is_named, text) == []


@pytest.mark.parametrize("name", ["optimizer", "lr_scheduler_type"])
def test_a_line_is_missed_only_where_it_is_always_printed(name: str) -> None:
    """Optimizer and scheduler are missed in the generator's list only, and only where nothing names them."""
    stated = {each: text for each, text in PUBLISHED.items() if each != name}
    (found,) = findings(rules.generated_lines_are_there, card(stated))
    assert (found.severity, found.evidence["missing"]) == ("warning", [name])
    warm = card({**stated, "lr_scheduler_warmup_steps": "10"})
    assert severities(rules.generated_lines_are_there, warm) == ["warning"]
    said = card(stated, below="The optimizer was AdamW, with a cosine schedule.\n")
    assert findings(rules.generated_lines_are_there, said) == []
    assert findings(rules.generated_lines_are_there, card(stated, mark="")) == []
    own = {each: text for each, text in stated.items() if each != "eval_batch_size"}
    assert findings(rules.generated_lines_are_there, card(own)) == []
    assert findings(rules.generated_lines_are_there, card(PUBLISHED)) == []


def test_values_that_differ_count() -> None:
    """The same value in another spelling is no second value."""
    twice = "- learning_rate: 5e-05\n- learning_rate: 0.00005\n"
    text = (
        f"### Training hyperparameters\n\nThe following hyperparameters were used during training:\n{twice}"
    )
    assert findings(rules.stated_once, text) == []
    assert findings(rules.stated_once, text.replace("0.00005", "0.0005"))


def test_two_trainings_have_two_lists() -> None:
    """Values that differ between the lists of two trainings do not contradict each other."""
    sentence = "The following hyperparameters were used during training:"
    lists = [f"#### Training {i}\n\n{sentence}\n- learning_rate: {i}e-05\n- seed: 42\n\n" for i in (1, 2)]
    assert findings(rules.stated_once, f"{MARK}### Training hyperparameters\n\n{''.join(lists)}") == []


def test_what_is_stated_a_thousand_times_is_said_twenty_times() -> None:
    """A card can state one name without end; the last finding counts what is left over."""
    sentence = "The following hyperparameters were used during training:"
    lines = "".join(f"- learning_rate: {i}e-05\n" for i in range(1, 1_001))
    found = findings(rules.stated_once, f"{MARK}### Training hyperparameters\n\n{sentence}\n{lines}")
    assert len(found) == 21
    assert "979 more" in found[-1].message


def test_names_are_compared_up_to_a_number() -> None:
    """The first two hundred unknown names are compared; no list of a training has so many."""
    other = {f"other_{i}": "1" for i in range(199)}
    late = {"grdient_accumulation_steps": "4"}
    assert findings(rules.names_are_spelt, card(other | late))
    assert findings(rules.names_are_spelt, card(other | {"one_more": "1"} | late)) == []


@pytest.mark.parametrize(
    "text", ["2*2 = 4", "5.0 (extended to 7.0 epochs)", "2 x A100 80G", "about 3", "1,000"]
)
def test_written_over_by_hand(text: str) -> None:
    """A number with a remark in it is a note, a number is none."""
    assert severities(rules.values_are_plain, card({"num_epochs": text})) == ["note"]
    assert findings(rules.values_are_plain, card({"num_epochs": "5.0"})) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("grdient_accumulation_steps", "gradient_accumulation_steps"),
        ("learing_rate", "learning_rate"),
        ("lr_schedular_type", "lr_scheduler_type"),
        ("learnign_rate", "learning_rate"),
    ],
)
def test_misspelt_names(name: str, meant: str) -> None:
    """A name that is off by a letter or two is told, with the name that is meant."""
    (found,) = findings(rules.names_are_spelt, card({"seed": "42", name: "4"}))
    assert found.evidence["meant"] == meant


@pytest.mark.parametrize(
    "name",
    [
        "val_batch_size",
        "num_epoch",
        "warmup_step",
        "optimiser",
        "Learning_Rate",
        "min_length",
        "adam_beta",
        "weight_decays",
        "loss_function",
        "lora_alpha",
        "training_batch_size",
        "learning_rate_scheduler",
    ],
)
def test_other_names_are_not_misspelt(name: str) -> None:
    """Names of other things, plurals and British spelling are left alone."""
    assert findings(rules.names_are_spelt, card({"seed": "42", name: "4"})) == []


@pytest.mark.parametrize(
    ("text", "expected"), [("8", []), ("8.0", []), ("0", ["error"]), ("2.5", ["error"]), ("inf", ["error"])]
)
def test_counts(text: str, expected: list[str]) -> None:
    """A batch is a whole number from 1 up."""
    assert severities(rules.counts_are_counts, card({"train_batch_size": text})) == expected


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"num_epochs": "0.5"}, []),
        ({"num_epochs": "0"}, ["warning"]),
        ({"training_steps": "-5"}, ["warning"]),
        ({"training_steps": "-1"}, ["warning"]),
        ({"training_steps": "-1", "num_epochs": "3"}, []),
    ],
)
def test_length(stated: dict[str, str], expected: list[str]) -> None:
    """A training has a length; -1 steps beside epochs only say that the epochs count."""
    assert severities(rules.training_has_a_length, card(stated)) == expected


def test_an_absurd_rate_is_no_long_number() -> None:
    """The message on a learning rate of 1e227 has no two hundred digits."""
    found = findings(rules.learning_rate_is_likely, card({"learning_rate": "1e227"}))
    assert "2e+231 times" in found[0].message


names = st.sampled_from(
    [*rules._NAMES, "learning_rate (2)", "warmup_ratio", "optim", "x" * 200, "grdient_accumulation_steps"]
)
values = (
    st.text(max_size=120)
    | st.floats().map(str)
    | st.integers(-5, 10**20).map(str)
    | st.sampled_from([ADAM, NAMED, "linear", "constant", "Use x and the args are:\ny", "9" * 5000, "1e400"])
)


@given(st.dictionaries(names, values), st.sampled_from(["4.21.2", "4.46.0.dev0", "5.1.0", "?", "9" * 900]))
def test_no_text_breaks_a_rule(stated: dict[str, str], transformers: str) -> None:
    """Whatever a list states, no rule breaks, and no message is long."""
    claims = Claims(
        hyperparameters={name: Claim(text=text, value=value(text), line=1) for name, text in stated.items()},
        versions={"transformers": Claim(text=transformers, line=2)},
    )
    subject = Card(target="x", kind="trainer", claims=claims)
    for found in check(subject, RuleSet.of(rules.RULES)).findings:
        assert "the rule itself broke" not in found.message, found.message
        assert len(found.message) < 400

"""A strategy for cards as the Trainer prints them, with the claims that must be read from each."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

COMMENT = (
    "<!-- This model card has been generated automatically according to the information the Trainer had"
    " access to. You\nshould probably proofread and complete it, then remove this comment. -->"
)
#: Metric as printed to the name it must get.
METRICS = {
    "Loss": "loss",
    "Accuracy": "accuracy",
    "F1": "f1",
    "F1 Macro": "f1_macro",
    "Gen Len": "gen_len",
    "Rouge1": "rouge1",
    "Rewards/chosen": "rewards/chosen",
    "Cosine Accuracy@1": "cosine_accuracy@1",
    "Model Preparation Time": "model_preparation_time",
    "Input Tokens Seen": "input_tokens_seen",
    "eval_loss": "eval_loss",
    "eval_samples_per_second": "eval_samples_per_second",
}
PACKAGES = {
    "PEFT": "peft",
    "Transformers": "transformers",
    "Pytorch": "torch",
    "TensorFlow": "tensorflow",
    "Datasets": "datasets",
    "Tokenizers": "tokenizers",
}
SCHEDULERS = (
    "linear",
    "cosine",
    "cosine_with_restarts",
    "reduce_lr_on_plateau",
    "warmup_stable_decay",
    "greedy",
)

Value = float | int | str | None
Printed = tuple[str, Value]


@dataclass
class Card:
    """A card's text and what it states."""

    text: str = ""
    name: str = ""
    base_model: str | None = None
    datasets: tuple[str, ...] = ()
    hyperparameters: dict[str, Printed] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    evaluation: dict[str, Printed] = field(default_factory=dict)
    header: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: list[list[Printed]] = field(default_factory=list)


def number(text: str) -> Printed:
    """Return a number's text with its value."""
    return text, float(text) if any(mark in text for mark in ".en") else int(text)


_names = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,6}){0,3}", fullmatch=True)
_integers = st.integers(1, 10**6).map(lambda n: (str(n), n))
_losses = st.floats(0, 100).map(lambda x: number(f"{x:.4f}"))
_rates = st.floats(1e-9, 1).map(lambda x: number(str(x)))
_versions = st.from_regex(r"[0-9]\.[0-9]{1,2}\.[0-9](\.dev0|rc1|\.post1)?(\+cu1[0-9]{2})?", fullmatch=True)
_cells: st.SearchStrategy[Printed] = st.one_of(
    _losses,
    _integers,
    st.sampled_from(
        [
            ("nan", "nan"),
            ("inf", "inf"),
            ("1e-05", 1e-05),
            ("", None),
            ("{'f1': 0.5}", "{'f1': 0.5}"),
            ("[1, 2]", "[1, 2]"),
        ]
    ),
)


def _text(printed: str) -> Printed:
    return printed, printed


@st.composite
def _optimizers(draw: st.DrawFn) -> str:
    betas = f"betas=({draw(st.floats(0.5, 0.99))},0.999) and epsilon=1e-08"
    return draw(
        st.sampled_from(
            [
                f"Adam with {betas}",
                "Adafactor",
                f"Use adamw_torch with {betas} and optimizer_args=No additional optimizer arguments",
                f"Use OptimizerNames.ADAMW_BNB with {betas} and optimizer_args=weight_decay=0.1, amsgrad: no",
                "Use OptimizerNames.ADAFACTOR and the args are:\nNo additional optimizer arguments",
                "Use adafactor and the args are:\nscale_parameter=False",
            ]
        )
    )


@st.composite
def _hyperparameters(draw: st.DrawFn) -> dict[str, Printed]:
    """Draw the lines in the order printed; those that depend on the run may be missing."""
    lines: list[tuple[str, st.SearchStrategy[Printed], bool]] = [
        ("learning_rate", _rates, True),
        ("train_batch_size", _integers, True),
        ("eval_batch_size", _integers, True),
        ("seed", _integers, True),
        ("distributed_type", st.sampled_from(["multi-GPU", "tpu"]).map(_text), False),
        ("num_devices", _integers, False),
        ("gradient_accumulation_steps", _integers, False),
        ("total_train_batch_size", _integers, False),
        ("total_eval_batch_size", _integers, False),
        ("optimizer", _optimizers().map(_text), True),
        ("lr_scheduler_type", st.sampled_from(SCHEDULERS).map(_text), True),
        ("lr_scheduler_warmup_ratio", _rates, False),
        ("lr_scheduler_warmup_steps", st.sampled_from(["500", "500.0", "0.1"]).map(number), False),
        ("num_epochs", st.sampled_from(["3", "3.0", "0.5"]).map(number), True),
        ("mixed_precision_training", st.sampled_from(["Native AMP", "Apex, opt level O1"]).map(_text), False),
        ("label_smoothing_factor", _rates, False),
    ]
    return {name: draw(values) for name, values, always in lines if always or draw(st.booleans())}


def _table(card: Card, widths: bool) -> list[str]:
    cells = [list(card.header), *([text for text, _ in row] for row in card.rows)]
    width = [
        max(len(row[i]) for row in cells if i < len(row)) if widths else 0 for i in range(len(card.header))
    ]
    lines = ["| " + " | ".join(text.ljust(width[i]) for i, text in enumerate(row)) + " |" for row in cells]
    return [lines[0], "|" + "|".join(":" + "-" * max(w, 1) + ":" for w in width) + "|", *lines[1:]]


@st.composite
def trainer_cards(draw: st.DrawFn) -> Card:
    """Draw a card as one of the Trainer's releases prints it, saved as one of many editors saves it."""
    card = Card(name=draw(_names), hyperparameters=draw(_hyperparameters()))
    lines: list[str] = []
    front_matter = draw(st.booleans())
    if front_matter:
        index = draw(st.sampled_from(["model-index", "model_index"]))
        lines += [
            "---",
            "license: no",
            "tags:",
            "- generated_from_trainer",
            f"{index}:",
            f"- name: {card.name}",
        ]
        lines += [
            "  results: []",
            *draw(st.sampled_from([[], [""], ["widget:", "- text: 'a: b'"]])),
            "---",
            "",
        ]
    lines += [*COMMENT.split("\n"), ""]
    if draw(st.booleans()):
        lines += [
            "[<img src='x.svg' alt='badge'/>](https://example.org)",
            "<details><summary>See axolotl config</summary>",
        ]
        lines += ["", "```yaml", "learning_rate: 7", "- seed: 7", "# name", "```", "", "</details><br>", ""]

    data = draw(st.lists(_names, unique=True, max_size=3))
    if len(data) > 1:
        on = ", ".join(f"the {one}" for one in data[:-1]) + f" and the {data[-1]} datasets."
    else:
        on = (
            f"the {data[0]} dataset."
            if data
            else draw(st.sampled_from(["an unknown dataset.", "an unkown dataset.", "the None dataset."]))
        )
    card.datasets = tuple(data)
    card.base_model = draw(st.none() | _names)
    base = card.base_model
    of = (
        f"is a fine-tuned version of [{base}](https://huggingface.co/{base})"
        if base
        else "was trained from scratch"
    )
    lines += [f"# {card.name}", "", f"This model {of} on {on}"]

    metrics = draw(st.lists(st.sampled_from(sorted(METRICS)), unique=True, max_size=4))
    if metrics:
        lines.append("It achieves the following results on the evaluation set:")
    for metric in metrics:
        cell = card.evaluation[METRICS[metric]] = draw(_cells.filter(lambda cell: bool(cell[0])))
        lines.append(f"- {metric}: {cell[0]}")
    for title in (
        "## Model description",
        "## Intended uses & limitations",
        "## Training and evaluation data",
    ):
        lines += ["", title, "", "More information needed"]

    lines += ["", "## Training procedure", "", "### Training hyperparameters", ""]
    lines.append("The following hyperparameters were used during training:")
    for name, (text, _) in card.hyperparameters.items():
        lines += f"- {name}: {text}".split("\n")

    results = draw(st.sampled_from(["absent", "empty", "table"]))
    if results != "absent":
        lines += ["", "### Training results", ""]
    if results == "table":
        extra = draw(st.lists(st.sampled_from(sorted(METRICS)), unique=True, max_size=60))
        card.header = ("Training Loss", "Epoch", "Step", "Validation Loss", *extra)
        card.columns = (
            "training_loss",
            "epoch",
            "step",
            "validation_loss",
            *(METRICS[name] for name in extra),
        )
        first = st.just(("No log", None)) | _losses
        for _ in range(draw(st.integers(0, 5))):
            row = [
                draw(first),
                draw(_losses),
                draw(_integers),
                *(draw(_cells) for _ in range(1 + len(extra))),
            ]
            card.rows.append(row[: draw(st.sampled_from([len(row), len(row), 3]))])
        lines += _table(card, widths=draw(st.booleans()))
    lines += ["", "", "### Framework versions", ""]
    for printed in draw(st.lists(st.sampled_from(sorted(PACKAGES)), unique=True)):
        version = card.versions[PACKAGES[printed]] = draw(_versions)
        lines.append(f"- {printed} {version}")

    newline = draw(st.sampled_from(["\n", "\r\n"]))
    end = draw(st.sampled_from(["", newline]))
    card.text = draw(st.sampled_from(["", "\ufeff"])) + newline.join(lines) + end
    return card

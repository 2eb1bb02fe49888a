"""Public replicates of a recipe as they were found on the Hub, and what was left out."""

from __future__ import annotations

from repro.records.codec import Record


class Recipe(Record, frozen=True, kw_only=True):
    """What two trainings must share to be replicates of each other; None for what a card does not state.

    Attributes:
        base_model: What was fine-tuned, by the name that it has today.
        datasets: Names of the data sets.
        learning_rate: The peak learning rate.
        batch: Examples for each optimizer step, over all devices and accumulated batches.
        epochs, training_steps: Where the training was to end.
        seed: The seed; another one is another draw of the same recipe.
        scheduler: The learning rate scheduler.
        warmup_ratio, warmup_steps: Its warm-up; 0 where a card with a scheduler states none.
        optimizer: The optimizer's family: `adam` for all that are AdamW.
        optimizer_numbers: Its betas and epsilon.
        label_smoothing: Its factor; 0 where none is stated.
        steps: At which steps the table has evaluations.
    """

    base_model: str | None = None
    datasets: tuple[str, ...] = ()
    learning_rate: float | None = None
    batch: float | None = None
    epochs: float | None = None
    training_steps: float | None = None
    seed: int | None = None
    scheduler: str | None = None
    warmup_ratio: float = 0.0
    warmup_steps: float = 0.0
    optimizer: str | None = None
    optimizer_numbers: tuple[float, ...] = ()
    label_smoothing: float = 0.0
    steps: tuple[int, ...] = ()


class Query(Record, frozen=True, kw_only=True):
    """One search of the Hub.

    Attributes:
        by: `name` for a text in the model's name, `base_model` for what was fine-tuned.
        text: The text, or the base model's name.
        found: How many models it found, at most as many as were asked for.
        more: Whether there were more.
    """

    by: str
    text: str
    found: int
    more: bool = False


class Evaluated(Record, frozen=True, kw_only=False):
    """One row of a replicate's table, as printed; a loss that it lacks is empty."""

    epoch: str
    step: int
    training_loss: str
    validation_loss: str


class Replicate(Record, frozen=True, kw_only=True):
    """A public replicate.

    Attributes:
        model_id: Its repository on the Hub.
        revision: The commit at which its card was read.
        versions: `transformers`, `torch`, `datasets`, `tokenizers` as printed, where stated.
        mixed_precision: As printed, `no` where the card states none.
        evaluation_loss: The headline's loss as printed, or empty.
        seed: Its seed.
        stream: The random stream that its versions give (A1, A2, B or C), None where they leave it open.
        rows: Its table.
        note: What else is to be known.
    """

    model_id: str
    revision: str
    versions: dict[str, str]
    mixed_precision: str
    evaluation_loss: str
    seed: int | None
    stream: str | None
    rows: tuple[Evaluated, ...]
    note: str = ""


class LeftOut(Record, frozen=True, kw_only=True):
    """A model that was found and is no replicate.

    Attributes:
        model_id: Its repository.
        revision: The commit at which its card was read; empty where none was.
        reason: Why, in a few words.
    """

    model_id: str
    revision: str = ""
    reason: str


class Peers(Record, frozen=True, kw_only=True, tag_field="schema", tag="repro.peers/1"):
    """What `repro peers` found.

    Attributes:
        case: What was asked for.
        searched: When the Hub was asked (RFC 3339 UTC).
        recipe: What was looked for.
        queries: How.
        kept: The replicates, the first published first.
        left_out: What else was found, in the order of names.
        csv: Where the table of the replicates was written; only in what the command prints.
    """

    case: str
    searched: str
    recipe: Recipe
    queries: tuple[Query, ...]
    kept: tuple[Replicate, ...]
    left_out: tuple[LeftOut, ...]
    csv: str | None = None

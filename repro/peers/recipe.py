"""Which recipe a card states, and in what two of them differ."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from repro.facts.licences import canonical
from repro.records.claims import Claim
from repro.records.peers import Recipe
from repro.rules import Subject, number

# What is no AdamW, by a word of the printed optimizer.
_OTHER_OPTIMIZERS = re.compile(
    r"adafactor|adagrad|adamax|nadam|radam|lamb|lars|lion|sgd|rmsprop|shampoo|galore|apollo|lomo|8-?bit|paged"
)
_BETAS = re.compile(r"betas=\(([\d.e-]{1,20}), ?([\d.e-]{1,20})\)")
_EPSILON = re.compile(r"epsilon=([\d.e-]{1,20})")
# What stands for a data set where the loader or the Trainer knew no name.
_NO_DATASET = {
    "generator", "json", "csv", "text", "parquet", "pandas", "arrow", "imagefolder", "audiofolder",
    "data", "dataset", "datasets", "custom", "none", "unknown",
}  # fmt: skip
_LONGEST = 200
_NUMBERS = (
    ("learning_rate", "learning rate"),
    ("batch", "train batch size"),
    ("epochs", "epochs"),
    ("training_steps", "training steps"),
)
_WARMUP = (
    ("warmup_ratio", "warm-up ratio"),
    ("warmup_steps", "warm-up steps"),
    ("label_smoothing", "label smoothing"),
)


def recipe_of(subject: Subject, base: str | None = None) -> Recipe:
    """Read the recipe that a card states.

    Args:
        subject: The card.
        base: What was fine-tuned, where somebody knows it better than the card.
    """
    stated = subject.claims.hyperparameters
    schedule = subject.schedule
    seed = number(stated.get("seed"))
    ratio, warmup = (_finite(stated.get(f"lr_scheduler_warmup_{name}")) for name in ("ratio", "steps"))
    if 0 < warmup < 1:  # so transformers 5 prints a ratio
        ratio, warmup = warmup, 0.0
    family, numbers = _optimizer(stated.get("optimizer"))
    progress = subject.progress
    steps = progress.points("step") if progress else ()
    return Recipe(
        base_model=_base(base or subject.claims.base_model),
        datasets=tuple(name[:_LONGEST] for name in subject.claims.datasets[:20]),
        learning_rate=schedule.rate,
        batch=schedule.batch,
        epochs=schedule.epochs,
        training_steps=schedule.steps,
        seed=int(seed) if seed is not None and math.isfinite(seed) and abs(seed) < 2**63 else None,
        scheduler=_scheduler(stated.get("lr_scheduler_type")),
        warmup_ratio=ratio,
        warmup_steps=warmup,
        optimizer=family,
        optimizer_numbers=numbers,
        label_smoothing=_finite(stated.get("label_smoothing_factor")),
        steps=tuple(int(step) for _, step in steps if 0 < step < 2**53 and step % 1 == 0),
    )


def is_comparable(recipe: Recipe) -> bool:
    """Tell whether a recipe says enough to find replicates by: learning rate, batch, and how long."""
    return (
        None not in (recipe.learning_rate, recipe.batch)
        and (recipe.epochs or recipe.training_steps) is not None
    )


def difference(own: Recipe, theirs: Recipe) -> str:
    """Return in what another recipe differs from the published one, in a few words; empty where in nothing.

    What the published card does not state is not compared, and neither is the seed: with another one it is
    another draw of the same recipe.
    """
    return next(_differences(own, theirs), "")


def _differences(own: Recipe, theirs: Recipe) -> Iterator[str]:
    if own.base_model and theirs.base_model and not _same_base(own.base_model, theirs.base_model):
        yield f"another base model: {theirs.base_model}, not {own.base_model}"
    for name, words in _NUMBERS:
        mine, other = getattr(own, name), getattr(theirs, name)
        if mine is not None and other is None:
            yield f"states no {words}"
        elif mine is not None and not _equal(mine, other):
            yield f"{words} {other:g}, not {mine:g}"
    yield from _in_schedule(own, theirs)
    if own.datasets and theirs.datasets and not _same_data(own.datasets, theirs.datasets):
        yield f"another data set: {', '.join(theirs.datasets)}, not {', '.join(own.datasets)}"
    if own.steps and theirs.steps and own.steps != theirs.steps:
        yield _steps(own.steps, theirs.steps)


def _in_schedule(own: Recipe, theirs: Recipe) -> Iterator[str]:
    if own.scheduler and theirs.scheduler:
        if own.scheduler != theirs.scheduler:
            yield f"scheduler {theirs.scheduler}, not {own.scheduler}"
        for name, words in _WARMUP:
            mine, other = getattr(own, name), getattr(theirs, name)
            if not _equal(mine, other):
                yield f"{words} {other:g}, not {mine:g}"
    if own.optimizer and theirs.optimizer:
        mine, other = own.optimizer_numbers, theirs.optimizer_numbers
        if own.optimizer != theirs.optimizer:
            yield f"optimizer {theirs.optimizer}, not {own.optimizer}"
        elif mine and other and not all(map(_equal, mine, other)):
            yield f"optimizer's betas and epsilon {_listed(other)}, not {_listed(mine)}"


def _steps(own: tuple[int, ...], theirs: tuple[int, ...]) -> str:
    if own[: len(theirs)] == theirs:
        return f"its table ends at step {theirs[-1]}, not {own[-1]}"
    if theirs[-1] == own[-1]:
        return f"evaluated {len(theirs)} times, not {len(own)} times, in {own[-1]} steps"
    return f"evaluated at steps {theirs[0]} to {theirs[-1]}, not {own[0]} to {own[-1]}"


def _equal(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-12)


def _listed(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{each:g}" for each in numbers)


def _finite(claim: Claim | None) -> float:
    value = number(claim)
    return value if value is not None and math.isfinite(value) else 0.0


def _base(name: str | None) -> str | None:
    """Return a base model by the name that it has today; of a folder, its last part."""
    name = (name or "").partition(",")[0].strip()[:_LONGEST].replace("\\", "/").rstrip("/")
    if name.startswith((".", "/", "~")) or name.count("/") > 1 or ":" in name:
        name = name.rpartition("/")[2]
    return canonical(name) if name else None


def _same_base(one: str, other: str) -> bool:
    one, other = one.lower(), other.lower()
    if "/" in one and "/" in other:
        return one == other
    return one.rpartition("/")[2] == other.rpartition("/")[2]


def _same_data(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    mine, theirs = (
        {name.rpartition("/")[2].lower() for name in names} - _NO_DATASET for names in (one, other)
    )
    return not mine or not theirs or not mine.isdisjoint(theirs)


def _scheduler(claim: Claim | None) -> str | None:
    if claim is None:
        return None
    return claim.text[:_LONGEST].strip().lower().removeprefix("schedulertype.") or None


def _optimizer(claim: Claim | None) -> tuple[str | None, tuple[float, ...]]:
    """Return the family and the numbers; the label is "Adam" up to transformers 4.45 for AdamW, too."""
    text = claim.text[:1_000].lower() if claim is not None else ""
    if not text.strip():
        return None, ()
    other = _OTHER_OPTIMIZERS.search(text)
    family = other[0] if other else "adam" if "adam" in text else " ".join(text.split()[:3])[:40]
    betas, epsilon = _BETAS.search(text), _EPSILON.search(text)
    try:
        numbers = (*map(float, betas.groups()), float(epsilon[1])) if betas and epsilon else ()
    except ValueError:
        numbers = ()
    return family, numbers

"""Cards with the tables that a test wants; nothing here was trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import resources

from repro.records.claims import Finding
from repro.rules import Context, Rule
from repro.testing import findings

HEADER = ("Training Loss", "Epoch", "Step", "Validation Loss")


def table(rows: Iterable[Sequence[object]], header: Sequence[str] = HEADER) -> str:
    """A section with a results table."""
    lines = [header, ["---"] * len(header), *rows]
    return "### Training results\n\n" + "".join(f"| {' | '.join(map(str, row))} |\n" for row in lines)


def card(
    rows: Iterable[Sequence[object]],
    header: Sequence[str] = HEADER,
    *,
    headline: Mapping[str, object] | None = None,
    transformers: str = "4.21.2",
    front: str = "tags:\n- generated_from_trainer\n",
    **hyperparameters: object,
) -> str:
    """A card as the Trainer writes it."""
    parts = [f"---\n{front}---\n\n# sample\n"]
    if headline:
        parts.append("It achieves the following results on the evaluation set:")
        parts.append("".join(f"- {name}: {value}\n" for name, value in headline.items()))
    if hyperparameters:
        parts.append("The following hyperparameters were used during training:")
        parts.append("".join(f"- {name}: {value}\n" for name, value in hyperparameters.items()))
    parts.append(table(rows, header))
    parts.append(f"### Framework versions\n\n- Transformers {transformers}\n- Pytorch 1.13.0\n")
    return "\n".join(parts)


def curve(
    training: Sequence[object], validation: Sequence[object], every: int = 100
) -> list[tuple[object, ...]]:
    """Rows with these losses, one an epoch."""
    return [(t, f"{i}.0", every * i, v) for i, (t, v) in enumerate(zip(training, validation, strict=True), 1)]


def found(rule: Rule, text: str, context: Context | None = None) -> list[str]:
    """The severities of what a rule finds."""
    return [each.severity for each in findings(rule, text, context)]


def one(rule: Rule, text: str, context: Context | None = None) -> Finding:
    """The only thing that a rule finds."""
    (only,) = findings(rule, text, context)
    return only


def published() -> str:
    """The bundled card of issues-128."""
    return (resources.files("repro.cases") / "issues-128" / "card.md").read_text(encoding="utf-8")

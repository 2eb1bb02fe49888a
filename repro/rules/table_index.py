"""RT234: the model-index against the headline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from repro.cards.values import snake, value
from repro.records.card import FrontMatter
from repro.records.claims import Claim
from repro.rules.headline import decimals, finite
from repro.rules.interface import Found, Rule, clip, rule


@rule("RT234", "warning")
def the_index_agrees(
    front_matter: FrontMatter, index: Mapping[str, Any], evaluation: Mapping[str, Claim]
) -> Sequence[Found]:
    """The model-index states another result than the card's text.

    Both are written from one evaluation. Results that the index gives for a test set, and the same
    number in percent, are left alone; where the index names several results for a metric, one that
    agrees is enough.

    Why it matters:
        Leaderboards and search read the model-index, people read the text.

    How to mend:
        Write the text's number into the model-index, or give the index's result a name and a split of
        its own where it was measured on other data.

    Before:
        ---
        model-index:
        - name: m
          results:
          - task:
              type: text-classification
            dataset:
              name: glue
              type: glue
            metrics:
            - name: Accuracy
              type: accuracy
              value: 0.9123
        ---

        It achieves the following results on the evaluation set:
        - Loss: 0.4000
        - Accuracy: 0.8923

    After:
        ---
        model-index:
        - name: m
          results:
          - task:
              type: text-classification
            dataset:
              name: glue
              type: glue
            metrics:
            - name: Accuracy
              type: accuracy
              value: 0.8923
        ---

        It achieves the following results on the evaluation set:
        - Loss: 0.4000
        - Accuracy: 0.8923
    """
    stated: dict[str, list[tuple[str, bool]]] = {}
    results = index.get("results")
    for result in (results if isinstance(results, list) else [])[:100]:
        metrics = result.get("metrics") if isinstance(result, dict) else None
        dataset = result.get("dataset") if isinstance(result, dict) else None
        split = str(dataset.get("split", "")) if isinstance(dataset, dict) else ""
        for metric in (metrics if isinstance(metrics, list) else [])[:200]:
            # The Hub's own evaluator marks what it measured, on data of its own.
            if not isinstance(metric, dict) or metric.get("verified") == "true":
                continue
            if isinstance(text := metric.get("value"), str):
                name = snake(str(metric.get("name") or metric.get("type") or ""))
                stated.setdefault(name.removeprefix("eval_"), []).append((text, "test" in split.lower()))
    if not stated:
        return ()
    found: list[Found] = []
    for name, claim in islice(evaluation.items(), 1_000):
        texts = stated.get(name.removeprefix("eval_"), ())
        number = finite(claim)
        if not texts or number is None or any(_agrees(claim.text, text) for text, _ in texts):
            continue
        text, tested = texts[0]
        if not isinstance(value(text), int | float):
            continue
        found.append(
            Found(
                f"the model-index gives {clip(text)} for {clip(name)}, the card's text {clip(claim.text)}",
                front_matter.line("model-index") or front_matter.line("model_index"),
                {"metric": name, "index": text, "headline": claim.text, "headline_line": claim.line},
                "note" if tested or len(texts) > 1 else None,
            )
        )
    return found


def _agrees(headline: str, index: str) -> bool:
    if headline == index:
        return True
    first, second = value(headline), value(index)
    if not isinstance(first, int | float) or not isinstance(second, int | float):
        return False
    ours, theirs = _unit(headline), _unit(index)
    for scale in (1, 100, 0.01):  # noqa: SIM110 - a generator takes longer than what it does
        if abs(first * scale - second) <= max(ours * scale, theirs):
            return True
    return False


def _unit(text: str) -> float:
    """Return how far the number may be from what was rounded, or cut off, to it."""
    digits = decimals(text)
    return 10.0**-digits if digits > 1 else 0.5 * 10.0**-digits


RULES: tuple[Rule, ...] = (the_index_agrees,)

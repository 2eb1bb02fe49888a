"""What the Hub says beside the card; asked only with `--online`, once for each name in each process."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from repro.audits.sources import on_hub
from repro.errors import NetworkFailed
from repro.records.card import Card
from repro.rules import Context

_MODEL = re.compile(r"[\w.-]+(?:/[\w.-]+)?", re.ASCII)


class Asker:
    """Asks the Hub about a card's base model, and when a card of the Hub was published.

    A Hub that does not answer is no error: the audit says what could not be looked up, and goes on.

    Args:
        context: What is known beside all cards.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def __call__(self, card: Card) -> tuple[Context, list[str]]:
        """Return what is known beside one card, and what could not be looked up."""
        context, problems = self._context, []
        base = (card.claims.base_model or "").partition(",")[0].strip()
        if _MODEL.fullmatch(base):
            facts, problem = _model(base)
            context = replace(context, base=facts)
            problems += [f"the base model was not looked up: {problem}"] if problem else []
        if repository := on_hub(card.target):
            published, problem = _published(*repository)
            context = replace(context, published=published)
            problems += [f"the card's commit was not looked up: {problem}"] if problem else []
        return context, problems


@cache
def _model(name: str) -> tuple[Mapping[str, Any] | None, str]:
    from repro import hub

    try:
        return hub.model_facts(name), ""
    except NetworkFailed as error:
        return None, error.message


@cache
def _published(repository: str, revision: str | None) -> tuple[datetime | None, str]:
    from repro import hub

    try:
        return hub.committed_at(repository, revision), ""
    except NetworkFailed as error:
        return None, error.message

"""Cards that the tests of audits share, and a short way to audit them."""

from __future__ import annotations

from typing import Any

from repro.audits.auditor import Audited, Auditor, Settings
from repro.audits.sources import Source

#: RT201 finds two things in it, on lines 8 and 10.
CARD = """# m

### Training results

| Training Loss | Epoch | Step | Validation Loss |
|:-------------:|:-----:|:----:|:---------------:|
| 1.5           | 2.0   | 200  | 1.4000          |
| 1.2           | 1.0   | 100  | 1.3000          |
| 1.1           | 3.0   | 300  | 1.2000          |
| 1.0           | 4.0   | 250  | 1.1000          |
"""
TOKEN = "hf_" + "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAcF"


def audited(text: str, **settings: Any) -> Audited:
    """Audit one card by one rule unless others are selected."""
    asked: dict[str, Any] = {"select": ("RT201",), "plugins": False} | settings
    return Auditor(Settings(**asked))(Source("card.md", text))


def rules_of(found: Audited) -> list[str]:
    """The ids of the findings."""
    return [each.rule for each in found.shown.audit.findings]

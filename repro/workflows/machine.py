"""What this machine can do, and the schemas of what this program writes."""

from __future__ import annotations

from typing import Any

from repro.cases.loader import bundled, load_case
from repro.records.claims import Audit
from repro.records.comparison import Comparison
from repro.records.difference import Difference
from repro.records.environment import Environment
from repro.records.evaluation import Evaluation
from repro.records.event import AnyEvent
from repro.records.kit import Kit
from repro.records.machine import Machine
from repro.records.matrix import Matrix
from repro.records.peers import Peers
from repro.records.plan import Plan
from repro.records.prune import Pruned
from repro.records.reference import Reference
from repro.records.run import (
    Run,
)
from repro.records.runs import Removal, Runs


def doctor() -> Machine:
    """Look at what this machine can do, and whether it has what the bundled cases need."""
    from repro.machine import examine

    return examine([load_case(name) for name in bundled()])


def schemas() -> dict[str, Any]:
    """Return the records whose JSON Schema `repro schema` prints, by name."""
    from repro.records.case import Case

    return {
        "audit": Audit,
        "case": Case,
        "comparison": Comparison,
        "diff": Difference,
        "doctor": Machine,
        "environment": Environment,
        "evaluation": Evaluation,
        "event": AnyEvent,
        "kit": Kit,
        "matrix": Matrix,
        "peers": Peers,
        "plan": Plan,
        "prune": Pruned,
        "reference": Reference,
        "removal": Removal,
        "run": Run,
        "runs": Runs,
    }

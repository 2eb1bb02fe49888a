"""Rules: what can be said about a card before anything is trained.

One module for each family, one small function for each rule. A card is read once; each rule asks for the part
that it looks at by the names of its parameters (`subject.Subject`) and yields what it found.
"""

from repro.rules.check import Checked, RuleSet, check, check_all
from repro.rules.interface import Found, Rule, clip, rule
from repro.rules.subject import Context, Progress, Subject, number

__all__ = [
    "Checked",
    "Context",
    "Found",
    "Progress",
    "Rule",
    "RuleSet",
    "Subject",
    "check",
    "check_all",
    "clip",
    "number",
    "rule",
]

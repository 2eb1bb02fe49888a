"""Audits of one card or a million: targets to sources, sources to findings, findings to a format.

    from repro.audits import Settings, audits

    for audit in audits(["cards/"], Settings(profile="strict")):
        print(audit.target, len(audit.findings))

`sources` says what a target means, `auditor` audits one card, `stream` many of them in one process or
several, and `command` is the whole of `repro audit`. Nothing here asks the network unless a target or
`--online` names it.
"""

from repro.audits.auditor import Audited, Auditor, Settings
from repro.audits.command import Outcome, Request, audits, work
from repro.audits.sources import Source, open_targets

__all__ = [
    "Audited",
    "Auditor",
    "Outcome",
    "Request",
    "Settings",
    "Source",
    "audits",
    "open_targets",
    "work",
]

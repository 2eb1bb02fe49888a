"""JSON with findings alone, for whoever audits thousands of cards and knows what they claim."""

from __future__ import annotations

from repro.reports.audits.as_json import dump
from repro.reports.audits.interface import Shown, Writer


class FindingsOnly(Writer):
    """The record without `claims` and `skipped`, which are nine tenths of it."""

    independent = True

    def card(self, shown: Shown) -> str:
        """Return the findings on one card as JSON."""
        audit = shown.audit
        document = {
            "schema": "repro.audit/1",
            "target": audit.target,
            "kind": audit.kind,
            "findings": audit.findings,
            "suppressed": audit.suppressed,
        }
        return dump(document, indent=0 if self.options.several else 2) + "\n"

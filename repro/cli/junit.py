"""A comparison as JUnit XML: a test case for each metric."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from repro.records.comparison import REPRODUCED, Comparison
from repro.records.run import Run
from repro.reports.formats import clean, prefix_words


def comparison_as_junit(run: Run, comparison: Comparison) -> str:
    """Return the XML text: one `testcase` a metric, a `failure` where it was not reproduced.

    A run that cannot be compared has one failed test case of its own; a rehearsal has a skipped one. Names
    say so of a prefix.
    """
    verdicts = {name: (metric.verdict, metric.reason) for name, metric in comparison.metrics.items()}
    verdicts = verdicts or {"comparison": (comparison.verdict, comparison.reason)}
    failed = 0
    part = f" ({prefix_words(comparison.prefix)})" if comparison.prefix else ""
    suite = Element("testsuite", name=clean(f"repro {run.case.name} {run.id}{part}"))
    for name, (verdict, reason) in verdicts.items():
        case = SubElement(suite, "testcase", classname=clean(run.case.name), name=clean(f"{name}{part}"))
        if comparison.rehearsal:
            SubElement(case, "skipped", message=clean(reason))
        elif verdict not in REPRODUCED:
            failed += 1
            SubElement(case, "failure", type=verdict, message=clean(reason))
    suite.set("tests", str(len(verdicts)))
    suite.set("failures", str(failed))
    suite.set("skipped", str(len(verdicts) if comparison.rehearsal else 0))
    root = Element("testsuites")
    root.append(suite)
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode")

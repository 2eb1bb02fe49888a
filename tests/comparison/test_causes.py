"""What may explain a difference is listed with its evidence and a test for it."""

from __future__ import annotations

import msgspec
from curve_samples import PUBLISHED, run, table

from repro.comparison import compare
from repro.records.environment import Deviation


def deviation(what: str) -> Deviation:
    return Deviation(what=what, published="one", actual="another", reason=f"the {what} differs")


def test_causes_stand_in_the_order_of_what_they_explain() -> None:
    """The stream comes first, then data before hardware, and every cause has evidence and a test."""
    other = run([3.0, 2.0, 1.9, 1.8], table(PUBLISHED), stream="C")
    found = compare(msgspec.structs.replace(other, deviations=(deviation("device"), deviation("data"))))
    assert "random stream" in found.causes[0].cause
    assert [cause.cause.split(":")[0] for cause in found.causes[1:]] == ["data", "device"]
    assert all(cause.evidence and cause.test for cause in found.causes)


def test_an_identical_run_needs_no_cause() -> None:
    """Where every value is the printed one there is nothing to explain, whatever deviates."""
    same = run([float(text) for text in PUBLISHED], table(PUBLISHED))
    assert compare(msgspec.structs.replace(same, deviations=(deviation("device"),))).causes == ()

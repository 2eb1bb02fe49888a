"""The moment: given, the card's commit, or two weeks after the last documented file."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from repro.environments.moment import choose_moment, format_instant, parse_instant
from repro.environments.registry import File
from repro.errors import BadInput, EnvironmentFailed


def file(name: str, uploaded: str | None) -> File:
    """Return a wheel that appeared at an instant."""
    when = datetime.fromisoformat(uploaded) if uploaded else None
    return File(f"{name}-1.0-py3-none-any.whl", "1.0", when, None, False, 1, "0" * 64)


VERSIONS = {"transformers": Version("4.21.2"), "datasets": Version("2.7.1")}
FILES = {
    "transformers": [file("transformers", "2022-08-24T15:23:14+00:00")],
    "datasets": [
        file("datasets", "2023-01-01T00:00:00+00:00"),
        file("datasets", "2022-11-22T17:20:22.128196+00:00"),
    ],
}


def test_two_weeks_after_the_last_documented_file() -> None:
    """Without anything else, the earliest file of the latest package counts, plus fourteen days."""
    moment, reason = choose_moment(FILES, VERSIONS)
    assert moment == "2022-12-06T17:20:22Z"
    assert "datasets 2.7.1" in reason
    assert "2022-11-22T17:20:22Z" in reason


def test_commit_comes_before_the_rule_and_the_case_before_both() -> None:
    """The case knows best, then the card's commit."""
    commit = datetime(2022, 12, 10, 8, 0, tzinfo=UTC)
    assert choose_moment(FILES, VERSIONS, published=commit)[0] == "2022-12-10T08:00:00Z"
    assert choose_moment(FILES, VERSIONS, published=commit.replace(tzinfo=None))[0] == "2022-12-10T08:00:00Z"
    given_moment, reason = choose_moment(FILES, VERSIONS, given="2022-12-31T01:00:00+01:00", published=commit)
    assert (given_moment, reason) == ("2022-12-31T00:00:00Z", "given by the case")


@pytest.mark.parametrize(
    "text", ["2022-12-31", "2022-12-31T00:00:00", "now", "2022-13-01T00:00:00Z", "1" * 5000, ""]
)
def test_a_bare_date_is_refused(text: str) -> None:
    """A date without time and zone means another instant on every machine: it is refused."""
    with pytest.raises(BadInput, match="instant"):
        parse_instant(text)


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1), max_value=datetime(9999, 1, 1)))
def test_instants_survive_their_text(instant: datetime) -> None:
    """What is written is read back, to the second."""
    assert parse_instant(format_instant(instant)) == instant.replace(microsecond=0)


def test_missing_upload_times_are_said() -> None:
    """A registry that states no upload time cannot date anything: the error says so."""
    with pytest.raises(EnvironmentFailed, match="no upload time for datasets"):
        choose_moment({"datasets": [file("datasets", None)]}, VERSIONS)


def test_no_wheel_for_this_platform_is_said() -> None:
    """A version without a wheel for this platform is named."""
    with pytest.raises(EnvironmentFailed, match=r"datasets 2\.7\.1 has no wheel"):
        choose_moment({"datasets": []}, VERSIONS)

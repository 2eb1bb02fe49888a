"""The moments to try: given, the card's commit, two weeks after the last documented file, and so on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from repro.environments.moment import format_instant, moments, parse_instant
from repro.environments.registry import File
from repro.errors import BadInput, EnvironmentFailed


def file(name: str, uploaded: str | None, version: str = "1.0") -> File:
    """Return a wheel that appeared at an instant."""
    when = datetime.fromisoformat(uploaded) if uploaded else None
    return File(f"{name}-{version}-py3-none-any.whl", version, when, None, False, 1, "0" * 64)


VERSIONS = {"transformers": Version("4.21.2"), "datasets": Version("2.7.1")}
FILES = {
    "transformers": [file("transformers", "2022-08-24T15:23:14+00:00")],
    "datasets": [
        file("datasets", "2023-01-01T00:00:00+00:00"),
        file("datasets", "2022-11-22T17:20:22.128196+00:00"),
    ],
}


TRANSFORMERS = [
    file("transformers", "2022-12-01T21:10:16+00:00", "4.25.0"),
    file("transformers", "2023-01-20T10:00:00+00:00", "4.26.0rc1"),
    file("transformers", "2023-01-24T17:05:01+00:00", "4.26.0"),
    file("transformers", None, "4.27.0"),
]


def test_two_weeks_after_the_last_documented_file() -> None:
    """Without anything else, the earliest file of the latest package counts, plus fourteen days."""
    first = moments(FILES, VERSIONS)[0]
    assert first.instant == "2022-12-06T17:20:22Z"
    assert "datasets 2.7.1" in first.reason
    assert "2022-11-22T17:20:22Z" in first.reason


def test_the_order_of_moments() -> None:
    """The card's commit, two weeks after the last file, the next release of transformers, half a year."""
    commit = datetime(2022, 12, 10, 8, 0, tzinfo=UTC)
    found = moments(FILES, VERSIONS, published=commit, transformers=TRANSFORMERS)
    assert [one.instant for one in found] == [
        "2022-12-10T08:00:00Z",
        "2022-12-06T17:20:22Z",
        "2023-01-24T17:05:01Z",
        "2023-05-23T17:20:22Z",
    ]
    words = ["the card's commit", "two weeks after", "transformers 4.26.0, the next release", "half a year"]
    assert all(one.reason.startswith(word) for one, word in zip(found, words, strict=True))
    assert (
        moments(FILES, VERSIONS, published=commit.replace(tzinfo=None))[0].instant == "2022-12-10T08:00:00Z"
    )


def test_no_moment_lies_in_the_future() -> None:
    """Two weeks after a release of yesterday are not over: the moment is now, and the reason says so."""
    before = datetime.now(UTC).replace(microsecond=0)
    new = {"datasets": [file("datasets", (before - timedelta(days=1)).isoformat())]}
    (found,) = moments(new, VERSIONS)
    assert before <= parse_instant(found.instant) <= datetime.now(UTC)
    assert found.reason.startswith("now, which is before two weeks after")


def test_the_case_knows_best() -> None:
    """A moment that the case gives is the only one, in UTC."""
    (found,) = moments(FILES, VERSIONS, given="2022-12-31T01:00:00+01:00", published=datetime.now(UTC))
    assert (found.instant, found.reason) == ("2022-12-31T00:00:00Z", "given by the case")


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
        moments({"datasets": [file("datasets", None)]}, VERSIONS)


def test_no_wheel_for_this_platform_is_said() -> None:
    """A version without a wheel for this platform is named."""
    with pytest.raises(EnvironmentFailed, match=r"datasets 2\.7\.1 has no wheel"):
        moments({"datasets": []}, VERSIONS)

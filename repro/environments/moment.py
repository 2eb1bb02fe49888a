"""The moment as of which an environment is resolved, and why that one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from packaging.version import Version

from repro.environments.platforms import this_platform
from repro.environments.registry import File
from repro.errors import BadInput, EnvironmentFailed

GRACE = timedelta(days=14)  # people install a release within days; its dependents follow
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 instant.

    Raises:
        BadInput: No instant; a bare date is refused, because tools read it in the local time zone.
    """
    try:
        if len(text) <= 40 and INSTANT.fullmatch(text):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise BadInput(f"not an instant: {text[:24]!r}", "write date, time and zone, e.g. 2022-12-31T00:00:00Z")


def format_instant(instant: datetime) -> str:
    """Return an instant as RFC 3339 in UTC, whole seconds, ending in `Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def choose_moment(
    files: Mapping[str, Sequence[File]],
    versions: Mapping[str, Version],
    *,
    given: str | None = None,
    published: datetime | None = None,
) -> tuple[str, str]:
    """Choose the moment: given, else the card's commit, else two weeks after the last documented file.

    Args:
        files: Documented package to the wheels of its version that this platform can use.
        versions: Documented package to version, for the reason.
        given: The case's instant, RFC 3339.
        published: The instant of the card's commit on the Hub; UTC where it has no time zone.

    Returns:
        The instant (RFC 3339, UTC, `Z`) and a sentence that gives the reason.

    Raises:
        BadInput: `given` is no instant.
        EnvironmentFailed: The registry states no upload times, so nothing can be dated.
    """
    if given is not None:
        return format_instant(parse_instant(given)), "given by the case"
    if published is not None:
        aware = published if published.tzinfo else published.replace(tzinfo=UTC)
        return format_instant(aware), "the card's commit on the Hub"
    appeared = {name: first_upload(name, versions[name], wheels) for name, wheels in files.items()}
    if not appeared:
        raise EnvironmentFailed("nothing documented dates this card", "give a moment in the case")
    last = max(appeared, key=lambda name: appeared[name])
    date = format_instant(appeared[last])
    reason = f"two weeks after the last documented file, {last} {versions[last]}, appeared ({date})"
    return format_instant(appeared[last] + GRACE), reason


def first_upload(name: str, version: Version, wheels: Sequence[File]) -> datetime:
    """Return when the first wheel of a version appeared.

    Raises:
        EnvironmentFailed: There is no wheel for this platform, or none with an upload time.
    """
    if not wheels:
        raise EnvironmentFailed(
            f"{name} {version} has no wheel for {this_platform()}",
            "run it on a platform that it was published for",
        )
    times = [wheel.uploaded for wheel in wheels if wheel.uploaded]
    if not times:
        raise EnvironmentFailed(
            f"the registry states no upload time for {name} {version}",
            "an environment cannot be dated with this index: set uv to one that has upload times (PEP 700)",
        )
    return min(times)

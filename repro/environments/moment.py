"""The moments as of which an environment can be resolved, in order, and why these."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from packaging.version import Version

from repro.environments.platforms import this_platform
from repro.environments.registry import File
from repro.errors import BadInput, EnvironmentFailed

GRACE = timedelta(days=14)  # people install a release within days; its dependents follow
LONG_GRACE = timedelta(days=182)  # what a closure lacked has been mended, and it is still of that time
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


@dataclass(frozen=True)
class Moment:
    """An instant to resolve as of (RFC 3339, UTC, `Z`), and a sentence that says why that one."""

    instant: str
    reason: str


def moments(
    files: Mapping[str, Sequence[File]],
    versions: Mapping[str, Version],
    *,
    given: str | None = None,
    published: datetime | None = None,
    transformers: Sequence[File] = (),
) -> list[Moment]:
    """Return the moments to try, in this order.

    The case's own, and then no other; else the card's commit on the Hub, two weeks after the last documented
    file appeared, the next release of transformers after that, half a year after the last documented file.
    What would lie in the future is now.

    Args:
        files: Documented package to the wheels of its version that this platform can use.
        versions: Documented package to version, for the reasons.
        given: The case's instant, RFC 3339.
        published: The instant of the card's commit on the Hub; UTC where it has no time zone.
        transformers: All files of transformers, for its releases.

    Raises:
        BadInput: `given` is no instant.
        EnvironmentFailed: The registry states no upload times, so nothing can be dated.
    """
    if given is not None:
        return [Moment(format_instant(parse_instant(given)), "given by the case")]
    now = datetime.now(UTC)
    found: dict[str, Moment] = {}  # each instant once

    def add(instant: datetime, reason: str) -> None:
        if instant > now:
            instant, reason = now, f"now, which is before {reason}"
        text = format_instant(instant)
        found.setdefault(text, Moment(text, reason))

    if published is not None:
        add(published if published.tzinfo else published.replace(tzinfo=UTC), "the card's commit on the Hub")
    appeared = {name: first_upload(name, versions[name], wheels) for name, wheels in files.items()}
    last = max(appeared, key=lambda name: appeared[name])
    what = f"the last documented file, {last} {versions[last]}, appeared ({format_instant(appeared[last])})"
    add(appeared[last] + GRACE, f"two weeks after {what}")
    if release := next_release(transformers, appeared[last] + GRACE):
        date, version = release
        add(date, f"transformers {version}, the next release two weeks and more after {what}")
    add(appeared[last] + LONG_GRACE, f"half a year after {what}")
    return list(found.values())


def next_release(files: Sequence[File], after: datetime) -> tuple[datetime, str] | None:
    """Return when the first final release after an instant appeared, and its version; None without one."""
    later = [(file.uploaded, file.version) for file in files if file.uploaded and file.uploaded > after]
    for uploaded, version in sorted(later):
        with suppress(ValueError):
            if not Version(version).is_prerelease:
                return uploaded, version
    return None


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

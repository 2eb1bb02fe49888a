"""Do both curves come from one random stream? Here: by what the versions say."""

from __future__ import annotations

from collections.abc import Mapping

from repro.facts.streams import stream
from repro.records.comparison import Stream


def by_versions(documented: Mapping[str, str], measured: str | None) -> Stream:
    """Compare the stream that follows from the documented versions with the run's.

    Args:
        documented: Package to version, as the card prints them.
        measured: The run's stream, or None where its versions do not tell.

    Returns:
        The answer and what it rests on.
    """
    published = stream(documented)
    if published is None or measured is None:
        whose = "documented" if published is None else "installed"
        return Stream(match="unclear", name=measured, reason=f"the {whose} versions leave the stream open")
    if published == measured:
        return Stream(
            match="same", name=measured, reason=f"documented and installed versions give stream {measured}"
        )
    return Stream(
        match="different",
        name=measured,
        reason=f"the documented versions give stream {published}, the run's give {measured}",
    )

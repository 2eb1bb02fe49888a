"""What a card does not print and an environment needs: which package, within which bounds, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from packaging.version import Version

from repro.errors import BadInput
from repro.facts import releases
from repro.facts.streams import GLOBAL_STREAM, SEEDABLE_BY_DEFAULT
from repro.facts.streams import stream as stream_of

NEEDS_ACCELERATE = Version("4.29")  # its Trainer imports it, though a card never prints it
#: The accelerate that gives a stream with transformers 4.31 to 4.37; both bounds hold without a moment.
ACCELERATE_OF = {"B": "!=0.25.*", "C": "==0.25.*"}


@dataclass(frozen=True)
class Inferred:
    """A package that nobody documented.

    Attributes:
        specifier: What is required of it; empty for the newest of the moment.
        reason: Why it is there and in which version, in one sentence.
        exempt: Whether the moment does not apply to it, because the specifier is narrow enough.
    """

    specifier: str
    reason: str
    exempt: bool = False


def infer(
    pinned: Mapping[str, Version], moment: datetime, *, stream: str | None = None
) -> dict[str, Inferred]:
    """Return what is needed beside the documented versions.

    Args:
        pinned: Package to version, of the card and of the case.
        moment: What counts is the newest of then.
        stream: The random stream that was asked for, where the versions leave it open.

    Returns:
        Package to what is inferred; none of those that are pinned.
    """
    transformers = pinned.get("transformers")
    release = releases.release("transformers", str(transformers)) if transformers else None
    taken = {} if release is None else release.with_torch | release.requires
    found = {"transformers": Inferred("", "not documented: the newest of the moment that fits the others")}
    if "tensorflow" not in pinned:
        found["torch"] = _newest("not documented", "torch", taken, transformers)
    found["datasets"] = Inferred("", "not documented: the newest of the moment that fits the others")
    found["tokenizers"] = _newest("not documented", "tokenizers", taken, transformers)
    if "tensorflow" not in pinned and _needs_accelerate(transformers, moment):
        found["accelerate"] = _accelerate(taken, transformers, stream)
    return {name: inferred for name, inferred in found.items() if name not in pinned}


def check_stream(stream: str | None, versions: Mapping[str, Version]) -> None:
    """Refuse a stream that the documented versions cannot have.

    Raises:
        BadInput: The versions decide the stream, and it is another one.
    """
    if stream is None:
        return
    known = stream_of({name: str(version) for name, version in versions.items()})
    printed = versions.get("transformers")
    if stream not in ACCELERATE_OF:
        raise BadInput(f"not a random stream that can be chosen: {stream[:12]!r}", "B or C")
    if known != stream and (printed is None or not is_open(printed)):
        have = "no transformers is documented"
        if printed is not None:
            have = f"transformers {printed} has stream {known or 'A'}"
        raise BadInput(f"stream {stream}: {have}", "it can be chosen for transformers 4.31 to 4.37 only")


def is_open(transformers: Version) -> bool:
    """Tell whether accelerate, which cards do not print, decides the stream of a transformers."""
    return GLOBAL_STREAM <= Version(transformers.base_version) < SEEDABLE_BY_DEFAULT


def _newest(why: str, name: str, taken: Mapping[str, str], transformers: Version | None) -> Inferred:
    specifier = taken.get(name, "")
    if not specifier:
        return Inferred("", f"{why}: the newest of the moment that fits the others")
    whose = f"that transformers {transformers} takes ({specifier})"
    return Inferred(specifier, f"{why}: the newest of the moment {whose}")


def _needs_accelerate(transformers: Version | None, moment: datetime) -> bool:
    if transformers is not None:
        return transformers >= NEEDS_ACCELERATE
    since = releases.appeared("transformers", f"{NEEDS_ACCELERATE}.0")
    return since is not None and moment >= since


def _accelerate(taken: Mapping[str, str], transformers: Version | None, stream: str | None) -> Inferred:
    found = _newest("cards do not print it", "accelerate", taken, transformers)
    if transformers is None or not is_open(transformers):
        return found
    if stream is None:
        return Inferred(found.specifier, f"{found.reason}; it decides the random stream, B or C")
    specifier = ",".join(part for part in (found.specifier, ACCELERATE_OF[stream]) if part)
    reason = f"cards do not print it: the newest ({specifier}) that gives stream {stream}, as asked"
    return Inferred(specifier, reason, exempt=stream == "C")  # its one series is of December 2023

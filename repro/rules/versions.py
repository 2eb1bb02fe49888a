"""RE4xx: the versions that a card names, against the releases that there were."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from repro.facts import releases
from repro.facts.builds import CUDA_BUILDS, build_of
from repro.facts.streams import stream
from repro.records.card import Card
from repro.records.claims import Claim
from repro.rules.interface import Found, Rule, Severity, rule
from repro.rules.interface import clip as clipped
from repro.rules.subject import Context, Pinned

# One of these has only one way to be had; torch and tensorflow are also built by vendors and at home.
_ONE_SOURCE = frozenset({"transformers", "datasets", "tokenizers", "accelerate", "peft", "trl", "setfit"})
# Begins with a literal, so that a card is searched in about a microsecond.
_DATE = re.compile(r"20[12][0-9][-/](?:0[1-9]|1[0-2])(?:[-/](?:0[1-9]|[12][0-9]|3[01]))?(?![0-9])")
_DATE_KEYS = ("date", "training_date", "trained_on", "date_trained", "created", "created_at")
_SLACK = timedelta(days=1)  # a registry gets a release hours after its tag
_DEVELOPMENT_SLACK = timedelta(days=30)  # when a branch took its next version's name is known roughly
_NOTHING_KNOWN = Context()
_TRAINER_KINDS = frozenset({"trainer", "peft", "trl", "article", "other"})
# Versions of what trains in other ways than the Trainer: what is said of its random streams is not theirs.
_OTHER_TRAINERS = re.compile(
    r"(?:lightning|keras|tensorflow|flax|jax|fairseq|nemo|speechbrain)(?: version)?[`*\]\s:=v]{1,8}[0-9]+\.[0-9]"
)
#: What a random stream is, in a few words.
_STREAMS = {
    "A1": "the order of the data is drawn by a generator of the sampler's own, transformers < 4.31",
    "A2": "the order of the data is drawn by a generator of the sampler's own, transformers < 4.31",
    "B": "the order of the data is drawn from the global random state, accelerate without a seeded sampler",
    "C": "the order of the data is seeded anew each epoch, transformers >= 4.38 or accelerate 0.25",
}


@lru_cache(maxsize=8192)
def _clip(text: str, length: int) -> str:
    return clipped(text, length)


def clip(text: str, length: int = 60) -> str:
    """Return `interface.clip(text)`, remembered: versions and values come again, and clipping is slow."""
    return _clip(text[:240], length)


@rule("RE401", "error")
def releases_exist(versions: Mapping[str, Claim], pinned: Pinned) -> Sequence[Found]:
    """A version was never released.

    The version lies between releases that there are, or far beyond the newest one, and no registry ever had
    it. For torch and tensorflow, which vendors build under numbers of their own, this is a warning.

    Why it matters:
        Nobody can install it, and which version really ran is unknown: defaults, loss and random stream
        differ between releases.

    How to mend:
        Take the version from the environment that trained: `pip show transformers`, or `pip freeze`.

    Before:
        ### Framework versions

        - Transformers 4.21.9
        - Pytorch 1.13.0

    After:
        ### Framework versions

        - Transformers 4.21.2
        - Pytorch 1.13.0
    """
    found: list[Found] = []
    for package, claim in _of_standing("never", versions, pinned):
        near = releases.nearest(package, claim.text)
        found.append(
            Found(
                f"{package} {clip(claim.text)} was never released; next to it: {', '.join(near)}",
                claim.line,
                {"package": package, "version": clip(claim.text), "near": list(near), **_as_of()},
                severity="error" if package in _ONE_SOURCE else "warning",
            )
        )
    return found


@rule("RE402", "note", profiles=("default", "strict"))
def releases_are_known(versions: Mapping[str, Claim], pinned: Pinned) -> Sequence[Found]:
    """A version is newer than this program's table of releases.

    The program ships a table of releases with the day on which it was written. A later version may well
    exist; nothing else can be said about it offline.

    Why it matters:
        Rules on dates, on what fits together and on defaults do not apply to it.

    How to mend:
        Update this program, or refresh its table with tools/refresh_releases.py. The card need not change.

    Before:
        ### Framework versions

        - Transformers 6.0.0

    After:
        ### Framework versions

        - Transformers 5.0.0
    """
    found: list[Found] = []
    for package, claim in _of_standing("newer", versions, pinned):
        found.append(
            Found(
                f"{package} {clip(claim.text)} is newer than the table of releases, which ends with "
                f"{releases.latest(package)} ({releases.known_until():%Y-%m-%d})",
                claim.line,
                {
                    "package": package,
                    "version": clip(claim.text),
                    "latest": releases.latest(package),
                    **_as_of(),
                },
            )
        )
    return found


@rule("RE403", "note")
def releases_stand(versions: Mapping[str, Claim], pinned: Pinned) -> Sequence[Found]:
    """A version was withdrawn after its release.

    Its files are yanked: they install only where exactly this version is asked for, and usually because
    something in it was broken.

    Why it matters:
        The training may carry the defect for which the release was withdrawn, and a later one will not.

    How to mend:
        Say in the card that the release was withdrawn, or train again with the release that followed it.

    Before:
        ### Framework versions

        - Transformers 4.46.0

    After:
        ### Framework versions

        - Transformers 4.46.1
    """
    if not _some_yanked(pinned):
        return ()
    found: list[Found] = []
    for package, claim in versions.items():
        if (row := releases.release(package, claim.text)) and row.yanked:
            found.append(
                Found(
                    f"{package} {clip(claim.text)} of {row.date:%Y-%m-%d} was withdrawn",
                    claim.line,
                    {"package": package, "version": clip(claim.text), "released": row.date.isoformat()},
                )
            )
    return found


@rule("RE404", "error")
def versions_fit(versions: Mapping[str, Claim], pinned: Pinned) -> Sequence[Found]:
    """Versions cannot have been used together.

    transformers checks the version of tokenizers when it is imported, and from 4.52 on goes on without a
    torch that is too old, so that there is no Trainer. Other requirements are held only by installers, and
    people upgrade past them: a note. Where no Python has wheels for all of the versions, it is a warning. A
    development version is judged by the releases around it.

    Why it matters:
        At least one version is not the one that trained, and the environment cannot be built again.

    How to mend:
        Print the versions from within one process, and take all of them from the same run.

    Before:
        ### Framework versions

        - Transformers 4.21.2
        - Pytorch 1.13.0
        - Datasets 2.7.1
        - Tokenizers 0.13.3

    After:
        ### Framework versions

        - Transformers 4.21.2
        - Pytorch 1.13.0
        - Datasets 2.7.1
        - Tokenizers 0.12.1
    """
    conflict = _conflict(pinned)
    if conflict is None:
        return ()
    line = versions[conflict.of].line
    one, two = f"{conflict.package} {clip(conflict.version)}", f"{conflict.of} {clip(conflict.found)}"
    evidence = {
        "package": conflict.package,
        "version": clip(conflict.version),
        "other": conflict.of,
        "found": clip(conflict.found),
        "required": conflict.required,
    }
    severity: Severity
    match conflict.how:
        case "python":
            message, severity = (
                f"no Python has wheels for both {one} ({conflict.required}) and {two}",
                "warning",
            )
        case "import":
            message, severity = f"{one} needs {conflict.of} {conflict.required}, the card says {two}", "error"
        case _:
            message, severity = (
                f"{one} asks for {conflict.of} {conflict.required}, the card says {two}",
                "note",
            )
    return [Found(message, line, evidence, severity=severity)]


@rule("RE405", "error")
def builds_exist(versions: Mapping[str, Claim]) -> Sequence[Found]:
    """A local build tag of torch is not one that this release had.

    `+cu117` names the CUDA release that a build is for. It is an error where there is no such CUDA release; a
    warning where PyTorch took that CUDA release up only in a later series; a note where it had dropped it or
    never built for it, because vendors do. Other tags (`+git…`, a vendor's name) are left alone.

    Why it matters:
        The tag is the card's only word on CUDA. A wrong one sends readers to a build that nobody had.

    How to mend:
        Print `torch.__version__` in the environment that trained.

    Before:
        ### Framework versions

        - Pytorch 1.13.0+cu126

    After:
        ### Framework versions

        - Pytorch 1.13.0+cu117
    """
    claim = versions.get("torch")
    found = build_of(claim.text) if claim else None
    if claim is None or found is None or found[1] in {"published", "other"}:
        return ()
    tag, build = found
    version = releases.parse(claim.text)
    series = (version.major, version.minor) if version else (0, 0)
    had = sorted(CUDA_BUILDS.get(series, ()), key=lambda one: int(one[2:]))
    evidence = {"version": clip(claim.text), "tag": tag, "published": had}
    shown = f"torch {series[0]}.{series[1]} was published for {', '.join(had) or 'none that is known'}"
    severity: Severity
    match build:
        case "false":
            message, severity = f"there is no CUDA release for +{clip(tag)}; {shown}", "error"
        case "unpublished":
            message = f"PyTorch published no build +{clip(tag)}, so it is somebody's own or mistyped; {shown}"
            severity = "note"
        case _:
            message = f"no build +{clip(tag)} of torch {series[0]}.{series[1]} was published; {shown}"
            severity = "warning" if build == "later" else "note"
    return [Found(message, claim.line, evidence, severity)]


@rule("RE406", "note", profiles=("default", "strict"))
def training_date_is_stated(
    card: Card, versions: Mapping[str, Claim], pinned: Pinned, seen: str
) -> Sequence[Found]:
    """The card does not say when it was trained; its versions say from when on it can have been.

    No package can be used before it appeared: the last of the versions to appear gives the earliest day. The
    versions also leave only some Pythons, and give the random stream (the order of the data for a given seed)
    where they are enough for it.

    Why it matters:
        Everything that a card does not name (accelerate, numpy, the CUDA libraries) is resolved by date when
        its environment is built again.

    How to mend:
        State the day of the training, e.g. `Trained on 2022-12-05.`

    Before:
        ### Framework versions

        - Transformers 4.21.2
        - Pytorch 1.13.0+cu117
        - Datasets 2.7.1
        - Tokenizers 0.12.1

    After:
        Trained on 2022-12-05.

        ### Framework versions

        - Transformers 4.21.2
        - Pytorch 1.13.0+cu117
        - Datasets 2.7.1
        - Tokenizers 0.12.1
    """
    said = _said(pinned, card.kind in _TRAINER_KINDS)
    if said is None or _DATE.search(seen) or _dated(card, _NOTHING_KNOWN):
        return ()
    message, package, evidence = said
    return [Found(message, versions[package].line, evidence)]


@rule("RE407", "error")
def versions_had_appeared(card: Card, versions: Mapping[str, Claim], context: Context) -> Sequence[Found]:
    """The card is older than the versions that it names.

    The card's date (of its commit on the Hub, or the `date` in its front matter) lies before the day on which
    one of its versions appeared. Against development versions, whose days are known roughly, it is a warning.

    Why it matters:
        The versions or the date are not those of the training.

    How to mend:
        Take the versions from the environment that trained, and the date from the run.

    Before:
        ---
        date: 2022-09-01
        ---
        ### Framework versions

        - Transformers 4.21.2
        - Datasets 2.7.1

    After:
        ---
        date: 2022-12-05
        ---
        ### Framework versions

        - Transformers 4.21.2
        - Datasets 2.7.1
    """
    dated = _dated(card, context)
    if dated is None:
        return ()
    date, source = dated
    found: list[Found] = []
    for package, claim in versions.items():
        appeared = releases.appeared(package, claim.text)
        if appeared is None or appeared <= date + _SLACK:
            continue
        exact = releases.release(package, claim.text) is not None
        if not exact and appeared <= date + _DEVELOPMENT_SLACK:
            continue
        found.append(
            Found(
                f"{package} {clip(claim.text)} appeared {appeared:%Y-%m-%d}, {(appeared - date).days} days "
                f"after the card's date {date:%Y-%m-%d} ({source})",
                claim.line,
                {
                    "package": package,
                    "version": clip(claim.text),
                    "appeared": appeared.isoformat(),
                    "date": date.isoformat(),
                    "source": source,
                },
                severity="error" if exact else "warning",
            )
        )
    return found


@rule("RE408", "note")
def versions_are_releases(versions: Mapping[str, Claim], pinned: Pinned) -> Sequence[Found]:
    """A version is a development version or a vendor's build.

    `4.26.0.dev0` is what the main branch was called between two releases: hundreds of states have that
    name. A nightly or a vendor's build (`2.9.0a0+….nv25.09`) is one state, but no registry keeps it.

    Why it matters:
        The exact code cannot be had again; the release before or after it stands in for it.

    How to mend:
        Train with a release, or state the commit: `pip freeze` prints it for an installation from git.

    Before:
        ### Framework versions

        - Transformers 4.26.0.dev0

    After:
        ### Framework versions

        - Transformers 4.26.0
    """
    found: list[Found] = []
    for (package, claim), standing in zip(versions.items(), _standings(pinned), strict=True):
        if standing == "vendor":
            found.append(
                Found(
                    f"{package} {clip(claim.text)} is a vendor's build, which no registry has",
                    claim.line,
                    {"package": package, "version": clip(claim.text), "build": "vendor"},
                )
            )
        elif standing == "development":
            message, evidence = _development(package, claim.text[: releases.LONGEST + 1])
            found.append(Found(message, claim.line, evidence))
    return found


@rule("RE409", "note", profiles=("default", "strict"))
def stream_is_known(
    card: Card, versions: Mapping[str, Claim], pinned: Pinned, context: Context
) -> Sequence[Found]:
    """The versions leave open which random stream the training had.

    The same seed gives another order of the data in other releases. Up to transformers 4.30 that order
    depends on torch (A1 before 1.11, A2 from then on); from 4.31 to 4.37 on accelerate (C with 0.25, else
    B), which a generated card never names; from 4.38 on it is C.

    Why it matters:
        With another stream a re-run gives another curve, and cannot be told from a failed one.

    How to mend:
        Name what is missing among the framework versions, e.g. `- Accelerate 0.21.0`.

    Before:
        ### Framework versions

        - Transformers 4.31.0
        - Pytorch 2.0.1

    After:
        ### Framework versions

        - Transformers 4.31.0
        - Pytorch 2.0.1
        - Accelerate 0.21.0
    """
    claim = versions.get("transformers")
    if claim is None or card.kind not in _TRAINER_KINDS or "tensorflow" in versions:
        return ()
    if _stream(pinned) is not None:
        return ()
    candidates = _candidates(pinned, context.published)
    if candidates is None or len(candidates[0]) < 2:
        return ()
    names, missing = candidates
    return [
        Found(
            f"the random stream is {' or '.join(names)}: transformers {clip(claim.text)} leaves it "
            f"to {missing}",
            claim.line,
            {"transformers": clip(claim.text), "streams": list(names), "missing": missing},
        )
    ]


@rule("RE410", "warning")
def versions_can_be_read(versions: Mapping[str, Claim], pinned: Pinned) -> Sequence[Found]:
    """A version is none.

    What stands there begins like a version but is not one (PEP 440), so that no installer would take it.

    Why it matters:
        The release cannot be looked up, and no rule on versions applies.

    How to mend:
        Print the package's `__version__` in the environment that trained.

    Before:
        ### Framework versions

        - Transformers 4.21.2
        - Pytorch 1.13.x

    After:
        ### Framework versions

        - Transformers 4.21.2
        - Pytorch 1.13.0
    """
    found: list[Found] = []
    for package, claim in _of_standing("unreadable", versions, pinned):
        found.append(
            Found(
                f"{package}: {clip(claim.text)!r} is no version",
                claim.line,
                {"package": package, "version": clip(claim.text)},
            )
        )
    return found


def _as_of() -> dict[str, str]:
    return {"table": releases.known_until().isoformat()}


@lru_cache(maxsize=4096)
def _standings(pinned: Pinned) -> tuple[releases.Standing, ...]:
    return tuple([releases.standing(package, text) for package, text in pinned])


def _of_standing(
    standing: releases.Standing, versions: Mapping[str, Claim], pinned: Pinned
) -> Iterable[tuple[str, Claim]]:
    """Return the versions of a standing."""
    standings = _standings(pinned)
    if standing not in standings:
        return ()
    return [item for item, each in zip(versions.items(), standings, strict=True) if each == standing]


@lru_cache(maxsize=4096)
def _some_yanked(pinned: Pinned) -> bool:
    return any((row := releases.release(*each)) and row.yanked for each in pinned)


@lru_cache(maxsize=4096)
def _development(package: str, text: str) -> tuple[str, Mapping[str, Any]]:
    """Return what is said of a development version, and the evidence."""
    span = releases.development_span(package, text)
    began = releases.appeared(package, text)
    near = releases.nearest(package, text)
    what = "is a development version" + (f", from about {began:%Y-%m-%d} on" if began else "")
    if began and releases.nightly(text):
        what = f"is a nightly build of {began:%Y-%m-%d}"
    around = f"; releases around it: {', '.join(near)}" if near else ""
    return f"{package} {clip(text)} {what}{around}", {
        "package": package,
        "version": clip(text),
        "build": "development",
        "from": began.isoformat() if began else None,
        "until": span[1].isoformat() if span and span[1] else None,
        "near": list(near),
    }


@lru_cache(maxsize=4096)
def _conflict(pinned: Pinned) -> releases.Conflict | None:
    return releases.installable_together(dict(pinned))


@lru_cache(maxsize=4096)
def _said(pinned: Pinned, by_trainer: bool) -> tuple[str, str, Mapping[str, Any]] | None:
    """Return what follows from the versions: a message, the package that gives the date, and the evidence."""
    packages = dict(pinned)
    earliest = releases.earliest_possible(packages)
    if earliest is None:
        return None
    pythons = releases.python_range(packages)
    name = _stream(pinned) if by_trainer else None
    message = (
        f"trained {'' if earliest.exact else 'about '}{earliest.date:%Y-%m-%d} or later, when "
        f"{earliest.package} {clip(earliest.version)} {'appeared' if earliest.exact else 'began'}"
        f"; wheels for Python {pythons}"
    )
    evidence = {
        "earliest": earliest.date.isoformat(),
        "exact": earliest.exact,
        "package": earliest.package,
        "version": clip(earliest.version),
        "python": str(pythons),
        "stream": name,
    }
    return (f"{message}; random stream {name}" if name else message), earliest.package, evidence


@lru_cache(maxsize=4096)
def _stream(pinned: Pinned) -> str | None:
    return stream(dict(pinned))


@lru_cache(maxsize=4096)
def _candidates(pinned: Pinned, published: datetime | None) -> tuple[tuple[str, ...], str] | None:
    """Return the streams that are left and the package that decides between them."""
    packages = dict(pinned)
    for missing in ("accelerate", "torch"):
        if missing in packages:
            continue
        names = {
            name
            for version in _tried(missing)
            if published is None or (releases.appeared(missing, version) or published) <= published
            if (name := stream({**packages, missing: version}))
        }
        if names:
            return tuple(sorted(names)), missing
    # A development version on a border: the releases around it.
    names = {
        name
        for near in releases.nearest("transformers", packages["transformers"])
        if (name := stream({**packages, "transformers": near}))
    }
    return (tuple(sorted(names)), "the commit that it stands for") if names else None


def _tried(package: str) -> tuple[str, ...]:
    """Return a release for each side of the borders between the streams."""
    return ("0.21.0", "0.25.0", "0.26.0") if package == "accelerate" else ("1.10.0", "1.11.0")


def _dated(card: Card, context: Context) -> tuple[datetime, str] | None:
    """Return when the card is from, and who says so."""
    if context.published is not None:
        published = context.published
        return (published if published.tzinfo else published.replace(tzinfo=UTC)), "its commit"
    data = card.front_matter.data if card.front_matter else {}
    if data.keys().isdisjoint(_DATE_KEYS):
        return None
    for key in _DATE_KEYS:
        text = data.get(key)
        if isinstance(text, str) and (found := _instant(text[:10])):
            return found + timedelta(days=1), f"`{key}` in the front matter"  # any hour of that day
    return None


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None


RULES: tuple[Rule, ...] = (
    releases_exist,
    releases_are_known,
    releases_stand,
    versions_fit,
    builds_exist,
    training_date_is_stated,
    versions_had_appeared,
    versions_are_releases,
    stream_is_known,
    versions_can_be_read,
)

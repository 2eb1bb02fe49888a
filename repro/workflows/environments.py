"""The environment of a case or card: its record and lock, kits of it, building, pruning."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from repro import hub, inputs
from repro.cases.loader import documented_versions, find_case, load_case
from repro.environments.build import build
from repro.environments.cache import (
    MARKER,
    Built,
    cache_folder,
    lookup,
    remember,
    used,
)
from repro.environments.lock import lock_digest
from repro.environments.platforms import this_platform
from repro.environments.resolve import resolve
from repro.environments.substitutes import refuse_substitutes
from repro.environments.torch_choice import (
    DOCUMENTED_TORCH,
    TorchChoice,
    resolve_with_torch,
)
from repro.errors import BadInput, EnvironmentFailed, Interrupted
from repro.records.codec import from_json, read_text, to_json, write_atomic
from repro.records.environment import Environment
from repro.records.kit import Kit, Missing
from repro.records.prune import Pruned
from repro.runs import folders
from repro.runs.probe import probed, unexpected_stream
from repro.workflows.cards import one_card
from repro.workflows.observing import Observer, Silent

if TYPE_CHECKING:
    from repro.environments.kit import OpenKit

#: The number of the rules by which locks are made: with another one, earlier locks are not taken any more.
LOCKED_BY = 3


def environment_of(
    target: str,
    *,
    relock: bool = False,
    stream: str | None = None,
    strict: bool = False,
    torch: TorchChoice = DOCUMENTED_TORCH,
    offline: bool = False,
    observer: Observer | None = None,
) -> tuple[Environment, str]:
    """Return the environment of a case or of any card with versions, and the text of its lock.

    The case's own lock is taken where it fits; else an earlier one from the cache; else a new one is made.

    Args:
        target: A case or a card, as for `audit`.
        relock: Make a new lock.
        stream: The random stream to have where the versions leave it open: `B` or `C`.
        strict: Refuse an environment that has not the very versions and builds that are documented.
        torch: Another torch than the documented one, or another build of it.
        offline: Take a lock that is here already, or none.
        observer: Told what is going on.

    Raises:
        BadInput: No such card, or one without versions, or with another stream than was asked for.
        EnvironmentFailed: The versions cannot be had together, or, if `strict`, not as documented; or offline
            there is no lock of them.
        NetworkFailed: The registry cannot be reached.
    """
    found = _environment_of(target, relock, stream, torch, offline, observer or Silent())
    if strict:
        refuse_substitutes(found[0])
    return found


def _environment_of(
    target: str,
    relock: bool,
    stream: str | None,
    torch: TorchChoice,
    offline: bool,
    observer: Observer,
) -> tuple[Environment, str]:
    published = None
    if find_case(target) is not None:
        case = load_case(target)
        requirements, carried = case.case.environment, case.locked
        documented = documented_versions(case.card.claims)
        packages, moment = requirements.packages, requirements.moment
    else:
        documented = documented_versions(one_card(target).claims)
        packages, moment, carried = {}, None, None
        from repro.audits.sources import on_hub

        if repository := on_hub(target):
            published = hub.committed_at(*repository)
    if not documented.keys() - {"python"}:
        raise BadInput(f"{target}: the card documents no versions", "an environment needs at least one")
    day = None
    if carried is not None and not relock:
        # With another torch everything else stays as it was on that day.
        fits = carried[0].documented == documented and carried[0].platform == this_platform()
        if fits and stream in (None, carried[0].stream):
            if not _belongs(*carried):
                raise BadInput(
                    f"{target}: the case's lock is not the one that its record was made with",
                    "restore the files, or make both anew with --relock, as docs/cases.md says",
                )
            day = carried
        else:
            observer.say("the case's lock is for other versions, another stream or platform: locking anew")
    if day is not None and not torch:
        return day
    return _cached_lock(
        documented,
        packages,
        moment,
        published,
        stream,
        torch,
        day,
        relock=relock,
        offline=offline,
        observer=observer,
    )


def _cached_lock(
    documented: dict[str, str],
    packages: dict[str, str],
    moment: str | None,
    published: datetime | None,
    stream: str | None,
    torch: TorchChoice,
    day: tuple[Environment, str] | None,
    *,
    relock: bool,
    offline: bool,
    observer: Observer,
) -> tuple[Environment, str]:
    """Resolve, or take what was resolved from the same words before."""
    asked = [LOCKED_BY, documented, packages, moment, published, stream, torch.flags, this_platform()]
    key = to_json(asked, indent=0)
    place = cache_folder() / "locks" / hashlib.sha256(key.encode()).hexdigest()[:16]
    record, lock = place.with_suffix(".json"), place.with_suffix(".lock")
    if not relock and (kept := _kept_lock(record, lock)):
        used(lock)
        return kept
    if offline:
        raise EnvironmentFailed("there is no lock of these versions here", "run it once with a network")
    resolve_day = partial(resolve, moment=moment, published=published, stream=stream)
    if torch:
        resolved = resolve_with_torch(
            torch, documented, packages=packages, report=observer.say, day=day, resolve_day=resolve_day
        )
    else:
        resolved = resolve_day(documented, packages=packages, report=observer.say)
    try:
        write_atomic(lock, resolved[1])
        write_atomic(record, to_json(resolved[0]) + "\n")
    except BadInput as error:  # the lock is as good without
        observer.say(f"the lock is not kept: {error.message}")
    return resolved


def _kept_lock(record: Path, lock: Path) -> tuple[Environment, str] | None:
    """Return what was resolved before; None where it is not there, or was damaged: it is made anew."""
    with suppress(BadInput):
        kept = from_json(read_text(record), Environment, source=record.name), read_text(lock)
        if _belongs(*kept):
            return kept
    return None


def _belongs(environment: Environment, lock: str) -> bool:
    """Tell whether a lock is the one that a record was made with."""
    return lock_digest(lock) == environment.lock_sha256


def environment_of_kit(target: str, folder: Path, observer: Observer | None = None) -> OpenKit:
    """Return a kit, verified, that has the environment of a case or card.

    Args:
        target: A case or a card, as for `audit`.
        folder: The kit's folder.
        observer: Told what is going on.

    Raises:
        BadInput: No such folder, or the kit of other versions.
        EnvironmentFailed: The kit was not written to its end, has changed, or is for another platform.
    """
    from repro.environments.kit import open_kit  # each verb imports what only it needs

    claims = (load_case(target).card if find_case(target) is not None else one_card(target)).claims
    kit = open_kit(folder, (observer or Silent()).say)
    if kit.environment.documented != documented_versions(claims):
        raise BadInput(
            f"{folder}: the kit is that of {kit.kit.case}, whose versions are not those of {target}",
            f"write one: `repro env {target} --kit FOLDER`",
        )
    return kit


def write_kit_of(
    target: str, locked: tuple[Environment, str], folder: Path, observer: Observer | None = None
) -> Kit:
    """Write the offline kit of a case or card, or complete one; its size is stated, and asked for, before.

    Args:
        target: A case or a card, as for `audit`; of a card there is only the environment.
        locked: Its environment, as from `environment_of`.
        folder: The kit's folder.
        observer: Told what is going on.

    Raises:
        Interrupted: The answer was no.
        BadInput: The folder cannot be used.
        EnvironmentFailed: The environment cannot be locked, or a locked file cannot be had.
        NetworkFailed: The registry cannot be reached. A model that cannot be had is only listed in the kit.
    """
    from repro.environments.kit import write_kit

    observer = observer or Silent()
    environment, lock = locked
    size = _size(environment.sizes.download_bytes)
    trained_on = "" if find_case(target) is None else " and what the case trains on"
    if not observer.confirm(f"the kit takes {size}{trained_on}; what is there is kept"):
        raise Interrupted("nothing was downloaded", "answer yes, or use --yes")
    files: dict[str, Path] = {}
    missing: tuple[Missing, ...] = ()
    if find_case(target) is not None:
        files, missing = inputs.carried(load_case(target), cache_folder())
    return write_kit(
        folder, environment, lock, case=target, inputs=files, missing=missing, report=observer.say
    )


def build_environment(
    environment: Environment,
    lock: str,
    observer: Observer | None = None,
    *,
    offline: bool = False,
    kit: OpenKit | None = None,
) -> Built:
    """Build an environment, or take it from the cache; its size is stated, and asked for, before.

    The observer is warned of one whose observed random stream is not that of its versions.

    Args:
        environment: The record of the lock.
        lock: The lock's text.
        observer: Told what is going on.
        offline: Ask nobody but uv's cache.
        kit: An offline kit that has the lock's files: nobody else is asked.

    Raises:
        Interrupted: The answer was no.
        EnvironmentFailed: It cannot be built, or the probe's training step failed.
        NetworkFailed: The registry cannot be reached.
    """
    observer = observer or Silent()
    found = lookup(environment)
    if found is not None:
        used(found.folder / MARKER)
    else:
        found = _built_now(environment, lock, observer, offline, kit)
    if found.probe is None:  # somebody built it who only imported it
        found = remember(found, probed(environment, found.python))
    if warning := unexpected_stream(environment.stream, found.probe):
        observer.say(f"warning: {warning}: a run here has another data order than the published one")
    return found


def _built_now(
    environment: Environment, lock: str, observer: Observer, offline: bool, kit: OpenKit | None
) -> Built:
    """Build it; the size is stated, and asked for, before."""
    sizes = environment.sizes
    download = "nothing" if offline or kit is not None else _size(sizes.download_bytes)
    question = (
        f"the environment is not built yet: {download} to download, "
        f"{_size(sizes.disk_bytes)} on disk{'' if sizes.measured else ' (estimated)'}"
    )
    if not observer.confirm(question):
        raise Interrupted("nothing was downloaded", "answer yes, or use --yes")
    built = build(
        environment,
        lock,
        probe=partial(probed, environment),
        report=observer.say,
        offline=offline,
        wheels=None if kit is None else kit.wheels,
    )
    for text in built.probe.unusable if built.probe else ():
        observer.say(text)
    return built


def prune(
    older_than: timedelta, *, out: Path = Path("reports"), keep_used: bool = False, dry_run: bool = False
) -> Pruned:
    """Remove environments and locks from the cache that were last used longer ago than an age.

    Args:
        older_than: The age.
        out: The folder of runs that `keep_used` looks at.
        keep_used: Keep what runs in `out` were made with.
        dry_run: Only say what would be removed.

    Raises:
        EnvironmentFailed: Something cannot be removed.
    """
    from repro.environments.prune import prune as prune_cache

    referred = dict(_locks_of_runs(out)) if keep_used else {}
    return prune_cache(cache_folder(), older_than=older_than, referred=referred, dry_run=dry_run)


def _locks_of_runs(out: Path) -> Iterator[tuple[str, str]]:
    """Yield digest of lock and folder of each run; no run is too old or too damaged to count."""
    for record in sorted(out.glob("**/run.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            yield json.loads(record.read_bytes())["environment"]["lock_sha256"], str(record.parent)
        with suppress(BadInput):
            yield lock_digest(read_text(folders.RunFolder(record.parent).lock)), str(record.parent)


def _size(count: int | None) -> str:
    return "an unknown amount" if count is None else f"{count / 1e9:.1f} GB"

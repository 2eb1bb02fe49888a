"""Search the Hub for replicates of a case, read their cards, and keep those with the same recipe."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from repro import hub
from repro.audits.sources import is_remote, on_hub, one_source, read_file
from repro.cards import read_card
from repro.cases.loader import bundled, find_case, load_case
from repro.comparison.exchange_result import Exchange
from repro.errors import BadInput, Interrupted, NetworkFailed, Refused, ReproError
from repro.facts.streams import stream
from repro.peers.recipe import difference, is_comparable, recipe_of
from repro.peers.store import Store
from repro.peers.table import evaluations, mixed_precision, printed, versions
from repro.records.peers import Evaluated, LeftOut, Peers, Query, Recipe, Replicate
from repro.reports.formats import line
from repro.rules import Context, Subject

#: As many as `--replicates` reads.
MOST_KEPT = 100
#: Longer cards are not downloaded.
LONGEST_CARD = 8 * 1024 * 1024
CARD = "README.md"

_AT_ONCE = 8
_SAY_EVERY = 50
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?")
_LONGEST_NAME, _LONGEST_REASON = 200, 300
_SHORTEST_NAME = 4  # less than that finds half of the Hub
#: Tables that share fewer values may be equal by chance.
_FEWEST_VALUES = 3


class Observer(Protocol):
    """Who is told what goes on."""

    def say(self, text: str) -> None:
        """One line about what is being done."""


class _Silent:
    def say(self, text: str) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Options:
    """How replicates are looked for.

    Attributes:
        search: Further texts to look for in the names of models.
        limit: How many models of each search are looked at.
        offline: Ask nobody: what was found before is given again.
    """

    search: tuple[str, ...] = ()
    limit: int = 300
    offline: bool = False


@dataclass(frozen=True)
class _Published:
    """What replicates are looked for of.

    Attributes:
        subject: Its card.
        recipe: The recipe that the card states.
        repository: Where on the Hub it lies itself, where that is known.
    """

    subject: Subject
    recipe: Recipe
    repository: str | None

    @property
    def curve(self) -> _Curve:
        """Its evaluations as numbers."""
        return _curve(evaluations(self.subject.progress)[0])


#: (step, losses) of each evaluation, in numbers, so that `1.41` and `1.4100` are equal.
_Curve = tuple[tuple[int, str | float, str | float], ...]


@dataclass(frozen=True)
class _Read:
    """A card that was found and read.

    Attributes:
        subject: The card.
        replicate: What it would be as a replicate.
        recipe: The recipe that it states.
        problem: Why its table is of no use; empty where it is of use.
    """

    subject: Subject
    replicate: Replicate
    recipe: Recipe
    problem: str


def find_peers(target: str, options: Options, observer: Observer | None = None) -> Peers:
    """Collect public replicates of a case from the Hub, and keep them for when it is out of reach.

    Where the Hub cannot be reached, what was found before is given again; the observer is told.

    Args:
        target: A bundled case's name, a case folder, a card file, an address, or `hub:user/model[@revision]`.
        options: How.
        observer: Told what is going on.

    Returns:
        The replicates and what was left out, with the place of the table.

    Raises:
        BadInput: No such case, or its card states no recipe; or offline what was kept is of another recipe.
        NetworkFailed: The Hub cannot be reached or asks to be left alone, and nothing was kept.
        Interrupted: Stopped by the user.
    """
    observer = observer or _Silent()
    store = Store(*_identity(target))
    if options.offline:
        if options.search:
            raise BadInput("--offline searches nothing", "leave --search or --offline out")
        return _kept_before(store, target, None if is_remote(target) else _published(target).recipe)
    published = None if is_remote(target) else _published(target)
    try:
        hub.reach()
        published = published or _published(target)
        found = _search(target, published, options, observer)
    except KeyboardInterrupt as error:
        raise Interrupted(
            "stopped; no replicates were kept", "the same command fetches only the cards that it has not yet"
        ) from error
    except NetworkFailed as error:
        earlier = store.load()
        if earlier is None or (published is not None and earlier.recipe != published.recipe):
            raise
        observer.say(f"{error.message}; this is what was found on {earlier.searched}")
        return store.place(earlier)
    try:
        return store.save(found)
    except BadInput as error:  # what was found is as good without
        observer.say(f"not kept for later: {error.message}")
        return found


def _identity(target: str) -> tuple[str, str]:
    """Return what a case is called, and what tells it from every other one."""
    if target in bundled():
        return target, f"bundled {target}"
    if (folder := find_case(target)) is not None:
        return folder.resolve().name, str(folder.resolve())
    if is_remote(target):
        return target.partition(":")[2], target
    return Path(target).stem, str(Path(target).absolute())


def _kept_before(store: Store, target: str, recipe: Recipe | None) -> Peers:
    earlier = store.load()
    again = f"with a network: `repro peers {target}`"
    if earlier is None:
        raise NetworkFailed(
            f"{target}: no replicates were collected before, and --offline asks nobody", again
        )
    if recipe is not None and earlier.recipe != recipe:
        raise BadInput(f"{target}: the replicates kept of it are of another recipe", again)
    return store.place(earlier)


def _published(target: str) -> _Published:
    base = None
    if find_case(target) is not None:
        case = load_case(target)
        card, base = case.card, case.case.model.repository
    else:
        source = one_source(target)
        card = read_card(source.text, target=source.target, undecodable=source.undecodable)
    subject = Subject(card, Context())
    recipe = recipe_of(subject, base)
    if not is_comparable(recipe):
        raise BadInput(
            f"{card.target}: the card states no learning rate, train batch size and number of epochs",
            "without them nothing tells a replicate from any other model",
        )
    at = on_hub(target)
    return _Published(subject, recipe, at[0] if at else None)


# ------------------------------------------------------------------------------------------- searching


def _search(target: str, published: _Published, options: Options, observer: Observer) -> Peers:
    if not published.recipe.steps:
        observer.say("the card has no table with steps: at which steps others were evaluated is not compared")
    hits: dict[str, hub.Hit] = {}
    queries = []
    for by, text in _questions(published, options.search):
        relation = "adapter" if published.subject.card.kind == "peft" else "finetune"
        asked = {"name": text} if by == "name" else {"tag": f"base_model:{relation}:{text}"}
        found = hub.search_models(options.limit + 1, **asked)
        query = Query(by=by, text=text, found=min(len(found), options.limit), more=len(found) > options.limit)
        more = f", and more that are not looked at (--limit {options.limit})" if query.more else ""
        observer.say(f"{query.found} models by {by.replace('_', ' ')} {text}{more}")
        queries.append(query)
        for hit in found[: options.limit]:
            hits.setdefault(hit.repository, hit)
    # The first published is the original where two are equal.
    ordered = sorted(hits.values(), key=lambda hit: (_instant(hit.created), hit.repository))
    kept, left_out = _choose(published, _read_all(ordered, observer))
    return Peers(
        case=target,
        searched=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        recipe=published.recipe,
        queries=tuple(queries),
        kept=tuple(kept),
        left_out=tuple(sorted(left_out, key=lambda each: each.model_id)),
    )


def _instant(created: datetime | None) -> float:
    return created.timestamp() if created else float("inf")


def _questions(published: _Published, further: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield what to search by: the name, what it adds to the base model's name, the base model, and more."""
    base = published.recipe.base_model or ""
    name = (published.subject.claims.name or "").strip().rpartition("/")[2]
    short = base.rpartition("/")[2]
    added = name[len(short) :].strip("-_.") if short and name.lower().startswith(short.lower()) else ""
    names = [each for each in (name, added) if _MODEL.fullmatch(each) and len(each) >= _SHORTEST_NAME]
    for text in dict.fromkeys([*names, *(each.strip() for each in further if each.strip())]):
        yield "name", text
    if _MODEL.fullmatch(base):
        yield "base_model", base


# --------------------------------------------------------------------------------------------- reading


def _read_all(hits: Sequence[hub.Hit], observer: Observer) -> list[_Read | LeftOut]:
    """Read the card of each model, several at once, in their order.

    Raises:
        NetworkFailed: The Hub cannot be reached any more, or asks for fewer requests.
    """
    answers: list[_Read | LeftOut] = []
    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="cards")
    try:
        for answer in pool.map(_read, hits):
            answers.append(answer)
            if len(answers) % _SAY_EVERY == 0 or len(answers) == len(hits):
                observer.say(f"{len(answers)} of {len(hits)} cards read")
    finally:
        pool.shutdown(cancel_futures=True)
    return answers


def _read(hit: hub.Hit) -> _Read | LeftOut:
    """Read one card, at a commit; whatever it is, it is no error."""
    out = partial(_left_out, hit.repository, hit.commit or "")
    if not _MODEL.fullmatch(hit.repository):
        return out("its name is none of the Hub's")
    if hit.private:
        return out("private")
    if hit.files is not None and CARD not in hit.files:
        return out("has no card")
    try:
        commit = hit.commit or hub.newest_commit(hit.repository)
        if commit is None:
            return out("the Hub does not say at which commit it is")
        path = hub.fetch_small_file(hit.repository, commit, CARD, most=LONGEST_CARD)
    except Refused as error:
        return out(error.reason)
    out = partial(_left_out, hit.repository, commit)
    if path is None:
        return out(f"its card is larger than {LONGEST_CARD // 2**20} MiB")
    source = read_file(f"hub:{hit.repository}", path)
    if source.problem:
        return out(f"its card cannot be read: {source.problem}")
    try:
        subject = Subject(read_card(source.text, target=source.target), Context())
    except ReproError:  # the one reason that there is
        return out("its card is empty")
    rows, problem = evaluations(subject.progress)
    recipe = recipe_of(subject)
    if not subject.claims.hyperparameters:
        return out("states no hyperparameters")
    replicate = _replicate(hit.repository, commit, subject, recipe, rows)
    return _Read(subject, replicate, recipe, problem)


def _left_out(repository: str, revision: str, reason: str) -> LeftOut:
    """Return a model that is left out; what a stranger wrote may be anything."""
    return LeftOut(
        model_id=line(repository[:_LONGEST_NAME]), revision=revision, reason=line(reason[:_LONGEST_REASON])
    )


def _replicate(
    repository: str, commit: str, subject: Subject, recipe: Recipe, rows: tuple[Evaluated, ...]
) -> Replicate:
    claims = subject.claims
    stated = versions(claims.versions)
    return Replicate(
        model_id=repository,
        revision=commit,
        versions=stated,
        mixed_precision=mixed_precision(claims.hyperparameters.get("mixed_precision_training")),
        evaluation_loss=printed(claims.evaluation.get("loss")),
        seed=recipe.seed,
        stream=stream({name: claim.text for name, claim in claims.versions.items()}),
        rows=rows,
    )


# -------------------------------------------------------------------------------------------- choosing


def _choose(
    published: _Published, answers: Iterable[_Read | LeftOut]
) -> tuple[list[Replicate], list[LeftOut]]:
    kept: list[Replicate] = []
    left_out: list[LeftOut] = []
    seen: dict[_Curve, str] = {}
    own = published.curve
    for answer in answers:
        if isinstance(answer, LeftOut):
            left_out.append(answer)
            continue
        replicate = answer.replicate
        curve = _curve(replicate.rows)
        if reason := _reason(published, own, answer, curve, seen, len(kept)):
            left_out.append(_left_out(replicate.model_id, replicate.revision, reason))
            continue
        seen.setdefault(curve, replicate.model_id)
        kept.append(replace(replicate, note=_note(published.recipe, answer)))
    return kept, left_out


def _reason(
    published: _Published, own: _Curve, answer: _Read, curve: _Curve, seen: dict[_Curve, str], kept: int
) -> str:
    """Return why a card is no replicate; empty where it is one."""
    if published.repository and answer.replicate.model_id.lower() == published.repository.lower():
        return "it is the published one itself"
    if reason := difference(published.recipe, answer.recipe) or answer.problem:
        return reason
    if (
        published.subject.progress
        and published.subject.progress.validation
        and not any(row.validation_loss for row in answer.replicate.rows)
    ):
        return "its table has no validation losses"
    if _values(curve) >= _FEWEST_VALUES:
        if curve == own:
            return "the published one itself, or a copy of it: equal in every value"
        if curve in seen:
            return f"a copy of {seen[curve]}: equal in every value"
    return f"more than {MOST_KEPT} replicates" if kept >= MOST_KEPT else ""


def _note(own: Recipe, answer: _Read) -> str:
    """Say what is different or unknown and yet no reason to leave a replicate out."""
    theirs, notes = answer.recipe, []
    if theirs.seed is None:
        notes.append("states no seed")
    elif own.seed is not None and theirs.seed != own.seed:
        notes.append(f"seed {theirs.seed} instead of {own.seed}")
    if own.base_model and not theirs.base_model:
        notes.append("states no base model")
    if answer.subject.weighed and isinstance(answer.subject.weighed.found, Exchange):
        notes.append("its loss columns look exchanged (RT210)")
    return "; ".join(notes)


def _curve(rows: Iterable[Evaluated]) -> _Curve:
    return tuple((row.step, _number(row.training_loss), _number(row.validation_loss)) for row in rows)


def _number(text: str) -> str | float:
    return float(text) if text else ""


def _values(curve: _Curve) -> int:
    return sum(loss != "" for _, *losses in curve for loss in losses)

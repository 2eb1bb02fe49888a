"""RE4xx: versions against the releases that there were."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.records.card import Card
from repro.records.claims import Claim, Claims
from repro.rules import Context, Rule, RuleSet, check
from repro.rules import versions as rules
from repro.testing import check_page, findings

PRINTED = {
    "transformers": "Transformers",
    "torch": "Pytorch",
    "datasets": "Datasets",
    "tokenizers": "Tokenizers",
    "accelerate": "Accelerate",
    "tensorflow": "TensorFlow",
}
PUBLISHED = {"transformers": "4.21.2", "torch": "1.13.0+cu117", "datasets": "2.7.1", "tokenizers": "0.12.1"}


def card(above: str = "", **versions: str) -> str:
    """A card that states versions."""
    lines = "\n".join(f"- {PRINTED[package]} {version}" for package, version in versions.items())
    return f"{above}\n### Framework versions\n\n{lines}\n"


def severities(rule: Rule, text: str, context: Context | None = None) -> list[str]:
    """What a rule finds on a card, by severity."""
    return [found.severity for found in findings(rule, text, context)]


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.id)
def test_page(rule: Rule) -> None:
    """A rule finds something on the card of its `Before` and nothing on that of its `After`."""
    check_page(rule)


def test_the_published_card_has_nothing_but_notes() -> None:
    """The card that this project reproduces is found right: only notes remain."""
    for rule in rules.RULES:
        assert {found.severity for found in findings(rule, card(**PUBLISHED))} <= {"note"}


@pytest.mark.parametrize(
    ("version", "expected"),
    [("4.21.9", ["error"]), ("4.99.0", ["error"]), ("4.21.2", []), ("4.26.0.dev0", []), ("v4.21.2", [])],
)
def test_versions_that_never_were(version: str, expected: list[str]) -> None:
    """A version between releases was never released; development versions and releases were."""
    assert severities(rules.releases_exist, card(transformers=version)) == expected


def test_vendors_number_torch_as_they_like() -> None:
    """A torch that never was is a warning, one of a container none at all."""
    assert severities(rules.releases_exist, card(torch="1.13.7")) == ["warning"]
    assert severities(rules.releases_exist, card(torch="1.14.0a0+44dac51c.nv23.02")) == []


def test_the_neighbours_of_a_version_are_named() -> None:
    """Who mistyped a version sees the releases next to it."""
    (found,) = findings(rules.releases_exist, card(transformers="4.21.9"))
    assert found.evidence["near"] == ["4.21.3", "4.22.0"]
    assert found.line == 4


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ({"transformers": "4.21.2", "tokenizers": "0.13.3"}, ["error"]),
        ({"transformers": "4.57.1", "torch": "2.0.1+cu118"}, ["error"]),
        ({"datasets": "5.0.0", "torch": "1.7.0"}, ["warning"]),
        ({"accelerate": "1.11.0", "torch": "1.13.0"}, ["note"]),
        ({"transformers": "4.17.0.dev0", "tokenizers": "0.11.0"}, []),
        ({"transformers": "4.21.9", "tokenizers": "0.1.0"}, []),
    ],
)
def test_versions_that_do_not_fit(versions: dict[str, str], expected: list[str]) -> None:
    """What cannot be imported is an error, what has no Python a warning, what pip would refuse a note."""
    assert severities(rules.versions_fit, card(**versions)) == expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.13.0+cu117", []),
        ("1.13.0", []),
        ("1.13.0+cpu", []),
        ("1.12.1+computecanada", []),
        ("1.13.0a0+936e930", []),
        ("2.9.0a0+50eac811a6.nv25.09", []),
        ("2.8.0.dev20250319+cu128", []),
        ("1.13.0+cu126", ["warning"]),
        ("1.13.1+cu113", ["note"]),
        ("2.0.1+cu120", ["note"]),
        ("2.1.0+cu999", ["error"]),
    ],
)
def test_build_tags(version: str, expected: list[str]) -> None:
    """Only a CUDA release that does not exist is false; a later one is unlikely, others may be a vendor's."""
    assert severities(rules.builds_exist, card(torch=version)) == expected


def test_the_earliest_day_is_in_the_evidence() -> None:
    """The note on the date has the day, the package that decides, the Pythons and the stream."""
    (found,) = findings(rules.training_date_is_stated, card(**PUBLISHED))
    assert found.evidence["earliest"].startswith("2022-11-22T17:20:22")
    assert found.evidence["package"] == "datasets"
    assert (found.evidence["python"], found.evidence["stream"]) == ("3.7 to 3.10", "A2")


@pytest.mark.parametrize(
    "said", ["Trained on 2022-12-05.", "Training ended 2022/12/05", "---\ndate: 2022-12-05\n---"]
)
def test_a_stated_day_is_enough(said: str) -> None:
    """A card that names a day in the text or the front matter needs no note on it."""
    assert findings(rules.training_date_is_stated, card(said, **PUBLISHED)) == []


@pytest.mark.parametrize(
    ("published", "version", "expected"),
    [
        ("2022-11-01", "4.21.2", []),
        ("2022-08-24", "4.21.2", []),
        ("2022-08-01", "4.21.2", ["error"]),
        ("2022-12-05", "4.26.0.dev0", []),
        ("2022-11-20", "4.26.0.dev0", []),
        ("2022-06-01", "4.26.0.dev0", ["warning"]),
    ],
)
def test_a_card_older_than_its_versions(published: str, version: str, expected: list[str]) -> None:
    """A commit before a release appeared is an error, long before a development version a warning."""
    context = Context(published=datetime.fromisoformat(published).replace(tzinfo=UTC))
    assert severities(rules.versions_had_appeared, card(transformers=version), context) == expected


def test_a_day_without_a_zone_is_taken_as_utc() -> None:
    """A commit's time without a zone is no reason to break."""
    context = Context(published=datetime(2022, 8, 1))
    assert severities(rules.versions_had_appeared, card(transformers="4.21.2"), context) == ["error"]


@pytest.mark.parametrize(
    ("version", "word"),
    [
        ("4.26.0.dev0", "development version, from about 2022-12-01 on; releases around it: 4.25.1, 4.26.0"),
        ("2.8.0.dev20250319+cu128", "nightly build of 2025-03-19"),
        ("2.9.0a0+50eac811a6.nv25.09", "vendor's build"),
    ],
)
def test_what_no_registry_has(version: str, word: str) -> None:
    """Development versions, nightlies and vendors' builds are told apart."""
    package = "transformers" if version.startswith("4") else "torch"
    (found,) = findings(rules.versions_are_releases, card(**{package: version}))
    assert word in found.message
    assert found.severity == "note"


@pytest.mark.parametrize(
    ("versions", "streams"),
    [
        ({"transformers": "4.31.0", "torch": "2.0.1"}, ["B", "C"]),
        ({"transformers": "4.21.2"}, ["A1", "A2"]),
        ({"transformers": "4.21.2", "torch": "1.13.0"}, None),
        ({"transformers": "4.40.0", "torch": "2.3.0"}, None),
        ({"transformers": "4.31.0", "torch": "2.0.1", "accelerate": "0.21.0"}, None),
        ({"transformers": "4.36.0", "tensorflow": "2.14.0"}, None),
        ({"transformers": "4.31.0.dev0", "torch": "2.0.1", "accelerate": "0.21.0"}, ["A2", "B"]),
    ],
)
def test_the_stream_is_open(versions: dict[str, str], streams: list[str] | None) -> None:
    """The note names the streams that are left where the versions leave more than one, and only there."""
    found = findings(rules.stream_is_known, card(**versions))
    assert [each.evidence["streams"] for each in found] == ([streams] if streams else [])


def test_streams_are_explained() -> None:
    """Whoever reads of a stream reads what it is about, in the note on the date too."""
    (found,) = findings(rules.stream_is_known, card(transformers="4.31.0", torch="2.0.1"))
    assert "B (drawn from the global random state) or C (seeded anew each epoch): " in found.message
    (found,) = findings(rules.training_date_is_stated, card(transformers="4.40.0", torch="2.3.0"))
    said = "random stream C (the order of the data is seeded anew each epoch, transformers >= 4.38, or accel"
    assert said in found.message


@pytest.mark.parametrize(
    "line", ["- Pytorch lightning 2.0.9", "- `Lightning`: 2.1", "- TensorFlow 2.14.0", "- Keras 3.1.0"]
)
def test_streams_of_other_trainers_are_not_known(line: str) -> None:
    """A card of another trainer gets no word on the Trainer's random streams, in either rule."""
    text = f"{card(transformers='4.34.0', torch='2.0.1')}{line}\n"
    assert findings(rules.stream_is_known, text) == []
    text = f"{card(transformers='4.40.0', torch='2.0.1')}{line}\n"
    assert [found.evidence["stream"] for found in findings(rules.training_date_is_stated, text)] == [None]


def test_a_word_in_the_text_is_no_other_trainer() -> None:
    """Lightning without a version is weather, or anything else."""
    text = card("Reports of lightning and thunder.", transformers="4.34.0", torch="2.0.1")
    assert severities(rules.stream_is_known, text) == ["note"]


def test_the_day_of_the_commit_can_settle_the_stream() -> None:
    """A card published before accelerate 0.25 appeared cannot have its stream."""
    text = card(transformers="4.34.0", torch="2.1.0")
    early, late = (Context(published=datetime(2023, month, 1, tzinfo=UTC)) for month in (11, 12))
    assert findings(rules.stream_is_known, text, early) == []
    assert findings(rules.stream_is_known, text, Context(published=datetime(2024, 3, 1, tzinfo=UTC)))
    assert late.published is not None


@given(st.dictionaries(st.sampled_from(sorted(PRINTED)), st.text(max_size=90) | st.just("4." + "9" * 5000)))
def test_no_text_breaks_a_rule(texts: dict[str, str]) -> None:
    """Whatever stands where a version should, no rule breaks, and no message is long."""
    versions = {package: Claim(text=text, line=1) for package, text in texts.items()}
    for kind in ("trainer", "other"):
        subject = Card(target="x", kind=kind, claims=Claims(versions=versions))
        for found in check(subject, RuleSet.of(rules.RULES)).findings:
            assert "the rule itself broke" not in found.message
            assert len(found.message) < 400

"""The table `[tool.repro]`, and which rules words choose."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.audits.configuration import Configuration, find_configuration, load_configuration
from repro.errors import BadInput
from repro.rules.builtin import builtin
from repro.rules.selection import find, select, words

RULES = builtin()
IDS = [rule.id for rule in RULES]


def ids(**options: object) -> list[str]:
    """The ids of the rules that are chosen."""
    return [rule.id for rule in select(RULES, **options)]  # type: ignore[arg-type]


def test_the_nearest_table_counts(tmp_path: Path) -> None:
    """The nearest pyproject.toml with the table counts, from the working folder upwards."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[tool.repro]\nprofile = "strict"\nbaseline = "known.json"\n')
    (tmp_path / "a" / "pyproject.toml").write_text('[project]\nname = "repro-of-something"\n')
    assert find_configuration(inner) == tmp_path / "pyproject.toml"
    found = load_configuration(tmp_path / "pyproject.toml")
    assert (found.profile, found.baseline) == ("strict", str(tmp_path / "known.json"))


def test_all_keys(tmp_path: Path) -> None:
    """Every key can be set, spelt with hyphens."""
    path = tmp_path / "pyproject.toml"
    path.write_text(
        '[tool.repro]\nprofile = "hub"\nselect = ["RT"]\nignore = ["RT203"]\nfail-on = "warning"\n'
        'baseline = "b.json"\ncard-column = "text"\nexceptions = false\nplugins = false\n'
    )
    assert load_configuration(path) == Configuration(
        profile="hub",
        select=("RT",),
        ignore=("RT203",),
        fail_on="warning",
        baseline=str(tmp_path / "b.json"),
        card_column="text",
        exceptions=False,
        plugins=False,
    )


@pytest.mark.parametrize(
    ("table", "parts"),
    [
        ("[tool.repro]\nprofil = 'strict'", ("unknown key 'profil'", "did you mean profile")),
        ("[tool.repro]\nweather = 1", ("unknown key 'weather'", "known keys")),
        ("[tool.repro]\nprofile = 'nice'", ("profile", "nice")),
        ("[tool.repro]\nselect = 'RT'", ("select", "expected `array`")),
        ("[tool]\nrepro = 3", ("no table", "[tool.repro]")),
        ("[tool.repro", ("no TOML", "--isolated")),
        ("[tool.other]", ("no table [tool.repro]",)),
    ],
)
def test_what_is_wrong_is_named(table: str, parts: tuple[str, ...], tmp_path: Path) -> None:
    """An unknown key or a wrong value is told with the file and the key."""
    path = tmp_path / "pyproject.toml"
    path.write_text(table)
    with pytest.raises(BadInput) as raised:
        load_configuration(path)
    for part in (str(path), *parts):
        assert part in f"{raised.value.message} {raised.value.hint}"


# ----------------------------------------------------------------------------------------- selection


def test_a_profile_chooses_its_rules() -> None:
    """Without words the profile's rules are asked; strict has more than default."""
    for profile in ("default", "strict", "hub"):
        assert ids(profile=profile) == [rule.id for rule in RULES if profile in rule.profiles]
    assert set(ids()) < set(ids(profile="strict"))


def test_words_choose_by_id_beginning_and_family() -> None:
    """Ids, beginnings, names of families and ALL choose rules; case does not matter."""
    assert ids(select=["rt203"]) == ["RT203"]
    assert ids(select=["table"]) == ids(select=["RT"]) == [each for each in ids() if each.startswith("RT")]
    assert ids(select=["RT20"]) == [each for each in ids() if each.startswith("RT20")]
    assert ids(select=["data"]) == ids(select=["Provenance"]) == ids(select=["RD5"])
    assert ids(select=["ALL"]) == ids()
    assert ids(ignore=["RT", "RM"]) == [each for each in ids() if each[:2] not in ("RT", "RM")]
    assert ids(profile=None) == IDS


def test_the_longer_word_wins() -> None:
    """A rule that is selected by its id is asked though its family is ignored, and the reverse."""
    assert ids(select=["RT203", "RM"], ignore=["RT"])[-1] == "RT203"
    assert "RT203" not in ids(select=["RT"], ignore=["RT203"])
    assert ids(select=["RT203"], ignore=["RT203"]) == []


def test_an_id_is_asked_whatever_the_profile() -> None:
    """A rule of the strict profile alone is asked where its id is selected, not by its family."""
    strict = next(rule.id for rule in RULES if "default" not in rule.profiles)
    assert ids(select=[strict]) == [strict]
    assert strict not in ids(select=[strict[:2]])
    assert strict in ids(select=[strict[:2]], profile="strict")


@given(
    st.lists(st.sampled_from([*IDS, "RT", "RM1", "ALL", "safety"])),
    st.lists(st.sampled_from([*IDS, "RT", "RS"])),
)
def test_what_is_chosen_is_a_part_in_order(selected: list[str], ignored: list[str]) -> None:
    """Whatever the words, the rules chosen are some of all, each once, in order; ignored ids are not."""
    chosen = ids(select=selected, ignore=ignored)
    assert chosen == [each for each in IDS if each in set(chosen)]
    assert not set(chosen) & set(ignored)


def test_words_that_fit_nothing_name_what_is_close() -> None:
    """A word that fits no rule is refused with those that come close."""
    for word in ("RT204x", "tabel", "RX", ""):
        with pytest.raises(BadInput, match="no rule and no family"):
            ids(select=[word])
    with pytest.raises(BadInput) as raised:
        ids(ignore=["tabel"])
    assert "table" in raised.value.hint
    with pytest.raises(BadInput):
        find(RULES, "RT999")
    assert find(RULES, "rt203").id == "RT203"
    assert words(["RT203, RM", "table"]) == ("RT203", "RM", "table")

"""Releases: what the shipped table says, and that any text at all is answered."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from repro.facts import releases

PUBLISHED = {"transformers": "4.21.2", "torch": "1.13.0+cu117", "datasets": "2.7.1", "tokenizers": "0.12.1"}
names = st.sampled_from(["transformers", "torch", "datasets", "tokenizers", "accelerate", "pytorch", "other"])
numbers = st.from_regex(
    r"v?[0-9]{1,3}(\.[0-9]{1,3}){0,3}((a|rc|\.dev|\.post)[0-9]{1,8})?(\+[a-z0-9.]{1,9})?", fullmatch=True
)
texts = st.text(max_size=80) | numbers


def test_the_published_run_could_begin_when_datasets_appeared() -> None:
    """The published run's versions existed together from 2022-11-22T17:20:22Z on: datasets 2.7.1."""
    earliest = releases.earliest_possible(PUBLISHED)
    assert earliest is not None
    assert earliest.date.replace(microsecond=0) == datetime(2022, 11, 22, 17, 20, 22, tzinfo=UTC)
    assert (earliest.package, earliest.version, earliest.exact) == ("datasets", "2.7.1", True)


def test_the_published_run_installs_up_to_python_3_10() -> None:
    """tokenizers 0.12.1 has no wheel for Python 3.11, so that 3.10 is the last."""
    pythons = releases.python_range(PUBLISHED)
    assert (pythons.minors[-1], pythons.highest_by) == (10, "tokenizers")
    assert str(pythons) == "3.7 to 3.10"


@pytest.mark.parametrize(
    ("package", "version", "expected"),
    [
        ("transformers", "4.21.2", "release"),
        ("transformers", "v4.21.2", "release"),
        ("transformers", "4.21", "release"),
        ("pytorch", "1.13.0+cu117", "release"),
        ("transformers", "5.0.0rc0", "release"),
        ("transformers", "4.26.0.dev0", "development"),
        ("transformers", "5.0.0.dev0", "development"),
        ("transformers", "4.58.0.dev0", "development"),
        ("datasets", "1.18.2.dev0", "development"),
        ("torch", "1.11.0a0+git2d5c3f9", "development"),
        ("torch", "2.8.0.dev20250319+cu128", "development"),
        ("torch", "2.9.0a0+50eac811a6.nv25.09", "vendor"),
        ("torch", "1.14.0a0+44dac51c.nv23.02", "vendor"),
        ("torch", "2.1.0.post100", "vendor"),
        ("torch", "1.8.2+cu111", "vendor"),
        ("torch", "0.4.1", "older"),
        ("transformers", "4.21.9", "never"),
        ("transformers", "4.99.0", "never"),
        ("transformers", "9.9.9", "never"),
        ("transformers", "4.75.0.dev0", "never"),
        ("tokenizers", "0.16.0", "never"),
        ("transformers", "latest", "unreadable"),
        ("transformers", "", "unreadable"),
        ("transformers", "4." + "9" * 100, "unreadable"),
        ("span-marker", "1.5.0", "unknown"),
    ],
)
def test_standing(package: str, version: str, expected: str) -> None:
    """Every version that a card can print is one of the standings."""
    assert releases.standing(package, version) == expected


def test_what_follows_the_table_is_newer() -> None:
    """The next minor, patch and major release of the newest one may exist; the table cannot know."""
    latest = Version(releases.latest("transformers") or "")
    for text in (
        f"{latest.major}.{latest.minor + 1}.0",
        f"{latest.major}.{latest.minor}.{latest.micro + 1}",
        f"{latest.major + 1}.0.0",
    ):
        assert releases.standing("transformers", text) == "newer"
    assert releases.standing("transformers", f"{latest.major + 2}.0.0") == "never"


@pytest.mark.parametrize(
    ("package", "version", "day"),
    [
        ("transformers", "4.21.2", "2022-08-24"),
        ("torch", "1.13.0+cu117", "2022-10-28"),
        ("tokenizers", "0.12.1", "2022-04-13"),
        ("torch", "2.8.0.dev20250319+cu128", "2025-03-19"),
        ("torch", "2.9.0a0+50eac811a6.nv25.09", "2025-09-01"),
        ("transformers", "4.26.0.dev0", "2022-12-01"),
        ("datasets", "2.8.1.dev0", "2022-12-19"),
        ("torch", "2.8.0.dev20251399", None),
        ("transformers", "4.99.0", None),
        ("other", "1.0", None),
    ],
)
def test_appeared(package: str, version: str, day: str | None) -> None:
    """Releases have the day of their first file, builds that in their name, branches the last release's."""
    appeared = releases.appeared(package, version)
    if version.startswith("2.8.0.dev2025139"):  # no such day: as any other development version
        assert appeared == releases.appeared("torch", "2.8.0.dev1")
    else:
        assert (appeared and appeared.date().isoformat()) == day


def test_a_development_version_ends_with_its_release() -> None:
    """4.26.0.dev0 is what main was called from 4.25.0 to 4.26.0."""
    span = releases.development_span("transformers", "4.26.0.dev0")
    assert span is not None
    assert span[0] == releases.appeared("transformers", "4.25.0")
    assert span[1] == releases.appeared("transformers", "4.26.0")
    assert releases.development_span("transformers", "4.26.0") is None


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        (PUBLISHED, None),
        ({"transformers": "4.21.2", "tokenizers": "0.13.3"}, ("transformers", "tokenizers", "import")),
        ({"transformers": "4.21.2", "tokenizers": "0.11.3"}, ("transformers", "tokenizers", "import")),
        ({"transformers": "4.17.0", "tokenizers": "0.11.0"}, ("transformers", "tokenizers", "import")),
        ({"transformers": "4.17.0.dev0", "tokenizers": "0.11.0"}, None),  # 4.16.2 takes it
        ({"transformers": "4.17.0.dev0", "tokenizers": "0.9.4"}, ("transformers", "tokenizers", "import")),
        (
            {"transformers": "4.21.2", "torch": "1.13.0"},
            None,
        ),  # its extra says <1.12, and nobody is held to it
        ({"transformers": "4.57.1", "torch": "2.0.1+cu118"}, ("transformers", "torch", "import")),
        ({"transformers": "4.51.3", "torch": "2.0.1+cu118"}, None),
        ({"transformers": "5.23.0", "torch": "2.5.1"}, ("transformers", "torch", "import")),
        (
            {"sentence-transformers": "5.0.0", "transformers": "4.40.0"},
            ("sentence-transformers", "transformers", "metadata"),
        ),
        ({"datasets": "5.0.0", "torch": "1.7.0"}, ("datasets", "torch", "python")),
        ({"transformers": "nonsense", "tokenizers": "0.12.1", "other": "1"}, None),
        ({}, None),
    ],
)
def test_installable_together(versions: dict[str, str], expected: tuple[str, str, str] | None) -> None:
    """What an import or an installer refuses is told, with how; everything else goes together."""
    conflict = releases.installable_together(versions)
    assert (conflict and (conflict.package, conflict.of, conflict.how)) == expected


def test_latest_is_final_and_stands() -> None:
    """The newest release is no release candidate and was not withdrawn."""
    for package in releases.packages():
        latest = releases.latest(package)
        assert latest is not None
        assert not Version(latest).is_prerelease
        row = releases.release(package, latest)
        assert row is not None
        assert not row.yanked
    assert releases.latest("other") is None


def test_withdrawn_releases_are_known() -> None:
    """transformers 4.46.0 was withdrawn and 4.46.1 was not."""
    withdrawn, standing = (releases.release("transformers", text) for text in ("4.46.0", "4.46.1"))
    assert withdrawn is not None
    assert withdrawn.yanked
    assert standing is not None
    assert not standing.yanked


def test_rows_are_sound() -> None:
    """Every row's date lies before the table's, versions rise, and specifiers and wheels can be read."""
    required = {"transformers", "torch", "datasets", "tokenizers", "accelerate"}
    assert required <= set(releases.packages())
    for package in releases.packages():
        rows = releases._rows(package)
        versions = [Version(text) for text in rows]
        assert versions == sorted(versions)
        for row in rows.values():
            assert row.date <= releases.known_until()
            for specifier in (row.python, *row.requires.values(), *row.with_torch.values()):
                SpecifierSet(specifier or "")
            assert row.wheels is None or re.fullmatch(r"3\.\d+(\+|-3\.\d+)", row.wheels)


def test_the_table_is_read_when_first_asked() -> None:
    """Importing the module reads no table, and reading it takes no longer than a short moment."""
    program = (
        "import time; from repro.facts import releases; assert releases._table.cache_info().currsize == 0; "
        "start = time.perf_counter(); releases.known_until(); print(time.perf_counter() - start)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0.25  # about 1 ms; the bound is for a busy machine


@given(names, texts)
def test_any_text_is_answered(package: str, version: str) -> None:
    """No text makes the table fail."""
    releases.release(package, version)
    releases.standing(package, version)
    releases.appeared(package, version)
    releases.development_span(package, version)
    releases.nearest(package, version)


@given(st.dictionaries(names, texts))
def test_any_set_is_answered(versions: dict[str, str]) -> None:
    """No set of texts makes the table fail, and what decides is one of the set."""
    earliest = releases.earliest_possible(versions)
    assert earliest is None or earliest.package in versions
    conflict = releases.installable_together(versions)
    assert conflict is None or {conflict.package, conflict.of} <= set(versions)
    releases.python_range(versions)


@given(st.integers(0, 5), st.integers(0, 60), st.integers(0, 8))
def test_spelling_does_not_matter(major: int, minor: int, micro: int) -> None:
    """A `v`, a local tag or space around a version change nothing of what it is."""
    plain = f"{major}.{minor}.{micro}"
    for other in (f"v{plain}", f"{plain}+cu117", f" {plain} "):
        assert releases.standing("transformers", other) == releases.standing("transformers", plain)
        assert releases.appeared("transformers", other) == releases.appeared("transformers", plain)

"""The synthetic issues are the same bytes everywhere, and as many as asked for."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from repro.cases import load_case, synthetic
from repro.cases.synthetic import git_blob, issues, write_issues
from repro.records.case import Generate

DATA = Path(synthetic.__file__).parent / "issues-128" / "data.py"


def labels() -> set[str]:
    """The nine labels, read off the recipe's text: it imports packages that are not here."""
    text = DATA.read_text()
    block = text[text.index("LABELS = {") : text.index("}", text.index("LABELS = {"))]
    return {line.split('"')[1] for line in block.splitlines()[1:] if '"' in line}


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), unlabelled=st.integers(0, 300), labelled=st.integers(0, 100))
def test_there_are_as_many_distinct_texts_as_asked_for(seed: int, unlabelled: int, labelled: int) -> None:
    """Duplicates aside, the numbers of issues without and with one of the nine labels are exact."""
    nine = labels()
    assert len(nine) == 9
    seen: dict[str, bool] = {}
    for issue in issues(Generate(seed=seed, unlabelled=unlabelled, labelled=labelled)):
        has = any(label["name"] in nine for label in issue["labels"])
        assert seen.setdefault(issue["title"] + issue["body"], has) == has
    assert sorted(seen.values()) == [False] * unlabelled + [True] * labelled


def test_every_issue_says_that_it_is_synthetic() -> None:
    """Nobody can take one for a real issue: each says what it is, in the shape of the tracker's API."""
    made = list(issues(Generate(seed=7, unlabelled=900, labelled=120)))
    assert all(issue["synthetic"] is True for issue in made)
    assert len(made) > 1020, "about two in a hundred stand twice"
    assert {"number", "title", "user", "labels", "state", "body"} <= set(made[0])


def test_the_demos_data_are_the_pinned_bytes(tmp_path: Path) -> None:
    """The generator gives the very file that the demo pins by its git blob id, and git agrees with the id."""
    data = load_case("demo").case.data
    assert data.generate is not None
    path = tmp_path / data.file
    write_issues(data.generate, path)
    assert git_blob(path.read_bytes()) == data.git_blob
    asked = subprocess.run(["git", "hash-object", path], capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == data.git_blob
    assert json.loads(path.read_text().splitlines()[0])["number"] == 1

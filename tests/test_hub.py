"""The real Hub client against a loopback server, in child processes that are told its address."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback import Hub, serving

CODE = """
import sys
from repro import hub
from repro.errors import NetworkFailed
try:
    print({call})
except NetworkFailed as error:
    print("error:", error.message, "|", error.hint)
"""


CARD = b"""# m

### Framework versions

- Transformers 4.21.2
- Pytorch 1.13.0
"""


class Published(Hub):
    """One model with two files."""

    content = {"user/model/README.md": CARD, "user/model/config.json": b"{}"}  # noqa: RUF012


@pytest.fixture
def endpoint() -> Iterator[str]:
    """A Hub on loopback."""
    with serving(Published) as address:
        yield address


def ask(call: str, endpoint: str, home: Path, **environ: str) -> str:
    """Ask in a child process with a fresh home; one line comes back."""
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(call=call)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(home), **environ},
        check=True,
    )
    return done.stdout.strip()


def test_a_file_is_downloaded_and_found_again_offline(endpoint: str, tmp_path: Path) -> None:
    """A file comes from the Hub, and from the cache when the Hub is not there any more."""
    call = "hub.fetch_file('user/model', None, 'README.md').read_text()[:3]"
    assert ask(call, endpoint, tmp_path) == "# m"
    assert ask(call, "http://127.0.0.1:9", tmp_path, HF_HUB_OFFLINE="1") == "# m"


def test_all_files_of_a_revision_lie_in_one_folder(endpoint: str, tmp_path: Path) -> None:
    """The files of one revision are found side by side in the folder that is returned."""
    names = ask(
        f"sorted(p.name for p in hub.fetch_files('user/model', '{Hub.commit}', "
        "['README.md', 'config.json']).iterdir())",
        endpoint,
        tmp_path,
    )
    assert names == "['README.md', 'config.json']"


def test_the_cards_commit_has_an_instant(endpoint: str, tmp_path: Path) -> None:
    """The instant of the last commit is read from the Hub's history."""
    assert (
        ask("hub.committed_at('user/model', None).isoformat()", endpoint, tmp_path)
        == "2022-12-01T10:00:00+00:00"
    )


@pytest.mark.parametrize(
    ("call", "part"),
    [
        ("hub.fetch_file('user/none', None, 'README.md')", "no such repository"),
        ("hub.fetch_file('user/gated', None, 'README.md')", "gated"),
        ("hub.fetch_file('user/model', 'other', 'README.md')", "no such revision"),
        ("hub.fetch_file('user/model', None, 'none.txt')", "no such file"),
        ("hub.fetch_file('a/b/c', None, 'README.md')", "not a repository's name"),
    ],
)
def test_every_refusal_is_one_line_and_a_hint(call: str, part: str, endpoint: str, tmp_path: Path) -> None:
    """Each way in which the Hub says no is one line of its own with a hint."""
    said = ask(call, endpoint, tmp_path)
    assert said.startswith("error: ")
    assert part in said
    assert "\n" not in said
    assert said.split(" | ")[1]


@pytest.mark.parametrize("offline", ["0", "1"])
def test_no_hub_at_all(offline: str, tmp_path: Path) -> None:
    """A Hub that does not answer, and one that may not be asked, are one line with a hint too."""
    said = ask(
        "hub.fetch_file('user/model', None, 'README.md')",
        "http://127.0.0.1:9",
        tmp_path,
        HF_HUB_OFFLINE=offline,
    )
    assert said.startswith("error: user/model: README.md: ")
    assert "repro doctor" in said


def test_a_card_on_the_hub_is_audited(endpoint: str, tmp_path: Path) -> None:
    """`repro audit hub:user/model@revision` reads the card of that revision with the real client."""
    done = subprocess.run(
        [sys.executable, "-m", "repro", "audit", f"hub:user/model@{Hub.commit}", "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path)},
        check=True,
    )
    assert json.loads(done.stdout)["claims"]["name"] == "m"


def test_the_moment_is_that_of_the_cards_commit(endpoint: str, tmp_path: Path) -> None:
    """The software of a card on the Hub is resolved as of the card's commit."""
    done = subprocess.run(
        [sys.executable, "-m", "repro", "env", "hub:user/model", "--lock-only", "--json"],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "HF_ENDPOINT": endpoint,
            "HF_HOME": str(tmp_path),
            "REPRO_CACHE_DIR": str(tmp_path),
        },
        check=False,
    )
    if done.returncode == 5:
        pytest.skip("no registry can be reached from here")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["moment"] == "2022-12-01T10:00:00Z"
    assert "commit" in found["moment_reason"]
    assert found["locked"]["transformers"] == "4.21.2"

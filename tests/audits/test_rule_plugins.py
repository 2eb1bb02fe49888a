"""Rules of other packages, from a real package that an interpreter finds on its path."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from repro.errors import BadInput
from repro.rules import plugins
from repro.rules.builtin import builtin
from repro.rules.plugins import combine

MODULE = '''
from repro.rules import Found, rule

@rule("ACME100", "error")
def has_owner(card):
    """The card names its owner.

    What a company asks for.

    Why it matters:
        Somebody has to answer.

    How to mend:
        Write `Owner: NAME`.

    Before:
        # m

    After:
        # m

        Owner: me
    """
    if not any("Owner:" in line for line in card.lines):
        yield Found("no owner")

RULES = [has_owner]

def offer():
    return iter(RULES)

broken = 7

def failing():
    raise RuntimeError("no licence\\nfor this")
'''


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with an installed package that offers rules."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "acme_rules.py").write_text(MODULE)
    install(folder, "acme_rules:RULES")
    return folder


def install(folder: Path, value: str) -> None:
    """Write the metadata of the package."""
    info = folder / "acme_rules-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-rules\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[repro.rules]\nacme = {value}\n")


def repro(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Call the command where that package is installed."""
    return subprocess.run(
        [sys.executable, "-m", "repro", *arguments],
        input="# m\n",
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(site)},
        check=False,
    )


@pytest.mark.parametrize("value", ["acme_rules:RULES", "acme_rules:has_owner", "acme_rules:offer"])
def test_an_installed_plugin_is_asked(value: str, site: Path) -> None:
    """A rule, a list of rules and a function that gives rules are asked beside the built-in ones."""
    install(site, value)
    done = repro(site, "audit", "-", "--json", "--select", "ACME,RM101")
    assert [each["rule"] for each in json.loads(done.stdout)["findings"]] == ["ACME100"]
    assert done.returncode == 1
    assert "ACME100  error    The card names its owner" in repro(site, "rules").stdout
    assert "# ACME100: The card names its owner" in repro(site, "rules", "acme100").stdout


def test_plugins_run_in_worker_processes(site: Path, tmp_path: Path) -> None:
    """Rules of plugins are asked in worker processes too."""
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"card": "# m"}\n' * 300)
    done = repro(site, "audit", str(rows), "--json", "--select", "ACME", "--jobs", "2")
    assert done.stdout.count("ACME100") == 300


def test_plugins_can_be_left_out(site: Path) -> None:
    """Without plugins their rules are neither asked nor known."""
    done = repro(site, "audit", "-", "--no-plugins", "--select", "ACME100")
    assert done.returncode == 2
    assert "ACME100: no rule" in done.stderr
    assert "ACME" not in repro(site, "rules", "--no-plugins").stdout


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("acme_rules:broken", "cannot be loaded: TypeError"),
        ("acme_rules:failing", "RuntimeError: no licence for this"),
        ("acme_rules:nothing", "AttributeError"),
        ("acme_nothing:RULES", "ModuleNotFoundError"),
        ("json.decoder:NaN", "cannot be loaded"),
        ("sys:path", "offers a str, a rule was expected"),
    ],
)
def test_a_broken_plugin_is_named(value: str, problem: str, site: Path) -> None:
    """A plugin that cannot be loaded is bad input in one line that names it, with the way out."""
    install(site, value)
    done = repro(site, "audit", "-")
    error, hint = done.stderr.splitlines()
    assert done.returncode == 2
    assert done.stdout == ""
    assert "the plugin acme of acme-rules" in error
    assert problem in error
    assert "--no-plugins" in hint


def test_no_id_stands_twice() -> None:
    """A plugin's rule with the id of another rule is refused, and both owners are named."""
    point = EntryPoint("mine", "repro.rules.reading:readable", plugins.GROUP)
    with pytest.raises(
        BadInput, match="the plugin mine: its rule RM101 has the id of a rule of this program"
    ):
        combine([point])
    assert combine([]) == builtin()

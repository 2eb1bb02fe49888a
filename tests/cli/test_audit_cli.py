"""`repro audit` and `repro rules` as a user calls them: real processes, one card to thousands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import jsonschema
import pytest
from loopback import Files, Hub, serving

from repro.records.codec import json_schema
from repro.reports.audits import Summary
from repro.workflows import schemas

BAD = """---
license: apache-2.0
base_model: user/base
---

# m

### Training results

| Training Loss | Epoch | Step | Validation Loss |
|:-------------:|:-----:|:----:|:---------------:|
| 1.5           | 2.0   | 200  | 1.4000          |
| 1.2           | 1.0   | 100  | 1.3000          |
"""
GOOD = "# m\n\nA model for issues.\n"
SELECT = ("--select", "RT201,RM101,RM190,RM191")


class Done:
    """A finished command."""

    def __init__(self, code: int, out: bytes, errors: bytes) -> None:
        self.code, self.raw, self.out, self.errors = code, out, out.decode(), errors.decode()

    def lines(self) -> list[Any]:
        """The JSON documents, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    def refused(self, code: int, *parts: str) -> None:
        """Nothing on standard output, one line and one hint on standard error."""
        assert self.code == code, self.errors
        assert self.out == ""
        error, hint = self.errors.splitlines()
        assert error.startswith("error: ")
        assert hint.startswith("hint: ")
        for part in parts:
            assert part in self.errors


def call(
    *arguments: str | Path, folder: Path, given: bytes = b"", environ: Mapping[str, str] | None = None
) -> Done:
    """Call the command in a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "repro", *map(str, arguments)],
        cwd=folder,
        input=given,
        capture_output=True,
        timeout=120,
        env={**os.environ, "HF_HUB_OFFLINE": "0", **(environ or {})},
        check=False,
    )
    assert b"Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a few targets."""
    (tmp_path / "bad.md").write_text(BAD)
    (tmp_path / "good.md").write_text(GOOD)
    (tmp_path / "cards").mkdir()
    for name, text in (("a.md", BAD), ("b.md", GOOD), ("c.md", " ")):
        (tmp_path / "cards" / name).write_text(text)
    return tmp_path


def rows(path: Path, count: int) -> Path:
    """Write a table of cards, every tenth broken, every third bad."""
    with path.open("w") as file:
        for i in range(count):
            card = (BAD if i % 3 == 0 else GOOD) + f"\nNumber {i}.\n"
            file.write(
                '{"card": broken\n' if i % 10 == 9 else json.dumps({"modelId": f"u/{i}", "card": card}) + "\n"
            )
    return path


# ----------------------------------------------------------------------------------- targets, exit codes


def test_exit_codes_follow_the_findings(folder: Path) -> None:
    """0 without findings of the level, 1 with them; `--fail-on` says which level counts."""
    assert call("audit", "good.md", *SELECT, folder=folder).code == 0
    warned = call("audit", "bad.md", *SELECT, folder=folder)
    assert "RT201 warning" in warned.out
    assert warned.code == 0
    assert call("audit", "bad.md", *SELECT, "--fail-on", "warning", folder=folder).code == 1
    assert call("audit", "cards", *SELECT, folder=folder).code == 1
    assert call("audit", "cards", *SELECT, "--fail-on", "never", folder=folder).code == 0


def test_every_kind_of_target(folder: Path) -> None:
    """Files, folders, tables, cases and standard input are read together, in the order of the targets."""
    rows(folder / "rows.jsonl", 3)
    (folder / "page.html").write_text("<html><body><h1>m</h1><p>A model.</p></body></html>")
    done = call(
        "audit", "-", "cards", "page.html", "rows.jsonl", "demo", "--json", folder=folder, given=b"# in\n"
    )
    targets = [each["target"] for each in done.lines()]
    assert targets == [
        "standard input",
        "cards/a.md",
        "cards/b.md",
        "cards/c.md",
        "page.html",
        "rows.jsonl#1",
        "rows.jsonl#2",
        "rows.jsonl#3",
        "demo/card.md",
    ]
    schema = json_schema(schemas()["audit"])
    for document in done.lines():
        jsonschema.validate(document, schema)
    empty = done.lines()[3]
    assert empty["kind"] == "other"
    assert [each["rule"] for each in empty["findings"]] == ["RM101"]
    assert "9 cards" in done.errors


def test_a_parquet_file(folder: Path) -> None:
    """A Parquet file is a table of cards; the column can be named."""
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"id": ["1", "2"], "text": [BAD, GOOD]}), folder / "cards.parquet")
    done = call("audit", "cards.parquet", "--card-column", "text", "--json", *SELECT, folder=folder)
    assert [(each["target"], len(each["findings"])) for each in done.lines()] == [
        ("cards.parquet#1", 1),
        ("cards.parquet#2", 0),
    ]
    call("audit", "cards.parquet", folder=folder).refused(2, "no column 'card'", "id, text")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("nothing.md",), ("nothing.md: no such file",)),
        (("good.md", "nothing.md"), ("nothing.md: no such file",)),
        (("good.md", "--select", "RT299x"), ("RT299x: no rule",)),
        (("good.md", "--ignore", "tabel"), ("did you mean table",)),
        (("good.md", "--baseline", "none.json"), ("none.json: no such file", "--write-baseline")),
        (("good.md", "--write-baseline"), ("into which file", "--baseline")),
        (("good.md", "--resume"), ("JSON lines", "--out")),
        (("good.md", "--out", "good.md"), ("good.md: is to be audited", "--out")),
        (("good.md", "--summary", "s.pdf"), ("s.pdf", ".svg")),
        (("good.md", "--config", "none.toml"), ("none.toml",)),
        (("good.md", "--config", "a", "--isolated"), ("exclude each other",)),
        (("good.md", "--resume", "--overwrite"), ("exclude each other",)),
    ],
)
def test_bad_input(arguments: tuple[str, ...], parts: tuple[str, ...], folder: Path) -> None:
    """What cannot be used is told in one line and one hint, before any card is read."""
    call("audit", *arguments, folder=folder).refused(2, *parts)


def test_undecodable_bytes_are_a_finding(folder: Path) -> None:
    """A card with bytes that are no UTF-8 is read, and a finding says so."""
    (folder / "latin.md").write_bytes(GOOD.encode() + b"caf\xe9\n")
    done = call("audit", "latin.md", "--json", folder=folder)
    assert any("UTF-8" in each["message"] for each in json.loads(done.out)["findings"])
    assert done.code in (0, 1)


# ------------------------------------------------------------------------------------------------ network


class Recording(Hub):
    """A Hub that remembers what it was asked."""

    content: ClassVar[dict[str, bytes]] = {"user/model/README.md": BAD.encode()}
    facts: ClassVar[dict[str, dict[str, Any]]] = {"user/base": {"cardData": {"license": "cc-by-nc-4.0"}}}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:  # noqa: N802 - the standard library's name
        """Remember the request."""
        self.asked.append(self.path)
        super().do_GET()


@pytest.fixture
def endpoint() -> Iterator[str]:
    """A Hub on loopback that has been asked nothing."""
    Recording.asked.clear()
    with serving(Recording) as address:
        yield address


def test_nothing_is_asked_without_online(folder: Path, endpoint: str) -> None:
    """Without `--online` no rule asks the network."""
    environ = {"HF_ENDPOINT": endpoint, "HF_HOME": str(folder / "hf")}
    done = call("audit", "bad.md", folder=folder, environ=environ)
    assert done.code in (0, 1)
    assert Recording.asked == []


def test_online_asks_the_hub_once_for_each_base_model(folder: Path, endpoint: str) -> None:
    """With `--online` the real client asks for the base model's licence once, and a rule sees it."""
    rows(folder / "rows.jsonl", 7)
    environ = {"HF_ENDPOINT": endpoint, "HF_HOME": str(folder / "hf")}
    done = call(
        "audit", "rows.jsonl", "--online", "--json", "--select", "RD513", folder=folder, environ=environ
    )
    found = [each["findings"][0]["evidence"]["base_license"] for each in done.lines() if each["findings"]]
    assert found == ["cc-by-nc-4.0"] * 3
    assert Recording.asked == ["/api/models/user/base"]


def test_a_hub_that_does_not_answer_is_said(folder: Path) -> None:
    """With `--online` a Hub that cannot be reached is no error: the audit says what was not looked up."""
    environ = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(folder / "hf")}
    done = call("audit", "bad.md", "--online", "--json", folder=folder, environ=environ)
    skipped = json.loads(done.out)["skipped"]
    assert [
        ids
        for reason, ids in skipped.items()
        if reason.startswith("the base model was not looked up: user/base")
    ]
    assert done.code in (0, 1)


def test_a_target_on_the_hub_is_fetched(folder: Path, endpoint: str) -> None:
    """`hub:user/model` is an explicit request; one that is not there is exit code 5."""
    environ = {"HF_ENDPOINT": endpoint, "HF_HOME": str(folder / "hf")}
    done = call("audit", "hub:user/model", "--online", "--json", *SELECT, folder=folder, environ=environ)
    document = json.loads(done.out)
    assert (document["target"], document["findings"][0]["rule"]) == ("hub:user/model", "RT201")
    assert any("/commits/" in path for path in Recording.asked)
    call("audit", "hub:user/none", folder=folder, environ=environ).refused(5, "no such repository")


def test_an_address_is_fetched(folder: Path) -> None:
    """A card at an address is fetched; a host that refuses is exit code 5."""

    class Site(Files):
        content: ClassVar[dict[str, bytes]] = {"/card.md": BAD.encode()}

    with serving(Site) as address:
        done = call("audit", f"{address}/card.md", *SELECT, folder=folder)
        assert f"{address}/card.md:12: RT201" in done.out or f"{address}/card.md:13: RT201" in done.out
        call("audit", f"{address}/none.md", folder=folder).refused(5, "Not Found")


# ------------------------------------------------------------------------------------ rules, baselines


def test_configuration_and_command_line(folder: Path) -> None:
    """The nearest [tool.repro] counts, the command line wins, `--isolated` leaves it out."""
    (folder / "pyproject.toml").write_text('[tool.repro]\nselect = ["RT201"]\nfail-on = "warning"\n')
    (folder / "inner").mkdir()
    assert call("audit", "../bad.md", folder=folder / "inner").code == 1
    assert call("audit", "bad.md", "--fail-on", "error", folder=folder).code == 0
    assert "RT201" not in call("audit", "bad.md", "--select", "RM101", folder=folder).out
    assert call("audit", "bad.md", "--isolated", *SELECT, folder=folder).code == 0
    (folder / "pyproject.toml").write_text("[tool.repro]\nseletc = []\n")
    call("audit", "bad.md", folder=folder).refused(2, "pyproject.toml", "'seletc'", "did you mean select")


def test_a_baseline_lets_old_findings_pass(folder: Path) -> None:
    """With a baseline of all cards only new findings fail, and those that are gone are said."""
    arguments = ("audit", "cards", "--baseline", "known.json", "--fail-on", "warning", *SELECT)
    done = call(*arguments, "--write-baseline", folder=folder)
    assert done.code == 0
    assert "2 findings known" in done.errors
    assert call(*arguments, folder=folder).code == 0
    document = json.loads((folder / "known.json").read_text())
    assert [each["target"] for each in document["findings"]] == ["cards/a.md", "cards/c.md"]
    (folder / "cards" / "b.md").write_text(BAD)
    (folder / "cards" / "c.md").write_text(GOOD)
    done = call(*arguments, folder=folder)
    assert done.code == 1
    assert "cards/b.md" in done.out
    assert "cards/a.md" not in done.out
    assert "1 finding of it there no more" in done.errors


def test_exceptions_of_a_card(folder: Path) -> None:
    """An exception with a reason lets a finding pass; `--no-exceptions` does not listen to it."""
    (folder / "bad.md").write_text(BAD + "\n<!-- repro: ignore RT201: moved by hand -->\n")
    arguments = ("audit", "bad.md", "--fail-on", "note", *SELECT)
    assert call(*arguments, folder=folder).code == 0
    assert call(*arguments, "--no-exceptions", folder=folder).code == 1


def test_rules_are_listed_and_explained(folder: Path) -> None:
    """`repro rules` lists all rules, a family or a profile; with an id it prints that rule's page."""
    listed = call("rules", folder=folder).out.splitlines()
    assert any(line.startswith("RT201  warning") for line in listed)
    assert len(call("rules", "--select", "table", folder=folder).out.splitlines()) < len(listed)
    page = call("rules", "rt201", folder=folder)
    assert page.out.startswith("# RT201: ")
    assert "How to mend" in page.out
    document = json.loads(call("rules", "--json", folder=folder).out)
    assert len(document["rules"]) == len(listed)
    assert json.loads(call("rules", "RT201", "--json", folder=folder).out)["id"] == "RT201"
    call("rules", "RT2O1", folder=folder).refused(2, "RT2O1", "did you mean RT2")


def test_an_audit_starts_light(folder: Path) -> None:
    """Auditing a card imports no Hub client, rich, plots, templates, environments nor numpy."""
    code = (
        "import sys\nfrom repro.cli.main import call\ncall(['audit', 'good.md', '--json'])\n"
        "heavy = {'torch', 'transformers', 'matplotlib', 'numpy', 'scipy', 'pyarrow', 'huggingface_hub', "
        "'jinja2', 'rich', 'requests', 'pypi_simple', 'uv', 'repro.workflows', "
        "'repro.environments', 'repro.runs'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


# ---------------------------------------------------------------------------------------- many cards


@pytest.mark.parametrize("name", ["text", "json", "markdown", "html", "sarif", "junit"])
def test_processes_write_what_one_writes(name: str, folder: Path) -> None:
    """With several processes every format is, byte for byte, what one process writes."""
    rows(folder / "rows.jsonl", 300)
    arguments = ("audit", "rows.jsonl", "cards", "--format", name, *SELECT)
    one, two = (call(*arguments, "--jobs", jobs, folder=folder) for jobs in ("1", "2"))
    assert one.out.count("\n") > 10
    assert one.raw == two.raw
    assert one.code == two.code == 1


def test_a_file_is_written_whole_or_not_at_all(folder: Path) -> None:
    """A document appears when it is whole; what was there before stays where an audit fails."""
    done = call("audit", "cards", "--format", "html", "--out", "out/page.html", folder=folder)
    assert done.out == ""
    assert (folder / "out" / "page.html").read_text().rstrip().endswith("</html>")
    before = (folder / "out" / "page.html").read_bytes()
    (folder / "empty.md").write_text("")
    failed = call("audit", "empty.md", "--format", "html", "--out", "out/page.html", folder=folder)
    assert failed.code == 2
    assert (folder / "out" / "page.html").read_bytes() == before
    assert [path.name for path in (folder / "out").iterdir()] == ["page.html"]


@pytest.mark.parametrize("name", ["text", "html", "sarif", "junit"])
def test_an_error_has_no_document(name: str, folder: Path) -> None:
    """Where the only card cannot be read, no beginning of a document is printed either."""
    (folder / "empty.md").write_text(" ")
    call("audit", "empty.md", "--format", name, folder=folder).refused(2, "empty.md: the card is empty")


def test_findings_only(folder: Path) -> None:
    """JSON with findings alone leaves out claims and what could not apply, and nothing else."""
    done = call("audit", "cards", "--json", "--findings-only", *SELECT, folder=folder)
    whole = call("audit", "cards", "--json", *SELECT, folder=folder)
    for short, long in zip(done.lines(), whole.lines(), strict=True):
        assert short == {key: long[key] for key in long if key not in ("claims", "skipped")}


def test_the_summary_counts_by_rule(folder: Path) -> None:
    """The summary says how many cards each rule found something on, as JSON and as a plot."""
    rows(folder / "rows.jsonl", 100)
    done = call(
        "audit", "rows.jsonl", "--json", "--out", "o.jsonl", "--summary", "s.json", *SELECT, folder=folder
    )
    document = json.loads((folder / "s.json").read_text())
    jsonschema.validate(document, json_schema(Summary))
    assert document["cards"] == 100
    assert document["unreadable"] == 10
    assert document["by_rule"]["RT201"]["cards"] == 30
    assert "RT201" in done.errors
    call("audit", "rows.jsonl", "--summary", "s.svg", *SELECT, folder=folder)
    assert "RT201" in (folder / "s.svg").read_text()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupted_audit_is_gone_on_with(jobs: str, folder: Path) -> None:
    """Ctrl-C ends with 130 after a whole line; `--resume` ends in the very bytes of an undisturbed audit."""
    rows(folder / "rows.jsonl", 6_000)
    arguments = ["audit", "rows.jsonl", "--json", "--jobs", jobs]
    whole = call(*arguments, "--out", "whole.jsonl", "--summary", "whole.json", folder=folder)
    process = subprocess.Popen(
        [sys.executable, "-m", "repro", *arguments, "--out", "part.jsonl"],
        cwd=folder,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    part = folder / "part.jsonl"
    while not part.exists() or part.stat().st_size < 300_000:
        time.sleep(0.01)
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to all processes
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130, errors
    said, hint = errors.decode().splitlines()
    assert said.startswith("stopped after ")
    assert "--resume" in hint
    assert part.read_bytes().endswith(b"\n")
    assert 0 < part.read_bytes().count(b"\n") < 6_000
    part.write_bytes(part.read_bytes() + b'{"schema": "half a li')
    done = call(*arguments, "--out", "part.jsonl", "--resume", "--summary", "part.json", folder=folder)
    assert done.code == whole.code, done.errors
    assert part.read_bytes() == (folder / "whole.jsonl").read_bytes()
    counts = [
        json.loads((folder / name).read_text()) | {"seconds": 0} for name in ("whole.json", "part.json")
    ]
    assert counts[0] == counts[1]
    again = call(*arguments, "--out", "part.jsonl", "--resume", folder=folder)
    assert "6,000 cards of them audited before" in again.errors
    assert part.read_bytes() == (folder / "whole.jsonl").read_bytes()


def test_only_what_belongs_together_is_gone_on_with(folder: Path) -> None:
    """A file of other cards, other rules, or of something else is not gone on with, and is left as it is."""
    rows(folder / "rows.jsonl", 20)
    out = folder / "out.jsonl"
    begin = ("audit", "rows.jsonl", "--json", "--out", "out.jsonl")
    call(*begin, *SELECT, folder=folder)
    before = out.read_bytes()
    done = call(*begin, *SELECT, folder=folder)
    assert (done.code, done.out.count("\n")) == (2, 1)
    assert "is there already" in done.errors
    assert "--resume" in done.errors
    for arguments in (
        (*begin, "--resume"),
        ("audit", "cards", "--json", "--out", "out.jsonl", "--resume", *SELECT),
        ("audit", "rows.jsonl", "--json", "--findings-only", "--out", "out.jsonl", "--resume", *SELECT),
    ):
        done = call(*arguments, folder=folder)
        assert done.code == 2
        assert "not of these targets" in done.errors
        assert out.read_bytes() == before
    rows(folder / "rows.jsonl", 10)
    done = call(*begin, "--resume", *SELECT, folder=folder)
    assert done.code == 2
    assert "10 cards more" in done.errors
    out.write_text("{}\n")
    done = call(*begin, "--resume", *SELECT, folder=folder)
    assert done.code == 2
    assert "line 1 is no audit" in done.errors


@pytest.mark.skipif(sys.platform != "linux", reason="finds the workers in /proc")
def test_a_killed_worker_is_told(folder: Path) -> None:
    """A worker that the system kills ends the audit with one line and the way on; no process is left."""
    rows(folder / "rows.jsonl", 20_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "repro", "audit", "rows.jsonl", "--json", "--jobs", "2", "--out", "o.jsonl"],
        cwd=folder,
        stderr=subprocess.PIPE,
    )
    out = folder / "o.jsonl"
    while not out.exists() or not out.stat().st_size:
        time.sleep(0.01)
        assert process.poll() is None
    workers = children(process.pid)
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGKILL)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 4, errors
    error, hint = errors.decode().splitlines()[-2:]
    assert "a worker process of the audit was killed" in error
    assert "--resume" in hint
    assert out.read_bytes().endswith(b"\n")
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


@pytest.mark.skipif(sys.platform != "linux", reason="finds the workers in /proc")
def test_workers_end_with_their_parent(folder: Path) -> None:
    """Where the program itself is killed, its workers end too."""
    rows(folder / "rows.jsonl", 20_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "repro", "audit", "rows.jsonl", "--json", "--jobs", "2", "--out", "o.jsonl"],
        cwd=folder,
    )
    out = folder / "o.jsonl"
    while not out.exists() or not out.stat().st_size:
        time.sleep(0.01)
    workers = children(process.pid)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while alive := [pid for pid in workers if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_an_error_behind_json_lines_is_a_line(folder: Path) -> None:
    """Where lines were written already, the error document is one line too, so that a reader goes on."""
    done = call(
        "audit",
        "good.md",
        "hub:user/none",
        "--json",
        folder=folder,
        environ={"HF_ENDPOINT": "http://127.0.0.1:9"},
    )
    assert done.code == 5
    assert [each["schema"] for each in done.lines()] == ["repro.audit/1", "repro.error/1"]


SLOW_CARDS = """
import time
from repro.cli.progress import Progress
from repro.records.summary import Summary
with Progress(shown=True) as progress:
    progress.begin(1, 0)
    time.sleep(1.1)
    progress.advance(0.5, Summary(cards=1000))
    time.sleep(0.5)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_progress_is_shown_on_a_terminal(folder: Path) -> None:
    """On a terminal a long audit says how many cards it has done and how fast; elsewhere it says nothing."""
    import pty

    rows(folder / "rows.jsonl", 20)
    # A fast machine is done before there is a bar; so the bar is told of cards that take their time.
    command = [sys.executable, "-c", SLOW_CARDS]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, cwd=folder, stderr=theirs, env={**os.environ, "TERM": "xterm", "COLUMNS": "200"}
    )
    os.close(theirs)
    said = b""
    try:
        while data := os.read(ours, 65_536):
            said += data
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    assert b"1,000 cards, " in said
    assert b" a second, " in said
    quiet = call("audit", "rows.jsonl", "--json", "--out", "p.jsonl", folder=folder)
    assert " a second" not in quiet.errors

"""The command: one document on standard output, one line and one hint for an error, the right exit code."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from repro.cases import loader
from repro.cli import main
from repro.comparison import compare
from repro.records.codec import json_schema, load
from repro.records.run import Completed, Epoch, Failed, Run
from repro.runs.folders import RunFolder
from repro.workflows import schemas

CASES = Path(loader.__file__).parent
EXAMPLE = Path(__file__).parents[2] / "reports" / "example"
CARD = "# m\n\n### Framework versions\n\n- Transformers 4.21.2\n"


class Said(str):
    """What a command printed on standard output; `errors` holds standard error, `code` the exit code."""

    errors: str
    code: int

    def json(self) -> Any:
        """Read the one document."""
        return json.loads(self)


@pytest.fixture
def repro(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Call the command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str | Path) -> Said:
        capsys.readouterr()
        code = main.call([str(each) for each in arguments])
        captured = capsys.readouterr()
        said = Said(captured.out)
        said.errors, said.code = captured.err, code
        assert "Traceback" not in captured.err or "--verbose" in arguments
        return said

    return call


def refused(said: Said, code: int, *parts: str) -> None:
    """An error: nothing on standard output, one line and one hint on standard error."""
    assert said.code == code, said.errors
    assert said == ""
    error, hint = said.errors.strip().splitlines()[-2:]
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    for part in parts:
        assert part in said.errors


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A copy of the demo."""
    shutil.copytree(CASES, tmp_path / "cases", ignore=shutil.ignore_patterns("__pycache__", "*.py[cod]"))
    return tmp_path / "cases" / "demo"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A copy of the committed example, a run that was really trained."""
    shutil.copytree(EXAMPLE, tmp_path / "run")
    return tmp_path / "run"


# --------------------------------------------------------------------------------------------- help


def test_help_names_every_verb_and_exit_code(repro: Any) -> None:
    """`repro --help` names all verbs and what the exit codes mean."""
    said = repro("--help")
    assert said.code == 0
    for verb in ("run", "show", "report", "check", "env", "audit", "doctor", "schema"):
        assert f"\n  {verb} " in said
    assert "130 interrupted" in " ".join(said.split())


def test_the_command_alone_is_help(repro: Any) -> None:
    """`repro` without a word prints the help."""
    assert repro() == repro("--help") != ""


def test_help_needs_nothing_heavy() -> None:
    """Printing the help imports no training library, no plots, no Hub client, no templates and no rich."""
    code = (
        "import sys\nfrom repro.cli.main import call\ncall(['--help'])\n"
        "heavy = {'torch', 'transformers', 'matplotlib', 'numpy', 'huggingface_hub', 'jinja2', 'rich', "
        "'yaml', 'requests', 'pypi_simple', 'uv'}\nprint(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_locked_case_needs_no_network_and_nothing_heavy() -> None:
    """Showing a lock that is there imports no HTTP client, no uv and no file locks: it takes a moment."""
    code = (
        "import sys\nfrom repro.cli.main import call\ncall(['env', 'demo', '--lock-only'])\n"
        "heavy = {'torch', 'numpy', 'huggingface_hub', 'requests', 'pypi_simple', 'uv', 'rich', 'yaml', "
        "'jinja2', 'http.client', 'ssl', 'filelock'}\nprint(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version(repro: Any) -> None:
    """`--version` prints name and version."""
    assert repro("--version").split() == ["repro", "0.1.0"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["run", "--colour"],
        ["check"],
        ["run", "demo", "--seed", "x"],
        ["check", "r", "--format", "pdf"],
    ],
)
def test_wrong_words_are_bad_input(repro: Any, arguments: list[str]) -> None:
    """An unknown verb or option, a missing argument and a wrong value exit with 2 and point to the help."""
    refused(repro(*arguments), 2, "--help")


# -------------------------------------------------------------------------------------------- audit


def test_audit_prints_one_document(repro: Any) -> None:
    """One card is one JSON document, valid by its own schema, with every claim's text, value and line."""
    said = repro("audit", "issues-128", "--json")
    document = said.json()
    jsonschema.validate(document, json_schema(schemas()["audit"]))
    assert document["schema"] == "repro.audit/1"
    assert document["kind"] == "trainer"
    claims = document["claims"]
    assert claims["hyperparameters"]["learning_rate"]["text"] == "5e-05"
    assert claims["hyperparameters"]["learning_rate"]["value"] == 5e-05
    assert claims["versions"]["torch"]["text"] == "1.13.0+cu117"
    assert claims["results"]["columns"] == ["training_loss", "epoch", "step", "validation_loss"]
    lines = (CASES / "issues-128" / "card.md").read_text().splitlines()
    for row in claims["results"]["rows"]:
        assert all(cell["text"] in lines[row["line"] - 1] for cell in row["cells"])


def test_audit_of_several_cards_is_one_object_a_line(repro: Any, tmp_path: Path) -> None:
    """Several targets give one JSON object a line in their order, a folder in the order of its names."""
    cards = tmp_path / "cards"
    cards.mkdir()
    for name in ("b.md", "a.md", "c.txt"):
        (cards / name).write_text(CARD)
    said = repro("audit", "demo", cards, "--format", "json")
    targets = [json.loads(line)["target"] for line in said.splitlines()]
    assert [Path(target).name for target in targets] == ["card.md", "a.md", "b.md"]


def test_audit_as_text(repro: Any) -> None:
    """The text shows what the card claims, with lines, for people."""
    said = repro("audit", "demo")
    assert "learning_rate" in said
    assert "(line " in said
    assert "5.6044" in said


def test_audit_reads_standard_input(repro: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` reads a card from standard input."""
    monkeypatch.setattr("sys.stdin", io.StringIO(CARD))
    assert repro("audit", "-", "--json").json()["claims"]["versions"]["transformers"]["text"] == "4.21.2"


def test_a_card_cannot_act_on_the_terminal(repro: Any, tmp_path: Path) -> None:
    """Escape sequences in a card are spelled out, never sent to the terminal."""
    (tmp_path / "card.md").write_text(CARD.replace("# m", "# \x1b]0;pwned\x07\x1b[31mred"))
    said = repro("audit", tmp_path / "card.md")
    assert "\x1b" not in said
    assert "\\x1b" in said


def test_unusable_cards(repro: Any, tmp_path: Path) -> None:
    """A missing, empty, binary or folder target is bad input, each in its own words."""
    refused(repro("audit", "nothing.md"), 2, "no such file")
    (tmp_path / "empty.md").write_text(" \n")
    refused(repro("audit", "empty.md"), 2, "empty.md", "empty")
    (tmp_path / "binary.md").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    refused(repro("audit", "binary.md"), 2, "binary", "UTF-8")
    (tmp_path / "folder").mkdir()
    refused(repro("audit", "folder"), 2, "no card")


def test_an_error_is_a_document_under_json(repro: Any) -> None:
    """With `--json` an error is one JSON document on standard output too."""
    said = repro("audit", "nothing.md", "--json")
    assert said.code == 2
    document = said.json()
    assert (document["schema"], document["exit_code"]) == ("repro.error/1", 2)
    assert "nothing.md" in document["error"]
    assert document["hint"]


# ---------------------------------------------------------------------------------------------- run


def test_an_unknown_case(repro: Any) -> None:
    """An unknown case is refused with the names of those there are."""
    refused(repro("run", "dmeo"), 2, "dmeo: no such case", "demo, issues-128")


def test_a_case_file_with_a_wrong_type(repro: Any, case: Path) -> None:
    """A wrong type in a case file is told by file, key, expected and found."""
    path = case / "case.toml"
    path.write_text(path.read_text().replace("sequence_length = 64", "sequence_length = true"))
    refused(repro("run", case), 2, "demo/case.toml: task.sequence_length: expected int, found bool")


def test_a_card_without_a_table(repro: Any, case: Path) -> None:
    """A case whose card has no table of results cannot be compared, and is refused before anything starts."""
    card = case / "card.md"
    card.write_text("\n".join(line for line in card.read_text().splitlines() if not line.startswith("|")))
    refused(repro("run", case), 2, "demo/card.md: the card has no table of results")


def test_an_empty_card_in_a_case(repro: Any, case: Path) -> None:
    """An empty card is refused by its name."""
    (case / "card.md").write_text("")
    refused(repro("run", case), 2, "demo/card.md", "empty")


def test_a_card_alone_cannot_be_run(repro: Any, tmp_path: Path) -> None:
    """A card file without a case says what is missing and where that is described."""
    (tmp_path / "card.md").write_text(CARD)
    refused(repro("run", "card.md"), 2, "does not say how its data are made", "docs/cases.md")


def test_a_card_without_a_seed(repro: Any, case: Path) -> None:
    """A card that states no seed is run only with one that the user gives."""
    card = case / "card.md"
    card.write_text(card.read_text().replace("- seed: 42\n", ""))
    refused(repro("run", case), 2, "states no seed", "--seed")


def test_a_folder_that_cannot_be_written(repro: Any, tmp_path: Path, cache: Path) -> None:
    """An output folder that cannot be written is refused before anything is built or trained."""
    (tmp_path / "file").write_text("")
    refused(repro("run", "demo", "--out", tmp_path / "file" / "reports"), 2, "cannot be written", "--out")
    assert not (cache / "environments").exists()


def test_steps_without_a_rehearsal(repro: Any) -> None:
    """`--steps` outside a rehearsal is refused instead of ignored."""
    refused(repro("run", "demo", "--steps", "3"), 2, "--rehearse")


def test_a_version_that_does_not_exist(repro: Any, case: Path, cache: Path) -> None:
    """A documented version that never existed cannot be built: exit code 3, with the nearest ones."""
    card = case / "card.md"
    card.write_text(card.read_text().replace("Transformers 4.21.2", "Transformers 4.21.99"))
    said = repro("env", case, "--lock-only")
    if said.code == 5:
        pytest.skip("no registry can be reached from here")
    refused(said, 3, "4.21.99", "4.21.3")


def test_a_registry_that_cannot_be_reached(
    repro: Any, case: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a registry a new lock cannot be made: exit code 5; the bundled lock needs none."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple/")
    card = case / "card.md"
    card.write_text(card.read_text().replace("Transformers 4.21.2", "Transformers 4.22.2"))
    refused(repro("env", case, "--lock-only"), 5, "127.0.0.1")
    assert repro("env", "demo", "--lock-only", "--json").json()["locked"]["pyarrow"] == "10.0.1"


# ------------------------------------------------------------------------- show, check, report, schema


def test_check_says_what_the_numbers_say(repro: Any, run: Path) -> None:
    """`check` compares the committed example again: 0 as published, 1 when a value is another."""
    said = repro("check", run)
    assert said.code == 0
    assert "verdict: identical (reproduced)" in said
    folder = RunFolder(run)
    trained = folder.load()
    first = trained.epochs[0]
    other = Epoch(epoch=1, step=first.step, training_loss=9.0, validation_loss=first.validation_loss)
    folder.save(msgspec.structs.replace(trained, epochs=(other, *trained.epochs[1:])))
    said = repro("check", run)
    assert said.code == 1
    assert "OUTSIDE" in said
    assert "verdict: different (not reproduced)" in said
    junit = repro("check", run, "--format", "junit")
    assert 'failures="1"' in junit
    assert junit.code == 1


def test_check_as_json_is_the_comparison(repro: Any, run: Path) -> None:
    """`check --json` prints the comparison, valid by its schema, and nothing else."""
    document = repro("check", run, "--json").json()
    jsonschema.validate(document, json_schema(schemas()["comparison"]))
    assert document["folder"] == str(run)


def test_check_as_markdown_and_step_summary(
    repro: Any, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--format markdown` prints it; `--step-summary` appends the same to CI's file."""
    markdown = repro("check", run, "--format", "markdown")
    assert markdown.code == 0
    assert markdown.startswith("### ✓ demo: Reproduced, identical\n")
    summary = tmp_path / "summary.md"
    summary.write_text("# an earlier command\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    said = repro("check", run, "--step-summary", "--json")
    assert said.code == 0
    assert said.json()["verdict"] == "identical"
    assert summary.read_text() == f"# an earlier command\n{markdown}"


def test_a_step_summary_without_a_place(
    repro: Any, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no file is named, or it cannot be written, that is bad input in one line."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    refused(repro("check", run, "--step-summary"), 2, "GITHUB_STEP_SUMMARY is not set", "--format markdown")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    said = repro("check", run, "--step-summary")
    assert said.code == 2
    assert "cannot be written" in said.errors


def test_the_committed_example_is_what_the_program_makes(run: Path) -> None:
    """The committed comparison and page are those that this program makes of the committed record."""
    from repro.reports import render

    trained = RunFolder(run).load()
    committed = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    comparison = compare(trained)
    RunFolder(run).save_comparison(comparison)
    render(trained, comparison, run)
    assert (run / "comparison.json").read_bytes() == committed["comparison.json"]
    assert (run / "card.md").read_bytes() == committed["card.md"]
    assert load(run / "run.json", Run).result == Completed()


def test_an_unfinished_or_failed_run_is_told(repro: Any, run: Path) -> None:
    """A run without an end, or with a bad one, has no verdict, and the way on is said."""
    folder = RunFolder(run)
    trained = folder.load()
    folder.save(msgspec.structs.replace(trained, result=None))
    refused(repro("check", run), 2, "not finished", "repro run demo")
    folder.save(msgspec.structs.replace(trained, result=Failed(reason="the disk was full")))
    refused(repro("show", run), 2, "the disk was full")


def test_a_run_that_is_not_there(repro: Any) -> None:
    """An unknown run is bad input for every verb that takes one."""
    for verb in ("check", "show", "report"):
        refused(repro(verb, "nothing"), 2, "no run there")


def test_report_renders_again(repro: Any, run: Path) -> None:
    """`report` writes page, card and plots anew and names them."""
    (run / "report.html").unlink(missing_ok=True)
    said = repro("report", run)
    assert str(run / "report.html") in said
    assert (run / "report.html").stat().st_size > 10_000


def test_schema(repro: Any) -> None:
    """`schema` lists the documents, prints each one's schema, and refuses others."""
    names = repro("schema").split()
    assert {"audit", "comparison", "environment", "run"} <= set(names)
    for name in names:
        jsonschema.Draft202012Validator.check_schema(repro("schema", name).json())
    refused(repro("schema", "weather"), 2, "one of")


def test_doctor(repro: Any) -> None:
    """`doctor` answers for this machine, offline too, as text and as a valid document."""
    document = repro("doctor", "--json").json()
    jsonschema.validate(document, json_schema(schemas()["doctor"]))
    assert document["cores"] >= 1
    assert document["python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}")
    said = repro("doctor")
    assert "interpreter" in said
    assert "cache" in said


def test_verbose_shows_the_traceback(repro: Any) -> None:
    """`--verbose` shows where an error comes from, above the two lines."""
    said = repro("check", "nothing", "--verbose")
    assert "Traceback" in said.errors
    assert said.errors.strip().splitlines()[-1].startswith("hint: ")


def test_a_closed_pipe_is_no_error() -> None:
    """`repro … | head` ends quietly when the reader has enough."""
    command = f"{sys.executable} -m repro audit issues-128 --json | head -c 1"
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, env=dict(os.environ), check=True
    )
    assert (done.stdout, done.stderr) == ("{", "")


# ---------------------------------------------------------------------------------------------- env


def test_env_of_any_card(repro: Any, tmp_path: Path, cache: Path) -> None:
    """A card without versions has no environment, and is refused in one line."""
    (tmp_path / "card.md").write_text("# m\n\nnothing here\n")
    refused(repro("env", "card.md"), 2, "documents no versions")
    refused(repro("env", "matrix"), 2, "--transformers", "--from-cards")


def test_a_new_lock_is_the_committed_one(repro: Any, cache: Path) -> None:
    """`--relock` resolves the closure anew as of the same moment, and finds the very same versions."""
    said = repro("env", "demo", "--lock-only", "--relock", "--json")
    if said.code == 5:
        pytest.skip("no registry can be reached from here")
    committed = repro("env", "demo", "--lock-only", "--json").json()
    for key in ("locked", "moment", "python", "stream"):
        assert said.json()[key] == committed[key]
    assert said.json()["locked"]["pyarrow"] == "10.0.1"


def test_the_lock_of_a_case_can_be_taken_along(repro: Any, tmp_path: Path) -> None:
    """`--lock-only --output` writes the hash-pinned lock, without addresses, and builds nothing."""
    said = repro("env", "demo", "--lock-only", "--output", tmp_path / "environment.lock")
    assert "lock ecf257ab72c767b7" in said
    assert "2022-12-06T17:20:22Z" in said
    text = (tmp_path / "environment.lock").read_text()
    assert "pyarrow==10.0.1" in text
    assert "--hash=sha256:" in text
    assert "://" not in text


@pytest.mark.parametrize("verb", [("env", "--lock-only"), ("run",)])
@pytest.mark.parametrize(
    ("options", "code", "part"),
    [
        (("--torch-backend", "auto"), 2, "not the card"),
        (("--torch-backend", "cu1170000"), 2, "not a build of torch"),
        (("--torch-backend", "cu121"), 2, "PyTorch published no torch 1.13.0+cu121"),
        (("--torch", "../.."), 2, "not a version"),
        (("--torch", "2.1.0+cu118"), 2, "--torch 2.1.0 --torch-backend cu118"),
    ],
)
def test_a_torch_that_cannot_be_meant_is_refused(
    repro: Any, cache: Path, verb: tuple[str, ...], options: tuple[str, ...], code: int, part: str
) -> None:
    """`--torch` and `--torch-backend` are read before anything is asked for, locked or trained."""
    refused(repro(verb[0], "demo", *verb[1:], *options), code, part)
    assert not (cache / "locks").exists()


def test_another_torch_is_for_the_locked_environment(repro: Any, cache: Path) -> None:
    """The user's own environment has the torch that it has."""
    refused(repro("run", "demo", "--env", "current", "--torch", "2.1.0"), 2, "not in your own environment")


def test_a_newer_torch_leaves_the_rest_as_it_was(repro: Any, cache: Path) -> None:
    """`--torch` keeps the committed lock but for torch and its needs, says so, and asks once."""
    said = repro("env", "demo", "--lock-only", "--torch", "2.1.0", "--json")
    if said.code == 5:
        pytest.skip("no registry can be reached from here")
    committed = repro("env", "demo", "--lock-only", "--json").json()
    document = said.json()
    assert document["locked"]["torch"] == "2.1.0"
    assert document["torch_moment"] > document["moment"] == committed["moment"]
    for name in ("transformers", "datasets", "tokenizers", "numpy", "pyarrow", "pandas", "fsspec"):
        assert document["locked"][name] == committed["locked"][name]
    (deviation,) = document["deviations"]
    assert (deviation["what"], deviation["actual"]) == ("torch", "2.1.0")
    assert repro("env", "demo", "--lock-only", "--torch", "2.1.0", "--json").errors == ""


def bare(tmp_path: Path, **more: str) -> dict[str, str]:
    """The variables of a machine on which no interpreter can be found or fetched."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("SSL_", "LANG", "LC_"))}
    return kept | {
        "PATH": str(tmp_path / "none"),
        "HOME": str(tmp_path),
        "REPRO_CACHE_DIR": str(tmp_path / "cache"),
        "UV_PYTHON_INSTALL_DIR": str(tmp_path / "pythons"),
        "UV_PYTHON_INSTALL_MIRROR": "http://127.0.0.1:9",
        **more,
    }


@pytest.mark.skipif(sys.version_info[:2] == (3, 10), reason="this interpreter is the one that is missing")
def test_a_missing_python_is_named(tmp_path: Path) -> None:
    """Where no Python 3.10 can be found or downloaded, the error names it and how to get it."""
    done = subprocess.run(
        [sys.executable, "-m", "repro", "env", "demo"],
        capture_output=True,
        text=True,
        env=bare(tmp_path),
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    lines = done.stderr.strip().splitlines()
    assert "1.9 GB to download, 3.8 GB on disk" in lines[0]
    assert lines[-2].startswith("error: ")
    assert "3.10" in lines[-2]
    assert "uv python install 3.10" in lines[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_download_is_asked_for_on_a_terminal(tmp_path: Path) -> None:
    """On a terminal the size is stated and asked for; `n` downloads nothing and exits with 130."""
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "repro", "env", "demo"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=bare(tmp_path, TERM="dumb"),
    )
    os.close(theirs)
    said = b""
    while b"go on? [Y/n]" not in said:
        said += os.read(ours, 4096)
    os.write(ours, b"n\n")
    assert process.wait(60) == 130
    said += os.read(ours, 4096)
    os.close(ours)
    assert b"1.9 GB to download" in said
    assert b"nothing was downloaded" in said
    assert not (tmp_path / "cache" / "environments").exists()


def test_runs_with_other_seeds_bound_a_run(repro: Any, run: Path) -> None:
    """Finished runs beside one that differ in the seed alone are its replicates; all others are not."""
    trained = load(run / "run.json", Run)
    home = run.parent / "beside"
    RunFolder(home / "first").path.mkdir(parents=True)
    RunFolder(home / "first").save(trained)
    for seed in range(43, 47):
        settings = msgspec.structs.replace(trained.settings, seed=seed)
        moved = tuple(
            msgspec.structs.replace(
                each,
                training_loss=float(each.training_loss or 0) * (1 + 0.001 * ((seed + at) % 3)),
                validation_loss=float(each.validation_loss or 0) * (1 + 0.004 * ((seed * at) % 5)),
            )
            for at, each in enumerate(trained.epochs)
        )
        (home / str(seed)).mkdir()
        RunFolder(home / str(seed)).save(
            msgspec.structs.replace(trained, id=f"{seed:012d}", settings=settings, epochs=moved)
        )
    (home / "47").mkdir()
    (home / "47" / "run.json").write_text("{")
    (home / "48").mkdir()
    RunFolder(home / "48").save(
        msgspec.structs.replace(
            trained,
            settings=msgspec.structs.replace(trained.settings, seed=48),
            environment=msgspec.structs.replace(trained.environment, lock_sha256="another"),
        )
    )
    body = repro("check", home / "first", "--json").json()
    table = CASES / "issues-128" / "peers.csv"
    refused(repro("check", home / "first", "--replicates", home / "none.csv"), 2, "no such file")
    other = repro("check", home / "first", "--replicates", table, "--json").json()
    assert other["replicates"]["left_out"][0]["reason"] == "it was evaluated at other points"
    assert body["replicates"]["used"] == [f"{seed:012d}" for seed in range(43, 47)]
    assert body["replicates"]["streams"] == 4


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--seeds", "1,x"], "--seeds: expected whole numbers, found '1,x'"),
        (["--seeds", "1", "--replicates", "2"], "one of them"),
        (["--replicates", "0"], "--replicates"),
        (["--replicates", "2", "--rehearse"], "a rehearsal has no replicates"),
    ],
)
def test_seeds_that_are_none_are_refused(repro: Any, options: list[str], part: str) -> None:
    """Wrong seeds are refused before anything is looked for or built."""
    refused(repro("run", "demo", *options), 2, part)

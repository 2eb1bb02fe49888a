"""`repro evaluate`, and energy, on a short run of the demo's recipe in its locked environment."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from repro.cases import load_case, loader
from repro.environments import child_environment, lookup
from repro.records.codec import load
from repro.records.energy import Energy
from repro.records.evaluation import Evaluation
from repro.records.run import Run

pytestmark = pytest.mark.environment

CASES = Path(loader.__file__).parent
SECONDS = 600
# The texts on which the case evaluates, and the loss that the Trainer's own evaluation has on them.
PLAIN = """
import json, runpy, sys, tempfile
import transformers
from transformers import *
build, file, checkpoint = sys.argv[1:]
loaded = runpy.run_path(build)["build"]
texts = {}
def keep(found, *_): texts[len(texts)] = found; return found
tokenise = loaded.__globals__["_tokenise"]
loaded.__globals__["_tokenise"] = keep
loaded(file, None, 64)
loaded.__globals__["_tokenise"] = tokenise
tokenizer = AutoTokenizer.from_pretrained(checkpoint)
trainer = Trainer(
    model=AutoModelForMaskedLM.from_pretrained(checkpoint), tokenizer=tokenizer,
    args=TrainingArguments(output_dir=tempfile.mkdtemp(), per_device_eval_batch_size=8, report_to="none"),
    data_collator=DataCollatorForLanguageModeling(tokenizer=tokenizer, mlm_probability=0.15),
    eval_dataset=loaded(file, tokenizer, 64)[1],
)
set_seed(0)
print(json.dumps({"texts": texts[1], "loss": trainer.evaluate()["eval_loss"]}))
"""


def repro(*arguments: str | Path, code: int | None = 0) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    done = subprocess.run(
        [sys.executable, "-m", "repro", *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in done.stderr, done.stderr
    if code is not None:
        assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the demo's recipe, two epochs long."""
    folder = tmp_path_factory.mktemp("evaluate")
    shutil.copytree(CASES, folder / "cases", ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    shutil.copy(CASES / "issues-128" / "data.py", folder / "cases" / "issues-128")
    card = folder / "cases" / "demo" / "card.md"
    lines = card.read_text().replace("num_epochs: 16", "num_epochs: 2").splitlines(keepends=True)
    rows = [at for at, line in enumerate(lines) if line.startswith("|")]
    card.write_text("".join(line for at, line in enumerate(lines) if at not in rows[4:]))
    repro("run", card.parent, "--out", folder / "reports", code=None)
    return only_run(folder / "reports")


def only_run(out: Path) -> Path:
    """The folder of the one run there."""
    (folder,) = (out / "demo").iterdir()
    return folder


def evaluated(run: Path, *arguments: str | Path) -> Evaluation:
    """Evaluate, and return what standard output has."""
    repro("evaluate", run, *arguments, "--json")
    return load(run / "run.json", Run).evaluations[-1]


def test_own_texts_are_evaluated_as_the_case_evaluates(finished: Path, tmp_path: Path) -> None:
    """The case's evaluation texts in a file of one's own have, to the last digit, the case's own losses.

    And those are what a plain script gets from the environment's Trainer, from the same mask seed.
    """
    request = json.loads((finished / "request.json").read_text())
    checkpoint = finished / "checkpoints" / "checkpoint-58"
    locked = load_case("demo").locked
    assert locked is not None
    built = lookup(locked[0])
    assert built is not None
    done = subprocess.run(
        [built.python, "-c", PLAIN, request["data"]["build"], request["data"]["file"], checkpoint],
        capture_output=True,
        text=True,
        env=child_environment() | {"OMP_NUM_THREADS": "2"},
        cwd=tmp_path,
        check=True,
    )
    plain = json.loads(done.stdout.splitlines()[-1])
    file = tmp_path / "own.jsonl"
    file.write_text("".join(json.dumps({"body": text}) + "\n" for text in ["", "蛇 蛇", *plain["texts"]]))
    first = evaluated(finished, "--data", file, "--column", "body", "--masks", "2")
    assert first.own.trained.losses[0] == plain["loss"]
    assert first.case is not None
    assert first.own == first.case
    assert first.own.base is not None
    assert len(set(first.own.trained.losses)) == 2
    assert first.own.gain is not None
    assert float(first.own.gain.lowest) > 0
    assert (first.own.texts, first.empty, first.file) == (60, 2, "own.jsonl")
    assert first.weights == load(finished / "run.json", Run).epochs[-1].digests["weights"]

    again = evaluated(finished, "--data", file, "--column", "body", "--masks", "1", "--limit", "12")
    assert again.own.texts == 10
    as_case = evaluated(finished, "--data", Path(request["data"]["file"]), "--as-case", "--masks", "1")
    assert as_case.own.trained.losses[0] == plain["loss"]
    kept = load(finished / "run.json", Run).evaluations
    assert [each.kind for each in kept] == ["json-lines", "case"]  # the same file again replaces its entry
    for name in ("report.html", "card.md"):
        assert "own.jsonl" in (finished / name).read_text()
    assert str(tmp_path) not in (finished / "run.json").read_text()
    assert not (finished / "evaluation").exists()


def test_short_texts_have_a_loss(finished: Path, tmp_path: Path) -> None:
    """Texts so short that often no token of a batch is masked have a number for a loss all the same."""
    file = tmp_path / "short.txt"
    file.write_text("model\n")
    one = evaluated(finished, "--data", file, "--masks", "3")
    assert all(isinstance(loss, float) for loss in one.own.trained.losses)


def test_weights_that_are_gone_are_one_line(finished: Path, tmp_path: Path) -> None:
    """Without its last checkpoint, or with that of another training, a run is not evaluated."""
    file = tmp_path / "own.txt"
    file.write_text("a model\n")
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    shutil.rmtree(run / "checkpoints" / "checkpoint-58")
    done = repro("evaluate", run, "--data", file, code=2)
    assert "the trained weights (its last checkpoint) are gone" in done.stderr
    assert "repro run demo --fresh" in done.stderr
    shutil.copytree(finished / "checkpoints" / "checkpoint-58", run / "checkpoints" / "checkpoint-58")
    earlier = finished / "checkpoints" / "checkpoint-29" / "pytorch_model.bin"
    shutil.copy(earlier, run / "checkpoints" / "checkpoint-58")
    done = repro("evaluate", run, "--data", file, code=4)
    assert "not those with which the training ended" in done.stderr


def test_energy_is_measured_beside_the_training(finished: Path, tmp_path: Path) -> None:
    """With `--energy` the losses and digests are those without it; record, card and report have the energy.

    A stopped start counts: what it took is added to.
    """
    pytest.importorskip("codecarbon", reason="codecarbon is not installed: pip install 'repro-audit[energy]'")
    case = finished.parents[2] / "cases" / "demo"
    process = subprocess.Popen(
        [sys.executable, "-m", "repro", "run", case, "--energy", "--country", "fra", "--out", tmp_path],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + SECONDS
    while not list(tmp_path.glob("demo/*/checkpoints/checkpoint-29/complete.json")):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    stopped = load(only_run(tmp_path) / "energy.json", Energy)
    assert stopped.kwh > 0

    repro("run", case, "--energy", "--country", "fra", "--out", tmp_path, code=None)
    run, plain = load(only_run(tmp_path) / "run.json", Run), load(finished / "run.json", Run)
    assert run.id == plain.id
    assert run.epochs == plain.epochs
    energy = run.energy
    assert energy is not None
    assert energy.kwh == pytest.approx(energy.cpu_kwh + energy.gpu_kwh + energy.ram_kwh)
    assert energy.kwh > stopped.kwh
    assert energy.cpu_kwh > 0
    assert (energy.starts, energy.country) == (2, "FRA")
    assert energy.co2_kg is not None
    assert 0 < energy.co2_kg < energy.kwh  # France: far below a kilogram a kilowatt-hour
    assert energy.seconds > stopped.seconds
    assert energy.methods
    card = (only_run(tmp_path) / "card.md").read_text()
    emissions = yaml.safe_load(card.split("---")[1])["co2_eq_emissions"]
    assert emissions["emissions"] == pytest.approx(1000 * energy.co2_kg, abs=1e-6)
    assert emissions["geographical_location"] == "FRA"
    assert "CO₂ equivalents" in (only_run(tmp_path) / "report.html").read_text()
    assert plain.energy is None

"""Offline kits: written from a real registry, used without any network, refused once they have changed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import jsonschema
import pytest
from loopback import Files, Hub, serving
from wheelhouse import MINOR, House, record

from repro.cases.synthetic import git_blob
from repro.environments.kit import MANIFEST, open_kit, write_kit
from repro.environments.lock import lock_digest
from repro.errors import BadInput, EnvironmentFailed, NetworkFailed
from repro.records.codec import json_schema, load, to_json
from repro.records.kit import Kit
from repro.workflows import schemas

CARD = """# m

### Training hyperparameters

- learning_rate: 5e-05
- seed: 42
- num_epochs: 1

### Training results

| Training Loss | Epoch | Step | Validation Loss |
|:-------------:|:-----:|:----:|:---------------:|
| 1.0           | 1.0   | 1    | 1.0             |

### Framework versions

- Transformers 4.21.2
"""
CASE = """
title = "small"

[model]
id = "user/small"
repository = "user/small"
revision = "{commit}"
files = {{ "config.json" = "{model}" }}

[task]
kind = "masked-language-modelling"
sequence_length = 8
mask_probability = 0.15

[data]
file = "issues.jsonl"
git_blob = "{data}"
urls = ["{address}/issues.jsonl"]

[environment]
lock = "environment.lock"
"""
DATA = b'{"title": "a", "body": "b", "labels": []}\n'
MODEL = b'{"model_type": "bert"}\n'
WHEEL = "wheels/transformers-4.21.2-py3-none-any.whl"


@pytest.fixture
def house(index: House) -> House:
    index.add("transformers", "4.21.2", requires=("tiny",))
    index.add("tiny", "1.0")
    return index


@pytest.fixture
def lock(house: House) -> str:
    return house.lock("transformers==4.21.2", "tiny==1.0")


@pytest.fixture
def case(lock: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A case with a lock of the loopback registry, a model on a loopback Hub, and data at an address."""
    folder = tmp_path / "cases" / "small"
    folder.mkdir(parents=True)
    environment = record(lock, documented={"transformers": "4.21.2"})
    (folder / "environment.lock").write_bytes(lock.encode())
    (folder / "environment.json").write_text(to_json(environment), encoding="utf-8")
    (folder / "card.md").write_text(CARD, encoding="utf-8")
    (folder / "data.py").write_text("", encoding="utf-8")
    monkeypatch.setattr(Hub, "content", {"user/small/config.json": MODEL})
    monkeypatch.setattr(Files, "content", {"/issues.jsonl": DATA})
    with serving(Hub) as hub, serving(Files) as files:
        monkeypatch.setenv("HF_ENDPOINT", hub)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        text = CASE.format(
            commit=Hub.commit,
            model=hashlib.sha256(MODEL).hexdigest(),
            data=git_blob(DATA),
            address=files,
        )
        (folder / "case.toml").write_text(text, encoding="utf-8")
        yield folder


@pytest.fixture
def kit(house: House, lock: str, tmp_path: Path) -> Path:
    """A kit without model and data."""
    write_kit(tmp_path / "the kit", record(lock), lock, case="small")
    return tmp_path / "the kit"


def repro(*arguments: str | Path, code: int = 0, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    done = subprocess.run(
        [sys.executable, "-m", "repro", *arguments],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, **environ},
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def without_a_network(
    tmp_path: Path, *arguments: str | Path, code: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run the command on another machine, as it were: no network, empty caches, no index.

    The network is taken away by the system where that is allowed; where it is not, every way to it leads to a
    closed port.
    """
    there = tmp_path / "there"
    closed = "http://127.0.0.1:9"
    environ = {
        "REPRO_CACHE_DIR": str(there / "cache"), "UV_CACHE_DIR": str(there / "uv"),
        "HF_HOME": str(there / "hf"), "HF_ENDPOINT": closed, "UV_DEFAULT_INDEX": closed,
        "HTTP_PROXY": closed, "HTTPS_PROXY": closed, "ALL_PROXY": closed, "NO_PROXY": "",
    }  # fmt: skip
    apart = ["unshare", "--net"]
    try:
        alone = subprocess.run([*apart, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        alone = False
    done = subprocess.run(
        [*(apart if alone else []), sys.executable, "-m", "repro", *arguments],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, **environ},
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_a_kit_has_everything(case: Path, tmp_path: Path) -> None:
    """`env --kit` writes lock, wheels, model and data, each in the list with its size and digest."""
    kit = tmp_path / "kit"
    printed = json.loads(repro("env", case, "--kit", kit, "--json").stdout)
    jsonschema.validate(printed, json_schema(schemas()["kit"]))
    assert printed == json.loads((kit / MANIFEST).read_text())
    files = {one["path"]: one for one in printed["files"]}
    assert set(files) == {
        "environment.lock", "environment.json", WHEEL, "wheels/tiny-1.0-py3-none-any.whl",
        "model/config.json", "data/issues.jsonl",
    }  # fmt: skip
    for name, one in files.items():
        content = (kit / name).read_bytes()
        assert (one["size"], one["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert printed["missing"] == []
    assert any("uv python install" in way for way in printed["get_python"])
    assert {str(path.relative_to(kit)) for path in kit.rglob("*") if path.is_file()} == {*files, MANIFEST}
    assert "://" not in (kit / MANIFEST).read_text() + (kit / "environment.lock").read_text()


def test_an_environment_is_built_from_a_kit_without_a_network(case: Path, tmp_path: Path) -> None:
    """With the network taken away and empty caches, `env --kit --offline` builds, probes, and asks nobody."""
    kit = tmp_path / "my kit 缓存"
    repro("env", case, "--kit", kit)
    said = without_a_network(tmp_path, "env", case, "--kit", kit, "--offline").stdout
    assert "built in" in said
    assert list((tmp_path / "there" / "cache").rglob("site-packages/transformers.py"))


def test_a_run_takes_model_and_data_from_the_kit(case: Path, tmp_path: Path) -> None:
    """`run --kit` gets as far as the training without a network: only the worker's own recipe fails here."""
    kit = tmp_path / "kit"
    repro("env", case, "--kit", kit)
    out = tmp_path / "out"
    # A registry of two made-up packages has no torch: the worker's recipe cannot import it.
    without_a_network(tmp_path, "run", case, "--kit", kit, "--out", out, code=4)
    (request,) = out.glob("*/*/request.json")
    asked = json.loads(request.read_text())
    assert asked["model"]["path"] == str(kit / "model")
    assert asked["data"]["file"] == str(kit / "data" / "issues.jsonl")
    (run,) = out.glob("*/*/run.json")
    assert json.loads(run.read_text())["deviations"] == []


def test_a_run_without_its_kit_fails_there(case: Path, tmp_path: Path) -> None:
    """The same run without the kit and without a network cannot start, and says so in one line and a hint."""
    done = without_a_network(tmp_path, "run", case, "--out", tmp_path / "out", code=5)
    said = done.stderr.splitlines()
    assert [line.partition(":")[0] for line in said] == ["looking for model and data", "error", "hint"]


def test_a_card_has_a_kit_of_its_environment(house: House, tmp_path: Path) -> None:
    """A card's kit has its environment, and the command that is named for the other machine works there."""
    card, kit = tmp_path / "card.md", tmp_path / "kit"
    card.write_text(CARD.replace("4.21.2", f"4.22.0\n- TensorFlow 2.9.1\n- Python {MINOR}"), encoding="utf-8")
    house.add("transformers", "4.22.0", uploaded="2025-06-01T12:00:00Z")
    for name, version in (("tensorflow", "2.9.1"), ("datasets", "2.5.0"), ("tokenizers", "0.12.1")):
        house.add(name, version)
    said = repro("env", card, "--kit", kit)
    assert "what the case trains on" not in said.stderr
    command = said.stdout.splitlines()[-1].removeprefix("there: repro ")
    assert command == f"env {card} --kit FOLDER --offline"
    without_a_network(tmp_path, *command.replace("FOLDER", str(kit)).split())
    assert list((tmp_path / "there" / "cache").rglob("site-packages/transformers.py"))


def test_what_cannot_be_had_is_listed(
    case: Path, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that the Hub has not and data that are other ones are listed with their reasons."""
    monkeypatch.setattr(Hub, "content", {})
    monkeypatch.setattr(Files, "content", {"/issues.jsonl": DATA + b"\n"})
    kit = tmp_path / "kit"
    said = repro("env", case, "--kit", kit).stdout
    listed = {one.what: one for one in load(kit / MANIFEST, Kit).missing}
    assert set(listed) == {"model", "data"}
    assert "user/small" in listed["model"].reason
    assert "--model" in listed["model"].hint
    assert "not the pinned file" in listed["data"].reason
    assert "missing: model" in said
    assert not (kit / "model").exists()
    monkeypatch.setattr(Files, "content", {"/issues.jsonl": DATA})
    house.requests.clear()
    repro("env", case, "--kit", kit)
    assert [one.what for one in load(kit / MANIFEST, Kit).missing] == ["model"]
    assert (kit / "data" / "issues.jsonl").read_bytes() == DATA
    assert not any(path.startswith("/files/") for path in house.requests)


def flip(path: Path) -> None:
    """Change one bit."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda kit: flip(kit / WHEEL), WHEEL),
        (lambda kit: (kit / WHEEL).unlink(), f"{WHEEL} is missing"),
        (lambda kit: flip(kit / "environment.lock"), "environment.lock"),
        (lambda kit: flip(kit / "environment.json"), "environment.json"),
        (lambda kit: (kit / MANIFEST).unlink(), "not written to its end"),
        (lambda kit: (kit / MANIFEST).write_text('{"schema": "repro.kit/1", "re'), "cannot be read"),
        (lambda kit: (kit / MANIFEST).write_text('{"schema": "repro.kit/9"}'), "cannot be read"),
    ],
    ids=["a bit", "a file", "the lock", "the record", "the list", "half a list", "another format"],
)
def test_a_changed_kit_is_noticed(
    kit: Path, tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    """A flipped bit or a missing file is noticed before anything is built: one line, exit code 3."""
    card = tmp_path / "card.md"
    card.write_text(CARD, encoding="utf-8")
    damage(kit)
    for _ in range(2):
        done = repro("env", card, "--kit", kit, "--offline", code=3)
        assert said in done.stderr
        assert len([line for line in done.stderr.splitlines() if line.startswith("error: ")]) == 1
        assert done.stderr.splitlines()[-1].startswith("hint: write it again")
    assert not (tmp_path / "cache" / "environments").exists()


def test_a_list_that_was_changed_too_does_not_help(kit: Path) -> None:
    """A wheel that was exchanged along with its digest in the list is noticed by the lock's own hash."""
    flip(kit / WHEEL)
    digest = hashlib.sha256((kit / WHEEL).read_bytes()).hexdigest()
    document = json.loads((kit / MANIFEST).read_text())
    for one in document["files"]:
        if one["path"] == WHEEL:
            one["sha256"] = digest
    (kit / MANIFEST).write_text(json.dumps(document))
    with pytest.raises(EnvironmentFailed, match="no file of transformers"):
        open_kit(kit)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../b", "", "..\\b"])
def test_a_list_cannot_lead_out_of_the_kit(kit: Path, name: str) -> None:
    """A path in the list that leads out of the kit is refused."""
    document = json.loads((kit / MANIFEST).read_text())
    document["files"][0]["path"] = name
    (kit / MANIFEST).write_text(json.dumps(document))
    with pytest.raises(EnvironmentFailed, match="leads out"):
        open_kit(kit)


def test_a_kit_of_another_platform_is_refused(kit: Path) -> None:
    """A kit for other machines names both platforms."""
    text = (kit / MANIFEST).read_text()
    (kit / MANIFEST).write_text(text.replace(record("a==1 --hash=sha256:" + "0" * 64).platform, "beos-m68k"))
    with pytest.raises(EnvironmentFailed, match="beos-m68k"):
        open_kit(kit)


def test_a_kit_of_other_versions_is_refused(kit: Path, tmp_path: Path) -> None:
    """A kit is that of the card's versions, or it is bad input; so is a folder that is not there."""
    card = tmp_path / "card.md"
    card.write_text(CARD.replace("4.21.2", "4.22.0"), encoding="utf-8")
    assert "the kit is that of small" in repro("env", card, "--kit", kit, "--offline", code=2).stderr
    assert "no such folder" in repro("env", card, "--kit", tmp_path / "no", "--offline", code=2).stderr
    assert "--kit" in repro("run", "demo", "--kit", kit, "--relock", code=2).stderr


def test_a_kit_is_completed(kit: Path, house: House, lock: str) -> None:
    """Writing it again fetches what is missing or damaged, and clears halves of files away."""
    (kit / "wheels" / "tiny-1.0-py3-none-any.whl.part").write_bytes(b"half")
    flip(kit / WHEEL)
    house.requests.clear()
    write_kit(kit, record(lock), lock, case="small")
    fetched = [path for path in house.requests if path.startswith("/files/")]
    assert fetched == ["/files/transformers-4.21.2-py3-none-any.whl"]
    assert not list(kit.rglob("*.part"))
    open_kit(kit)


def test_a_wheel_of_other_bytes_is_refused(house: House, lock: str, tmp_path: Path) -> None:
    """A registry that serves another file than the locked one gives no kit."""
    house.wheels["tiny-1.0-py3-none-any.whl"] += b"x"
    with pytest.raises(EnvironmentFailed, match="hash mismatch") as caught:
        write_kit(tmp_path / "kit", record(lock), lock, case="small")
    assert caught.value.exit_code == 3
    with pytest.raises(EnvironmentFailed, match="not written to its end"):
        open_kit(tmp_path / "kit")
    assert not list((tmp_path / "kit" / "wheels").glob("tiny*"))


def test_a_file_that_is_gone_is_named(house: House, lock: str, tmp_path: Path) -> None:
    """A registry without the locked file says which package it is."""
    house.pages["tiny"] = []
    with pytest.raises(EnvironmentFailed, match="tiny: the registry has none of the locked files"):
        write_kit(tmp_path / "kit", record(lock), lock, case="small")


def test_a_registry_in_trouble_is_a_network_error(house: House, lock: str, tmp_path: Path) -> None:
    """A download that fails is exit code 5, and names the file or the page."""
    del house.wheels["tiny-1.0-py3-none-any.whl"]
    with pytest.raises(NetworkFailed, match=r"tiny-1\.0.*404"):
        write_kit(tmp_path / "kit", record(lock), lock, case="small")
    house.status = 503
    with pytest.raises(NetworkFailed, match="503"):
        write_kit(tmp_path / "kit", record(lock), lock, case="small")


def test_a_source_is_carried_and_its_tools_are_missing(house: House, tmp_path: Path) -> None:
    """Of a package without a wheel the source is carried, and that it needs tools to be built is said."""
    digest = house.add_source("src", "1.0")
    lock = f"src==1.0 --hash=sha256:{digest}\n"
    kit = write_kit(tmp_path / "kit", record(lock), lock, case="small")
    assert "wheels/src-1.0.tar.gz" in {one.path for one in kit.files}
    (missing,) = kit.missing
    assert "src" in missing.what
    assert "no wheel" in missing.reason


def test_a_folder_holds_one_kit(kit: Path, house: House) -> None:
    """The kit of another environment is not mixed into a folder that has one."""
    other = house.lock("tiny==1.0")
    with pytest.raises(BadInput, match="another environment"):
        write_kit(kit, record(other), other, case="other")
    assert open_kit(kit).environment.lock_sha256 != lock_digest(other)


def test_a_kit_that_cannot_be_written_is_said(house: House, lock: str, tmp_path: Path) -> None:
    """A folder below a file is one line of bad input."""
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        write_kit(tmp_path / "file" / "kit", record(lock), lock, case="small")


@pytest.mark.parametrize("stated", [True, False], ids=["size stated", "size not stated"])
def test_a_full_disk_gives_no_kit(house: House, tmp_path: Path, stated: bool) -> None:
    """A kit that does not fit is refused before the download, or where no size is stated in the middle."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk can be mounted by root on Linux only")
    try:
        house.add("large", "1.0", code=f"x = {'1' * 1_000_000!r}\n")
        if not stated:
            del house.pages["large"][0]["size"]
        lock = house.lock("large==1.0")
        house.requests.clear()
        with pytest.raises((BadInput, EnvironmentFailed), match=r"1\.0 MB more|No space left"):
            write_kit(disk / "kit", record(lock), lock, case="small")
        assert stated != any(path.startswith("/files/") for path in house.requests)
        assert not list(disk.rglob("*.whl*"))
        assert not (disk / "kit" / MANIFEST).exists()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
def test_a_killed_writing_is_no_kit(house: House, case: Path, tmp_path: Path) -> None:
    """SIGKILL in the middle leaves no kit; writing it again completes it."""
    kit = tmp_path / "kit"
    whole = house.wheels.pop("tiny-1.0-py3-none-any.whl")
    house.slow["tiny-1.0-py3-none-any.whl"] = whole
    process = subprocess.Popen(
        [sys.executable, "-m", "repro", "env", str(case), "--kit", str(kit)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    house.wait_until_slow()
    process.kill()
    process.wait()
    assert "not written to its end" in repro("env", case, "--kit", kit, "--offline", code=3).stderr
    house.slow.clear()
    house.wheels["tiny-1.0-py3-none-any.whl"] = whole
    repro("env", case, "--kit", kit)
    open_kit(kit)
    assert not list(kit.rglob("*.part"))


def test_a_copy_is_as_good(kit: Path, tmp_path: Path) -> None:
    """A kit that was copied elsewhere is the same kit."""
    shutil.copytree(kit, tmp_path / "elsewhere")
    assert open_kit(tmp_path / "elsewhere").kit == open_kit(kit).kit

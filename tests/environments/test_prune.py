"""Pruning removes what nobody uses, says what the disk gains, and never what a process is using."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from wheelhouse import House, record

from repro.environments import Built, build, cache_folder, environment_folder, lookup
from repro.environments.cache import MARKER, held, used
from repro.environments.prune import parse_age, prune
from repro.errors import BadInput, EnvironmentFailed
from repro.records.prune import Pruned

DAYS = timedelta(days=1)
posix = pytest.mark.skipif(os.name == "nt", reason="on Windows the system itself keeps what is in use")

# Holds an environment in a process of its own until standard input ends.
HOLDER = """
import sys
from pathlib import Path
from repro.environments.cache import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def house(index: House) -> House:
    index.add("tiny", "1.0", code=f"x = {'1' * 100_000!r}\n")
    index.add("other", "2.0")
    return index


def built(lock: str, *, days: float) -> Built:
    """Build an environment that was last used some days ago."""
    one = build(record(lock), lock)
    age(one.folder / MARKER, days)
    return one


def age(path: Path, days: float) -> None:
    then = (datetime.now(UTC) - days * DAYS).timestamp()
    os.utime(path, (then, then))


def removed(pruned: Pruned) -> list[str]:
    return sorted(entry.name for entry in pruned.entries if entry.removed)


def test_what_is_old_goes_and_what_is_young_stays(house: House) -> None:
    """An environment that was last used before the age goes, with its locks; a younger one stays whole."""
    old, young = built(house.lock("tiny==1.0"), days=40), built(house.lock("other==2.0"), days=20)
    pruned = prune(cache_folder(), older_than=30 * DAYS)
    assert removed(pruned) == [old.folder.name]
    assert not old.folder.exists()
    assert lookup(record(house.lock("other==2.0"))) is not None
    left = {path.name.removeprefix(young.folder.name) for path in young.folder.parent.iterdir()}
    assert left <= {"", ".lock", ".used", "compared.txt"}


def test_packages_beside_go_with_their_environment(house: House) -> None:
    """What was installed beside an environment for a report goes with it, and with no other one."""
    old, young = built(house.lock("tiny==1.0"), days=40), built(house.lock("other==2.0"), days=20)
    beside = [cache_folder() / "overlays" / f"{each.folder.name[:16]}-tensorboard" for each in (old, young)]
    for folder in beside:
        folder.mkdir(parents=True)
    prune(cache_folder(), older_than=30 * DAYS)
    assert [folder.exists() for folder in beside] == [False, True]


def test_tokenised_data_go_when_they_are_old(tmp_path: Path) -> None:
    """Tokenised data that no run has used for so long go; those used since stay."""
    for name, days in (("old", 40), ("young", 20)):
        (tmp_path / "tokenised" / name / "train").mkdir(parents=True)
        age(tmp_path / "tokenised" / name, days)
    pruned = prune(tmp_path, older_than=30 * DAYS)
    assert [(each.name, each.kind, each.removed) for each in pruned.entries] == [
        ("old", "data", True),
        ("young", "data", False),
    ]
    assert [each.name for each in (tmp_path / "tokenised").iterdir()] == ["young"]


def test_using_it_makes_it_young(house: House) -> None:
    """Taking an environment from the cache is a use, and keeps it."""
    lock = house.lock("tiny==1.0")
    old = built(lock, days=40)
    assert build(record(lock), lock).from_cache
    assert removed(prune(cache_folder(), older_than=30 * DAYS)) == []
    assert old.folder.exists()


def test_a_dry_run_removes_nothing(house: House) -> None:
    """A dry run says what would go, with the same sizes, and leaves everything."""
    old = built(house.lock("tiny==1.0"), days=40)
    said = prune(cache_folder(), older_than=30 * DAYS, dry_run=True)
    assert said.dry_run
    assert old.folder.exists()
    done = prune(cache_folder(), older_than=30 * DAYS)
    assert (done.before_bytes, done.after_bytes, done.freed_bytes) == (
        said.before_bytes,
        said.after_bytes,
        said.freed_bytes,
    )


def test_the_sizes_are_the_truth(house: House, tmp_path: Path) -> None:
    """Bytes that uv's cache keeps alive are not counted as freed; without it they are."""
    first = built(house.lock("tiny==1.0"), days=40)
    (module,) = first.folder.rglob("tiny.py")
    if module.stat().st_nlink < 2:
        pytest.skip("this file system has no hard links")
    said = prune(cache_folder(), dry_run=True)
    assert said.before_bytes > 100_000
    assert said.after_bytes == 0
    assert said.freed_bytes < said.before_bytes - 100_000
    (entry,) = said.entries
    assert entry.total_bytes - entry.shared_bytes == said.freed_bytes
    for path in (tmp_path / "uv-cache" / "archive-v0").rglob("tiny.py"):
        path.unlink()
    assert prune(cache_folder(), dry_run=True).freed_bytes > 100_000


def test_what_runs_refer_to_is_kept(house: House) -> None:
    """The environment and the lock that a run was made with stay however old they are; the reason is said."""
    lock = house.lock("tiny==1.0")
    old, other = built(lock, days=400), built(house.lock("other==2.0"), days=400)
    locks = cache_folder() / "locks"
    locks.mkdir()
    for name, text in (("a", lock), ("b", house.lock("other==2.0"))):
        (locks / f"{name}.lock").write_bytes(text.encode())
        (locks / f"{name}.json").write_text("{}", encoding="utf-8")
        age(locks / f"{name}.lock", 400)
    pruned = prune(
        cache_folder(), older_than=30 * DAYS, referred={record(lock).lock_sha256: "reports/demo/abc"}
    )
    assert removed(pruned) == sorted([other.folder.name, "b.lock"])
    assert old.folder.exists()
    assert sorted(path.name for path in locks.iterdir()) == ["a.json", "a.lock"]
    assert {entry.why for entry in pruned.entries if not entry.removed} == {"needed by reports/demo/abc"}


@posix
def test_what_a_process_uses_is_never_removed(house: House) -> None:
    """An environment that another process holds stays; once it has ended, even by SIGKILL, it goes."""
    old = built(house.lock("tiny==1.0"), days=40)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(old.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    (entry,) = prune(cache_folder()).entries
    assert (entry.removed, entry.why) == (False, "in use by a running process")
    assert old.folder.exists()
    holder.kill()
    holder.communicate()
    assert removed(prune(cache_folder())) == [old.folder.name]


@posix
def test_several_hold_it_at_once(house: House) -> None:
    """Any number of runs use an environment at a time, and it is free only after the last."""
    old = built(house.lock("tiny==1.0"), days=40)
    with held(old.folder):
        with held(old.folder):
            pass
        assert removed(prune(cache_folder())) == []
    assert removed(prune(cache_folder())) == [old.folder.name]


@posix
def test_who_waited_for_a_pruning_holds_a_new_file(house: House) -> None:
    """A hold that was asked for while the folder was pruned is one that the next pruning sees."""
    old = built(house.lock("tiny==1.0"), days=40)
    prune(cache_folder())
    with held(old.folder):
        (cache_folder() / "environments" / old.folder.name).mkdir()
        assert removed(prune(cache_folder())) == []


def test_a_killed_build_goes_whatever_its_age(house: House) -> None:
    """A folder without a marker is no environment, and is removed unless somebody builds it now."""
    lock = house.lock("tiny==1.0")
    young = build(record(lock), lock)
    (young.folder / MARKER).unlink()
    (entry,) = prune(cache_folder(), older_than=30 * DAYS).entries
    assert (entry.kind, entry.removed, entry.why) == ("unfinished", True, "a build that was not finished")
    assert not young.folder.exists()
    assert not build(record(lock), lock).from_cache


def test_a_build_under_way_is_left_alone(house: House) -> None:
    """A build of which there is no marker yet is not taken for a killed one."""
    lock = house.lock("tiny==1.0")

    def probe(_: Path) -> None:
        (entry,) = prune(cache_folder()).entries
        assert (entry.removed, entry.why) == (False, "in use by a running process")

    build(record(lock), lock, probe=probe)
    assert lookup(record(lock)) is not None


def test_half_a_removal_is_never_trusted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A removal that fails in the middle leaves no environment that looks whole, and is one line."""
    lock = house.lock("tiny==1.0")
    old = built(lock, days=40)

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("shutil.rmtree", refuse)
    with pytest.raises(EnvironmentFailed, match=r"cannot be removed: Permission denied"):
        prune(cache_folder())
    assert old.folder.exists()
    assert lookup(record(lock)) is None


def test_an_empty_cache_is_no_error(tmp_path: Path) -> None:
    """Where there is nothing, nothing is pruned, and no folder is made."""
    assert prune(tmp_path / "nothing").entries == ()
    assert not (tmp_path / "nothing").exists()


def test_a_use_in_a_cache_that_is_not_there_is_nothing(tmp_path: Path) -> None:
    """Noting a use never fails."""
    used(tmp_path / "nothing" / MARKER)


@pytest.mark.parametrize(("text", "age"), [("30d", 30 * DAYS), ("12h", DAYS / 2), ("2w", 14 * DAYS)])
def test_ages(text: str, age: timedelta) -> None:
    """An age is a number of hours, days or weeks."""
    assert parse_age(text) == age


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1y", "9" * 10_000 + "d", "١d", "1d; rm"])
def test_what_is_no_age(text: str) -> None:
    """Anything else is refused, in one short line."""
    with pytest.raises(BadInput) as caught:
        parse_age(text)
    assert len(caught.value.message) < 60


def test_environment_folders_are_found_by_record(house: House) -> None:
    """What is pruned is exactly where a build would put it."""
    lock = house.lock("tiny==1.0")
    assert build(record(lock), lock).folder == environment_folder(record(lock))

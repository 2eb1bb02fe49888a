"""The random stream that real releases show: the oldest, the demo's and the newest; built, tried, removed.

Downloads 0.9, 1.9 (shared with the demo's tests) and about 3 GB, one after the other.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from repro import workflows
from repro.environments import cache_folder, child_environment
from repro.environments.cache import MARKER
from repro.runs.local import WORKER
from repro.runs.probe import probe

pytestmark = pytest.mark.environment

SECONDS = 1800  # for the machine, not for the program: a bound so that nothing waits for ever

# What torch's own sampler and loader give, in the environment's Python.
ORDERS = """
import importlib.util, json, os, sys
import torch
from torch.utils.data import DataLoader, RandomSampler

spec = importlib.util.spec_from_file_location(
    "repro_worker", os.path.join(sys.argv[1], "__init__.py"), submodule_search_locations=[sys.argv[1]])
sys.modules["repro_worker"] = module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from repro_worker import streams

def epochs(loader, before=lambda epoch: None):
    orders = []
    for epoch in range(2):
        before(epoch)
        orders.append([int(number) for batch in loader for number in batch])
    return orders

examples = range(streams.EXAMPLES)
own = torch.Generator()
torch.manual_seed(42)
own.manual_seed(int(torch.empty((), dtype=torch.int64).random_().item()))
a = epochs(DataLoader(examples, batch_size=4, sampler=RandomSampler(examples, generator=own)))
torch.manual_seed(42)
b = epochs(DataLoader(examples, batch_size=4, sampler=RandomSampler(examples)))
anew = torch.Generator()
c = epochs(DataLoader(examples, batch_size=4, sampler=RandomSampler(examples, generator=anew)),
           lambda epoch: anew.manual_seed(42 + epoch))
print(json.dumps([streams.recognise(orders) for orders in (a, b, c, [a[0], b[0]])]))
"""


def repro(*arguments: str | Path) -> Any:
    """Run the command as a user does, and read its document."""
    done = subprocess.run(
        [sys.executable, "-m", "repro", *arguments, "--json", "--yes"],
        capture_output=True, text=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def whole() -> set[Path]:
    """The environments in the cache."""
    return set((cache_folder() / "environments").glob(f"*/{MARKER}"))


def test_the_oldest_and_the_newest_release_show_the_stream_of_their_versions() -> None:
    """transformers 4.6 on Python 3.7 and the newest on 3.13 train, in order A1 and C, and leave nothing."""
    before = whole()
    made = repro("env", "matrix", "--transformers", "4.6@3.7,newest@3.13", "--remove")
    oldest, newest = made["rows"]
    assert [(row["built"], row["probe"]["imported"], row["probe"]["trained"]) for row in made["rows"]] == [
        (True, True, True)
    ] * 2
    assert (oldest["probe"]["stream"], oldest["expected"]) == ("A1", "A1")
    assert (newest["probe"]["stream"], newest["expected"]) == ("C", "C")
    assert oldest["probe"]["orders"] != newest["probe"]["orders"]
    assert whole() == before


def test_the_demo_shows_the_stream_of_its_versions() -> None:
    """transformers 4.21.2 with torch 1.13 trains in order A2, and the record says it."""
    record = repro("env", "demo")
    assert (record["probe"]["stream"], record["stream"]) == ("A2", "A2")
    assert record["probe"]["trained"] is True
    assert [sorted(order) for order in record["probe"]["orders"]] == [list(range(16))] * 2


def test_a_probe_is_repeatable() -> None:
    """A second trial of the same environment shows the same loss, to the last digit, and the same order."""
    environment, lock = workflows.environment_of("demo")
    built = workflows.build_environment(environment, lock)
    first, second = probe(environment, built.python), probe(environment, built.python)
    assert (first.loss, first.orders, first.stream) == (second.loss, second.orders, second.stream)


def test_orders_are_told_apart_as_torch_makes_them(tmp_path: Path) -> None:
    """What torch's own sampler and loader give by each mechanism is recognised; a mixture of two is not."""
    environment, lock = workflows.environment_of("demo")
    built = workflows.build_environment(environment, lock)
    done = subprocess.run(
        [built.python, "-c", ORDERS, WORKER], capture_output=True, text=True, cwd=tmp_path,
        env=child_environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["A2", "B", "C", None]

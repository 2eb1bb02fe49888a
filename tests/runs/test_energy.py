"""Energy: measured with the real codecarbon where it is installed, added up, and nothing sent anywhere."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from repro.cli.main import call
from repro.errors import BadInput
from repro.records.codec import load
from repro.records.energy import Energy
from repro.reports.energy import energy_method, energy_used
from repro.runs.energy import FILE, Meter, measured

installed = pytest.mark.skipif(
    find_spec("codecarbon") is None, reason="codecarbon is not installed: pip install 'repro-audit[energy]'"
)
# In a process of its own: an audit hook cannot be taken off again, and codecarbon starts threads.
MEASURE = """
import sys, time
from pathlib import Path

def hook(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise AssertionError(event)

sys.addaudithook(hook)
from repro.runs import energy
energy._KEPT_EVERY_SECONDS = float(sys.argv[2])
with energy.Meter(sys.argv[3] or None).measuring(Path(sys.argv[1])):
    until = time.monotonic() + 3
    while time.monotonic() < until:
        pass
"""


def measure(folder: Path, country: str, *, every: float = 60.0, home: Path | None = None) -> Energy:
    """Measure three seconds of work."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, folder, str(every), country],
        capture_output=True,
        text=True,
        cwd=home,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout + done.stderr == ""
    return load(folder / FILE, Energy)


@installed
def test_energy_adds_up(tmp_path: Path) -> None:
    """Two starts have the energy and the emissions of both; one without a country leaves emissions open."""
    first = measure(tmp_path, "fra")
    assert first.kwh > 0
    assert first.cpu_kwh > 0
    assert first.co2_kg is not None
    assert first.co2_kg > 0
    assert (first.country, first.starts) == ("FRA", 1)
    assert any("processor" in each for each in first.methods)
    # Kept every second: what a kill would leave behind.
    second = measure(tmp_path, "FRA", every=1.0)
    assert second.kwh > first.kwh
    assert second.co2_kg is not None
    assert second.co2_kg > first.co2_kg
    assert second.seconds >= first.seconds + 2.5
    assert second.starts == 2
    third = measure(tmp_path, "")
    assert (third.co2_kg, third.starts) == (None, 3)


@installed
def test_a_configuration_of_the_user_sends_nothing(tmp_path: Path) -> None:
    """What codecarbon's own configuration says about services and files is overridden."""
    (tmp_path / ".codecarbon.config").write_text(
        "[codecarbon]\nsave_to_api = true\nsave_to_file = true\noutput_methods = api,csv\n"
        "emissions_endpoint = http://127.0.0.1:9/x\nelectricitymaps_api_token = x\n"
    )
    (tmp_path / "run").mkdir()
    assert measure(tmp_path / "run", "DEU", home=tmp_path).kwh > 0
    assert {each.name for each in tmp_path.iterdir()} == {".codecarbon.config", "run"}


@installed
@pytest.mark.parametrize("country", ["Narnia", "xx", "\x1b[31m"])
def test_a_country_that_is_none(country: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is refused before anything is built, not taken for the world."""
    assert call(["run", "demo", "--energy", "--country", country]) == 2
    said = capsys.readouterr().err
    assert "is no country" in said
    assert "\x1b" not in said


def test_without_codecarbon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not installed, one line says how to get it."""
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    with pytest.raises(BadInput, match="codecarbon is not here") as caught:
        Meter(None)
    assert "repro-audit[energy]" in caught.value.hint


def test_a_damaged_file_counts_as_none(tmp_path: Path) -> None:
    """A half-written file is not trusted."""
    (tmp_path / FILE).write_text('{"kwh": 1')
    assert measured(tmp_path) is None
    assert measured(tmp_path / "nowhere") is None


def test_in_words() -> None:
    """Small energies are watt-hours, emissions grams; what is not known is said so."""
    energy = Energy(
        kwh=0.0123,
        cpu_kwh=0.01,
        gpu_kwh=0,
        ram_kwh=0.0023,
        seconds=60,
        co2_kg=0.0007,
        country="FRA",
        starts=2,
    )
    assert energy_used(energy) == "12.3 Wh, 0.7 g CO₂ equivalents (FRA)"
    assert "in 2 starts" in energy_method(energy)
    open_ = Energy(kwh=2.0, cpu_kwh=2, gpu_kwh=0, ram_kwh=0, seconds=60)
    assert energy_used(open_) == "2 kWh; no country was given, so emissions are not known"
    assert energy_used(None) == energy_method(None) == ""

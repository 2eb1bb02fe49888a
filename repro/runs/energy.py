"""Measure the energy of a training from beside it, with codecarbon where that is installed.

The worker's environment is the one of the published day and knows nothing of it: this process watches.
Nothing is sent or asked for: the tracker is codecarbon's offline one, and whatever a configuration of the
user says about outputs and services is overridden.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from repro.errors import BadInput
from repro.records.codec import load, save
from repro.records.energy import Energy

FILE = "energy.json"
_KEPT_EVERY_SECONDS = 60.0
_METHODS = {
    "CPU(Intel Rapl)": "processor: measured (RAPL), the whole package",
    "CPU(Cpu Load)": "processor: estimated from the training's load and the thermal design power",
    "CPU(Windows Emi)": "processor: measured (Windows EMI), the whole package",
    "RAM()": "memory: estimated from its size",
}


class Meter:
    """Measures with codecarbon; what was measured adds up in a file, so that a kill costs a minute of it.

    Args:
        country: ISO 3166 alpha-3, whose mix of electricity makes emissions of energy; None for energy alone.

    Raises:
        BadInput: codecarbon is not installed, or knows no such country.
    """

    def __init__(self, country: str | None) -> None:
        try:
            import codecarbon
            from codecarbon.input import DataSource
        except ImportError as error:
            raise BadInput("--energy: codecarbon is not here", "pip install 'repro-audit[energy]'") from error
        self._country = country.upper() if country else ""
        if self._country and self._country not in DataSource().get_global_energy_mix_data():
            raise BadInput(
                f"--country: {self._country[:40]!r} is no country that codecarbon knows",
                "three letters, for instance FRA",
            )
        self._tool = f"codecarbon {codecarbon.__version__}"

    @contextmanager
    def measuring(self, folder: Path) -> Iterator[None]:
        """Measure what happens inside, and add it to what a run's folder has from earlier starts."""
        earlier, starts = measured(folder), 1
        tracker = self._started()
        done = threading.Event()

        def keep() -> None:
            nonlocal earlier, starts, tracker
            while not done.wait(_KEPT_EVERY_SECONDS):
                earlier = self._kept(folder, earlier, tracker, starts)
                starts = 0
                tracker = self._started()

        watcher = threading.Thread(target=keep, name="energy", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()
            self._kept(folder, earlier, tracker, starts)

    def _started(self) -> Any:
        """Start a tracker; codecarbon itself never raises here, it measures nothing then."""
        import logging

        from codecarbon import OfflineEmissionsTracker

        logging.getLogger("codecarbon").setLevel(logging.CRITICAL)
        tracker = OfflineEmissionsTracker(
            country_iso_code=self._country or "FRA",  # it wants one; without ours its emissions are not taken
            region=None,
            cloud_provider=None,
            cloud_region=None,
            tracking_mode="process",
            output_methods=[],
            output_handlers=[],
            emissions_endpoint=None,
            electricitymaps_api_token=None,
            allow_multiple_runs=True,
            log_level="critical",
        )
        tracker.start()
        return tracker

    def _kept(self, folder: Path, earlier: Energy | None, tracker: Any, starts: int) -> Energy | None:
        """Stop a tracker and write down what was measured so far."""
        tracker.stop()
        data = getattr(tracker, "final_emissions_data", None)
        if data is None:
            return earlier
        found = Energy(
            kwh=data.energy_consumed,
            cpu_kwh=data.cpu_energy,
            gpu_kwh=data.gpu_energy,
            ram_kwh=data.ram_energy,
            co2_kg=data.emissions if self._country else None,
            country=self._country,
            seconds=round(data.duration, 3),
            starts=starts,
            methods=tuple(_METHODS.get(each, each) for each in map(repr, getattr(tracker, "_hardware", ()))),
            tool=self._tool,
        )
        total = found if earlier is None else _sum(earlier, found)
        with suppress(BadInput):  # a full disk ends the training, not the measuring of it
            save(folder / FILE, total)
        return total


def measured(folder: Path) -> Energy | None:
    """Return what was measured of a run so far; None where nothing was, or the file is damaged."""
    with suppress(BadInput):
        return load(folder / FILE, Energy)
    return None


def _sum(earlier: Energy, later: Energy) -> Energy:
    """Add two; emissions are known only where both have a country."""
    both = earlier.co2_kg is not None and later.co2_kg is not None
    return replace(
        later,
        kwh=earlier.kwh + later.kwh,
        cpu_kwh=earlier.cpu_kwh + later.cpu_kwh,
        gpu_kwh=earlier.gpu_kwh + later.gpu_kwh,
        ram_kwh=earlier.ram_kwh + later.ram_kwh,
        co2_kg=(earlier.co2_kg or 0) + (later.co2_kg or 0) if both else None,
        seconds=round(earlier.seconds + later.seconds, 3),
        starts=earlier.starts + later.starts,
    )

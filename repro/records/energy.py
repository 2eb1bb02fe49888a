"""What a training took in energy, as codecarbon measured or estimated it."""

from __future__ import annotations

from repro.records.codec import Record


class Energy(Record, frozen=True, kw_only=True):
    """The energy of a training and what it emitted, all its starts together.

    Attributes:
        kwh: Kilowatt-hours of processor, memory and GPUs, of the training's processes where they can be told.
        cpu_kwh: The processor's part.
        gpu_kwh: The GPUs' part.
        ram_kwh: The memory's part, always an estimate.
        co2_kg: Kilograms of CO2 equivalents by the country's mix; None where no country was given.
        country: ISO 3166 alpha-3; empty where none was given.
        seconds: How long was measured; less than the training took where a start was not measured.
        starts: How many starts of the training were measured.
        methods: How each part was had, in words.
        tool: Name and version of what measured.
    """

    kwh: float
    cpu_kwh: float
    gpu_kwh: float
    ram_kwh: float
    co2_kg: float | None = None
    country: str = ""
    seconds: float
    starts: int = 1
    methods: tuple[str, ...] = ()
    tool: str = ""

"""What a machine can do, as `repro doctor` reports it."""

from __future__ import annotations

from repro.records.codec import Record


class Reach(Record, frozen=True, kw_only=True):
    """Whether a host answers: its name as configured, and why not."""

    name: str
    reachable: bool
    reason: str = ""


class Python(Record, frozen=True, kw_only=True):
    """An interpreter that really runs."""

    version: str
    path: str


class Gpu(Record, frozen=True, kw_only=True):
    """A GPU, as the driver's own tool describes it.

    Attributes:
        name: As the driver calls it.
        capability: Its architecture, e.g. `sm_90`; empty where the driver is too old to say.
        driver: The driver's version.
        memory_bytes: Its memory; None where it has none of its own.
    """

    name: str
    capability: str = ""
    driver: str = ""
    memory_bytes: int | None = None


class Missing(Record, frozen=True, kw_only=True):
    """Something that is not here, and how to get it."""

    what: str
    how: str


class CaseState(Record, frozen=True, kw_only=True):
    """What a bundled case needs, and whether it is here.

    Attributes:
        name: The case's name.
        python: The minor version of Python that its environment needs.
        torch: The version of torch in its lock.
        built: Whether its environment is built and whole.
        cpu_capability: The instruction set that this torch chose here; empty before it was built.
        threads: The threads that this torch takes here; None before it was built.
        missing: What a run needs and cannot have as things are.
        pending: What a run gets by itself when it starts, in words.
    """

    name: str
    python: str = ""
    torch: str = ""
    built: bool = False
    cpu_capability: str = ""
    threads: int | None = None
    missing: tuple[Missing, ...] = ()
    pending: tuple[str, ...] = ()


class Machine(Record, frozen=True, kw_only=True, tag_field="schema", tag="repro.doctor/1"):
    """What `repro doctor` found.

    Attributes:
        features: Instruction sets that decide which kernels torch runs, as the operating system names them.
        cores: Logical processors.
        threads: Logical processors that this process may use.
        gpus: In words: name, compute capability, driver version, memory.
        accelerators: The same GPUs, field by field.
        gpu_problem: Why the driver's tool named none, where it is there.
        offline: Whether `HF_HUB_OFFLINE` is set.
        cache: The cache's folder, and the free bytes on its disk.
        needed: Python versions of the bundled cases that are missing here.
        cases: The bundled cases.
    """

    repro: str
    python: str
    platform: str
    processor: str
    features: tuple[str, ...] = ()
    cores: int
    threads: int = 0
    gpus: tuple[str, ...]
    accelerators: tuple[Gpu, ...] = ()
    gpu_problem: str = ""
    interpreters: tuple[Python, ...]
    uv: str
    registry: Reach
    hub: Reach
    offline: bool
    cache: str
    free_bytes: int
    needed: tuple[str, ...] = ()
    cases: tuple[CaseState, ...] = ()

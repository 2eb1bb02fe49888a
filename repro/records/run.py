"""A run: one training in one environment, what was measured, on what, with what deviations."""

from __future__ import annotations

from typing import Any, Literal

from repro.records.case import Assumption, Tolerance
from repro.records.claims import Claims
from repro.records.codec import Measured as Measured
from repro.records.codec import Record
from repro.records.energy import Energy
from repro.records.environment import Deviation
from repro.records.evaluation import Evaluation
from repro.records.span import Span

Determinism = Literal["off", "published", "strict"]
Fast = Literal["same-stream", "modern"]


class Settings(Record, frozen=True, kw_only=True):
    """What the user asked for; part of the run's id.

    Attributes:
        environment: `locked` (the software of the day) or `current` (the user's own).
        device: `auto`, `cpu` or `cuda`.
        determinism: `published` (what that release does), `strict` (deterministic algorithms) or `off`.
        seed: The seed of this run.
        rehearse: Steps of a rehearsal, or None for the whole run.
        model: SHA-256 over the files of a model handed over by `--model`, or None for the case's.
        data: Git blob id of a file handed over by `--data`, or None for the case's.
        fast: `same-stream` (the published training for less work), `modern` (today's means), or None.
        micro_batch: Examples of a micro batch where the documented batch is split (`--micro-batch`), or None.
    """

    environment: Literal["locked", "current"] = "locked"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    determinism: Determinism = "published"
    seed: int
    rehearse: int | None = None
    model: str | None = None
    data: str | None = None
    fast: Fast | None = None
    micro_batch: int | None = None


class PublishedCase(Record, frozen=True, kw_only=True):
    """The part of the case that a report needs, kept in the run so that the run's folder is enough.

    Attributes:
        name: The case's name.
        digest: SHA-256 over the case's files.
        model: The starting weights, as the case calls them.
        task: The kind of task, e.g. `masked-language-modelling`.
    """

    name: str
    title: str
    summary: str = ""
    source: str = ""
    digest: str
    model: str
    task: str = ""
    claims: Claims
    tolerances: dict[str, Tolerance] = {}
    assumptions: tuple[Assumption, ...] = ()
    remarks: tuple[str, ...] = ()


class Device(Record, frozen=True, kw_only=True):
    """What the run ran on.

    Attributes:
        kind: `cpu` or `cuda`.
        name: The processor's or GPU's name.
        threads: Threads that torch used.
        capability: Instruction set that torch chose (`AVX2`, …) or the GPU's compute capability.
        platform: Operating system and architecture.
        driver: Version of the GPU's driver; empty for a processor.
        memory_bytes: The GPU's memory; None for a processor.
    """

    kind: str
    name: str = ""
    threads: int = 0
    capability: str = ""
    platform: str = ""
    driver: str = ""
    memory_bytes: int | None = None


class RunEnvironment(Record, frozen=True, kw_only=True):
    """The environment as the worker saw it, and where it came from.

    Attributes:
        packages: Package to version, as installed.
        python: The full Python version.
        documented: Package to version as the card prints it.
        inferred: Package that nobody documented to the reason why it is there, and in that version.
        notes: What should be known about the documented versions.
        moment: The instant of the lock; empty for the user's own environment.
        stream: The random stream that follows from the versions, or None.
    """

    packages: dict[str, str] = {}
    python: str = ""
    documented: dict[str, str] = {}
    inferred: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    moment: str = ""
    moment_reason: str = ""
    python_reason: str = ""
    lock_sha256: str = ""
    stream: str | None = None


class DataSizes(Record, frozen=True, kw_only=True):
    """Sizes that came out of the data, and the blob id of the file they came from."""

    train_examples: int
    eval_examples: int
    steps_per_epoch: int
    git_blob: str = ""
    origin: str = ""


class Epoch(Record, frozen=True, kw_only=True):
    """What was measured at the end of one epoch.

    Attributes:
        epoch: The epoch's number; a fraction in a rehearsal that stops inside one.
        step: Optimizer steps so far.
        training_loss: The loss that the Trainer logged, rounded as that release rounds; None if not logged.
        validation_loss: The evaluation loss; None if not evaluated.
        digests: Name to SHA-256, taken after the epoch's evaluation; `weights` is always there.
    """

    epoch: float
    step: int
    training_loss: Measured | None = None
    validation_loss: Measured | None = None
    digests: dict[str, str] = {}


class Timing(Record, frozen=True, kw_only=True):
    """Wall-clock seconds; `started` is RFC 3339 UTC.

    Attributes:
        planned: What `repro plan` expected of the training on this device; None where nobody asked it.
    """

    started: str = ""
    environment_seconds: float = 0.0
    training_seconds: float = 0.0
    planned: Span | None = None


class DeterminismProof(Record, frozen=True, kw_only=True):
    """What a second training of the same run showed (`repro run --prove-determinism`).

    Attributes:
        proven: Whether all that was measured is the same, to the last digit.
        summary: The same in words.
        epochs: Evaluations that were compared.
        compared: Names of the digests and losses that both trainings have.
        parts_at: The epoch at which the two part; None where they do not.
        parted: What is different there.
        second: The folder of the second training, beside the first one's.
    """

    proven: bool
    summary: str
    epochs: int
    compared: tuple[str, ...] = ()
    parts_at: float | None = None
    parted: tuple[str, ...] = ()
    second: str


class Completed(Record, frozen=True, kw_only=True, tag_field="status", tag="completed"):
    """The training went through."""


class Failed(Record, frozen=True, kw_only=True, tag_field="status", tag="failed"):
    """The training ended before its end, and why."""

    reason: str
    hint: str = ""


class Stopped(Record, frozen=True, kw_only=True, tag_field="status", tag="stopped"):
    """The training was ended on purpose after some of its epochs, and can be gone on with.

    Attributes:
        epochs: Epochs that were trained.
        of: Epochs of the whole training, whose schedule it has.
        decided: Whether it was ended because no later epoch could have brought it back within its bounds.
        reason: Why it was ended.
    """

    epochs: float
    of: float
    decided: bool = False
    reason: str


class Skipped(Record, frozen=True, kw_only=True, tag_field="status", tag="skipped"):
    """Nothing was trained, and why."""

    reason: str


Result = Completed | Failed | Stopped | Skipped


class Run(Record, frozen=True, kw_only=True, tag_field="schema", tag="repro.run/1"):
    """`run.json`.

    Attributes:
        id: Twelve hexadecimal digits: the hash of case, lock, seed and settings.
        arguments: The TrainingArguments that were passed, by name.
        determinism: Settings of determinism that were in force, by the names that torch has for them.
        resumes: Steps from which the run was gone on.
        energy: What the training took; None where nobody measured (`--energy`).
        evaluations: The trained model on the user's own texts (`repro evaluate`), one a file.
        result: None while the run is under way.
        determinism_proof: What a second training showed; None where there was none.
    """

    id: str
    case: PublishedCase
    settings: Settings
    environment: RunEnvironment = RunEnvironment()
    device: Device | None = None
    arguments: dict[str, Any] = {}
    determinism: dict[str, str] = {}
    deviations: tuple[Deviation, ...] = ()
    data: DataSizes | None = None
    epochs: tuple[Epoch, ...] = ()
    timing: Timing = Timing()
    resumes: tuple[int, ...] = ()
    energy: Energy | None = None
    evaluations: tuple[Evaluation, ...] = ()
    result: Result | None = None
    determinism_proof: DeterminismProof | None = None

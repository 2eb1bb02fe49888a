"""What a run would do, need and take on this machine; and what the worker measures for it."""

from __future__ import annotations

from repro.records.codec import Record
from repro.records.run import Device, Settings
from repro.records.span import Span


class MeasuredSteps(Record, frozen=True, kw_only=True):
    """What there is to do, by the Trainer's own count; names as of the worker's recipe `plan`.

    Attributes:
        max_steps: Optimizer steps of the whole training.
        evaluation: The evaluation strategy: `epoch`, `steps` or `no`.
        evaluation_every: Steps between evaluations where the strategy is `steps`.
    """

    max_steps: int
    epochs: float
    batch: int
    accumulation: int
    drop_last: bool = False
    evaluation: str
    evaluation_every: float | None = None
    evaluation_batch: int


class MeasuredLengths(Record, frozen=True, kw_only=True):
    """Tokens of each example, without padding."""

    train: tuple[int, ...]
    evaluation: tuple[int, ...]


class MeasuredTimes(Record, frozen=True, kw_only=True):
    """Seconds, in the order in which they passed.

    Attributes:
        shapes: Rows, and tokens a row with padding, of each training batch that was made.
        evaluated: Numbers of the examples that each evaluation had.
        digests: What the run's own callback took after an evaluation.
    """

    steps: tuple[float, ...]
    shapes: tuple[tuple[int, int], ...]
    evaluations: tuple[float, ...]
    evaluated: tuple[int, ...]
    digests: tuple[float, ...]
    checkpoints: tuple[float, ...]
    checkpoint_bytes: int


class ModelShape(Record, frozen=True, kw_only=True):
    """What the number of operations follows from.

    Attributes:
        parameters: All of them.
        multiplied: Those in matrix products: embeddings left out, a tied output layer included.
    """

    parameters: int
    multiplied: int
    layers: int
    hidden_size: int


class MeasuredMemory(Record, frozen=True, kw_only=True):
    """Bytes; None where the system does not say.

    Attributes:
        before: What the process had before the training (on a GPU 0).
        peak: The most that it had.
    """

    before: int | None
    peak: int | None
    weights: int
    gradients: int
    optimizer: int


class Measurement(Record, frozen=True, kw_only=True):
    """What the worker's recipe `plan` returns; `began` is when the training began, in seconds since 1970."""

    began: float
    steps: MeasuredSteps
    lengths: MeasuredLengths
    measured: MeasuredTimes
    model: ModelShape
    memory: MeasuredMemory


class PlannedSteps(Record, frozen=True, kw_only=True):
    """What will be done.

    Attributes:
        epochs: Epochs of the whole training, whose learning rate schedule a rehearsal keeps.
        an_epoch: Optimizer steps an epoch.
        whole: Optimizer steps of the whole training.
        planned: Optimizer steps of this run: fewer in a rehearsal.
    """

    epochs: float
    an_epoch: int
    whole: int
    planned: int
    evaluations: int
    checkpoints: int


class Lengths(Record, frozen=True, kw_only=True):
    """The lengths of a data set's examples in tokens, and what padding adds.

    Attributes:
        p95: 95 of a hundred examples are no longer.
        padding: Share of what the model computes that is padding, every batch as long as its longest example.
        padding_if_fixed: The same share if every example were padded to the sequence length.
    """

    examples: int
    minimum: int
    median: float
    mean: float
    p95: int
    maximum: int
    padding: float
    padding_if_fixed: float


class Compute(Record, frozen=True, kw_only=True):
    """Floating-point operations of matrix products, padding included; docs/runs.md has formula and source.

    Attributes:
        step: Of a mean step, forward and backward.
        training: Of all steps of this run.
        evaluation: Of all evaluations of this run, forward only.
        per_second: What this machine did in the measured steps.
    """

    parameters: int
    multiplied: int
    layers: int
    hidden_size: int
    step: float
    training: float
    evaluation: float
    per_second: float


class Memory(Record, frozen=True, kw_only=True):
    """Bytes of the process that trains; on a GPU, of the GPU.

    Attributes:
        peak: The most in the measured steps, evaluations and checkpoints; None where the system does not say.
        program: What it had before the training: interpreter, libraries, data; the weights left out.
        activations: What is left of the peak: activations, the evaluation's logits, buffers. An estimate.
        available: What was free before the measurement; None where the system does not say.
    """

    peak: int | None
    program: int | None
    weights: int
    gradients: int
    optimizer: int
    activations: int | None
    available: int | None


class Disk(Record, frozen=True, kw_only=True):
    """Bytes.

    Attributes:
        environment: The built environment, in the cache; None for the user's own.
        download: What is to be downloaded to build it; 0 where it was built already.
        checkpoint: One checkpoint.
        checkpoints: The two that are kept.
        outputs: Events, record, report: an estimate.
        needed: The most that the run's folder takes: two checkpoints and a third while it is written.
        free: What is free where runs land.
    """

    environment: int | None
    download: int | None
    checkpoint: int
    checkpoints: int
    outputs: int
    needed: int
    free: int


class Times(Record, frozen=True, kw_only=True):
    """Seconds, each with its range.

    Attributes:
        measured_steps: How many steps were measured.
        first_step: The first one, which warms everything up.
        environment: What building the environment took now; 0 where it was built already.
        start_up: From the start of the worker to its first step: imports, data, model.
        digests: The run's own callback: digests and events.
        training: Steps, evaluations, digests and checkpoints: what a run's record calls training.
        whole: `start_up` and `training`; the report takes some seconds more.
    """

    measured_steps: int
    first_step: float
    environment: float
    start_up: Span
    steps: Span
    evaluation: Span
    digests: Span
    checkpoints: Span
    training: Span
    whole: Span


class Plan(Record, frozen=True, kw_only=True, tag_field="schema", tag="repro.plan/1"):
    """What a run would do, need and take on this machine.

    Attributes:
        run: The id that the run would have.
        made: When, RFC 3339 UTC.
        settings: Those of the planned run.
        stand_ins: What of model and data was stood in for at the measurement, in words.
        packages: Versions of the environment in which it was measured, by package.
        warnings: What may keep the run from going through.
    """

    case: str
    run: str
    made: str
    settings: Settings
    stand_ins: tuple[str, ...] = ()
    device: Device
    packages: dict[str, str] = {}
    steps: PlannedSteps
    sequence_length: int
    train: Lengths
    evaluation: Lengths
    compute: Compute
    memory: Memory
    disk: Disk | None = None
    times: Times
    warnings: tuple[str, ...] = ()

"""A case: what makes a card runnable, as `case.toml` states it."""

from __future__ import annotations

from typing import Literal

from repro.records.codec import Record

Scalar = bool | int | float | str


class Model(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the starting weights come from: a pinned revision on the Hub, or an initialisation by seed.

    Attributes:
        id: The name that the card uses.
        repository: The repository on the Hub, where weights are downloaded from.
        revision: The commit that pins it.
        files: File name to SHA-256; verified after every download and for `--model`.
        config: A model configuration in the case's folder, for weights initialised from `seed`.
        vocabulary: A WordPiece vocabulary in the case's folder.
        seed: The seed of the initialisation.
    """

    id: str
    repository: str | None = None
    revision: str | None = None
    files: dict[str, str] = {}
    config: str | None = None
    vocabulary: str | None = None
    seed: int | None = None


class Generate(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the synthetic issues (`repro/cases/synthetic.py`)."""

    seed: int
    unlabelled: int
    labelled: int


class Data(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The data: a file pinned by its git blob id, and the module that makes train and evaluation sets.

    Attributes:
        file: The file's name.
        git_blob: Its git blob id (SHA-1 of `"blob " + size + NUL + content`).
        build: A Python file in the case's folder with `build(...)`; runs inside the environment.
        urls: Addresses to try, in order.
        generate: Parameters that make the file, where the case's own data are synthetic.
        rehearsal: Parameters that make a stand-in of the same sizes for `--rehearse`.
    """

    file: str
    git_blob: str
    build: str = "data.py"
    urls: tuple[str, ...] = ()
    generate: Generate | None = None
    rehearsal: Generate | None = None


class Task(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is trained."""

    kind: Literal["masked-language-modelling"]
    sequence_length: int
    mask_probability: float


class Requirements(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the environment needs beyond the documented versions.

    Attributes:
        packages: Package to exact version, or to `*` for the newest of the moment.
        moment: The instant to resolve as of (RFC 3339 UTC), where the case knows better than the rule.
        lock: The committed lock in the case's folder.
    """

    packages: dict[str, str] = {}
    moment: str | None = None
    lock: str | None = None


class Tolerance(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The bound on |measured - published| of one metric, and why it is what it is."""

    bound: float
    reason: str


class Assumption(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that the card does not say and the case fills in."""

    what: str
    value: str
    reason: str


class Hardware(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the published run ran on, where that is known.

    Attributes:
        kind: `cpu` or `cuda`.
        threads: Threads that torch used; a run on a CPU uses as many.
        capability: The instruction set that torch chose, e.g. `AVX2`.
    """

    kind: str
    threads: int | None = None
    capability: str | None = None


class Case(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `case.toml`.

    Attributes:
        title: One line for people.
        summary: A few sentences for the report.
        card: The published claims, a card file in the case's folder.
        source: Where the claims were published.
        arguments: TrainingArguments that the card does not print, by their name.
        hardware: What the published run ran on, or None where nobody says.
        tolerances: By metric, e.g. `validation_loss`.
        assumptions: What the card does not say.
        remarks: What a reader of the report should know about the published claims.
    """

    title: str
    summary: str = ""
    card: str = "card.md"
    source: str = ""
    model: Model
    data: Data
    task: Task
    environment: Requirements = Requirements()
    arguments: dict[str, Scalar] = {}
    hardware: Hardware | None = None
    tolerances: dict[str, Tolerance] = {}
    assumptions: tuple[Assumption, ...] = ()
    remarks: tuple[str, ...] = ()

"""A run's model and data: handed over, cached, downloaded or generated, and always verified."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro import downloads, hub
from repro.cases.loader import LoadedCase
from repro.cases.synthetic import git_blob, write_issues
from repro.errors import BadInput, NetworkFailed, ReproError
from repro.records.case import Generate
from repro.records.codec import from_json, read_text, to_json, write_atomic
from repro.records.environment import Deviation
from repro.records.kit import Missing

KIT_MODEL, KIT_DATA = "model", "data"  # folders of an offline kit


@dataclass(frozen=True)
class Handed:
    """What the user handed over instead of the pinned model and data.

    Attributes:
        model: A folder with the model's files, and the SHA-256 over them.
        data: A data file, and its git blob id.
    """

    model: Path | None = None
    model_digest: str | None = None
    data: Path | None = None
    data_blob: str | None = None


@dataclass(frozen=True)
class Inputs:
    """What the worker needs of model and data.

    Attributes:
        model: `path`, or `config`, `vocabulary` and `seed`; see the worker's recipe.
        data: The data file.
        git_blob: Its git blob id.
        origin: Where it comes from, in words.
    """

    model: dict[str, Any]
    data: Path
    git_blob: str
    origin: str
    deviations: tuple[Deviation, ...]


def hand_over(model: Path | None, data: Path | None) -> Handed:
    """Read what the user handed over.

    Raises:
        BadInput: No such folder or file, or an unreadable one.
    """
    try:
        return Handed(
            model=None if model is None else model.absolute(),
            model_digest=None if model is None else _folder_digest(model),
            data=None if data is None else data.absolute(),
            data_blob=None if data is None else git_blob(data.read_bytes()),
        )
    except OSError as error:
        raise BadInput(
            f"{error.filename}: cannot be read: {error.strerror}",
            "--model wants the folder of a saved model, --data a file with one JSON object a line",
        ) from error


def prepare(
    case: LoadedCase,
    handed: Handed,
    cache: Path,
    *,
    rehearse: bool,
    accept_other_model: bool,
    accept_other_data: bool,
    kit: Path | None = None,
) -> Inputs:
    """Get the model and the data and verify them.

    Args:
        case: The case that pins them.
        handed: What the user handed over.
        cache: Where downloaded and generated files are kept.
        kit: An offline kit, where the pinned files are looked for before anybody is asked.
        rehearse: Whether stand-ins of the same shape and sizes do.
        accept_other_model: Whether a model with other digests is taken, as a deviation.
        accept_other_data: Whether a data file with another blob id is taken, as a deviation.

    Raises:
        BadInput: What was handed over is not what the case pins.
        NetworkFailed: Something cannot be had; names everything that is missing, and how to hand it over.
    """
    missing: list[NetworkFailed] = []
    model: dict[str, Any] = {}
    data = (Path(), "", "")
    try:
        model = _model(case, handed, cache, kit, rehearse=rehearse, accept_other=accept_other_model)
    except NetworkFailed as error:
        missing.append(error)
    try:
        data = _data(case, handed, cache, kit, rehearse=rehearse, accept_other=accept_other_data)
    except NetworkFailed as error:
        missing.append(error)
    if missing:
        raise NetworkFailed(
            "; ".join(each.message for each in missing), " and ".join(each.hint for each in missing)
        )
    deviations = tuple(_deviations(case, handed, data[1], rehearse=rehearse))
    return Inputs(model=model, data=data[0], git_blob=data[1], origin=data[2], deviations=deviations)


def carried(case: LoadedCase, cache: Path) -> tuple[dict[str, Path], tuple[Missing, ...]]:
    """Get what a case trains on for an offline kit: the pinned files, verified, as far as they can be had.

    A model that is initialised from a seed needs nothing that the case does not have itself.

    Args:
        case: The case that pins them.
        cache: Where downloaded and generated files are kept.

    Returns:
        Path in the kit to file, and what could not be had.
    """
    files: dict[str, Path] = {}
    missing: list[Missing] = []
    try:
        model = _model(case, Handed(), cache, None, rehearse=False, accept_other=False)
        if model["path"] is not None:
            files |= {f"{KIT_MODEL}/{name}": Path(model["path"], name) for name in case.case.model.files}
    except ReproError as error:
        missing.append(Missing(what="model", reason=error.message, hint=error.hint))
    try:
        data, _, _ = _data(case, Handed(), cache, None, rehearse=False, accept_other=False)
        files[_data_in_kit(case)] = data
    except ReproError as error:
        missing.append(Missing(what="data", reason=error.message, hint=error.hint))
    return files, tuple(missing)


def _data_in_kit(case: LoadedCase) -> str:
    return f"{KIT_DATA}/{Path(case.case.data.file).name}"


def _model(
    case: LoadedCase, handed: Handed, cache: Path, kit: Path | None, *, rehearse: bool, accept_other: bool
) -> dict[str, Any]:
    model = case.case.model
    by_path = {"path": None, "config": None, "vocabulary": None, "seed": None}
    if handed.model is not None:
        if not rehearse and not accept_other:
            _verify_files(handed.model, model.files)
        return by_path | {"path": str(handed.model)}
    if model.repository is not None and not rehearse:
        assert model.revision is not None  # noqa: S101 - a repository without one is refused by the loader
        try:
            folder = _in_kit(kit, model.files) or hub.fetch_files(
                model.repository, model.revision, model.files
            )
        except NetworkFailed as error:
            raise NetworkFailed(
                f"the model {model.repository} at revision {model.revision} cannot be had ({error.message})",
                "hand the model over with --model FOLDER",
            ) from error
        _verify_files(folder, model.files)
        return by_path | {"path": str(folder)}
    if model.config is None or model.vocabulary is None or model.seed is None:
        raise BadInput(
            f"{case.name}: the case has no config, vocabulary and seed to initialise a model from",
            "hand a model over with --model FOLDER",
        )
    return by_path | {
        "config": str(case.path(model.config).absolute()),
        "vocabulary": str(_vocabulary(case, model.config, model.vocabulary, cache)),
        "seed": model.seed,
    }


def _in_kit(kit: Path | None, files: Iterable[str]) -> Path | None:
    """Return the folder of the model in a kit, or None where the kit has it not, or not whole."""
    folder = None if kit is None else kit / KIT_MODEL
    return folder if folder is not None and all((folder / name).is_file() for name in files) else None


def _vocabulary(case: LoadedCase, config: str, vocabulary: str, cache: Path) -> Path:
    """Return a vocabulary as large as the model's embedding, filled up with `[unusedN]` as BERT's own is."""
    size = from_json(read_text(case.path(config)), dict[str, Any], source=config).get("vocab_size", 0)
    path = case.path(vocabulary).absolute()
    tokens = read_text(path).splitlines()
    if not isinstance(size, int) or len(tokens) >= size:
        return path
    tokens += [f"[unused{number}]" for number in range(size - len(tokens))]
    text = "\n".join(tokens) + "\n"
    filled = cache / "vocabularies" / hashlib.sha256(text.encode()).hexdigest()[:16] / "vocab.txt"
    if not filled.exists():
        write_atomic(filled, text)
    return filled


def _data(
    case: LoadedCase, handed: Handed, cache: Path, kit: Path | None, *, rehearse: bool, accept_other: bool
) -> tuple[Path, str, str]:
    """Return the data file, its blob id and where it comes from."""
    data = case.case.data
    if handed.data is not None:
        assert handed.data_blob is not None  # noqa: S101 - computed together
        if handed.data_blob != data.git_blob and not (accept_other or rehearse):
            raise BadInput(
                f"{handed.data.name}: its git blob id is {handed.data_blob}, the case pins {data.git_blob}",
                "hand over the pinned file, or take this one as a deviation with --accept-other-data",
            )
        return handed.data, handed.data_blob, "handed over with --data"
    if rehearse and data.rehearsal is not None:
        return _generated(data.rehearsal, cache, None)
    if kit is not None:
        path = kit / _data_in_kit(case)
        if path.exists() and git_blob(path.read_bytes()) == data.git_blob:
            return path, data.git_blob, "the offline kit"
    if data.generate is not None:
        return _generated(data.generate, cache, data.git_blob)
    path = cache / "data" / data.git_blob / data.file
    if path.exists() and git_blob(path.read_bytes()) == data.git_blob:
        return path, data.git_blob, "downloaded earlier"
    failures = []
    for url in data.urls:
        try:
            downloads.download(url, path)
        except NetworkFailed as error:
            failures.append(error.message)
            continue
        if git_blob(path.read_bytes()) == data.git_blob:
            return path, data.git_blob, url
        path.unlink()
        failures.append(f"{url}: not the pinned file")
    raise NetworkFailed(
        f"the data {data.file} with git blob {data.git_blob} cannot be had "
        f"({failures[-1] if failures else 'the case names no address'})",
        "hand the data over with --data FILE",
    )


def _generated(parameters: Generate, cache: Path, blob: str | None) -> tuple[Path, str, str]:
    """Make the synthetic issues unless they are in the cache, and verify them where they are pinned."""
    key = hashlib.sha256(to_json(parameters, indent=0).encode()).hexdigest()[:16]
    path = cache / "data" / f"synthetic-{key}" / "issues.jsonl"
    if not path.exists() or (blob is not None and git_blob(path.read_bytes()) != blob):
        write_issues(parameters, path)
    found = git_blob(path.read_bytes())
    if blob is not None and found != blob:
        raise BadInput(
            f"the synthetic issues came out with git blob {found}, the case pins {blob}",
            "this release makes other issues than the one that the case was written with",
        )
    return path, found, f"synthetic, made by this program from seed {parameters.seed}"


def _deviations(case: LoadedCase, handed: Handed, blob: str, *, rehearse: bool) -> Iterator[Deviation]:
    data, model = case.case.data, case.case.model
    pinned = f"{model.repository or model.id}" + (f" at {model.revision[:8]}" if model.revision else "")
    if handed.model is not None and (rehearse or _differing(handed.model, model.files)):
        yield Deviation(
            what="model",
            published=pinned,
            actual=f"another model (SHA-256 over its files {str(handed.model_digest)[:16]}…)",
            reason="handed over with --model",
        )
    elif rehearse and handed.model is None and model.repository is not None:
        yield Deviation(
            what="model",
            published=pinned,
            actual=f"the same shape, initialised from seed {model.seed}",
            reason="a rehearsal needs no weights",
        )
    if blob != data.git_blob:
        yield Deviation(
            what="data",
            published=f"{data.file}, git blob {data.git_blob[:8]}",
            actual=f"git blob {blob[:8]}",
            reason="handed over with --data" if handed.data is not None else "a rehearsal: synthetic issues",
        )


def _verify_files(folder: Path, files: dict[str, str]) -> None:
    """Raise BadInput unless every pinned file is there with its SHA-256."""
    if wrong := _differing(folder, files):
        name, found = wrong
        raise BadInput(
            f"{folder / name}: {found or 'is missing'}; the case pins SHA-256 {files[name]}",
            "hand over the pinned model, or take this one as a deviation with --accept-other-model",
        )


def _differing(folder: Path, files: dict[str, str]) -> tuple[str, str] | None:
    """Return the first file that is not the pinned one, with its SHA-256 (empty: missing)."""
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            return name, ""
        found = _sha256(path)
        if found != expected:
            return name, f"SHA-256 {found}"
    return None


def _folder_digest(folder: Path) -> str:
    """Return the SHA-256 over the names and contents of a folder's files (not those of its folders)."""
    digest = hashlib.sha256()
    for path in sorted(each for each in folder.iterdir() if each.is_file()):
        digest.update(f"{path.name} {_sha256(path)}\n".encode())
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

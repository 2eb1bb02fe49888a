"""Tokenised data, kept as Arrow files: made once, mapped into memory from then on.

A name is the digest of all that the data follow from, so nothing that changed is ever taken for the same.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time

from . import recipe_describe

_PARTS = ("train", "evaluation")


def tokenised(build, request, tokenizer):
    """Return the training and the evaluation set, from the cache or made now and kept there.

    Args:
        build: The case's `build(file, tokenizer, sequence_length)`.
        request: The request: `data` (`build`, `file`, `git_blob`, `cache`) and `sequence_length`.
        tokenizer: The model's tokenizer.

    Returns:
        Training set, evaluation set, and in a few words where they come from.
    """
    import datasets

    begun = time.monotonic()
    data = request["data"]
    folder = os.path.join(data["cache"], digest(request, tokenizer))
    if os.path.isdir(folder):
        try:
            train, evaluation = (datasets.load_from_disk(os.path.join(folder, part)) for part in _PARTS)
        except Exception:  # noqa: BLE001 - whatever became of it, it can be made again
            shutil.rmtree(folder, ignore_errors=True)
        else:
            os.utime(folder)  # used just now: for whoever clears the cache
            return train, evaluation, f"from the Arrow cache in {time.monotonic() - begun:.1f} s"
    built = build(data["file"], tokenizer, request["sequence_length"])
    if not all(isinstance(part, datasets.Dataset) for part in built):
        return (*built, "made anew: they are no Arrow tables")
    seconds = time.monotonic() - begun
    try:
        _keep(built, folder)
    except OSError as error:  # a full disk, a cache of somebody else: the data are as good without
        return (*built, f"made anew in {seconds:.1f} s, not kept: {error.strerror or error}")
    return (*built, f"made anew in {seconds:.1f} s, kept in the Arrow cache")


def digest(request, tokenizer):
    """Return the name of the data: of file, tokenizer, length, the case's code and all installed packages."""
    with open(request["data"]["build"], "rb") as file:
        code = hashlib.sha256(file.read()).hexdigest()
    described = recipe_describe.run(request)
    said = [
        request["data"]["git_blob"],
        _tokenizer_digest(tokenizer),
        request["sequence_length"],
        code,
        described["python"],
        described["packages"],
    ]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]


def _tokenizer_digest(tokenizer):
    """Return the SHA-256 over the files that the tokenizer writes of itself."""
    found = hashlib.sha256()
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), "rb") as file:
                found.update(name.encode() + b"\0" + hashlib.sha256(file.read()).digest())
    return found.hexdigest()


def _keep(built, folder):
    """Write the data whole or not at all; who comes second leaves what is there."""
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    temporary = tempfile.mkdtemp(dir=os.path.dirname(folder), prefix=".part-")
    try:
        for part, rows in zip(_PARTS, built):
            rows.save_to_disk(os.path.join(temporary, part))
        for place, _, names in os.walk(temporary):
            for name in names:
                with open(os.path.join(place, name), "rb") as file:
                    os.fsync(file.fileno())
        if not os.path.isdir(folder):
            os.rename(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)

"""Synthetic issues in the shape of the GitHub REST API, for the demo and for rehearsals.

They are made up by a small grammar and a seed, and every one says so (`"synthetic": true`). They have what a
language model can learn: fixed forms (a bug report's headings), words that depend on each other (a model with
its framework and its files, an error with its cause and its remedy), and names that only memory can fill in.
The same seed gives the same bytes on every Python and platform: only `random.Random.random` is used, whose
sequence the language guarantees.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from repro.records.case import Generate
from repro.records.codec import write_atomic

# model -> (class prefix, what it is used for, where its code lives)
_MODELS = {
    "bert": ("Bert", "fill-mask", "masked language modeling"),
    "roberta": ("Roberta", "text-classification", "sequence classification"),
    "gpt2": ("GPT2", "text-generation", "causal language modeling"),
    "t5": ("T5", "summarization", "summarization"),
    "bart": ("Bart", "translation", "translation"),
    "distilbert": ("DistilBert", "question-answering", "question answering"),
    "electra": ("Electra", "token-classification", "token classification"),
    "longformer": ("Longformer", "question-answering", "long document question answering"),
}
# error -> (message, cause, remedy)
_ERRORS = {
    "RuntimeError": (
        "the size of tensor a must match the size of tensor b at dimension 1",
        "the attention mask is longer than the position embeddings",
        "truncate the input to the maximum length of the model",
    ),
    "ValueError": (
        "unable to create tensor, you should probably activate padding and truncation",
        "the batch holds sequences of different length",
        "pass padding and truncation to the tokenizer",
    ),
    "KeyError": (
        "the key loss is not in the outputs of the model",
        "the labels were removed from the data set before training",
        "keep the column labels when the data set is mapped",
    ),
    "OSError": (
        "can not load the configuration from the given folder",
        "the folder holds the weights but not the configuration file",
        "save the model and the tokenizer to the same folder",
    ),
    "IndexError": (
        "index out of range in the embedding",
        "the tokenizer has more tokens than the embedding matrix has rows",
        "resize the token embeddings after adding tokens",
    ),
    "ImportError": (
        "this class needs the sentencepiece library but it was not found",
        "the slow tokenizer is converted to a fast one",
        "install sentencepiece and restart the notebook",
    ),
}
_SYSTEMS = ("Ubuntu 18.04", "Ubuntu 20.04", "macOS 11", "Windows 10", "Debian 10")
_PEOPLE = ("alba", "bruno", "chidi", "dagny", "emre", "farah", "goran", "hana", "ivo", "june")
_FILES = ("run_mlm", "run_glue", "run_squad", "run_ner", "run_summarization", "run_clm")
# kind of issue -> labels on the tracker
_KINDS: dict[str, tuple[str, ...]] = {
    "tokenizer": ("Core: Tokenization",),
    "new model": ("New model",),
    "training": ("Core: Modeling", "PyTorch"),
    "usage": ("Usage",),
    "pipeline": ("Core: Pipeline",),
    "tensorflow": ("TensorFlow",),
    "pytorch": ("PyTorch",),
    "example": ("Examples",),
    "documentation": ("Documentation",),
}
_OTHER_LABELS = ("wontfix", "Good First Issue", "Help wanted", "Migration")
_DUPLICATES = 0.02


def write_issues(parameters: Generate, path: Path) -> None:
    """Write the issues, one JSON object a line.

    Args:
        parameters: Seed, and the numbers of *distinct* texts without and with one of the nine labels; about
            two in a hundred are added a second time, as trackers have them.
        path: The file to write.

    Raises:
        BadInput: The file cannot be written.
    """
    lines = (json.dumps(issue, ensure_ascii=False, separators=(",", ":")) for issue in issues(parameters))
    write_atomic(path, "\n".join(lines) + "\n")


def issues(parameters: Generate) -> Iterator[dict[str, Any]]:
    """Yield the issues in the order of their numbers; see `write_issues`."""
    draw = _Draw(parameters.seed)
    total = parameters.unlabelled + parameters.labelled
    is_labelled = draw.mask(total, parameters.labelled)
    seen: set[str] = set()
    number = 0
    for labelled in is_labelled:
        while True:
            kind = draw.one(tuple(_KINDS))
            title, body = _WRITERS[kind](draw)
            if title + body not in seen:
                break
        seen.add(title + body)
        labels = _KINDS[kind] if labelled else draw.some(_OTHER_LABELS, 0.2)
        for _ in range(2 if draw.chance(_DUPLICATES) else 1):
            number += 1
            yield _as_tracker(number, title, body, labels, draw)


def git_blob(content: bytes) -> str:
    """Return the git blob id of a file's bytes (SHA-1 of `"blob " + size + NUL + content`)."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


class _Draw:
    """Random choices that are the same on every Python: built on `random()` alone."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random  # noqa: S311 - made-up issues, not secrets

    def one(self, of: Sequence[str]) -> str:
        return of[int(self._random() * len(of))]

    def chance(self, probability: float) -> bool:
        return self._random() < probability

    def some(self, of: Sequence[str], probability: float) -> tuple[str, ...]:
        return (self.one(of),) if self.chance(probability) else ()

    def below(self, limit: int) -> int:
        return int(self._random() * limit)

    def mask(self, length: int, chosen: int) -> list[bool]:
        """Return `length` booleans of which exactly `chosen` are true, in random places."""
        mask = []
        for left in range(length, 0, -1):
            mask.append(self._random() * left < chosen)
            chosen -= mask[-1]
        return mask


def _as_tracker(number: int, title: str, body: str, labels: Sequence[str], draw: _Draw) -> dict[str, Any]:
    return {
        "number": number,
        "title": title,
        "user": {"login": draw.one(_PEOPLE)},
        "labels": [{"name": name} for name in labels],
        "state": "closed" if draw.chance(0.8) else "open",
        "body": body,
        "synthetic": True,
    }


def _environment(draw: _Draw) -> str:
    minor = draw.below(12)
    torch = 4 + minor // 2  # a later transformers goes with a later torch
    gpu = "Yes" if draw.chance(0.6) else "No"
    return (
        "## Environment info\n\n"
        f"- `transformers` version: 4.{minor}.{draw.below(3)}\n"
        f"- Platform: {draw.one(_SYSTEMS)}\n"
        f"- Python version: 3.{6 + minor // 3}.{draw.below(10)}\n"
        f"- PyTorch version (GPU?): 1.{torch}.0 ({gpu == 'Yes'})\n"
        f"- Using GPU in script?: {gpu}\n"
        "- Using distributed or parallel set-up in script?: No\n"
    )


def _bug(draw: _Draw, subject: str, when: str, code: str) -> tuple[str, str]:
    error = draw.one(tuple(_ERRORS))
    message, cause, remedy = _ERRORS[error]
    line = 100 + draw.below(900)
    body = (
        f"## Information\n\nI am using {subject}. The problem arises when {when}.\n\n"
        f"## To reproduce\n\nSteps to reproduce the behavior:\n\n```python\n{code}\n```\n\n"
        f'File "{subject.split()[0].lower()}.py", line {line}\n{error}: {message}\n\n'
        f"## Expected behavior\n\nNo error. I think that {cause}, so one has to {remedy}."
    )
    environment = _environment(draw)
    body = f"{environment}\n{body}" if draw.chance(0.5) else f"{body}\n\n{environment}"
    return f"{error} when {when}", body


def _tokenizer(draw: _Draw) -> tuple[str, str]:
    model = draw.one(tuple(_MODELS))
    prefix = _MODELS[model][0]
    code = (
        f"from transformers import {prefix}TokenizerFast\n"
        f'tokenizer = {prefix}TokenizerFast.from_pretrained("{model}-base")\n'
        f'tokenizer("hello world {draw.below(1000)}", return_tensors="pt")'
    )
    return _bug(draw, f"{prefix}TokenizerFast", f"the {model} tokenizer encodes a batch of sentences", code)


def _training(draw: _Draw) -> tuple[str, str]:
    model = draw.one(tuple(_MODELS))
    prefix, _, task = _MODELS[model]
    epochs = 1 + draw.below(16)
    code = (
        "from transformers import Trainer, TrainingArguments\n"
        f'args = TrainingArguments("out", num_train_epochs={epochs}, seed=42)\n'
        f"trainer = Trainer(model, args, train_dataset=train)\ntrainer.train()"
    )
    return _bug(draw, f"{prefix} model for {task}", f"training {model} for {epochs} epochs", code)


def _pipeline(draw: _Draw) -> tuple[str, str]:
    model = draw.one(tuple(_MODELS))
    _, task, name = _MODELS[model]
    code = (
        f'from transformers import pipeline\npipe = pipeline("{task}", model="{model}-base")\n'
        f'pipe("this is sentence number {draw.below(1000)}")'
    )
    return _bug(draw, f"pipeline for {name}", f"the {task} pipeline is called with {model}", code)


def _framework(name: str, prefix: str) -> Callable[[_Draw], tuple[str, str]]:
    def write(draw: _Draw) -> tuple[str, str]:
        model = draw.one(tuple(_MODELS))
        code = (
            f"from transformers import {prefix}{_MODELS[model][0]}Model\n"
            f'model = {prefix}{_MODELS[model][0]}Model.from_pretrained("{model}-base")\n'
            f"outputs = model(inputs[:, :{8 * (1 + draw.below(64))}])"
        )
        return _bug(draw, f"{prefix}{_MODELS[model][0]}Model with {name}", f"{model} runs in {name}", code)

    return write


def _example(draw: _Draw) -> tuple[str, str]:
    file, model = draw.one(_FILES), draw.one(tuple(_MODELS))
    code = (
        f"python {file}.py --model_name_or_path {model}-base \\\n"
        f"  --per_device_train_batch_size {4 << draw.below(4)} --output_dir /tmp/{file}"
    )
    return _bug(draw, f"{file} example script", f"{file}.py is run with {model}", code)


def _usage(draw: _Draw) -> tuple[str, str]:
    model = draw.one(tuple(_MODELS))
    prefix, task, name = _MODELS[model]
    length = 16 * (1 + draw.below(32))
    title = f"How to use {model} for {name} with {length} tokens?"
    body = (
        f"# Questions & Help\n\n## Details\n\nI want to use {prefix}Model for {name}. My texts have about "
        f"{length} tokens. The documentation of the {task} pipeline says that longer texts are truncated. "
        f"Is there a way to keep the whole text, or do I have to split it into parts and average them?\n\n"
        f"Thanks a lot, {draw.one(_PEOPLE)}"
    )
    return title, body


def _new_model(draw: _Draw) -> tuple[str, str]:
    model = draw.one(tuple(_MODELS))
    prefix, _, name = _MODELS[model]
    language = draw.one(("Arabic", "Bengali", "Czech", "Danish", "Finnish", "Hindi", "Polish", "Turkish"))
    millions = 10 * (1 + draw.below(60))
    title = f"Add {language} {prefix} with {millions}M parameters"
    body = (
        f"# New model addition\n\n## Model description\n\nA {prefix} model for {name}, pretrained on "
        f"{language} texts. It has {millions}M parameters and follows the architecture of {model}.\n\n"
        "## Open source status\n\n- [x] the model implementation is available\n"
        f"- [x] the model weights are available\n- [ ] who are the authors: {draw.one(_PEOPLE)}"
    )
    return title, body


def _documentation(draw: _Draw) -> tuple[str, str]:
    model = draw.one(tuple(_MODELS))
    prefix, _, name = _MODELS[model]
    line = 1 + draw.below(900)
    title = f"Typo in the documentation of {prefix} at line {line}"
    body = (
        f"The page docs/source/model_doc/{model}.rst says that {prefix}Model returns a tuple, but since "
        f"version 4.{draw.below(12)} it returns an output object. The example for {name} at line {line} "
        "should be changed too. I can open a pull request if that helps."
    )
    return title, body


_WRITERS: dict[str, Callable[[_Draw], tuple[str, str]]] = {
    "tokenizer": _tokenizer,
    "new model": _new_model,
    "training": _training,
    "usage": _usage,
    "pipeline": _pipeline,
    "tensorflow": _framework("TensorFlow", "TF"),
    "pytorch": _framework("PyTorch", ""),
    "example": _example,
    "documentation": _documentation,
}

"""Recipe `evaluate`: the trained model, and the one it began as, on somebody's own texts.

The environment's own Trainer evaluates, with the arguments and the collator of the training, so the loss is
the one that the published table has. Masks are drawn at random: each pass has a stated seed, and both models
meet the same masks.
"""

import array
import itertools
import os
import tempfile
import time

import transformers

from . import compat, devices, recipe_describe, texts
from . import recipe_masked_language_modelling as training
from .digests import weights_digest
from .events import EventLog, number

_EVERY_SECONDS = 5.0
_BATCH = 256  # texts that are tokenised at once
_REDRAWN = 10_000  # one token is masked with 15 %: that it never is in so many draws does not happen


def run(request):
    """Evaluate as the request says.

    Args:
        request: `checkpoint`, `weights` (the digest that it must have, or None), `device`, `model` (as in the
            training, or None), `texts` (`file`, `kind` or None for the case's recipe, `column`, `limit`),
            `case_data` (`build` and `file`, or None), `sequence_length`, `mask_probability`, `arguments`,
            `mask_seeds`, `events`.

    Returns:
        What was read (`texts`, `empty`, `tokens`, `truncated`, `unknown`), losses by mask seed (`trained`,
        `base`, and for the case's own data `case_texts`, `case_trained`, `case_base`), `weights`, `packages`,
        `device`, `device_reason`; or `unusable` and `hint` where it is the texts that cannot be used.
    """
    transformers.logging.set_verbosity_error()
    compat.quiet_datasets()
    log = EventLog(request["events"])
    devices.take_one_gpu()
    device, reason, _ = devices.usable_device(request["device"])
    tokenizer = transformers.AutoTokenizer.from_pretrained(request["checkpoint"])
    try:
        own, said = _own_texts(request, tokenizer, log)
    except texts.UnreadableTexts as error:
        return {"unusable": str(error), "hint": error.hint}
    data = {"": own}
    if request["case_data"]:
        case = _case_evaluation(request["case_data"]["file"], request, tokenizer)
        data["case_"] = case
        said["case_texts"] = len(case)
    described = recipe_describe.run(request)
    said.update(
        packages=described["packages"],
        device=dict(devices.describe(device), platform=described["platform"]),
        device_reason=reason,
    )
    model = transformers.AutoModelForMaskedLM.from_pretrained(request["checkpoint"])
    said["weights"] = weights_digest(model)
    if request["weights"] not in (None, said["weights"]):
        raise ValueError("the checkpoint's weights are not those with which the training ended")
    said.update(_passes("trained", model, data, request, tokenizer, device, log))
    if request["model"]:
        model = training.load_model(request["model"], tokenizer)
        said.update(_passes("base", model, data, request, tokenizer, device, log))
    log.close()
    return said


class _Tokens:
    """Texts as token ids, in one array: a million of them must not need a million lists."""

    def __init__(self):
        self._ids = array.array("i")
        self._ends = array.array("q", [0])

    def append(self, ids):
        self._ids.extend(ids)
        self._ends.append(len(self._ids))

    def __len__(self):
        return len(self._ends) - 1

    def __getitem__(self, at):
        if not 0 <= at < len(self):
            raise IndexError(at)
        return {"input_ids": self._ids[self._ends[at] : self._ends[at + 1]].tolist()}


class _Collator:
    """The training's collator; draws again where it masked nothing, and says how far the pass is.

    A loss over no token at all is not a number, and one such batch would make that of the whole file.
    """

    def __init__(self, request, tokenizer, say):
        self._collate = training.collator(tokenizer, request["mask_probability"])
        self._say = say
        self._done = 0

    def __call__(self, examples):
        for _ in range(_REDRAWN):
            batch = self._collate(examples)
            if bool((batch["labels"] != -100).any()):
                break
        self._done += len(examples)
        self._say(self._done)
        return batch


def _own_texts(request, tokenizer, log):
    """Read and tokenise the user's file.

    Returns:
        The evaluation set, and what is said of it.
    """
    source = request["texts"]
    if source["kind"] is None:
        try:
            own = _case_evaluation(source["file"], request, tokenizer)
        except Exception as error:  # whatever a case's recipe raises at a file of another shape
            what = "%s: %s" % (type(error).__name__, error)
            raise texts.UnreadableTexts(
                "the case's recipe cannot read it: %s" % what[:200],
                "leave --as-case out where it is not in the shape of the case's data",
            ) from error
        said = dict(_counts(own, tokenizer), empty=0, truncated=None)
    else:
        own, said = _tokenised(source, request["sequence_length"], tokenizer, log)
    if not len(own):
        raise texts.UnreadableTexts(
            "no text in it that the model knows a word of", "one text a line is expected, or a column of them"
        )
    return own, dict(said, texts=len(own))


def _tokenised(source, length, tokenizer, log):
    """Tokenise what a file holds as the cases' recipes do: cut at the sequence length."""
    own, empty, truncated = _Tokens(), 0, 0
    said = _now_and_then(log, "reading", None)
    special = set(tokenizer.all_special_ids)
    for batch in _batches(texts.read(source["file"], source["kind"], source["column"]), source["limit"]):
        encoded = tokenizer(batch, truncation=True, max_length=length)["input_ids"]
        for text, ids in zip(batch, encoded):
            if special.issuperset(ids):  # nothing that could be masked: `[UNK]` is special
                empty += 1
                continue
            own.append(ids)
            # Only a text that fills the length may have been longer.
            truncated += len(ids) == length and len(tokenizer(text)["input_ids"]) > length
        said(len(own) + empty)
    return own, dict(_counts(own, tokenizer), empty=empty, truncated=truncated)


def _batches(source, limit):
    source = itertools.islice(source, limit)
    while True:
        batch = list(itertools.islice(source, _BATCH))
        if not batch:
            return
        yield batch


def _counts(own, tokenizer):
    """Count tokens, those that stand around each text left out, and the unknown ones among them."""
    unknown_id = tokenizer.unk_token_id
    around = set(tokenizer.all_special_ids) - {unknown_id}
    tokens = unknown = 0
    for at in range(len(own)):
        ids = own[at]["input_ids"]
        tokens += sum(each not in around for each in ids)
        unknown += ids.count(unknown_id)
    return {"tokens": tokens, "unknown": unknown}


def _case_evaluation(file, request, tokenizer):
    """Return the evaluation set that the case's recipe makes of a file."""
    build = training.load_build(request["case_data"]["build"])
    return build(file, tokenizer, request["sequence_length"])[1]


def _passes(name, model, data, request, tokenizer, device, log):
    """Evaluate one model on each data set, once for each mask seed; returns losses by name."""
    arguments = dict(
        request["arguments"],
        evaluation_strategy="no",
        save_strategy="no",
        disable_tqdm=True,
        report_to="none",
    )
    arguments.pop("load_best_model_at_end", None)
    if device == "cpu":
        arguments["no_cuda"] = True
    losses = {}
    with tempfile.TemporaryDirectory() as folder:
        passed = compat.training_arguments(os.path.join(folder, "out"), arguments)
        for kind, evaluation in data.items():
            for seed in request["mask_seeds"]:
                what = "%s model on %s, mask seed %d" % (
                    name,
                    "the case's data" if kind else "your texts",
                    seed,
                )
                trainer = compat.trainer(
                    tokenizer,
                    model=model,
                    args=passed,
                    data_collator=_Collator(request, tokenizer, _now_and_then(log, what, len(evaluation))),
                    eval_dataset=evaluation,
                )
                trainer.remove_callback(transformers.trainer_callback.PrinterCallback)
                transformers.set_seed(seed)  # behind the constructor, which seeds, too
                loss = number(trainer.evaluate()["eval_loss"])
                losses.setdefault(kind + name, []).append(loss)
                log.emit("evaluation", what=what, done=len(evaluation), of=len(evaluation), loss=loss)
    return losses


def _now_and_then(log, what, of):
    """Return a function that says how far something is, at most every few seconds."""
    said = [time.monotonic()]

    def say(done):
        if time.monotonic() - said[0] >= _EVERY_SECONDS:
            said[0] = time.monotonic()
            log.emit("evaluation", what=what, done=done, of=of, loss=None)

    return say

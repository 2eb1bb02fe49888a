"""Recipe `masked_language_modelling`: the documented training, through the environment's own Trainer.

Reads top to bottom: data, model, train, evaluate, write. The seed is set by the Trainer's constructor, as in
the scripts that made the published cards; nothing here seeds for it.
"""

import contextlib
import importlib.util
import json
import os
import shutil
import time

import transformers

from . import compat, determinism, devices, memory, recipe_describe, reporting
from .events import EventLog
from .fast import Fast
from .position import Position, WatchedTrainer
from .recording import MARKER, WRITING, Recorder, Stopped


def run(request, watch=None):
    """Train as the request says.

    Args:
        request: `device`, `model` (`path`, or `config`, `vocabulary` and `seed`), `data` (`build`, `file`,
            `git_blob`, `cache`), `sequence_length`, `mask_probability`, `arguments`, `stop_after`,
            `until_epoch`, `fast`, `events`, `checkpoints`, `checkpoint_minutes`, `resume`, `determinism`,
            `report_to` and `reports` (a folder); `fit` and `fits` to train nothing and try what fits
            (`memory.fit`).
        watch: Who measures the training (`recipe_plan`): puts callbacks around the run's own, and is shown
            the Trainer before it begins. A run has none.

    Returns:
        Seconds of the training phase, as `seconds`; `stopped`, whether it was asked to stop before its end.
    """
    transformers.logging.set_verbosity_error()
    compat.quiet_datasets()
    resume = _read_marker(request["resume"])
    log = EventLog(request["events"], after=resume["sequence"] if resume else 0)
    devices.take_one_gpu()
    device, reason, unused_gpu = devices.usable_device(request["device"])
    described = recipe_describe.run(request)
    arguments = dict(request["arguments"], disable_tqdm=True)
    arguments.update(reporting.arguments(request["report_to"], request["reports"]))
    settled = determinism.settle(request.get("determinism", "published"), arguments, compat.known_arguments())
    log.emit(
        "started",
        python=described["python"],
        packages=described["packages"],
        device=dict(devices.describe(device), platform=described["platform"]),
        device_reason=reason,
        unused_gpu=unused_gpu,
        determinism=settled,
    )

    tokenizer = _tokenizer(request["model"])
    build = load_build(request["data"]["build"])
    fast = Fast(request["fast"], device)
    train, evaluation = fast.data(build, request, tokenizer)
    log.emit("data", train_examples=len(train), eval_examples=len(evaluation))

    if device == "cpu":
        arguments["no_cuda"] = True
    arguments = fast.arguments(arguments)
    model = load_model(request["model"], tokenizer)
    writing = os.path.join(request["checkpoints"], WRITING)
    shutil.rmtree(writing, ignore_errors=True)  # what a kill left half-written
    where = resume and dict(resume["position"], folder=request["resume"])
    position = Position(where)
    recorder = Recorder(
        log,
        position,
        request["checkpoints"],
        resume,
        request["stop_after"],
        request["until_epoch"],
        request["checkpoint_minutes"],
    )
    trainer = compat.trainer(
        tokenizer,
        WatchedTrainer,
        position=position,
        resume=where,
        model=model,
        args=compat.training_arguments(writing, arguments),
        data_collator=collator(tokenizer, request["mask_probability"]),
        train_dataset=train,
        eval_dataset=evaluation,
        callbacks=[recorder] if watch is None else watch.around(recorder),
    )
    recorder.trainer = trainer
    # Its default callback prints every log line; the events hold them already.
    trainer.remove_callback(transformers.trainer_callback.PrinterCallback)
    fast.take(trainer, log)

    recorder.watch(trainer)
    reporting.guard(trainer, request.get("report_to"))
    if request.get("fit"):
        memory.fit(trainer, request["fit"], request["fits"])
        return {}
    if resume:
        compat.trust_own_checkpoints()
    if watch is not None:
        watch.begin(trainer)
    started = time.monotonic()
    stopped = False
    try:
        trainer.train(resume_from_checkpoint=request["resume"])
    except Stopped:
        stopped = True
    seconds = round(time.monotonic() - started, 3)
    if not stopped:
        log.emit("finished", step=trainer.state.global_step, seconds=seconds)
    log.close()
    with contextlib.suppress(OSError):  # something else may write there, too
        os.rmdir(writing)
    return {"seconds": seconds, "stopped": stopped}


def _read_marker(checkpoint):
    """Return what the checkpoint's marker says; the program that asks for a resume has checked it."""
    if checkpoint is None:
        return None
    with open(os.path.join(checkpoint, MARKER), encoding="utf-8") as file:
        return json.load(file)


def load_build(path):
    """Return the case's `build(file, tokenizer, sequence_length) -> (train, evaluation)`."""
    spec = importlib.util.spec_from_file_location("repro_case_data", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.build


def collator(tokenizer, mask_probability):
    """Return the environment's own collator: masks are drawn anew for every batch, at evaluation too."""
    return transformers.DataCollatorForLanguageModeling(tokenizer=tokenizer, mlm_probability=mask_probability)


def _tokenizer(model):
    if model["path"] is not None:
        return transformers.AutoTokenizer.from_pretrained(model["path"])
    return compat.wordpiece_tokenizer(model["vocabulary"])


def load_model(model, tokenizer):
    """Load the pinned weights, or initialise a model of the stated shape from the stated seed."""
    if model["path"] is not None:
        return transformers.AutoModelForMaskedLM.from_pretrained(model["path"])
    with open(model["config"], encoding="utf-8") as file:
        config = transformers.BertConfig(**json.load(file))
    if len(tokenizer) > config.vocab_size:
        raise ValueError(f"the vocabulary has {len(tokenizer)} entries, the model {config.vocab_size}")
    transformers.set_seed(model["seed"])
    return transformers.AutoModelForMaskedLM.from_config(config)

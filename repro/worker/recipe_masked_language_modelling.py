"""Recipe `masked_language_modelling`: the documented training, through the environment's own Trainer.

Reads top to bottom: data, model, train, evaluate, write. The seed is set by the Trainer's constructor, as in
the scripts that made the published cards; nothing here seeds for it.
"""

import importlib.util
import json
import os
import time

import transformers

from . import compat, devices, memory, recipe_describe, reporting
from .events import EventLog
from .recording import MARKER, Recorder


def run(request):
    """Train as the request says.

    Args:
        request: `device`, `model` (`path`, or `config`, `vocabulary` and `seed`), `data` (`build`, `file`),
            `sequence_length`, `mask_probability`, `arguments`, `stop_after`, `until_epoch`, `events`,
            `checkpoints`, `resume`, `report_to`, `reports` (a folder); `fit` and `fits` to train nothing and
            try what fits (`memory.fit`).

    Returns:
        Seconds of the training phase, as `seconds`.
    """
    transformers.logging.set_verbosity_error()
    compat.quiet_datasets()
    resume = _read_marker(request["resume"])
    log = EventLog(request["events"], after=resume["sequence"] if resume else 0)
    devices.take_one_gpu()
    device, reason, unused_gpu = devices.usable_device(request["device"])
    described = recipe_describe.run(request)
    log.emit(
        "started",
        python=described["python"],
        packages=described["packages"],
        device=dict(devices.describe(device), platform=described["platform"]),
        device_reason=reason,
        unused_gpu=unused_gpu,
    )

    tokenizer = _tokenizer(request["model"])
    build = _load_build(request["data"]["build"])
    train, evaluation = build(request["data"]["file"], tokenizer, request["sequence_length"])
    log.emit("data", train_examples=len(train), eval_examples=len(evaluation))

    collator = transformers.DataCollatorForLanguageModeling(
        tokenizer=tokenizer, mlm_probability=request["mask_probability"]
    )
    arguments = dict(request["arguments"], disable_tqdm=True)
    arguments.update(reporting.arguments(request["report_to"], request["reports"]))
    if device == "cpu":
        arguments["no_cuda"] = True
    model = _model(request["model"], tokenizer)
    recorder = Recorder(log, resume, request["stop_after"], request["until_epoch"])
    trainer = compat.trainer(
        tokenizer,
        model=model,
        args=compat.training_arguments(request["checkpoints"], arguments),
        data_collator=collator,
        train_dataset=train,
        eval_dataset=evaluation,
        callbacks=[recorder],
    )
    # Its default callback prints every log line; the events hold them already.
    trainer.remove_callback(transformers.trainer_callback.PrinterCallback)

    recorder.watch(trainer)
    reporting.guard(trainer, request["report_to"])
    if request.get("fit"):
        memory.fit(trainer, request["fit"], request["fits"])
        return {}
    if resume:
        compat.trust_own_checkpoints()
    started = time.monotonic()
    trainer.train(resume_from_checkpoint=request["resume"])
    seconds = round(time.monotonic() - started, 3)
    log.emit("finished", step=trainer.state.global_step, seconds=seconds)
    log.close()
    return {"seconds": seconds}


def _read_marker(checkpoint):
    """Return what the checkpoint's marker says; the program that asks for a resume has checked it."""
    if checkpoint is None:
        return None
    with open(os.path.join(checkpoint, MARKER), encoding="utf-8") as file:
        return json.load(file)


def _load_build(path):
    """Return the case's `build(file, tokenizer, sequence_length) -> (train, evaluation)`."""
    spec = importlib.util.spec_from_file_location("repro_case_data", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.build


def _tokenizer(model):
    if model["path"] is not None:
        return transformers.AutoTokenizer.from_pretrained(model["path"])
    return compat.wordpiece_tokenizer(model["vocabulary"])


def _model(model, tokenizer):
    """Load the pinned weights, or initialise a model of the stated shape from the stated seed."""
    if model["path"] is not None:
        return transformers.AutoModelForMaskedLM.from_pretrained(model["path"])
    with open(model["config"], encoding="utf-8") as file:
        config = transformers.BertConfig(**json.load(file))
    if len(tokenizer) > config.vocab_size:
        raise ValueError(f"the vocabulary has {len(tokenizer)} entries, the model {config.vocab_size}")
    transformers.set_seed(model["seed"])
    return transformers.AutoModelForMaskedLM.from_config(config)

"""The Trainer's own reports to TensorBoard and others, kept from changing what it computes."""

import inspect
import os
import random

import numpy
import torch
import transformers


def arguments(report_to, folder):
    """Return the arguments that make the Trainer report, or not.

    Args:
        report_to: As the Trainer knows it, or None.
        folder: Where TensorBoard's files go.
    """
    if report_to is None:
        return {"report_to": "none"}
    os.environ.setdefault("WANDB_WATCH", "false")  # earlier releases hook into every gradient by default
    if "logging_dir" in inspect.signature(transformers.TrainingArguments).parameters:
        return {"report_to": [report_to], "logging_dir": folder}
    os.environ.setdefault("TENSORBOARD_LOGGING_DIR", folder)  # what 5.x reads instead
    return {"report_to": [report_to]}


def guard(trainer, report_to):
    """Have the random states put back whenever the report was told something: it may draw names from them."""
    if report_to is None:
        return
    reporter = transformers.integrations.INTEGRATION_TO_CALLBACK[report_to]
    callbacks = trainer.callback_handler.callbacks
    callbacks[:] = [_guarded(each) if isinstance(each, reporter) else each for each in callbacks]


def _guarded(callback):
    """Return a callback that calls another one's events and draws nothing."""
    base = transformers.TrainerCallback
    names = [name for name in dir(base) if name.startswith("on_")]
    told = [name for name in names if getattr(type(callback), name) is not getattr(base, name)]
    events = {name: _drawing_nothing(getattr(callback, name)) for name in told}
    return type("Guarded" + type(callback).__name__, (base,), events)()


def _drawing_nothing(event):
    def told(self, *arguments, **named):
        states = random.getstate(), numpy.random.get_state(), torch.get_rng_state()
        gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else None
        try:
            return event(*arguments, **named)
        finally:
            random.setstate(states[0])
            numpy.random.set_state(states[1])
            torch.set_rng_state(states[2])
            if gpus is not None:
                torch.cuda.set_rng_state_all(gpus)

    return told

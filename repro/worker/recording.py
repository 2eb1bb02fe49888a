"""The callback that watches a training: events, digests, checkpoints to go on from.

Nothing here draws a random number or changes one that the Trainer sees. A checkpoint is the Trainer's own and
what `position` adds to it. It is written beside the others under another name, flushed and renamed: what has
its name is whole.
"""

import json
import os
import re
import shutil
import signal
import time

import transformers

from . import compat
from .digests import digest_of, weights_digest
from .events import number
from .random_states import random_state

MARKER = "complete.json"
#: Where the Trainer writes, inside the folder of the checkpoints.
WRITING = ".writing"
_KEPT = 2
_STEP_EVERY_SECONDS = 0.5
_SIGN_OF_LIFE_SECONDS = 30.0


class Stopped(Exception):
    """The training was asked to stop (SIGTERM), and its checkpoint is written, where it has any."""


class Recorder(transformers.TrainerCallback):
    """Writes what happens to the event log and keeps checkpoints.

    Args:
        log: The event log.
        position: Where the training is; told when epochs begin and end.
        checkpoints: The folder of the checkpoints.
        resume: What the marker of the checkpoint says that is gone on from, or None.
        stop_after: Stop after this many steps (a rehearsal), or None. The schedule stays that of the whole.
        until_epoch: Stop after so many epochs, with a checkpoint to go on from, or None.
        minutes: Write a checkpoint inside an epoch, too, when the last one is this old; 0 for never.

    Attributes:
        trainer: The Trainer that this watches; to be set before it trains.
    """

    def __init__(self, log, position, checkpoints, resume=None, stop_after=None, until_epoch=None, minutes=0):
        self.trainer = None
        self._log = log
        self._position = position
        self._checkpoints = checkpoints
        self._stop_after = stop_after
        self._until_epoch = until_epoch
        self._every = minutes * 60.0
        self._training_loss = resume["training_loss"] if resume else None
        self._step_loss = None
        self._said = 0.0
        self._saved = time.monotonic()
        self._asked_to_stop = False
        self._saves = stop_after is None  # a rehearsal is short

    def watch(self, trainer):
        """Look at the loss of each training step, which the Trainer may log only once an epoch."""
        train = trainer.training_step

        def training_step(*arguments, **named):
            self._step_loss = train(*arguments, **named)
            return self._step_loss

        trainer.training_step = training_step

    def on_train_begin(self, args, state, control, train_dataloader=None, **kwargs):
        """Say how long the training is; the steps an epoch come from the Trainer's own count."""
        self._log.emit(
            "training",
            max_steps=state.max_steps,
            epochs=state.num_train_epochs,
            resumed_from=state.global_step,
            stop_after=self._stop_after,
            until_epoch=self._until_epoch,
            samples_per_step=args.train_batch_size * args.gradient_accumulation_steps,
        )
        if compat.loses_count(len(train_dataloader), args.gradient_accumulation_steps):
            self._saves = False  # gone on from, it would be another training
        self._saved = time.monotonic()
        # From here on there is something to lose; until now SIGTERM just ends the process.
        signal.signal(signal.SIGTERM, self._stop)

    def on_epoch_begin(self, args, state, control, **kwargs):
        """After a resume: put the random states back, before the loader's iterator exists."""
        self._position.begin_epoch()

    def on_step_end(self, args, state, control, train_dataloader=None, **kwargs):
        """Say now and then how far it is; save where it is time for that; end a rehearsal."""
        self._say_step(state, _STEP_EVERY_SECONDS)
        if self._stop_after is not None and state.global_step >= self._stop_after:
            control.should_training_stop = True
        if not self._saves:
            control.should_save = False
            if self._asked_to_stop:
                raise Stopped
        elif _ends_epoch(state.global_step, len(train_dataloader), args.gradient_accumulation_steps):
            # The Trainer would take the epoch for done and leave its evaluation out.
            control.should_save = False
        elif self._asked_to_stop or (self._every and time.monotonic() - self._saved >= self._every):
            control.should_save = True

    def on_prediction_step(self, args, state, control, **kwargs):
        """Show in a long evaluation that the worker lives."""
        self._say_step(state, _SIGN_OF_LIFE_SECONDS)

    def on_log(self, args, state, control, logs=None, **kwargs):
        """Remember the training loss as the Trainer logged it, rounding included."""
        if logs and "loss" in logs:
            self._training_loss = logs["loss"]

    def on_epoch_end(self, args, state, control, **kwargs):
        """Have the Trainer save a checkpoint after this epoch's evaluation, whatever `save_strategy` says."""
        self._position.end_epoch()
        self._say_step(state, 0.0)
        control.should_save = self._saves
        if self._until_epoch is not None and round(state.epoch) >= self._until_epoch:
            control.should_training_stop = True

    def on_evaluate(self, args, state, control, metrics=None, model=None, optimizer=None, **kwargs):
        """The epoch is measured: write it down, with digests of all that the next one depends on."""
        loss = (metrics or {}).get("eval_loss")
        self._log.emit(
            "epoch",
            epoch=round(state.epoch, 6),
            step=state.global_step,
            training_loss=None if self._training_loss is None else number(self._training_loss),
            validation_loss=None if loss is None else number(loss),
            digests={
                "weights": weights_digest(model),
                "optimizer": digest_of(optimizer.state_dict()),
                "random_state": digest_of(random_state()),
                "data_order": self._position.data_order,
            },
        )

    def on_save(self, args, state, control, **kwargs):
        """Complete the Trainer's checkpoint with what its own resume misses, and give it its name."""
        written = os.path.join(args.output_dir, f"checkpoint-{state.global_step}")
        folder = os.path.join(self._checkpoints, os.path.basename(written))
        position = self.trainer.to_go_on(written)
        files = {name: os.path.getsize(os.path.join(written, name)) for name in sorted(os.listdir(written))}
        for name in files:
            _flush(os.path.join(written, name))
        self._log.emit("checkpoint", step=state.global_step, folder=os.path.basename(folder))
        self._log.flush()
        marker = {
            "step": state.global_step,
            "sequence": self._log.sequence,
            "files": files,
            "training_loss": self._training_loss,
            "position": position,
        }
        with open(os.path.join(written, MARKER), "w", encoding="utf-8") as file:
            json.dump(marker, file)
            file.flush()
            os.fsync(file.fileno())
        _flush(written)
        if os.path.exists(folder):  # one that the program refused
            shutil.rmtree(folder)
        os.replace(written, folder)
        _flush(self._checkpoints)
        for old in _checkpoints(self._checkpoints)[:-_KEPT]:
            shutil.rmtree(old)
        self._saved = time.monotonic()
        if self._asked_to_stop:
            raise Stopped

    def _stop(self, number, frame):
        self._asked_to_stop = True

    def _say_step(self, state, seconds):
        now = time.monotonic()
        if now - self._said >= seconds:
            self._said = now
            # A part of the batch has its share of the loss.
            loss = self._step_loss
            if loss is not None:
                loss = float(loss) * self.trainer.args.gradient_accumulation_steps
            self._log.emit(
                "step",
                step=state.global_step,
                epoch=round(state.epoch, 4),
                loss=None if loss is None else number(loss),
            )


def _ends_epoch(step, batches, accumulated):
    """Tell whether a step may be the last of its epoch; releases round the steps of an epoch up or down."""
    lengths = (max(1, batches // accumulated), -(-batches // accumulated))
    return any(step % length == 0 for length in lengths)


def _flush(path):
    """Have the system write a file or a folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _checkpoints(folder):
    """Return the checkpoint folders, oldest first."""
    found = [(re.match(r"checkpoint-(\d+)$", name), name) for name in os.listdir(folder)]
    return [os.path.join(folder, name) for _, name in sorted((int(m[1]), name) for m, name in found if m)]

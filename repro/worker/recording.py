"""The callback that watches a training: events, digests of weights, checkpoints to go on from.

Nothing here draws a random number or changes one that the Trainer sees. What the Trainer's own resume misses
(the random state *after* the evaluation of the epoch) is kept beside its checkpoint and put back before the
next epoch's first batch is drawn.
"""

import base64
import hashlib
import json
import os
import random
import re
import shutil
import time

import numpy
import torch
import transformers

from .events import number

MARKER = "complete.json"
_KEPT = 2
_STEP_EVERY_SECONDS = 0.5


def random_state():
    """Return Python's, numpy's and torch's random states as JSON can hold them."""
    version, internal, gauss = random.getstate()
    name, keys, position, has_gauss, cached = numpy.random.get_state()
    state = {
        "python": [version, list(internal), gauss],
        "numpy": [name, keys.tolist(), position, has_gauss, cached],
        "torch": _encode(torch.get_rng_state()),
    }
    if torch.cuda.is_available():
        state["cuda"] = [_encode(each) for each in torch.cuda.get_rng_state_all()]
    return state


def restore_random_state(state):
    """Put back what `random_state` returned."""
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    numpy.random.set_state((name, numpy.array(keys, dtype=numpy.uint32), position, has_gauss, cached))
    torch.set_rng_state(_decode(state["torch"]))
    if "cuda" in state:
        torch.cuda.set_rng_state_all([_decode(each) for each in state["cuda"]])


def weights_digest(model):
    """Return the SHA-256 over all weights and buffers: name, type, shape and bytes, in the order of names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update((f"{name} {tensor.dtype} {tuple(tensor.shape)}\n").encode())
        tensor = tensor.detach().cpu().contiguous()
        if tensor.dtype == torch.bfloat16:  # numpy has no such type; the bytes are what matters
            tensor = tensor.view(torch.int16)
        digest.update(memoryview(tensor.numpy().reshape(-1)))
    return digest.hexdigest()


class Recorder(transformers.TrainerCallback):
    """Writes what happens to the event log and keeps checkpoints.

    Args:
        log: The event log.
        resume: What the marker of the checkpoint says that is gone on from, or None.
        stop_after: Stop after this many steps (a rehearsal), or None. The schedule stays that of the whole.
        until_epoch: Stop after so many epochs, with a checkpoint to go on from, or None.
    """

    def __init__(self, log, resume=None, stop_after=None, until_epoch=None):
        self._log = log
        self._resume = resume
        self._stop_after = stop_after
        self._until_epoch = until_epoch
        self._training_loss = None
        self._step_loss = None
        self._said = 0.0

    def watch(self, trainer):
        """Look at the loss of each training step, which the Trainer may log only once an epoch."""
        train = trainer.training_step

        def training_step(*arguments, **named):
            self._step_loss = train(*arguments, **named)
            return self._step_loss

        trainer.training_step = training_step

    def on_train_begin(self, args, state, control, **kwargs):
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

    def on_epoch_begin(self, args, state, control, **kwargs):
        """After a resume: put the random states back, before the loader's iterator exists."""
        if self._resume is not None:
            restore_random_state(self._resume["random_state"])
            self._resume = None

    def on_step_end(self, args, state, control, **kwargs):
        """Say now and then how far it is; end a rehearsal."""
        now = time.monotonic()
        if now - self._said >= _STEP_EVERY_SECONDS:
            self._said = now
            # A part of the batch has its share of the loss.
            loss = (
                None if self._step_loss is None else float(self._step_loss) * args.gradient_accumulation_steps
            )
            self._log.emit(
                "step",
                step=state.global_step,
                epoch=round(state.epoch, 4),
                loss=None if loss is None else number(loss),
            )
        if self._stop_after is not None and state.global_step >= self._stop_after:
            control.should_training_stop = True

    def on_log(self, args, state, control, logs=None, **kwargs):
        """Remember the training loss as the Trainer logged it, rounding included."""
        if logs and "loss" in logs:
            self._training_loss = logs["loss"]

    def on_epoch_end(self, args, state, control, **kwargs):
        """Have the Trainer save a checkpoint after this epoch's evaluation, whatever `save_strategy` says."""
        if self._stop_after is None:
            control.should_save = True
        if self._until_epoch is not None and round(state.epoch) >= self._until_epoch:
            control.should_training_stop = True

    def on_evaluate(self, args, state, control, metrics=None, model=None, **kwargs):
        """The epoch is measured: write it down, with a digest of the weights that were evaluated."""
        loss = (metrics or {}).get("eval_loss")
        self._log.emit(
            "epoch",
            epoch=round(state.epoch, 6),
            step=state.global_step,
            training_loss=None if self._training_loss is None else number(self._training_loss),
            validation_loss=None if loss is None else number(loss),
            digests={"weights": weights_digest(model)},
        )

    def on_save(self, args, state, control, **kwargs):
        """Complete the Trainer's checkpoint with what its own resume misses; the marker goes last."""
        folder = os.path.join(args.output_dir, f"checkpoint-{state.global_step}")
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as file:
                os.fsync(file.fileno())
        self._log.emit("checkpoint", step=state.global_step, folder=os.path.basename(folder))
        marker = {"step": state.global_step, "sequence": self._log.sequence, "random_state": random_state()}
        temporary = os.path.join(folder, MARKER + ".part")
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(marker, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, os.path.join(folder, MARKER))
        for old in _checkpoints(args.output_dir)[:-_KEPT]:
            shutil.rmtree(old)


def _checkpoints(folder):
    """Return the checkpoint folders, oldest first."""
    found = [(re.match(r"checkpoint-(\d+)$", name), name) for name in os.listdir(folder)]
    return [os.path.join(folder, name) for _, name in sorted((int(m[1]), name) for m, name in found if m)]


def _encode(tensor):
    return base64.b64encode(tensor.cpu().numpy().tobytes()).decode("ascii")


def _decode(text):
    return torch.from_numpy(numpy.frombuffer(base64.b64decode(text), dtype=numpy.uint8).copy())

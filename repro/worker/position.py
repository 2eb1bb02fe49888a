"""Where a training is inside its epoch, exactly: what the Trainer's own resume misses, kept and put back.

The Trainer goes on with the right weights, but inside an epoch not with the right random numbers. Since
accelerate feeds it, the loader fetches one batch ahead: the masks of that batch were drawn before the
checkpoint was written, those of the one after it were not. So the random state before each batch that is
fetched but not trained on yet is kept, and that of the epoch's begin, from which some samplers draw.
The loss that was summed since the last log, and where that was, are lost by the Trainer in every release.
"""

import collections
import math
import os

import torch
import transformers

from . import compat, random_states
from .digests import NO_EXAMPLES, order_digest

_GRADIENTS = "gradients.pt"


class Position:
    """Follows the batches from the collator into the training step.

    Args:
        resume: What `to_go_on` returned for the checkpoint that is gone on from, or None.

    Attributes:
        data_order: The digest of the training examples so far, in the order in which the collator got them.
    """

    def __init__(self, resume=None):
        self.data_order = resume["data_order"] if resume else NO_EXAMPLES
        self._resume = resume
        self._inside = False
        self._epoch_state = None
        self._trained = 0  # batches of this epoch
        self._ahead = collections.deque()  # fetched, not trained on: random state and order before each
        self._to_skip = 0
        self._states = collections.deque()  # to be put back: before the next fetches, the last one at save

    def begin_epoch(self):
        """The next epoch begins; its loader's iterator does not exist yet."""
        resume, self._resume = self._resume, None
        self._trained = resume["trained"] if resume else 0
        if resume:
            random_states.put_back(random_states.from_json(resume["epoch_state"]))
            self._states.extend(random_states.from_json(state) for state in resume["states"])
            self._to_skip = 0 if compat.skips_without_fetching() else self._trained
        self._epoch_state = random_states.random_state()
        self._ahead.clear()
        self._inside = True

    def end_epoch(self):
        """The epoch is trained; what is fetched from now on is not its data."""
        self._inside = False
        self._ahead.clear()

    def fetching(self, features):
        """The training's collator is about to draw for these examples."""
        if not self._inside:  # old releases fetch a batch of each epoch that is behind them
            return
        if self._to_skip:
            self._to_skip -= 1
            return
        if self._states:
            random_states.put_back(self._states.popleft())
        self._ahead.append((random_states.random_state(), self.data_order))
        self.data_order = order_digest(self.data_order, features)

    def training(self):
        """The batch that was fetched first of those ahead is about to be trained on."""
        if self._states:  # there was no other batch to fetch first
            random_states.put_back(self._states.pop())
            self._states.clear()
        self._ahead.popleft()
        self._trained += 1

    def to_go_on(self):
        """Return, as JSON can hold it, what is needed to go on from here."""
        now = random_states.to_json(random_states.random_state())
        if not self._inside:
            return {"epoch_state": now, "trained": 0, "states": [], "data_order": self.data_order}
        return {
            "epoch_state": random_states.to_json(self._epoch_state),
            "trained": self._trained,
            "states": [random_states.to_json(state) for state, _ in self._ahead] + [now],
            "data_order": self._ahead[0][1] if self._ahead else self.data_order,
        }


class WatchedTrainer(transformers.Trainer):
    """The environment's own Trainer, whose position is known and which goes on from one.

    Args:
        position: Told of each batch.
        resume: What `to_go_on` returned for the checkpoint that is gone on from, or None.
    """

    def __init__(self, position, resume, **passed):
        super().__init__(**passed)
        self._position = position
        self._resume = resume
        self._running_loss = None

    def to_go_on(self, folder):
        """Return what a checkpoint needs besides what the Trainer put into `folder`, and complete that."""
        # Releases that leave an incomplete group of batches at the end of an epoch carry its gradients over.
        gradients = {
            name: weight.grad
            for name, weight in self.model.named_parameters()
            if weight.grad is not None and bool(weight.grad.any())
        }
        if gradients:
            torch.save(gradients, os.path.join(folder, _GRADIENTS))
        loss = self._running_loss
        return dict(
            self._position.to_go_on(),
            running_loss=0.0 if loss is None else float(loss),
            last_logged=self._globalstep_last_logged,
        )

    def get_train_dataloader(self):
        """Watch what is fetched for the training; evaluations have the plain collator."""
        plain = self.data_collator

        def watched(features):
            self._position.fetching(features)
            return plain(features)

        self.data_collator = watched
        try:
            return super().get_train_dataloader()
        finally:
            self.data_collator = plain

    def training_step(self, *args, **kwargs):
        """Train on one batch; the first one after going on puts back what was summed up before it."""
        self._position.training()
        resume, self._resume = self._resume, None
        if resume is None:
            return super().training_step(*args, **kwargs)
        self._globalstep_last_logged = resume["last_logged"]
        self._put_back_gradients(resume["folder"])
        loss = super().training_step(*args, **kwargs)
        running = torch.tensor(resume["running_loss"], dtype=loss.dtype, device=loss.device)
        if getattr(self.args, "logging_nan_inf_filter", False) and not math.isfinite(float(loss)):
            # What the Trainer adds in the place of such a loss: the mean of those since the last log.
            loss = running / (1 + self.state.global_step - self._globalstep_last_logged)
        return running + loss

    def _put_back_gradients(self, folder):
        path = os.path.join(folder, _GRADIENTS)
        if os.path.exists(path):
            kept = torch.load(path, map_location=self.args.device)
            for name, weight in self.model.named_parameters():
                if name in kept:
                    weight.grad = kept[name]

    def _maybe_log_save_evaluate(self, tr_loss, *args, **kwargs):
        self._running_loss = tr_loss  # a tensor that the Trainer sets to zero in place when it logs
        return super()._maybe_log_save_evaluate(tr_loss, *args, **kwargs)

    def _load_rng_state(self, checkpoint):
        """Leave the random states alone: the position puts them back, each where it belongs."""

"""Takes the time of a training's phases, from both sides of the callback that every run has.

What is measured is the run itself: the environment's Trainer, the run's own events, digests and checkpoints.
Only the end comes sooner, and a large evaluation set is evaluated in part.
"""

import os
import sys
import time

import torch
import transformers

#: Without a number of steps: as many as this time allows, and no fewer than give a mean without the first.
_LEAST_STEPS = 4
_ENOUGH_SECONDS = 20.0


class Stopwatch:
    """Measures a training for a few steps and then ends it.

    Args:
        steps: Steps to measure; None for as many as fit into twenty seconds, at least four.
        most_evaluated: Examples of which an evaluation is measured; the Trainer gets no more.
        checkpoints: The folder of the checkpoints.

    Attributes:
        began: When the training began, in seconds since 1970.
        steps: Seconds of each step, the fetching of its batch included.
        shapes: Rows and padded tokens of each training batch that the collator made, in their order.
        evaluations: Seconds of each evaluation.
        digests: Seconds that the run's own callback took at each.
        checkpoints: Seconds of each checkpoint, from the end of the evaluation to the marker.
        checkpoint_bytes: Size of the last checkpoint.
        trainer: The Trainer.
        train_lengths: Tokens of each training example.
        eval_lengths: Tokens of each evaluation example, of all of them.
        evaluated: Numbers of the examples that an evaluation here has.
        resident_bytes: Memory of this process before the training; None where the system does not say.
    """

    def __init__(self, steps, most_evaluated, checkpoints):
        self._checkpoints = checkpoints
        self._most_steps = steps
        self._most_evaluated = most_evaluated
        self._last = self._opened = self._first = 0.0
        self._training = (
            False  # inside an epoch: `model.training` is false when a later one's first batch is made
        )
        self.began = 0.0
        self.steps, self.shapes, self.evaluations, self.digests, self.checkpoints = [], [], [], [], []
        self.checkpoint_bytes = 0
        self.trainer = None
        self.train_lengths, self.eval_lengths, self.evaluated = [], [], []
        self.resident_bytes = None

    def around(self, recorder):
        """Return the run's callback between the two of this stopwatch."""
        return [_Before(self), recorder, _After(self)]

    def begin(self, trainer):
        """Look at data and batches; called before the training."""
        self.trainer = trainer
        self.train_lengths = _lengths(trainer.train_dataset)
        self.eval_lengths = _lengths(trainer.eval_dataset)
        self.evaluated = _spread_batches(
            len(self.eval_lengths), trainer.args.eval_batch_size, self._most_evaluated
        )
        if len(self.evaluated) < len(self.eval_lengths):
            trainer.eval_dataset = _part(trainer.eval_dataset, self.evaluated)
        trainer.data_collator = self._noting_shapes(trainer.data_collator)
        self.resident_bytes = _resident_bytes()

    def train_begins(self):
        """The phase begins that a run's record calls its training."""
        self.began = time.time()
        self._first = self.epoch_begins()

    def epoch_begins(self):
        """What came since the last step belongs to no step."""
        self._training = True
        self._last = self._now()
        return self._last

    def step_ends(self):
        """A step is done, before the run's callback hears of it."""
        now = self._now()
        self.steps.append(now - self._last)
        self._last = now

    def enough(self):
        """Tell whether to stop."""
        if self._most_steps is not None:
            return len(self.steps) >= self._most_steps
        return len(self.steps) >= _LEAST_STEPS and self._last - self._first >= _ENOUGH_SECONDS

    def epoch_ends(self):
        """The evaluation comes next."""
        self._training = False
        self._opened = self._now()

    def evaluated_before(self):
        """An evaluation is done, before the run's callback hears of it."""
        now = self._now()
        self.evaluations.append(now - self._opened)
        self._opened = now

    def evaluated_after(self):
        """The run's callback has digested the weights and written the epoch down; a checkpoint comes next."""
        now = self._now()
        self.digests.append(now - self._opened)
        self._opened = now

    def saved(self, step):
        """A checkpoint is complete."""
        self.checkpoints.append(self._now() - self._opened)
        folder = os.path.join(self._checkpoints, "checkpoint-%d" % step)
        self.checkpoint_bytes = sum(
            os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder)
        )

    def _noting_shapes(self, collate):
        def noting(features):
            batch = collate(features)
            if self._training:
                self.shapes.append(list(batch["input_ids"].shape))
            return batch

        return noting

    def _now(self):
        """Return the time at which everything that was asked for so far is done, on a GPU, too."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.monotonic()


class _Before(transformers.TrainerCallback):
    def __init__(self, watch):
        self._watch = watch

    def on_step_end(self, args, state, control, **kwargs):
        self._watch.step_ends()

    def on_evaluate(self, args, state, control, **kwargs):
        self._watch.evaluated_before()


class _After(transformers.TrainerCallback):
    def __init__(self, watch):
        self._watch = watch

    def on_train_begin(self, args, state, control, **kwargs):
        self._watch.train_begins()

    def on_epoch_begin(self, args, state, control, **kwargs):
        self._watch.epoch_begins()

    def on_step_end(self, args, state, control, **kwargs):
        if self._watch.enough():
            control.should_training_stop = True

    def on_epoch_end(self, args, state, control, **kwargs):
        control.should_evaluate = True  # whatever the strategy says: it is to be measured once
        self._watch.epoch_ends()

    def on_evaluate(self, args, state, control, **kwargs):
        self._watch.evaluated_after()

    def on_save(self, args, state, control, **kwargs):
        self._watch.saved(state.global_step)


def peak_bytes():
    """Return the most memory that this process had so far; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _resident_bytes():
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


def _lengths(dataset):
    """Return the tokens of each example, without padding."""
    if "input_ids" in (getattr(dataset, "column_names", None) or ()):
        return [len(each) for each in dataset["input_ids"]]  # only this column is read
    return [len(dataset[at]["input_ids"]) for at in range(len(dataset))]


def _spread_batches(count, batch, most):
    """Return numbers of examples: whole batches, spread evenly, as many as `most` examples hold."""
    batches = [range(at, min(at + batch, count)) for at in range(0, count, batch)]
    taken = max(1, most // batch)
    if taken < len(batches):
        batches = [batches[at * len(batches) // taken] for at in range(taken)]
    return [number for each in batches for number in each]


def _part(dataset, numbers):
    """Return some of the examples; of `datasets`' kind where it was, since the Trainer looks for that."""
    if hasattr(dataset, "select"):
        return dataset.select(numbers)
    return torch.utils.data.Subset(dataset, numbers)

"""`--fast`: the same training for less work (`same-stream`), and with today's means on top (`modern`).

The means of `same-stream` leave every random number where it was. What depends on the model is tried on it
before it is taken: where it does not come out the same, the training stays as published, and the record says
so.
"""

import ctypes
import functools
import inspect

import torch

from . import modern, random_states, tokenised

# Under these names models keep the first module behind their encoder that only the masked positions need.
HEADS = ("cls", "lm_head", "predictions", "generator_predictions", "vocab_transform", "pred_layer", "head")
IGNORED = -100  # the label of a position that counts in no loss
_CLOSE = 1e-5


class Fast:
    """What `--fast` does to one training; nothing where nothing was asked for.

    Args:
        mode: `same-stream`, `modern`, or None.
        device: `cpu` or `cuda`.

    Attributes:
        means: What is done, by its name.
        left_out: What is not, and why.
    """

    def __init__(self, mode, device):
        self.mode = mode
        self.means, self.left_out = {}, {}
        self._device = device
        if mode and device == "cpu":
            self._note("freed memory", "kept by the C library", "" if keep_memory() else "this is not glibc")

    def data(self, build, request, tokenizer):
        """Return the training and the evaluation set: the case's `build`, or what it made before."""
        if not self.mode:
            return build(request["data"]["file"], tokenizer, request["sequence_length"])
        train, evaluation, self.means["tokenised data"] = tokenised.tokenised(build, request, tokenizer)
        return train, evaluation

    def arguments(self, arguments):
        """Return the training arguments; today's means change some."""
        if self.mode != "modern":
            return arguments
        changed, means, left_out = modern.arguments(arguments, self._device)
        self.means.update(means)
        self.left_out.update(left_out)
        return dict(arguments, **changed)

    def take(self, trainer, log):
        """Change what the Trainer does, before it begins, and write down what was changed."""
        if not self.mode:
            return
        model = trainer.model
        if self.mode == "modern":
            self._note("attention", *modern.attention(model))
        hooked, name = masked_head(model)
        if hooked is None:
            self.left_out["head on masked positions"] = name
        else:
            trainer.compute_loss = functools.partial(hooked.compute, trainer.compute_loss)
            self.means["language-model head"] = f"on masked positions ({name})"
        self._note("gradients", "freed after each step", drop_gradients(model))
        if self.mode == "modern":
            self._note("torch.compile", *modern.compiled(model, self._device))
        log.emit("fast", mode=self.mode, means=self.means, left_out=self.left_out)

    def _note(self, what, how, why_not):
        if why_not:
            self.left_out[what] = why_not
        else:
            self.means[what] = how


class MaskedHead:
    """Sends only the masked positions through a model's language-model head.

    The model's own code computes the loss, from fewer rows: a mean over masked positions is the same mean.
    Nothing is drawn at random behind the encoder, so dropout falls where it fell.

    Args:
        head: The module whose first argument is the encoder's output, batch by length by width.
    """

    def __init__(self, head):
        self._positions = None
        self._hook = head.register_forward_pre_hook(self._gather)

    def remove(self):
        """Leave the model as it was."""
        self._hook.remove()

    def _gather(self, module, inputs):
        if self._positions is None:
            return None
        return (inputs[0].flatten(0, 1).index_select(0, self._positions), *inputs[1:])

    def compute(self, compute_loss, model, inputs, *args, **kwargs):
        """Call a Trainer's `compute_loss` with the labels of the masked positions only."""
        labels = inputs.get("labels")
        if labels is None:
            return compute_loss(model, inputs, *args, **kwargs)
        labels = labels.flatten()
        self._positions = (labels != IGNORED).nonzero().flatten()
        try:
            masked = dict(inputs, labels=labels.index_select(0, self._positions))
            return compute_loss(model, masked, *args, **kwargs)
        finally:
            self._positions = None


def masked_head(model):
    """Find the head of a model, and try on a few made-up tokens whether it may see masked positions only.

    Args:
        model: A masked-language model.

    Returns:
        The hooked `MaskedHead` and the head's name; or None and why the model stays as it is.
    """
    known = [name for name in HEADS if isinstance(getattr(model, name, None), torch.nn.Module)]
    reason = f"{type(model).__name__} has no head that is known"
    for name in known:
        hooked = MaskedHead(getattr(model, name))
        reason = _otherwise(model, hooked)
        if not reason:
            return hooked, name
        hooked.remove()
        reason = f"{type(model).__name__}.{name}: {reason}"
    return None, reason


def _otherwise(model, hooked):
    """Say what comes out otherwise when a head sees masked positions only; empty where nothing does.

    Both ways start from the same random state with dropout on: the loss tells whether the same was computed,
    the state behind it whether the same numbers were drawn. The caller's random state is put back.
    """
    state, training = random_states.random_state(), model.training
    try:
        inputs = _few_tokens(model)
        model.train()
        with torch.no_grad():
            expected, after = float(_loss(model, inputs)), random_states.random_state()
            random_states.put_back(state)
            found = float(hooked.compute(_loss, model, inputs))
            drawn = random_states.random_state()
    except Exception as error:  # noqa: BLE001 - whatever a model makes of it, the published path is there
        return " ".join(f"{type(error).__name__}: {error}".split())[:160]
    finally:
        model.train(training)
        random_states.put_back(state)
    if random_states.to_json(drawn) != random_states.to_json(after):
        return "other random numbers are drawn"
    if not abs(found - expected) <= _CLOSE * max(1.0, abs(expected)):
        return f"the loss is {found:.6f} instead of {expected:.6f}"
    return ""


def _few_tokens(model):
    device = next(model.parameters()).device
    tokens = (torch.arange(16, device=device) % model.config.vocab_size).reshape(2, 8)
    labels = torch.full_like(tokens, IGNORED)
    labels[0, 3], labels[1, 1], labels[1, 6] = tokens[0, 3], tokens[1, 1], tokens[1, 6]
    return {"input_ids": tokens, "attention_mask": torch.ones_like(tokens), "labels": labels}


def _loss(model, inputs):
    outputs = model(**inputs)
    return outputs["loss"] if isinstance(outputs, dict) else outputs[0]


def keep_memory():
    """Have the C library keep what is freed: large tensors are not mapped, zeroed and unmapped at each step.

    Returns:
        Whether this is glibc, whose allocator can be told so.
    """
    mmap_max, trim_threshold = -4, -1  # M_MMAP_MAX and M_TRIM_THRESHOLD of malloc.h
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(mmap_max, 0) and mallopt(trim_threshold, 2**31 - 1))


def drop_gradients(model):
    """Have the gradients' buffers freed after each step, not filled with zeros.

    No memory is held for them while the model is evaluated, and the first gradient is stored, not added.

    Returns:
        Why that would change the training; empty where it is done, or where it is this torch's default.
    """
    setting = inspect.signature(model.zero_grad).parameters.get("set_to_none")
    if setting is None:
        return "this torch cannot free them"
    if any(getattr(model.config, name, 0) for name in ("layerdrop", "encoder_layerdrop")):
        return "layers that are dropped at random would miss an update"
    if not setting.default:
        model.zero_grad = functools.partial(model.zero_grad, set_to_none=True)
    return ""

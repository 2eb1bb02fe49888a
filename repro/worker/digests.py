"""Digests of what a training is made of, taken at each epoch: where two runs part, one of them differs first.

Nothing here draws a random number, and equal values have equal digests on every release: dictionaries are
walked in the order of their keys, tensors and arrays count by type, shape and bytes.
"""

import hashlib

import numpy
import torch

# What the order of no example digests to.
NO_EXAMPLES = "0" * 64


def digest_of(value):
    """Return the SHA-256 of nested dictionaries, sequences, tensors, arrays and plain values."""
    digest = hashlib.sha256()
    _walk(value, digest)
    return digest.hexdigest()


def weights_digest(model):
    """Return the SHA-256 over all weights and buffers: name, type, shape and bytes, in the order of names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update((f"{name} {tensor.dtype} {tuple(tensor.shape)}\n").encode())
        digest.update(_bytes(tensor))
    return digest.hexdigest()


def order_digest(before, features):
    """Return the digest of the data order after some more training examples.

    Args:
        before: The digest before them, `NO_EXAMPLES` at the start.
        features: The examples, in the order in which the collator got them.

    Returns:
        For each example the SHA-256 of the 32 bytes before it, the count of its `input_ids` and these
        themselves, as little-endian int64; so it does not depend on how examples are put into batches.
    """
    for feature in features:
        ids = numpy.asarray(feature["input_ids"], dtype="<i8").reshape(-1)
        count = numpy.asarray(ids.size, dtype="<i8")
        before = hashlib.sha256(bytes.fromhex(before) + count.tobytes() + ids.tobytes()).hexdigest()
    return before


def _walk(value, digest):
    if isinstance(value, dict):
        digest.update(b"{%d\n" % len(value))
        for key, inner in sorted(value.items(), key=lambda item: (type(item[0]).__name__, item[0])):
            _walk(key, digest)
            _walk(inner, digest)
    elif isinstance(value, (list, tuple)):
        digest.update(b"[%d\n" % len(value))
        for inner in value:
            _walk(inner, digest)
    elif torch.is_tensor(value):
        digest.update((f"{value.dtype} {tuple(value.shape)}\n").encode())
        digest.update(_bytes(value))
    elif isinstance(value, numpy.ndarray):
        digest.update((f"{value.dtype} {value.shape}\n").encode())
        digest.update(numpy.ascontiguousarray(value).tobytes())
    else:
        digest.update((f"{type(value).__name__} {value!r}\n").encode())


def _bytes(tensor):
    tensor = tensor.detach().cpu().contiguous()
    if tensor.dtype == torch.bfloat16:  # numpy has no such type; the bytes are what matters
        tensor = tensor.view(torch.int16)
    return memoryview(tensor.numpy().reshape(-1))

"""The random states of a process: looked at, kept as JSON, put back; never drawn from."""

import base64
import random

import numpy
import torch


def random_state():
    """Return Python's, numpy's and torch's random states, as these libraries give them."""
    state = {"python": random.getstate(), "numpy": numpy.random.get_state(), "torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def put_back(state):
    """Put back what `random_state` returned."""
    random.setstate(state["python"])
    numpy.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if "cuda" in state:
        torch.cuda.set_rng_state_all(state["cuda"])


def to_json(state):
    """Return a random state as JSON can hold it."""
    version, internal, gauss = state["python"]
    name, keys, position, has_gauss, cached = state["numpy"]
    plain = {
        "python": [version, list(internal), gauss],
        "numpy": [name, keys.tolist(), position, has_gauss, cached],
        "torch": _encode(state["torch"]),
    }
    if "cuda" in state:
        plain["cuda"] = [_encode(each) for each in state["cuda"]]
    return plain


def from_json(plain):
    """Return the random state that `to_json` was given."""
    version, internal, gauss = plain["python"]
    name, keys, position, has_gauss, cached = plain["numpy"]
    state = {
        "python": (version, tuple(internal), gauss),
        "numpy": (name, numpy.array(keys, dtype=numpy.uint32), position, has_gauss, cached),
        "torch": _decode(plain["torch"]),
    }
    if "cuda" in plain:
        state["cuda"] = [_decode(each) for each in plain["cuda"]]
    return state


def _encode(tensor):
    return base64.b64encode(tensor.cpu().numpy().tobytes()).decode("ascii")


def _decode(text):
    return torch.from_numpy(numpy.frombuffer(base64.b64decode(text), dtype=numpy.uint8).copy())

"""Which printed digits differ between a run of `--fast same-stream` and one of the published path."""

from __future__ import annotations

from collections.abc import Iterator

from repro.records.run import Measured, Run

#: How far a loss of the same random stream may lie from the published path's.
CLOSE = 1e-4
_METRICS = (("training loss", "training_loss"), ("validation loss", "validation_loss"))


def printed_differences(fast: Run, published_path: Run | None) -> tuple[str, ...]:
    """Return in sentences which values print otherwise, and how far the losses lie apart.

    Args:
        fast: The run of `--fast same-stream`.
        published_path: The run without it, alike in all else; None where there is none.
    """
    if published_path is None:
        return (
            "--fast same-stream: there is no finished run of the published path beside this one to compare "
            "printed digits with",
        )
    return tuple(_sentences(fast, published_path))


def _sentences(fast: Run, other: Run) -> Iterator[str]:
    pairs = list(zip(fast.epochs, other.epochs, strict=False))
    for title, name in _METRICS:
        values = [(at.epoch, getattr(theirs, name), getattr(at, name)) for at, theirs in pairs]
        known = [(epoch, float(a), float(b)) for epoch, a, b in values if a is not None and b is not None]
        if not known:
            continue
        apart = max(abs(a - b) for _, a, b in known)
        # Written so that a difference that is not a number is told, too.
        far = "" if apart <= CLOSE else f", which is more than {CLOSE:g}"
        differ = [
            f"epoch {epoch:g}: {_printed(name, b)} instead of {_printed(name, a)}"
            for epoch, a, b in known
            if _printed(name, a) != _printed(name, b)
        ]
        what = (
            f"{len(differ)} of {len(known)} print otherwise ({'; '.join(differ)})"
            if differ
            else "all print alike"
        )
        yield (
            f"--fast same-stream, {title} beside run {other.id} of the published path: {what}; "
            f"at most {apart:.2g} apart{far}"
        )


def _printed(name: str, value: Measured) -> str:
    """Return a loss as a generated card prints it: the Trainer rounds the training loss when it logs."""
    return str(value) if name == "training_loss" else f"{float(value):.4f}"

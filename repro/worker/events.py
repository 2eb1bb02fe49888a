"""The event log: one JSON object a line, flushed, with a sequence number."""

import json
import math
import os
import time


def number(value):
    """Return a float as JSON can hold it: what is not finite becomes `"nan"`, `"inf"` or `"-inf"`."""
    value = float(value)
    return value if math.isfinite(value) else str(value)


class EventLog:
    """Appends events to a file.

    Args:
        path: The file; made if missing.
        keep: Events with a sequence number up to this one stay, all later ones are dropped. This is how a
            run that goes on from a checkpoint forgets what happened after it.
    """

    def __init__(self, path, keep=0):
        kept = _lines_up_to(path, keep) if os.path.exists(path) else []
        temporary = path + ".part"
        with open(temporary, "wb") as file:
            file.writelines(kept)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        self.sequence = keep if kept else 0
        self._file = open(path, "ab")  # noqa: SIM115 - open as long as the training

    def emit(self, event, **fields):
        """Append one event and flush it."""
        self.sequence += 1
        record = dict(event=event, sequence=self.sequence, time=round(time.time(), 3), **fields)
        self._file.write(json.dumps(record, allow_nan=False).encode("utf-8") + b"\n")
        self._file.flush()

    def close(self):
        """Close the file; everything emitted is already in it."""
        self._file.close()


def _lines_up_to(path, keep):
    """Return the whole lines whose sequence number is at most `keep`; stop at the first broken one."""
    kept = []
    with open(path, "rb") as file:
        for line in file:
            try:
                sequence = json.loads(line.decode("utf-8"))["sequence"]
            except (ValueError, KeyError, TypeError):
                break
            if not line.endswith(b"\n") or sequence > keep:
                break
            kept.append(line)
    return kept

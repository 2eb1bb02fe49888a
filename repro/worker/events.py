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
        after: The sequence number of the last event in it. Whoever goes on from a checkpoint has dropped
            what came behind it before this process started.
    """

    def __init__(self, path, after=0):
        self.sequence = after
        self._file = open(path, "ab")  # noqa: SIM115 - open as long as the training

    def emit(self, event, **fields):
        """Append one event and flush it."""
        self.sequence += 1
        record = dict(event=event, sequence=self.sequence, time=round(time.time(), 3), **fields)
        self._file.write(json.dumps(record, allow_nan=False).encode("utf-8") + b"\n")
        self._file.flush()

    def flush(self):
        """Have the system write all events to the disk: they survive the machine's end, too."""
        os.fsync(self._file.fileno())

    def close(self):
        """Close the file; everything emitted is already in it."""
        self._file.close()

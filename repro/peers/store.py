"""Where what was found is kept: a folder in the program's cache for each case, with record and table."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from msgspec.structs import replace

from repro.environments.cache import cache_folder
from repro.errors import BadInput
from repro.peers.table import to_csv
from repro.records.codec import load, save, write_atomic
from repro.records.peers import Peers

_RECORD, _TABLE = "peers.json", "peers.csv"
_LONGEST = 60


class Store:
    """The kept replicates of one case.

    Args:
        name: What the case is called; the folder's name begins with it.
        identity: What tells it from every other case: a bundled name, an absolute path, or an address.
    """

    def __init__(self, name: str, identity: str) -> None:
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:_LONGEST] or "case"
        digest = hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()[:12]
        self.folder = cache_folder() / "peers" / f"{plain}-{digest}"

    @property
    def table(self) -> Path:
        """Where the table lies."""
        return self.folder / _TABLE

    def load(self) -> Peers | None:
        """Return what was kept, None where nothing was or it cannot be read."""
        try:
            return load(self.folder / _RECORD, Peers)
        except BadInput:
            return None

    def save(self, peers: Peers) -> Peers:
        """Keep it, the record last; returns it with the place of its table.

        Raises:
            BadInput: The cache cannot be written.
        """
        write_atomic(self.table, to_csv(peers.kept))
        save(self.folder / _RECORD, peers)
        return self.place(peers)

    def place(self, peers: Peers) -> Peers:
        """Return it with the place of its table, which is written again where it is gone."""
        if not self.table.is_file():
            write_atomic(self.table, to_csv(peers.kept))
        return replace(peers, csv=str(self.table))

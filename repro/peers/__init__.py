"""Public replicates of a case: found on the Hub, compared by recipe, stored, and written as a table."""

from repro.peers.collect import Options, find_peers
from repro.peers.table import to_csv

__all__ = ["Options", "find_peers", "to_csv"]

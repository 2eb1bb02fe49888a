"""Start the worker, follow its events, go on after a stop; and the run's folder on disk."""

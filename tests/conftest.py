"""What all tests share: no test touches the user's own caches, but for the large environments."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before any test module imports huggingface_hub, which reads it then.
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_UPDATE_CHECK"] = "1"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the program's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("REPRO_CACHE_DIR", str(folder))
    return folder

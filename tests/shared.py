"""Real data and oracles that are not part of this repository: a test that needs them skips where they are absent."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("DRYLANDS_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def need(relative: str) -> Path:
    """The path of a shared file or folder, or a skip that names it."""
    path = SHARED / relative
    if not path.exists():
        pytest.skip(f"shared data absent: {relative} (set DRYLANDS_SHARED to the folder that holds it)")
    return path

"""A folder to work in."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Empty, in a folder that holds what an app keeps beside it."""
    made = tmp_path / "work"
    made.mkdir()
    return made
